import type { AppContext } from '../context.ts';
import { cookieExpiryOf } from '../core/sessions/timeouts.ts';
import type { ActiveSession } from '../core/sessions.ts';
import { HttpError } from '../errors.ts';
import { type Credential, findSession, findSessionAgain, readCredential } from './credential.ts';
import type { Route, RouteResponse } from './route.ts';

export interface Authenticated {
  activeSession: ActiveSession;
  credential: Credential;
  /** The renewed cookie: every request by cookie extends the session, unless its route does not. */
  cookie: Exclude<RouteResponse['cookie'], 'unset'>;
}

/** What a route requires of its caller. */
interface Guard extends Pick<Route, 'extendsSession' | 'allowedBeforePasswordChange'> {
  access: 'user' | 'admin';
}

/**
 * Reads the credential of a caller who needs one.
 *
 * @throws HttpError `unauthenticated` without a credential; `invalid_token` and `multiple_credentials` as
 * `readCredential` does.
 */
export async function requireCredential(context: AppContext, headers: Headers): Promise<Credential> {
  const credential = await readCredential(context, headers);
  if (!credential) throw new HttpError('unauthenticated');
  return credential;
}

/**
 * Authenticates and authorizes the caller of a route. Call it after the last byte of the request has arrived: a role or
 * a session that ends before then must not count.
 *
 * @throws HttpError as `requireCredential` does; `invalid_token` as `findSession` does; `password_change_required` for a user who must choose a new password first;
 * `forbidden` for a user who is not, or is no longer, an administrator.
 */
export async function authenticate(
  context: AppContext,
  headers: Headers,
  guard: Guard,
): Promise<Authenticated> {
  const credential = await requireCredential(context, headers);
  const activeSession = await findSession(context, credential);
  rejectNotAllowed(activeSession, guard);
  if (guard.extendsSession === false) return { activeSession, credential, cookie: undefined };
  const now = context.clock.now();
  context.lastSeen.note(activeSession, now);
  const cookie =
    credential.kind === 'cookie'
      ? context.cookieTokens.slide(
          credential.claims,
          now,
          cookieExpiryOf(context.sessionTimeouts, activeSession, now),
        )
      : undefined;
  return { activeSession, credential, cookie };
}

/**
 * Checks whether a caller who was authenticated would still be allowed in. Does not extend the session.
 *
 * @throws HttpError `invalid_token`, `password_change_required` and `forbidden`, as `authenticate` does.
 */
export async function authenticateAgain(context: AppContext, credential: Credential, guard: Guard) {
  rejectNotAllowed(await findSessionAgain(context, credential), guard);
}

function rejectNotAllowed({ user }: ActiveSession, { access, allowedBeforePasswordChange }: Guard): void {
  if (user.password_change_required_at !== null && !allowedBeforePasswordChange)
    throw new HttpError('password_change_required');
  if (access === 'admin' && user.admin_since === null) throw new HttpError('forbidden');
}
