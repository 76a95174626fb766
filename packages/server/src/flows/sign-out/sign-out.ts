import type { AppContext } from '../../context.ts';
import { recordEvent } from '../../core/events.ts';
import { revokeSession, revokeSessionsOf } from '../../core/sessions.ts';
import { lockSignIns } from '../../core/users.ts';
import { endVerificationsOf } from '../../core/verifications.ts';
import type { OptionalAuthCall, RouteResponse, SignedInCall } from '../../http/route.ts';
import { CLEARED } from '../sessions/clear-cache.ts';

const goodbye = (isCookie: boolean): RouteResponse => ({
  status: 200,
  body: { message: 'logout successful!' },
  cookie: 'unset',
  ...(isCookie ? { headers: CLEARED } : {}),
});

/**
 * Revokes the session of every token in the request, even of an expired one: its refresh token may still be valid. The
 * response is the same when a session was already revoked or the request has no token.
 */
export async function logout(
  { db, clock }: Pick<AppContext, 'db' | 'clock'>,
  { credentials, headers, client }: OptionalAuthCall,
): Promise<RouteResponse> {
  const isCookie = credentials[0] ? credentials[0].kind === 'cookie' : headers.has('cookie');
  if (credentials.length === 0) return goodbye(isCookie);
  const now = clock.now();
  await db.transaction().execute(async (tx) => {
    for (const { sid: sessionId, sub: userId } of credentials.map(({ claims }) => claims)) {
      if (!(await revokeSession(tx, sessionId, userId, 'signed_out', now))) continue;
      await recordEvent(tx, 'signed_out', client, { userId, actorId: userId, sessionId }, now);
    }
  });
  return goodbye(isCookie);
}

/** Revokes all sessions of the caller, including the current one. */
export async function logoutEverywhere(
  { db, clock }: Pick<AppContext, 'db' | 'clock'>,
  { activeSession, credential, client }: SignedInCall,
): Promise<RouteResponse> {
  const { id } = activeSession.user;
  const now = clock.now();
  await db.transaction().execute(async (tx) => {
    await lockSignIns(tx, id);
    const sessions = await revokeSessionsOf(tx, id, 'signed_out_everywhere', now);
    await endVerificationsOf(tx, id, 'sign_out_everywhere', now);
    await recordEvent(
      tx,
      'signed_out_everywhere',
      client,
      { userId: id, actorId: id, details: { sessions } },
      now,
    );
  });
  return goodbye(credential.kind === 'cookie');
}
