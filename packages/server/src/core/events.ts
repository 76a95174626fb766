import type { EventName } from '../events.ts';
import type { Db } from '../platform/db/index.ts';
import { newEventId } from '../platform/random.ts';

/** From where, and under which request, something was done. */
export interface Origin {
  requestId: string | null;
  ip: string | null;
  userAgent: string | null;
}

/** What the command line does has no request. */
export const OPERATOR: Origin = { requestId: null, ip: null, userAgent: null };

export interface NewEvent {
  /** Whom it is about; null when it is about no account. */
  userId: string | null;
  /** Who did it: a user's id, `operator` for the command line, null for a stranger. */
  actorId: string | null;
  sessionId?: string;
  details?: Record<string, string | number | boolean>;
}

/** Appends to the audit record, in the transaction of what it records. Details never hold a secret. */
export async function recordEvent(
  tx: Db,
  name: EventName,
  origin: Origin,
  event: NewEvent,
  now: number,
): Promise<void> {
  await recordEvents(tx, name, origin, [event], now);
}

/** Likewise for many that are of one kind. */
export async function recordEvents(
  tx: Db,
  name: EventName,
  origin: Origin,
  events: readonly NewEvent[],
  now: number,
): Promise<void> {
  if (events.length === 0) return;
  const rows = events.map((event) => ({
    id: newEventId(),
    at: now,
    name,
    user_id: event.userId,
    actor_id: event.actorId,
    session_id: event.sessionId ?? null,
    request_id: origin.requestId,
    ip: origin.ip,
    user_agent: origin.userAgent,
    details: JSON.stringify(event.details ?? {}),
  }));
  await tx.insertInto('events').values(rows).execute();
}

export interface EventView {
  id: string;
  name: string;
  at: number;
  sessionId: string | null;
  ip: string | null;
  userAgent: string | null;
}

/** The newest events about a user, newest first. */
export async function eventsOf(db: Db, userId: string, most: number): Promise<EventView[]> {
  return db
    .selectFrom('events')
    .select(['id', 'name', 'at', 'session_id as sessionId', 'ip', 'user_agent as userAgent'])
    .where('user_id', '=', userId)
    .orderBy('id', 'desc')
    .limit(most)
    .execute();
}
