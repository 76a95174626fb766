import { z } from 'zod';
import type { AppContext } from '../../context.ts';
import { recordEvent } from '../../core/events.ts';
import { revokeSession, revokeSessionsOf, sessionsOf } from '../../core/sessions.ts';
import { lockSignIns } from '../../core/users.ts';
import { endVerificationsOf } from '../../core/verifications.ts';
import { HttpError } from '../../errors.ts';
import type { RouteResponse, SignedInCall } from '../../http/route.ts';
import { text } from '../../languages/text.ts';
import { showSession } from '../shapes/sessions.ts';

/** Lists the caller's active sessions, the last used first. They always fit on one page. */
export async function listSessions(
  context: Pick<AppContext, 'db' | 'clock' | 'sessionTimeouts'>,
  { activeSession }: SignedInCall,
): Promise<RouteResponse> {
  const now = context.clock.now();
  const sessions = await sessionsOf(context, activeSession.user, now, activeSession.session.id);
  return {
    status: 200,
    body: { sessions: sessions.map((one) => showSession(one, activeSession.session.id)), next_cursor: null },
  };
}

export const sessionParams = z.strictObject({
  id: z.string().regex(/^[A-Za-z0-9_-]{22}$/, 'Invalid session ID'),
});

/** Revokes one of the caller's sessions. Another user's session is not found, like one that does not exist. */
export async function revokeOneSession(
  { db, clock }: Pick<AppContext, 'db' | 'clock'>,
  { params, activeSession, client }: SignedInCall<undefined, undefined, z.infer<typeof sessionParams>>,
): Promise<RouteResponse> {
  const now = clock.now();
  const { id: userId } = activeSession.user;
  const ended = await db.transaction().execute(async (tx) => {
    if (!(await revokeSession(tx, params.id, userId, 'revoked_by_user', now))) return false;
    await recordEvent(tx, 'session_revoked', client, { userId, actorId: userId, sessionId: params.id }, now);
    return true;
  });
  if (!ended) throw new HttpError('not_found', { text: text('error.session_not_found') });
  const response: RouteResponse = { status: 200, body: { message: 'Session revoked.' } };
  return params.id === activeSession.session.id ? { ...response, cookie: 'unset' } : response;
}

/** Revokes all sessions of the caller except the current one, including any that a concurrent sign-in starts. */
export async function revokeAllOtherSessions(
  { db, clock }: Pick<AppContext, 'db' | 'clock'>,
  { activeSession, client }: SignedInCall,
): Promise<RouteResponse> {
  const now = clock.now();
  const { id: userId } = activeSession.user;
  const sessions = await db.transaction().execute(async (tx) => {
    await lockSignIns(tx, userId);
    const ended = await revokeSessionsOf(tx, userId, 'revoked_by_user', now, activeSession.session.id);
    await endVerificationsOf(tx, userId, 'sign_out_everywhere', now);
    const about = {
      userId,
      actorId: userId,
      sessionId: activeSession.session.id,
      details: { sessions: ended },
    };
    await recordEvent(tx, 'other_sessions_revoked', client, about, now);
    return ended;
  });
  return { status: 200, body: { message: 'Other sessions revoked.', sessions } };
}
