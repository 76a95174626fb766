import type { AppContext } from '../../context.ts';
import { eventFollower } from '../../core/events/follow.ts';
import { type EventQuery, listEventPage, pagesOfEvents, type RecordedEvent } from '../../core/events.ts';
import { usernamesOf } from '../../core/users.ts';

/** A page of audit events, newest first; `next` is the cursor of the next page. */
export interface EventPage {
  events: RecordedEvent[];
  next: string | null;
  /** The usernames of the subjects and actors, by id. */
  names: ReadonlyMap<string, string>;
}

export async function readEvents({ db }: Pick<AppContext, 'db'>, query: EventQuery): Promise<EventPage> {
  const { events, next } = await listEventPage(db, query);
  return { events, next, names: await usernamesOf(db, peopleIn(events)) };
}

/** All matching events, page by page. */
export const readAllEvents = (
  { db }: Pick<AppContext, 'db'>,
  query: EventQuery,
): AsyncIterable<RecordedEvent[]> => pagesOfEvents(db, query);

/** Fetches the new events on each call. @param after The id of a known event. */
export function followRecord(
  { db, clock }: Pick<AppContext, 'db' | 'clock'>,
  query: Omit<EventQuery, 'before'>,
  after: string | undefined,
) {
  const look = eventFollower(db, query, after);
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
