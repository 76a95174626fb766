import { z } from 'zod';
import type { AppContext } from '../../context.ts';
import { recordEvent } from '../../core/events.ts';
import { expiryOf } from '../../core/sessions/timeouts.ts';
import {
  type ActiveSession,
  audienceOf,
  retryRefreshToken,
  revokeSession,
  rotateRefreshToken,
} from '../../core/sessions.ts';
import { seconds } from '../../core/tokens/claims.ts';
import { HttpError } from '../../errors.ts';
import type { Call, RouteResponse } from '../../http/route.ts';
import { sendSecurityNotice } from '../emails/security-notices.ts';
import { countIp } from '../limits/count-ip.ts';
import { audienceField, checkAudience } from '../sessions/audience.ts';

export const refreshBody = z.strictObject({ refresh_token: z.string(), audience: audienceField });

/**
 * Exchanges a refresh token for new tokens. A reused refresh token revokes its session: either the owner or a thief has
 * the other copy (RFC 9700, 4.14.2). If its successor has not been used yet, a response may have been lost: the caller
 * then gets the same successor, at most three times a day.
 *
 * The audience is that of the sign-in; a different requested audience applies only to this access token.
 */
export async function refresh(
  context: AppContext,
  { body, client }: Call<z.infer<typeof refreshBody>>,
): Promise<RouteResponse> {
  const { db, clock, refreshTokens, accessTokens } = context;
  const token = refreshTokens.read(body.refresh_token);
  if (!token) {
    // What this installation did not make is counted against the IP ranges that it came from.
    await countIp(context, client, 'invalid_tokens_per_ip_range');
    throw new HttpError('invalid_token');
  }
  const now = clock.now();
  const activeSession = await context.findActiveSession(token.sessionId, now);
  if (activeSession?.session.kind !== 'bearer') throw new HttpError('invalid_token');
  // Check the audience before the token is used up, so that the caller can correct an unknown one.
  const requested = body.audience ?? (await audienceOf(db, token.sessionId));
  const audience = requested === null ? context.publicUrl : checkAudience(context, requested);
  if (audience !== context.publicUrl && activeSession.user.password_change_required_at !== null)
    throw new HttpError('password_change_required');
  const refreshed = { ...activeSession, session: { ...activeSession.session, refreshed_at: now } };
  const end = expiryOf(context.sessionTimeouts, refreshed);
  // Tokens expire at whole seconds: this access token would have expired already.
  if (seconds(end) <= seconds(now)) throw new HttpError('invalid_token');
  const number =
    (await rotateRefreshToken(db, token.sessionId, token.number, now)) ??
    (await retry(context, activeSession, token.number, client));
  if (number === undefined) throw new HttpError('invalid_token');
  context.stateNotes.noteRefresh(token.sessionId, number);
  const { token: accessToken, expiresIn } = await accessTokens.make(
    {
      userId: activeSession.user.id,
      sessionId: token.sessionId,
      signedInAt: activeSession.session.created_at,
      amr: activeSession.session.amr.split(' '),
    },
    audience,
    now,
    end,
  );
  return {
    status: 200,
    body: {
      access_token: accessToken,
      token_type: 'Bearer',
      expires_in: expiresIn,
      refresh_token: refreshTokens.make(token.sessionId, number),
    },
  };
}

/** A token that was used before. @returns The number that is good now; undefined when the session was ended for it. */
async function retry(
  context: AppContext,
  { session, user }: ActiveSession,
  number: number,
  client: Call['client'],
): Promise<number | undefined> {
  const about = { userId: user.id, actorId: null, sessionId: session.id };
  return context.db.transaction().execute(async (tx) => {
    const now = context.clock.now();
    const retried = await retryRefreshToken(tx, session.id, number, now);
    if (retried.result === 'retried')
      await recordEvent(
        tx,
        'refresh_token_retried',
        client,
        { ...about, details: { left: retried.left } },
        now,
      );
    if (retried.result !== 'reused') return retried.number;
    if (!(await revokeSession(tx, session.id, user.id, 'refresh_token_reused', now))) return undefined;
    await recordEvent(tx, 'refresh_token_reused', client, about, now);
    await sendSecurityNotice({ context, tx, user, client }, 'refresh_token_reused');
    return undefined;
  });
}
