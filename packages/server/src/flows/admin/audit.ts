import type { AppContext } from '../../context.ts';
import { eventFollower } from '../../core/events/follow.ts';
import { type EventQuery, listEventPage, pagesOfEvents, type RecordedEvent } from '../../core/events.ts';
import { usernamesOf } from '../../core/users.ts';

/** A page of the audit record, newest first, and after which event it goes on. */
export interface EventPage {
  events: RecordedEvent[];
  next: string | null;
  /** The usernames of whom the events are about and who did them, by id. */
  names: ReadonlyMap<string, string>;
}

export async function readEvents({ db }: Pick<AppContext, 'db'>, asked: EventQuery): Promise<EventPage> {
  const { events, next } = await listEventPage(db, asked);
  return { events, next, names: await usernamesOf(db, peopleIn(events)) };
}

/** All events that are asked for, page by page. */
export const readAllEvents = (
  { db }: Pick<AppContext, 'db'>,
  asked: EventQuery,
): AsyncIterable<RecordedEvent[]> => pagesOfEvents(db, asked);

/** Looks for new events, each time it is called. @param after The id of an event that is known. */
export function followRecord(
  { db, clock }: Pick<AppContext, 'db' | 'clock'>,
  asked: Omit<EventQuery, 'before'>,
  after: string | undefined,
) {
  const look = eventFollower(db, asked, after);
  return async () => {
    const { events, isCut } = await look(clock.now());
    return {
      events,
      isCut,
      names: events.length === 0 ? new Map() : await usernamesOf(db, peopleIn(events)),
    };
  };
}

const peopleIn = (events: readonly RecordedEvent[]): string[] => [
  ...new Set(events.flatMap(({ userId, actorId }) => [userId, actorId]).filter((id) => id !== null)),
];
