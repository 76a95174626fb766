import type { AppContext } from '../context.ts';
import { idleTimeoutOf } from '../core/sessions/timeouts.ts';
import { type ActiveSession, authTimeOf } from '../core/sessions.ts';
import { type Claims, hasExpired, isFromFuture, seconds } from '../core/tokens/claims.ts';
import { HttpError } from '../errors.ts';
import { readAuthorization } from './authorization.ts';
import { readCookie, readCookies } from './cookies.ts';

/**
 * An authentic token of this installation, and how it was sent. It may have expired, and its session may be revoked.
 */
export interface Credential {
  kind: 'cookie' | 'bearer';
  claims: Claims;
}

/** On https the browser itself protects the name (`__Host-`: this host, this path, https only). */
export const cookieName = (publicUrl: string): string =>
  publicUrl.startsWith('https:') ? '__Host-usher' : 'usher';

/**
 * Reads the credential of a request: the cookie or the Authorization header, never both.
 *
 * @returns undefined when there is none.
 * @throws HttpError `multiple_credentials` for both at once, `invalid_token` for one that this installation did not
 * issue, or issued for another purpose.
 */
export async function readCredential(context: AppContext, headers: Headers): Promise<Credential | undefined> {
  const cookie = readCookie(headers.get('cookie'), cookieName(context.publicUrl));
  const header = headers.get('authorization');
  if (cookie !== undefined && header !== null) throw new HttpError('multiple_credentials');
  if (cookie !== undefined) {
    const claims = context.cookieTokens.read(cookie);
    if (!claims) throw new HttpError('invalid_token');
    return { kind: 'cookie', claims };
  }
  if (header === null) return undefined;
  const authorization = readAuthorization(header);
  if (authorization?.scheme !== 'bearer') throw new HttpError('invalid_token');
  const claims = await context.accessTokens.read(authorization.token, context.clock.now());
  if (!claims) throw new HttpError('invalid_token');
  return { kind: 'bearer', claims };
}

/**
 * Reads all credentials that a request asks to sign out: every session cookie that this installation issued, whatever
 * other cookies of the same name came with it. A planted cookie must not prevent a sign-out.
 *
 * @throws HttpError `multiple_credentials` and `invalid_token` as `readCredential` does; the latter also when there are
 * cookies but this installation issued none of them.
 */
export async function readAllCredentials(context: AppContext, headers: Headers): Promise<Credential[]> {
  const cookies = readCookies(headers.get('cookie'), cookieName(context.publicUrl));
  if (cookies.length < 2 || headers.has('authorization')) {
    const credential = await readCredential(context, headers);
    return credential ? [credential] : [];
  }
  const found = cookies.flatMap((cookie): Credential[] => {
    const claims = context.cookieTokens.read(cookie);
    return claims ? [{ kind: 'cookie', claims }] : [];
  });
  if (found.length === 0) throw new HttpError('invalid_token');
  return found;
}

/** The claims of the session cookie of a request, valid or not; undefined without a cookie of ours. */
export function readSessionCookie(
  { publicUrl, cookieTokens }: Pick<AppContext, 'publicUrl' | 'cookieTokens'>,
  headers: Pick<Headers, 'get'>,
): Claims | undefined {
  const sent = readCookie(headers.get('cookie'), cookieName(publicUrl));
  return sent === undefined ? undefined : cookieTokens.read(sent);
}

/**
 * Finds the current session and user of a credential.
 *
 * @throws HttpError `invalid_token` when the token has expired or is not valid yet, its session was revoked or has
 * expired, or its user is disabled or deleted. The caller cannot tell which.
 */
export async function findSession(context: AppContext, credential: Credential): Promise<ActiveSession> {
  const now = context.clock.now();
  if (hasExpired(credential.claims, now) || isFromFuture(credential.claims, now))
    throw new HttpError('invalid_token');
  const activeSession = await readSession(context, credential, now);
  if (now >= idleEnd(context, credential, activeSession)) throw new HttpError('invalid_token');
  return activeSession;
}

/**
 * When a cookie expires without another request, in milliseconds since 1970: a shorter timeout that came after it, by
 * the settings or because its user became an administrator, applies at once.
 */
function idleEnd(
  { sessionTimeouts }: Pick<AppContext, 'sessionTimeouts'>,
  { kind, claims }: Credential,
  activeSession: ActiveSession,
): number {
  const exp = claims.exp * 1000;
  return kind === 'cookie'
    ? Math.min(exp, claims.iat * 1000 + idleTimeoutOf(sessionTimeouts, activeSession))
    : exp;
}

/**
 * The same at a later time, for a stream. Other requests by cookie may have extended the session in the meantime: its
 * row says when the last one came, for administrators to the second (`jobs/save-last-seen`).
 *
 * @throws HttpError `invalid_token` as `findSession` does.
 */
export async function findSessionAgain(context: AppContext, credential: Credential): Promise<ActiveSession> {
  const now = context.clock.now();
  const activeSession = await readSession(context, credential, now);
  const { last_seen_at } = activeSession.session;
  const postponed =
    credential.kind === 'cookie' ? last_seen_at + idleTimeoutOf(context.sessionTimeouts, activeSession) : 0;
  const end = Math.max(idleEnd(context, credential, activeSession), postponed);
  if (hasExpired({ exp: seconds(end) }, now)) throw new HttpError('invalid_token');
  return activeSession;
}

async function readSession(
  context: AppContext,
  { kind, claims }: Credential,
  now: number,
): Promise<ActiveSession> {
  const activeSession = await context.findActiveSession(claims.sid, now);
  if (!activeSession || activeSession.user.id !== claims.sub || activeSession.session.kind !== kind)
    throw new HttpError('invalid_token');
  // Reauthentication issues a new cookie; the one before it is invalid from then on.
  const isOutdated = kind === 'cookie' && claims.auth_time !== seconds(authTimeOf(activeSession.session));
  // A concurrent request with the old cookie must not make the browser delete the new one.
  if (isOutdated) throw new HttpError('invalid_token', { keepsCookie: true });
  return activeSession;
}

/** The caller's session, for a route that anyone may call; undefined when the credential is missing or invalid. */
export async function findSignedIn(
  context: AppContext,
  headers: Headers,
): Promise<ActiveSession | undefined> {
  try {
    const credential = await readCredential(context, headers);
    return credential && (await findSession(context, credential));
  } catch (error) {
    if (error instanceof HttpError) return undefined;
    throw error;
  }
}
