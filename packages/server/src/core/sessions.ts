import type { Database, Db } from '../platform/db/index.ts';
import type { SessionsTable, UsersTable } from '../platform/db/tables.ts';
import type { SessionUserColumn } from '../user-fields.ts';
import { sessionUserColumns } from '../user-fields.ts';
import { expiryOf, longestIdle, longestSession, type SessionTimeouts } from './sessions/timeouts.ts';

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;

/** `last_seen_at` of a cookie session is up to this much too early. */
const LAST_SEEN_LAG = MINUTE;
/** Uses of one refresh token within this time are concurrent, as from two tabs, and count as one. */
const REFRESH_GRACE_PERIOD = 3_000;
/** How often per day a session may reuse an old refresh token: the response was lost, or the token was stolen. */
const MAX_RETRIES = 3;
/** The maximum number of sessions per user. Beyond it, the session that has been idle longest is evicted. */
const MAX_SESSIONS = 20;

export type SessionKind = SessionsTable['kind'];

/** Why a session was revoked. */
export type RevocationReason =
  | 'signed_out'
  | 'signed_out_everywhere'
  | 'revoked_by_user'
  | 'revoked_by_admin'
  | 'password_changed'
  | 'password_reset'
  | 'email_verified'
  | 'email_restored'
  | 'disabled'
  | 'evicted'
  | 'replaced'
  | 'database_restored'
  | 'refresh_token_reused';

/** The session columns that every request reads, besides the id. */
const liveColumns = [
  'kind',
  'amr',
  'created_at',
  'last_seen_at',
  'refresh_number',
  'refreshed_at',
  'authenticated_at',
  'kept_until',
] as const satisfies readonly (keyof SessionsTable)[];

/** A valid session and its user, with the fields that every request needs. */
export interface ActiveSession {
  session: Pick<SessionsTable, 'id' | (typeof liveColumns)[number]>;
  user: Pick<UsersTable, SessionUserColumn>;
}

/**
 * Finds a session and its user. Returns undefined if the session does not exist, is revoked or has expired, or if its
 * user is disabled.
 */
export type FindActiveSession = (id: string, now: number) => Promise<ActiveSession | undefined>;

/**
 * Prepares `FindActiveSession`. It runs on every request, so it is one statement, prepared once. It is one of three
 * places where a core file reads another's table (the others are `epochOf` in `core/devices.ts` and `sessionsOf`).
 */
export function prepareFindActiveSession(
  { db, prepareRead }: Pick<Database, 'db' | 'prepareRead'>,
  timeouts: SessionTimeouts,
): FindActiveSession {
  const query = db
    .selectFrom('sessions')
    .innerJoin('users', 'users.id', 'sessions.user_id')
    .select('revoked_at')
    .select(liveColumns.map((column) => `sessions.${column}` as const))
    // One of the databases returns values by name, so no two columns may share one.
    .select(sessionUserColumns.map((column) => `users.${column} as user_${column}` as const))
    .where('sessions.id', '=', '');
  const read = prepareRead(query.compile());
  return async (id, now) => {
    const row = await read([id]);
    if (!row || row[0] !== null) return undefined;
    const activeSession = toActiveSession(id, row);
    return activeSession.user.disabled_at === null && now < expiryOf(timeouts, activeSession)
      ? activeSession
      : undefined;
  };
}

/** Copying this object is three times as fast as building one from scratch. */
const emptyUser = Object.fromEntries(sessionUserColumns.map((column) => [column, null]));

/** @param row The values of the query above: the session's `revoked_at`, its columns, then its user's. */
function toActiveSession(id: string, row: readonly unknown[]): ActiveSession {
  const [, kind, amr, created_at, last_seen_at, refresh_number, refreshed_at, authenticated_at, kept_until] =
    row;
  const user: Record<string, unknown> = { ...emptyUser };
  let at = 1 + liveColumns.length;
  for (const column of sessionUserColumns) user[column] = row[at++];
  const seen = { created_at, last_seen_at, authenticated_at, kept_until };
  const session = { id, kind, amr, ...seen, refresh_number, refreshed_at };
  return { session, user } as unknown as ActiveSession;
}

const listedColumns = [
  'id',
  'kind',
  'created_at',
  'last_seen_at',
  'kept_until',
  'ip',
  'user_agent',
] as const satisfies readonly (keyof SessionsTable)[];

/** The fields of a session that its user sees, and its known device, with the name that the user gave to it. */
export type ListedSession = Pick<SessionsTable, (typeof listedColumns)[number] | 'device_id'> & {
  name: string | null;
};

/**
 * The active sessions of a user, most recently used first. The current session, if there is one, is always included.
 */
export async function sessionsOf(
  { db, sessionTimeouts }: { db: Db; sessionTimeouts: SessionTimeouts },
  user: Pick<UsersTable, 'id' | 'admin_since'>,
  now: number,
  currentId = '',
): Promise<ListedSession[]> {
  const { cookie, bearer } = user.admin_since === null ? sessionTimeouts : sessionTimeouts.admin;
  const kept = user.admin_since === null ? sessionTimeouts.kept : undefined;
  const sessions = await db
    .selectFrom('sessions')
    .leftJoin('devices', (join) =>
      join.onRef('devices.id', '=', 'sessions.device_id').onRef('devices.user_id', '=', 'sessions.user_id'),
    )
    .select(listedColumns.map((column) => `sessions.${column}` as const))
    .select(['devices.id as device_id', 'devices.name'])
    .where('sessions.user_id', '=', user.id)
    .where('sessions.revoked_at', 'is', null)
    .where((good) =>
      good.or([
        good('sessions.id', '=', currentId),
        good.and([
          good('sessions.kind', '=', 'cookie'),
          good('sessions.last_seen_at', '>', now - cookie.idle - LAST_SEEN_LAG),
          good('sessions.created_at', '>', now - cookie.absolute),
        ]),
        good.and([
          good('sessions.kept_until', '>', kept ? now : Number.MAX_SAFE_INTEGER),
          good('sessions.last_seen_at', '>', now - (kept?.idle ?? 0) - LAST_SEEN_LAG),
          good('sessions.created_at', '>', now - (kept?.absolute ?? 0)),
        ]),
        good.and([
          good('sessions.kind', '=', 'bearer'),
          good('sessions.refreshed_at', '>', now - bearer.idle),
          good('sessions.created_at', '>', now - bearer.absolute),
        ]),
      ]),
    )
    .orderBy('sessions.last_seen_at', 'desc')
    .orderBy('sessions.id')
    .execute();
  return kept ? sessions : sessions.map((session) => ({ ...session, kept_until: null }));
}

/** The number of active sessions of all users. */
export async function countActiveSessions(
  { db, sessionTimeouts }: { db: Db; sessionTimeouts: SessionTimeouts },
  now: number,
): Promise<number> {
  const { cookie, kept, bearer } = sessionTimeouts;
  const row = await db
    .selectFrom('sessions')
    .select((sessions) => sessions.fn.countAll<number>().as('count'))
    .where('revoked_at', 'is', null)
    .where('last_seen_at', '>', now - Math.max(longestIdle(sessionTimeouts), bearer.idle) - LAST_SEEN_LAG)
    .where((good) =>
      good.or([
        good.and([good('kind', '=', 'bearer'), good('last_seen_at', '>', now - bearer.idle)]),
        good.and([good('kind', '=', 'cookie'), good('last_seen_at', '>', now - cookie.idle - LAST_SEEN_LAG)]),
        good.and([
          good('kept_until', '>', kept ? now : Number.MAX_SAFE_INTEGER),
          good('last_seen_at', '>', now - (kept?.idle ?? 0) - LAST_SEEN_LAG),
        ]),
      ]),
    )
    .executeTakeFirstOrThrow();
  return row.count;
}

/**
 * When the user of a session last authenticated, in milliseconds since 1970: at its start, or later. Cookies carry it
 * (`auth_time`), and only the latest value is accepted.
 */
export const authTimeOf = ({
  created_at,
  authenticated_at,
}: Pick<SessionsTable, 'created_at' | 'authenticated_at'>): number => Math.max(created_at, authenticated_at);

/** The audience of a session's access tokens; null for Usher itself. */
export async function audienceOf(db: Db, id: string): Promise<string | null> {
  const row = await db.selectFrom('sessions').select('audience').where('id', '=', id).executeTakeFirst();
  return row?.audience ?? null;
}

/** The device that started one of a user's active sessions; undefined if there is no such session. */
export function deviceOfSession(
  db: Db,
  id: string,
  userId: string,
): Promise<Pick<SessionsTable, 'device_id'> | undefined> {
  return db
    .selectFrom('sessions')
    .select('device_id')
    .where('id', '=', id)
    .where('user_id', '=', userId)
    .where('revoked_at', 'is', null)
    .executeTakeFirst();
}

/** Whether a session is not revoked, as seen by the transaction. */
export async function isSessionActive(tx: Db, id: string): Promise<boolean> {
  const row = await tx
    .selectFrom('sessions')
    .select('id')
    .where('id', '=', id)
    .where('revoked_at', 'is', null)
    .executeTakeFirst();
  return row !== undefined;
}

/** Revokes the sessions that a `where` selects, unless they are revoked already. */
const revoking = (tx: Db, reason: RevocationReason, now: number) =>
  tx.updateTable('sessions').set({ revoked_at: now, revoked_reason: reason }).where('revoked_at', 'is', null);

/** Revokes one session of a user. @returns false if the user has no such session, or it is revoked already. */
export async function revokeSession(
  tx: Db,
  id: string,
  userId: string,
  reason: RevocationReason,
  now: number,
): Promise<boolean> {
  const row = await revoking(tx, reason, now)
    .where('id', '=', id)
    .where('user_id', '=', userId)
    .returning('id')
    .executeTakeFirst();
  return row !== undefined;
}

/**
 * Revokes the sessions of a user: all of them, or all but one.
 *
 * @param except The id of the session to keep.
 * @returns The number of sessions revoked.
 */
export async function revokeSessionsOf(
  tx: Db,
  userId: string,
  reason: RevocationReason,
  now: number,
  except?: string,
): Promise<number> {
  const ofUser = revoking(tx, reason, now).where('user_id', '=', userId);
  const revoked = except === undefined ? ofUser : ofUser.where('id', '<>', except);
  return (await revoked.returning('id').execute()).length;
}

/** Revokes all sessions of all users. @returns The number of sessions revoked. */
export async function revokeAllSessions(tx: Db, reason: RevocationReason, now: number): Promise<number> {
  const { numUpdatedRows } = await revoking(tx, reason, now).executeTakeFirstOrThrow();
  return Number(numUpdatedRows);
}

/** Whether refresh token `number` of a session has already been issued; true if the session does not exist. */
export async function wasRefreshed(db: Db, id: string, number: number): Promise<boolean> {
  const row = await db
    .selectFrom('sessions')
    .select('refresh_number')
    .where('id', '=', id)
    .executeTakeFirst();
  return row === undefined || row.refresh_number >= number;
}

/**
 * Evicts the sessions above `MAX_SESSIONS`, those idle longest first. Never evicts the new session (`newest`), even if
 * another process's clock is ahead. @returns The ids of the evicted sessions.
 */
export async function evictSessions(tx: Db, userId: string, newest: string, now: number): Promise<string[]> {
  const open = await tx
    .selectFrom('sessions')
    .select('id')
    .where('user_id', '=', userId)
    .where('id', '<>', newest)
    .where('revoked_at', 'is', null)
    .orderBy('last_seen_at', 'desc')
    .orderBy('created_at', 'desc')
    .orderBy('id')
    .offset(MAX_SESSIONS - 1)
    // One of the databases accepts OFFSET only after LIMIT.
    .limit(1_000)
    .execute();
  const ids = open.map((row) => row.id);
  if (ids.length > 0)
    await tx
      .updateTable('sessions')
      .set({ revoked_at: now, revoked_reason: 'evicted' satisfies RevocationReason })
      .where('id', 'in', ids)
      .execute();
  return ids;
}

/**
 * Advances a session from refresh token `number` to the next, if `number` is current (compare and set: only one of
 * several concurrent calls succeeds).
 *
 * @returns The current number; undefined if this token was used before: see `retryRefreshToken`.
 */
export async function rotateRefreshToken(
  db: Db,
  id: string,
  number: number,
  now: number,
): Promise<number | undefined> {
  const moved = await db
    .updateTable('sessions')
    .set({ refresh_number: number + 1, refreshed_at: now, last_seen_at: now })
    .where('id', '=', id)
    .where('refresh_number', '=', number)
    .where('revoked_at', 'is', null)
    .returning('refresh_number')
    .executeTakeFirst();
  return moved?.refresh_number;
}

/** The result of using an old refresh token. `number` is the current one, which the caller receives. */
export type Retry =
  | { result: 'together'; number: number }
  /** Counted against the daily retries, of which `left` remain. */
  | { result: 'retried'; number: number; left: number }
  | { result: 'reused' };

/**
 * Handles another use of refresh token `number`. Until its successor is used, the response may have been lost, so the
 * caller gets the same successor. A thief who follows the owner looks the same, so retries are limited to `MAX_RETRIES`
 * a day; those within `REFRESH_GRACE_PERIOD` of the previous use do not count. Everything else is refresh token reuse.
 */
export async function retryRefreshToken(tx: Db, id: string, number: number, now: number): Promise<Retry> {
  for (;;) {
    const row = await tx
      .selectFrom('sessions')
      .select(['refresh_number', 'refreshed_at', 'refresh_retries'])
      .where('id', '=', id)
      .where('revoked_at', 'is', null)
      .executeTakeFirst();
    if (row?.refresh_number !== number + 1) return { result: 'reused' };
    const retries = timesOf(row.refresh_retries).filter((at) => at > now - DAY);
    const lastUse = Math.max(row.refreshed_at, ...retries);
    if (now - lastUse <= REFRESH_GRACE_PERIOD) return { result: 'together', number: row.refresh_number };
    if (retries.length >= MAX_RETRIES) return { result: 'reused' };
    retries.push(now);
    if (await recordRetry(tx, id, row, retries))
      return { result: 'retried', number: row.refresh_number, left: MAX_RETRIES - retries.length };
    // Another retry was counted at the same time: this one is concurrent with it.
  }
}

/** @returns false if the session was refreshed, retried or revoked since it was read. */
async function recordRetry(
  tx: Db,
  id: string,
  read: Pick<SessionsTable, 'refresh_number' | 'refresh_retries'>,
  retries: number[],
): Promise<boolean> {
  const noted = await tx
    .updateTable('sessions')
    .set({ refresh_retries: retries.join(' ') })
    .where('id', '=', id)
    .where('refresh_number', '=', read.refresh_number)
    .where('refresh_retries', '=', read.refresh_retries)
    .where('revoked_at', 'is', null)
    .returning('id')
    .executeTakeFirst();
  return noted !== undefined;
}

const timesOf = (text: string): number[] => (text === '' ? [] : text.split(' ').map(Number));

/**
 * Saves when sessions were last used. The times are kept in memory and saved periodically, so a request costs no write.
 */
export async function saveLastSeen(tx: Db, seen: ReadonlyMap<string, number>): Promise<void> {
  for (const [id, at] of seen)
    await tx
      .updateTable('sessions')
      .set({ last_seen_at: at })
      .where('id', '=', id)
      .where('last_seen_at', '<', at)
      .execute();
}

/** Removes sessions that can no longer be active and are not needed to detect refresh token reuse. */
export async function deleteOldSessions(
  { db, sessionTimeouts }: { db: Db; sessionTimeouts: SessionTimeouts },
  now: number,
): Promise<void> {
  await db
    .deleteFrom('sessions')
    .where('created_at', '<', now - longestSession(sessionTimeouts) - DAY)
    .execute();
}
