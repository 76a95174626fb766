import type { Db } from '../../platform/db/index.ts';
import { eventTime } from '../../platform/random.ts';
import { type EventQuery, listEvents, type RecordedEvent } from '../events.ts';

/** How late an event may appear because its transaction began earlier, in milliseconds. */
const LATEST = 15_000;

/** The result of one poll: the events that the previous poll did not find, newest first. */
export interface Followed {
  events: RecordedEvent[];
  /** Whether the poll read its maximum, so there may be more events. */
  isCut: boolean;
}

/**
 * Follows the audit log. Each poll reads at most `query.limit` events, the newest.
 *
 * @param after An event's id: the first poll returns the events after it; without one, those of the last few seconds.
 */
export function eventFollower(
  db: Db,
  query: Omit<EventQuery, 'before'>,
  after: string | undefined,
): (now: number) => Promise<Followed> {
  let looked = after === undefined ? Number.POSITIVE_INFINITY : eventTime(after);
  let seen: ReadonlySet<string> | undefined;
  return async (now) => {
    // Since the previous poll, however long ago: the process may have been suspended.
    const since = Math.min(now, looked) - LATEST;
    const recent = await listEvents(db, { ...query, since: Math.max(since, query.since ?? 0) });
    const events = recent.filter(({ id }) => (seen ? !seen.has(id) : id > (after ?? '')));
    looked = now;
    seen = new Set(recent.map(({ id }) => id));
    return { events, isCut: events.length === query.limit };
  };
}
