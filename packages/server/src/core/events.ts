import { anonymousEvents, type EventDetail, type EventName } from '../events.ts';
import type { Db } from '../platform/db/index.ts';
import { firstEventId, newEventId } from '../platform/random.ts';

/** The client and the request that caused an event. */
export interface ClientInfo {
  requestId: string | null;
  ip: string | null;
  userAgent: string | null;
}

/** The command line has no request. */
export const OPERATOR: ClientInfo = { requestId: null, ip: null, userAgent: null };

export interface NewEvent {
  /** The account that it concerns; null if none. */
  userId: string | null;
  /** Who caused it: a user's id, `operator` for the command line, null for a stranger. */
  actorId: string | null;
  sessionId?: string;
  details?: Partial<Record<EventDetail, string | number | boolean>>;
}

/** Appends an event to the audit log, in the transaction of the change. Details never contain a secret. */
export async function recordEvent(
  tx: Db,
  name: EventName,
  client: ClientInfo,
  event: NewEvent,
  now: number,
): Promise<void> {
  await recordEvents(tx, name, client, [event], now);
}

/** Appends many events of one kind. */
export async function recordEvents(
  tx: Db,
  name: EventName,
  client: ClientInfo,
  events: readonly NewEvent[],
  now: number,
): Promise<void> {
  if (events.length === 0) return;
  const rows = events.map((event) => ({
    id: newEventId(now),
    at: now,
    name,
    user_id: event.userId,
    actor_id: event.actorId,
    session_id: event.sessionId ?? null,
    request_id: client.requestId,
    ip: client.ip,
    user_agent: client.userAgent,
    details: JSON.stringify(event.details ?? {}),
  }));
  await tx.insertInto('events').values(rows).execute();
}

/** An event as its owner sees it. */
export interface EventView {
  id: string;
  name: string;
  at: number;
  sessionId: string | null;
  ip: string | null;
  userAgent: string | null;
}

/** The newest events that concern a user, newest first, as that user sees them: without the clients of other actors. */
export async function eventsOf(db: Db, userId: string, most: number): Promise<EventView[]> {
  const events = await listEvents(db, { userId, limit: most });
  return events.map(forOwner);
}

/** The same in pages, so they are never all in memory. */
export async function* pagesOfEventsOf(db: Db, userId: string, most: number): AsyncGenerator<EventView[]> {
  for await (const events of pagesOfEvents(db, { userId, limit: most })) yield events.map(forOwner);
}

const forOwner = (event: RecordedEvent): EventView =>
  isByOther(event) ? { ...event, ip: null, userAgent: null } : event;

/** Whether someone else caused it, an administrator or the operator, rather than the user whom it concerns. */
export const isByOther = ({ userId, actorId }: Pick<RecordedEvent, 'userId' | 'actorId'>): boolean =>
  actorId !== null && actorId !== userId;

/** An event with everything that was recorded. */
export interface RecordedEvent extends EventView {
  userId: string | null;
  actorId: string | null;
  requestId: string | null;
  details: Record<string, string | number | boolean>;
}

/** The number of events of each of these kinds from one time on and before another. */
export async function countEvents(
  db: Db,
  names: readonly EventName[],
  from: number,
  until: number,
): Promise<ReadonlyMap<string, number>> {
  const rows = await db
    .selectFrom('events')
    .select(['name', (events) => events.fn.countAll<number>().as('count')])
    .where('name', 'in', names)
    .where('id', '>=', firstEventId(from))
    .where('id', '<', firstEventId(until))
    .groupBy('name')
    .execute();
  return new Map(rows.map(({ name, count }) => [name, count]));
}

/** A filter for events: those that match all given fields. */
export interface EventQuery {
  userId?: string | undefined;
  name?: EventName | undefined;
  requestId?: string | undefined;
  ip?: string | undefined;
  /** From this time on and before that one; milliseconds since 1970. */
  since?: number | undefined;
  until?: number | undefined;
  /** The cursor: the id before which the page begins. */
  before?: string | undefined;
  limit: number;
}

/** A page of events, newest first. Ids sort by time, so the last id of a page is its cursor. */
export async function listEvents(db: Db, filter: EventQuery): Promise<RecordedEvent[]> {
  const { ip, limit } = filter;
  const events = eventsWith(db, filter);
  const query =
    ip === undefined
      ? events
      : db
          .selectFrom(events.limit(READ_FOR_IP).as('events'))
          .selectAll()
          .where('ip', '=', ip)
          .orderBy('id', 'desc');
  const rows = await query.limit(limit).execute();
  return rows.map((row) => ({ ...row, details: JSON.parse(row.details) }));
}

/** No index finds the events of an IP address: a page of them is searched in so many of the other filters. */
const READ_FOR_IP = 20_000;

/** The events with the filters that an index supports, newest first. */
function eventsWith(db: Db, { userId, name, requestId, since, until, before }: EventQuery) {
  let query = db
    .selectFrom('events')
    .select(['id', 'name', 'at', 'session_id as sessionId', 'ip', 'user_agent as userAgent', 'details'])
    .select(['user_id as userId', 'actor_id as actorId', 'request_id as requestId'])
    .orderBy('id', 'desc');
  if (userId !== undefined) query = query.where('user_id', '=', userId);
  if (name !== undefined) query = query.where('name', '=', name);
  if (requestId !== undefined) query = query.where('request_id', '=', requestId);
  if (since !== undefined) query = query.where('id', '>=', firstEventId(since));
  if (until !== undefined) query = query.where('id', '<', firstEventId(until));
  return before === undefined ? query : query.where('id', '<', before);
}

/**
 * A page of events, newest first, and the event that the next page goes on after; null where there is no more. A page of
 * an IP address may be shorter than its limit and still have a next one.
 */
export async function listEventPage(
  db: Db,
  query: EventQuery,
): Promise<{ events: RecordedEvent[]; next: string | null }> {
  const found = await listEvents(db, { ...query, limit: query.limit + 1 });
  const events = found.slice(0, query.limit);
  if (found.length > query.limit) return { events, next: events.at(-1)?.id ?? null };
  return { events, next: query.ip === undefined ? null : await lastRead(db, query) };
}

/** The last of the events that were searched for an IP address; null if there were no more. */
async function lastRead(db: Db, query: EventQuery): Promise<string | null> {
  const row = await eventsWith(db, query)
    .limit(1)
    .offset(READ_FOR_IP - 1)
    .executeTakeFirst();
  return row?.id ?? null;
}

/** How many events a page of many has: they are read in about a millisecond, during which nobody else is served. */
const PAGE = 200;

/** The events that `listEvents` would return, in pages, up to the requested limit. */
export async function* pagesOfEvents(db: Db, query: EventQuery): AsyncGenerator<RecordedEvent[]> {
  let { before, limit: left } = query;
  while (left > 0) {
    const { events, next } = await listEventPage(db, { ...query, before, limit: Math.min(PAGE, left) });
    if (events.length > 0) yield events;
    left -= events.length;
    if (next === null) return;
    before = next;
  }
}

/** Removes events without an account from before a time, oldest first, up to a limit. @returns What was removed. */
export async function deleteAnonymousEvents(
  tx: Db,
  before: number,
  most: number,
): Promise<{ name: string; at: number }[]> {
  const oldest = tx
    .selectFrom('events')
    .select('id')
    .where('user_id', 'is', null)
    .where('actor_id', 'is', null)
    .where('name', 'in', anonymousEvents)
    .where('id', '<', firstEventId(before))
    .orderBy('id')
    .limit(most);
  return tx.deleteFrom('events').where('id', 'in', oldest).returning(['name', 'at']).execute();
}

/**
 * Removes the oldest events from before a time, up to a limit. Call it again to remove more; other writes run in
 * between.
 *
 * @returns The number removed.
 */
export async function deleteEvents(db: Db, before: number, most: number): Promise<number> {
  const oldest = db
    .selectFrom('events')
    .select('id')
    .where('id', '<', firstEventId(before))
    .orderBy('id')
    .limit(most);
  const { numDeletedRows } = await db
    .deleteFrom('events')
    .where('id', 'in', oldest)
    .executeTakeFirstOrThrow();
  return Number(numDeletedRows);
}

/** The id of the newest event; '' if there is none. */
export async function newestEventId(db: Db): Promise<string> {
  const row = await db.selectFrom('events').select('id').orderBy('id', 'desc').limit(1).executeTakeFirst();
  return row?.id ?? '';
}
