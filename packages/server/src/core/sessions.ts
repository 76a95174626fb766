import type { Database, Db } from '../platform/db/index.ts';
import type { SessionsTable, UsersTable } from '../platform/db/tables.ts';
import type { SessionUserColumn } from '../user-fields.ts';
import { sessionUserColumns } from '../user-fields.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** A cookie session ends after this long without a request. */
export const IDLE_TIMEOUT = 10 * MINUTE;
/** However busy, a cookie session ends after this long. */
const ABSOLUTE_TIMEOUT = 12 * HOUR;
/** A session of an administrator ends after this long, by cookie or by bearer token. */
const ADMIN_ABSOLUTE_TIMEOUT = 4 * HOUR;
/** A bearer session ends after this long without a refresh, and after the cap however often it is refreshed. */
export const REFRESH_IDLE_TIMEOUT = 14 * DAY;
const REFRESH_ABSOLUTE_TIMEOUT = 30 * DAY;
/** Uses of one refresh token within this time are side by side, as of two tabs: they count as one. */
const REFRESH_GRACE_PERIOD = 3_000;
/** How often in a day a session may use a refresh token that was used before: an answer was lost, or it is stolen. */
const MAX_RETRIES = 3;
/** More sessions than this and the one that was idle longest ends. */
const MAX_SESSIONS = 20;

export type SessionKind = SessionsTable['kind'];

/** Why a session ended. */
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

/** What is read of a session with every request, beside its id. */
const liveColumns = [
  'kind',
  'amr',
  'created_at',
  'last_seen_at',
  'refresh_number',
  'refreshed_at',
  'authenticated_at',
] as const satisfies readonly (keyof SessionsTable)[];

/** A session with its user, as far as every request needs them. */
export interface ActiveSession {
  session: Pick<SessionsTable, 'id' | (typeof liveColumns)[number]>;
  user: Pick<UsersTable, SessionUserColumn>;
}

/**
 * Finds a session and its user, if both are good at this moment: undefined when the session does not exist, was ended,
 * has run out, or its user is disabled.
 */
export type FindActiveSession = (id: string, now: number) => Promise<ActiveSession | undefined>;

/**
 * Prepares `FindActiveSession`. It runs at every request, so it is one statement, prepared once, and one of two places where a core
 * file reads another's table (the other is `epochOf` in `core/devices.ts`).
 */
export function prepareFindActiveSession({
  db,
  prepareRead,
}: Pick<Database, 'db' | 'prepareRead'>): FindActiveSession {
  const query = db
    .selectFrom('sessions')
    .innerJoin('users', 'users.id', 'sessions.user_id')
    .select('revoked_at')
    .select(liveColumns.map((column) => `sessions.${column}` as const))
    // One of the databases gives values by name, so no two columns may have the same.
    .select(sessionUserColumns.map((column) => `users.${column} as user_${column}` as const))
    .where('sessions.id', '=', '');
  const read = prepareRead(query.compile());
  return async (id, now) => {
    const row = await read([id]);
    if (!row || row[0] !== null) return undefined;
    const activeSession = toActiveSession(id, row);
    return activeSession.user.disabled_at === null && now < expiryOf(activeSession)
      ? activeSession
      : undefined;
  };
}

/** Copied rather than filled from nothing, which takes three times as long. */
const emptyUser = Object.fromEntries(sessionUserColumns.map((column) => [column, null]));

/** @param row The values of the query above: when the session ended, its columns, those of its user. */
function toActiveSession(id: string, row: readonly unknown[]): ActiveSession {
  const [, kind, amr, created_at, last_seen_at, refresh_number, refreshed_at, authenticated_at] = row;
  const user: Record<string, unknown> = { ...emptyUser };
  let at = 1 + liveColumns.length;
  for (const column of sessionUserColumns) user[column] = row[at++];
  const session = { id, kind, amr, created_at, last_seen_at, refresh_number, refreshed_at, authenticated_at };
  return { session, user } as unknown as ActiveSession;
}

/** When a session ends if nothing more happens, in milliseconds since 1970. For cookies the token ends sooner. */
export function expiryOf({ session, user }: ActiveSession): number {
  const cap = session.created_at + absoluteTimeoutOf(session.kind, user);
  return session.kind === 'cookie' ? cap : Math.min(session.refreshed_at + REFRESH_IDLE_TIMEOUT, cap);
}

/** How long a session can last at most, however much it is used; an administrator's is as short whatever its kind. */
export function absoluteTimeoutOf(
  kind: SessionKind,
  { admin_since }: Pick<UsersTable, 'admin_since'>,
): number {
  if (admin_since !== null) return ADMIN_ABSOLUTE_TIMEOUT;
  return kind === 'cookie' ? ABSOLUTE_TIMEOUT : REFRESH_ABSOLUTE_TIMEOUT;
}

/** What is told of a session to its user. */
export type ListedSession = Pick<
  SessionsTable,
  'id' | 'kind' | 'created_at' | 'last_seen_at' | 'ip' | 'user_agent'
>;

/** The sessions of a user that are good now, the one used last first; always with the one that asks, if one does. */
export async function sessionsOf(
  db: Db,
  user: Pick<UsersTable, 'id' | 'admin_since'>,
  now: number,
  currentId = '',
): Promise<ListedSession[]> {
  return db
    .selectFrom('sessions')
    .select(['id', 'kind', 'created_at', 'last_seen_at', 'ip', 'user_agent'])
    .where('user_id', '=', user.id)
    .where('revoked_at', 'is', null)
    .where((good) =>
      good.or([
        good('id', '=', currentId),
        good.and([
          good('kind', '=', 'cookie'),
          // A minute more, because `last_seen_at` lags by up to one.
          good('last_seen_at', '>', now - IDLE_TIMEOUT - MINUTE),
          good('created_at', '>', now - absoluteTimeoutOf('cookie', user)),
        ]),
        good.and([
          good('kind', '=', 'bearer'),
          good('refreshed_at', '>', now - REFRESH_IDLE_TIMEOUT),
          good('created_at', '>', now - absoluteTimeoutOf('bearer', user)),
        ]),
      ]),
    )
    .orderBy('last_seen_at', 'desc')
    .orderBy('id')
    .execute();
}

/** How many sessions are good now, of everybody. */
export async function countActiveSessions(db: Db, now: number): Promise<number> {
  const row = await db
    .selectFrom('sessions')
    .select((sessions) => sessions.fn.countAll<number>().as('count'))
    .where('revoked_at', 'is', null)
    .where('last_seen_at', '>', now - REFRESH_IDLE_TIMEOUT)
    .where((good) =>
      good.or([good('kind', '=', 'bearer'), good('last_seen_at', '>', now - IDLE_TIMEOUT - MINUTE)]),
    )
    .executeTakeFirstOrThrow();
  return row.count;
}

/**
 * When the user of a session last proved who they are, in milliseconds since 1970: at its start, or since. Cookies carry it
 * (`auth_time`), and only the newest is accepted.
 */
export const authTimeOf = ({
  created_at,
  authenticated_at,
}: Pick<SessionsTable, 'created_at' | 'authenticated_at'>): number => Math.max(created_at, authenticated_at);

/** Whom the access tokens of a session are for; null for Usher itself. */
export async function audienceOf(db: Db, id: string): Promise<string | null> {
  const row = await db.selectFrom('sessions').select('audience').where('id', '=', id).executeTakeFirst();
  return row?.audience ?? null;
}

/** Whether a session was not revoked yet, as the transaction sees it. */
export async function isSessionActive(tx: Db, id: string): Promise<boolean> {
  const row = await tx
    .selectFrom('sessions')
    .select('id')
    .where('id', '=', id)
    .where('revoked_at', 'is', null)
    .executeTakeFirst();
  return row !== undefined;
}

/** Ends the sessions that a `where` picks, of those that are open. */
const revoking = (tx: Db, reason: RevocationReason, now: number) =>
  tx.updateTable('sessions').set({ revoked_at: now, revoked_reason: reason }).where('revoked_at', 'is', null);

/** Ends one session of a user. @returns false when the user has no such session that is still open. */
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

/** Ends all sessions of a user. @returns How many were open. */
export async function revokeSessionsOf(
  tx: Db,
  userId: string,
  reason: RevocationReason,
  now: number,
): Promise<number> {
  const rows = await revoking(tx, reason, now).where('user_id', '=', userId).returning('id').execute();
  return rows.length;
}

/** Ends all sessions of everybody. @returns How many were open. */
export async function revokeAllSessions(tx: Db, reason: RevocationReason, now: number): Promise<number> {
  const { numUpdatedRows } = await revoking(tx, reason, now).executeTakeFirstOrThrow();
  return Number(numUpdatedRows);
}

/** Whether refresh token `number` of a session was made before now; true for a session that is gone. */
export async function wasRefreshed(db: Db, id: string, number: number): Promise<boolean> {
  const row = await db
    .selectFrom('sessions')
    .select('refresh_number')
    .where('id', '=', id)
    .executeTakeFirst();
  return row === undefined || row.refresh_number >= number;
}

/** Ends all sessions of a user but one. @returns How many were open. */
export async function revokeOtherSessions(
  tx: Db,
  keptId: string,
  userId: string,
  reason: RevocationReason,
  now: number,
): Promise<number> {
  const rows = await revoking(tx, reason, now)
    .where('user_id', '=', userId)
    .where('id', '<>', keptId)
    .returning('id')
    .execute();
  return rows.length;
}

/**
 * Ends the sessions above `MOST_SESSIONS`, those idle longest first; never the one that has just begun (`newest`),
 * which others may have outrun by a clock that is ahead. @returns Their ids.
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
    // One of the databases knows OFFSET only after LIMIT.
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
 * Moves a session from refresh token `number` to the next, if `number` is the good one (compare and set: of
 * many at once, one moves it).
 *
 * @returns The number that is good now; undefined for one that was used before: see `retryRefreshToken`.
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

/** What a refresh token is worth that was used before. `number` is the one that is good now, and the caller gets. */
export type Retry =
  | { result: 'together'; number: number }
  /** One of the retries of the day; so many are left. */
  | { result: 'retried'; number: number; left: number }
  | { result: 'reused' };

/**
 * Refresh token `number` comes again. As long as the one after it was not used, its answer may have been lost, and the
 * caller gets the same successor. A thief who follows the owner looks the same, so that is counted: `MOST_RETRIES` a day,
 * but not those within `REFRESH_GRACE_PERIOD` of the use before. Everything else is a reuse.
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
    // Another one was counted at this moment: this one is side by side with it.
  }
}

/** @returns false when the session was refreshed, retried or ended since it was read. */
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

/** Notes when sessions were used last; from memory, once in a while, so that a request costs no write. */
export async function saveLastSeen(tx: Db, seen: ReadonlyMap<string, number>): Promise<void> {
  for (const [id, at] of seen)
    await tx
      .updateTable('sessions')
      .set({ last_seen_at: at })
      .where('id', '=', id)
      .where('last_seen_at', '<', at)
      .execute();
}

/** Removes sessions that cannot be good any more and are not needed as evidence of a reused refresh token. */
export async function deleteOldSessions(db: Db, now: number): Promise<void> {
  await db
    .deleteFrom('sessions')
    .where('created_at', '<', now - REFRESH_ABSOLUTE_TIMEOUT - DAY)
    .execute();
}
