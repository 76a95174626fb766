import { type Config, millisecondsOf } from '../../config.ts';
import type { SessionsTable, UsersTable } from '../../platform/db/tables.ts';

/** An administrator's session ends after this long, whether it uses a cookie or bearer tokens. */
const ADMIN_ABSOLUTE_TIMEOUT = 4 * 60 * 60_000;

/** When a session expires, in milliseconds. */
interface Timeout {
  /** Without use: without a request for a cookie session, without a refresh for a bearer session. */
  idle: number;
  /** After its start, however active it is. */
  absolute: number;
}

/** The timeouts of all sessions, from the settings. */
export interface SessionTimeouts {
  cookie: Timeout;
  /** A cookie session whose user asked to stay signed in; undefined if the setting is off. */
  kept: Timeout | undefined;
  bearer: Timeout;
  admin: { cookie: Timeout; bearer: Timeout };
}

type Settings = Pick<Config, 'sessionIdle' | 'sessionMax' | 'refreshIdle' | 'refreshMax' | 'keepSignedIn'>;

export function sessionTimeoutsOf(settings: Settings): SessionTimeouts {
  const cookie = {
    idle: millisecondsOf(settings.sessionIdle),
    absolute: millisecondsOf(settings.sessionMax),
  };
  const bearer = {
    idle: millisecondsOf(settings.refreshIdle),
    absolute: millisecondsOf(settings.refreshMax),
  };
  const longest = settings.keepSignedIn === 'off' ? 0 : millisecondsOf(settings.keepSignedIn);
  const kept = { idle: Math.max(cookie.idle, Math.min(bearer.idle, longest)), absolute: longest };
  return {
    cookie,
    kept: longest === 0 ? undefined : kept,
    bearer,
    admin: { cookie: ofAdmin(cookie), bearer: ofAdmin(bearer) },
  };
}

const ofAdmin = ({ idle, absolute }: Timeout): Timeout => ({
  idle,
  absolute: Math.min(absolute, ADMIN_ABSOLUTE_TIMEOUT),
});

/** What decides when a session expires. */
export interface Expiring {
  session: Pick<SessionsTable, 'kind' | 'created_at' | 'refreshed_at' | 'kept_until'>;
  user: Pick<UsersTable, 'admin_since'>;
}

/** When a session expires if it is not used again, in milliseconds since 1970. Cookies expire sooner. */
export function expiryOf(timeouts: SessionTimeouts, expiring: Expiring): number {
  const { session } = expiring;
  const { idle, absolute } = timeoutOf(timeouts, expiring);
  const end = session.created_at + absolute;
  if (session.kind === 'bearer') return Math.min(session.refreshed_at + idle, end);
  if (!isKept(timeouts, expiring)) return end;
  // A new password starts another session, which lasts no longer than the one before it would have.
  const ordinary = session.created_at + timeouts.cookie.absolute;
  return Math.max(ordinary, Math.min(end, session.kept_until ?? 0));
}

/** How long a session lasts without use, in milliseconds. */
export const idleTimeoutOf = (timeouts: SessionTimeouts, expiring: Expiring): number =>
  timeoutOf(timeouts, expiring).idle;

/** When a cookie that is issued now expires without another request, in milliseconds since 1970. */
export const cookieExpiryOf = (timeouts: SessionTimeouts, expiring: Expiring, now: number): number =>
  Math.min(now + idleTimeoutOf(timeouts, expiring), expiryOf(timeouts, expiring));

/** Whether a session lasts because its user asked to stay signed in. An administrator's never does. */
const isKept = ({ kept }: SessionTimeouts, { session, user }: Expiring): boolean =>
  kept !== undefined && session.kept_until !== null && user.admin_since === null;

function timeoutOf(timeouts: SessionTimeouts, expiring: Expiring): Timeout {
  const { kind } = expiring.session;
  if (expiring.user.admin_since !== null) return timeouts.admin[kind];
  return timeouts.kept !== undefined && isKept(timeouts, expiring) ? timeouts.kept : timeouts[kind];
}

/** How long any session lasts at most, in milliseconds. */
export const longestSession = ({ cookie, kept = cookie, bearer }: SessionTimeouts): number =>
  Math.max(cookie.absolute, kept.absolute, bearer.absolute);

/** How long any cookie lasts without a request, in milliseconds. */
export const longestIdle = ({ cookie, kept = cookie }: SessionTimeouts): number =>
  Math.max(cookie.idle, kept.idle);
