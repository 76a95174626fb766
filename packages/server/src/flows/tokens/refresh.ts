import { z } from 'zod';
import { recordEvent } from '../../core/events.ts';
import { countInWindow } from '../../core/limits.ts';
import { audienceOf, endOf, endSession, rotate } from '../../core/sessions.ts';
import { addressRange } from '../../edge/address.ts';
import type { Answer, Call } from '../../edge/route.ts';
import type { World } from '../../edge/world.ts';
import { Refusal } from '../../errors.ts';
import { audienceField, checkAudience } from '../audience.ts';
import { refuseReached } from '../limit-reached.ts';

export const refreshBody = z.strictObject({ refresh_token: z.string(), audience: audienceField });

/**
 * The next pair of tokens for a refresh token. One that was used before ends its session: either its owner or a thief
 * has the other copy (RFC 9700, 4.14.2). A retry within ten seconds gets the same successor: an answer was lost.
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
  const number = await rotate(db, token.sessionId, token.number, now);
  if (number === undefined) {
    await endReused(world, token.sessionId, live.user.id, origin);
    throw new Refusal('invalid_token');
  }
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
  const limit = await countInWindow(db, keys.limits, 'secrets', addressRange(origin.ip), clock.now());
  if (!limit.allowed) return refuseReached(world, origin, limit);
  return new Refusal('invalid_token');
}

async function endReused(
  { db, clock }: World,
  sessionId: string,
  userId: string,
  origin: Call['origin'],
): Promise<void> {
  const now = clock.now();
  await db.transaction().execute(async (tx) => {
    if (!(await endSession(tx, sessionId, userId, 'refresh_reused', now))) return;
    await recordEvent(tx, 'refresh_reused', origin, { userId, actorId: null, sessionId }, now);
  });
}
