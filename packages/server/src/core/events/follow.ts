import type { Db } from '../../platform/db/index.ts';
import { eventTime } from '../../platform/random.ts';
import { type EventQuery, listEvents, type RecordedEvent } from '../events.ts';

/** How late an event may still come in, because its transaction began earlier; milliseconds. */
const LATEST = 15_000;

/** What a look has found: events that were not there at the look before, newest first. */
export interface Followed {
  events: RecordedEvent[];
  /** As many as a look reads at most: there may be more of them. */
  isCut: boolean;
}

/**
 * Follows the audit record. Each look reads at most `asked.limit` events, the newest.
 *
 * @param after The id of an event: the first look finds those after it, without one those of the last seconds.
 */
export function eventFollower(
  db: Db,
  query: Omit<EventQuery, 'before'>,
  after: string | undefined,
): (now: number) => Promise<Followed> {
  let looked = after === undefined ? Number.POSITIVE_INFINITY : eventTime(after);
  let seen: ReadonlySet<string> | undefined;
  return async (now) => {
    // From the last look on, however long ago: this process may have stood still.
    const since = Math.min(now, looked) - LATEST;
    const recent = await listEvents(db, { ...query, since: Math.max(since, query.since ?? 0) });
    const events = recent.filter(({ id }) => (seen ? !seen.has(id) : id > (after ?? '')));
    looked = now;
    seen = new Set(recent.map(({ id }) => id));
    return { events, isCut: events.length === query.limit };
  };
}
