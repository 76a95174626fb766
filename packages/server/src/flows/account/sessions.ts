import { z } from 'zod';
import type { World } from '../../context.ts';
import { endVerificationsOf } from '../../core/codes.ts';
import { recordEvent } from '../../core/events.ts';
import { endOtherSessions, endSession, sessionsOf } from '../../core/sessions.ts';
import { holdSignIns } from '../../core/users.ts';
import type { Answer, SignedInCall } from '../../edge/route.ts';
import { Refusal } from '../../errors.ts';
import { showSession } from '../shapes/sessions.ts';

/** The caller's sessions that are good now, the one used last first. There are never more than fit a page. */
export async function listSessions(
  { db, clock }: Pick<World, 'db' | 'clock'>,
  { live }: SignedInCall,
): Promise<Answer> {
  const sessions = await sessionsOf(db, live.user, clock.now(), live.session.id);
  return {
    status: 200,
    body: { sessions: sessions.map((one) => showSession(one, live.session.id)), next_cursor: null },
  };
}

export const sessionParams = z.strictObject({
  id: z.string().regex(/^[A-Za-z0-9_-]{22}$/, 'Invalid session ID'),
});

/** Ends one of the caller's own sessions. Another user's is not found, like one that does not exist. */
export async function endOneSession(
  { db, clock }: Pick<World, 'db' | 'clock'>,
  { params, live, origin }: SignedInCall<undefined, undefined, z.infer<typeof sessionParams>>,
): Promise<Answer> {
  const now = clock.now();
  const { id: userId } = live.user;
  const ended = await db.transaction().execute(async (tx) => {
    if (!(await endSession(tx, params.id, userId, 'ended_by_user', now))) return false;
    await recordEvent(tx, 'session_ended', origin, { userId, actorId: userId, sessionId: params.id }, now);
    return true;
  });
  if (!ended) throw new Refusal('not_found', { message: 'Session not found or already ended.' });
  const answer: Answer = { status: 200, body: { message: 'Session revoked.' } };
  return params.id === live.session.id ? { ...answer, cookie: 'unset' } : answer;
}

/** Ends all sessions of the caller but the one that asks, also those that begin at this moment. */
export async function endAllOtherSessions(
  { db, clock }: Pick<World, 'db' | 'clock'>,
  { live, origin }: SignedInCall,
): Promise<Answer> {
  const now = clock.now();
  const { id: userId } = live.user;
  const sessions = await db.transaction().execute(async (tx) => {
    await holdSignIns(tx, userId);
    const ended = await endOtherSessions(tx, live.session.id, userId, 'ended_by_user', now);
    await endVerificationsOf(tx, userId, 'sign_out_everywhere', now);
    const about = { userId, actorId: userId, sessionId: live.session.id, details: { sessions: ended } };
    await recordEvent(tx, 'other_sessions_ended', origin, about, now);
    return ended;
  });
  return { status: 200, body: { message: 'Other sessions revoked.', sessions } };
}
