import type { World } from '../../context.ts';
import { endVerificationsOf } from '../../core/codes.ts';
import { recordEvent } from '../../core/events.ts';
import { endSession, endSessionsOf } from '../../core/sessions.ts';
import { holdSignIns } from '../../core/users.ts';
import type { Answer, LeavingCall, SignedInCall } from '../../edge/route.ts';
import { CLEARED } from '../sessions/clear-cache.ts';

const goodbye = (isCookie: boolean): Answer => ({
  status: 200,
  body: { message: 'logout successful!' },
  cookie: 'unset',
  ...(isCookie ? { headers: CLEARED } : {}),
});

/**
 * Ends the session of every token that came, also of one that has expired: its refresh token may still be good. Answers
 * the same when a session had ended already, or none was named.
 */
export async function logout(
  { db, clock }: Pick<World, 'db' | 'clock'>,
  { credentials, headers, origin }: LeavingCall,
): Promise<Answer> {
  const isCookie = credentials[0] ? credentials[0].kind === 'cookie' : headers.has('cookie');
  if (credentials.length === 0) return goodbye(isCookie);
  const now = clock.now();
  await db.transaction().execute(async (tx) => {
    for (const { sid: sessionId, sub: userId } of credentials.map(({ claims }) => claims)) {
      if (!(await endSession(tx, sessionId, userId, 'signed_out', now))) continue;
      await recordEvent(tx, 'signed_out', origin, { userId, actorId: userId, sessionId }, now);
    }
  });
  return goodbye(isCookie);
}

/** Ends all sessions of the user who calls, this one too. */
export async function logoutEverywhere(
  { db, clock }: Pick<World, 'db' | 'clock'>,
  { live, credential, origin }: SignedInCall,
): Promise<Answer> {
  const { id } = live.user;
  const now = clock.now();
  await db.transaction().execute(async (tx) => {
    await holdSignIns(tx, id);
    const sessions = await endSessionsOf(tx, id, 'signed_out_everywhere', now);
    await endVerificationsOf(tx, id, 'sign_out_everywhere', now);
    await recordEvent(
      tx,
      'signed_out_everywhere',
      origin,
      { userId: id, actorId: id, details: { sessions } },
      now,
    );
  });
  return goodbye(credential.kind === 'cookie');
}
