import { z } from 'zod';
import type { World } from '../../context.ts';
import { recordEvent } from '../../core/events.ts';
import { countInRanges } from '../../core/limits.ts';
import { audienceOf, endOf, endSession, type Live, retryRefresh, rotate } from '../../core/sessions.ts';
import { clientRanges } from '../../edge/address.ts';
import type { Answer, Call } from '../../edge/route.ts';
import { Refusal } from '../../errors.ts';
import { notify } from '../emails/notices.ts';
import { refuseReached } from '../limits/limit-reached.ts';
import { audienceField, checkAudience } from '../sessions/audience.ts';

export const refreshBody = z.strictObject({ refresh_token: z.string(), audience: audienceField });

/**
 * The next pair of tokens for a refresh token. One that was used before ends its session: either its owner or a thief
 * has the other copy (RFC 9700, 4.14.2). When its successor was not used yet, an answer may have been lost: then the
 * caller gets the same successor, three times a day.
 *
 * The audience is that of the login; another one that is asked for counts for this access token alone.
 */
export async function refresh(
  world: World,
  { body, origin }: Call<z.infer<typeof refreshBody>>,
): Promise<Answer> {
  const { db, clock, refreshTokens, accessTokens } = world;
  const token = refreshTokens.read(body.refresh_token);
  if (!token) throw await refuseForged(world, origin);
  const now = clock.now();
  const live = await world.findLive(token.sessionId, now);
  if (live?.session.kind !== 'bearer') throw new Refusal('invalid_token');
  // Before the token is used up: whoever asks for an audience that is not known can correct it.
  const asked = body.audience ?? (await audienceOf(db, token.sessionId));
  const audience = asked === null ? world.publicUrl : checkAudience(world, asked);
  if (audience !== world.publicUrl && live.user.password_change_required_at !== null)
    throw new Refusal('password_change_required');
  const number =
    (await rotate(db, token.sessionId, token.number, now)) ??
    (await retry(world, live, token.number, origin));
  if (number === undefined) throw new Refusal('invalid_token');
  world.stateNotes.noteRefresh(token.sessionId, number);
  const { token: accessToken, expiresIn } = await accessTokens.make(
    {
      userId: live.user.id,
      sessionId: token.sessionId,
      signedInAt: live.session.created_at,
      amr: live.session.amr.split(' '),
    },
    audience,
    now,
    endOf({ ...live, session: { ...live.session, refreshed_at: now } }),
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

/** What this installation did not make is counted against the address range it came from. */
async function refuseForged(world: World, origin: Call['origin']): Promise<Refusal> {
  const { db, keys, clock } = world;
  const limit = await countInRanges(db, keys.limits, 'secrets', clientRanges(origin.ip), clock.now());
  if (!limit.allowed) return refuseReached(world, origin, limit);
  return new Refusal('invalid_token');
}

/** A token that was used before. @returns The number that is good now; undefined when the session was ended for it. */
async function retry(
  world: World,
  { session, user }: Live,
  number: number,
  origin: Call['origin'],
): Promise<number | undefined> {
  const about = { userId: user.id, actorId: null, sessionId: session.id };
  return world.db.transaction().execute(async (tx) => {
    const now = world.clock.now();
    const retried = await retryRefresh(tx, session.id, number, now);
    if (retried.result === 'retried')
      await recordEvent(tx, 'refresh_retried', origin, { ...about, details: { left: retried.left } }, now);
    if (retried.result !== 'reused') return retried.number;
    if (!(await endSession(tx, session.id, user.id, 'refresh_reused', now))) return undefined;
    await recordEvent(tx, 'refresh_reused', origin, about, now);
    await notify(tx, world, 'refresh_reused', user, origin);
    return undefined;
  });
}
