import { z } from 'zod';
import type { World } from '../../context.ts';
import { endOf, IDLE } from '../../core/sessions.ts';
import type { Answer, SignedInCall } from '../../edge/route.ts';
import { audienceField, checkService } from '../sessions/audience.ts';

export const serviceTokenBody = z.strictObject({ audience: audienceField });

/**
 * An access token for a service, for whoever is signed in, by cookie or by access token: so a page whose session is a cookie
 * can call a service. It belongs to the same session, is good for nothing at Usher, and brings no refresh token.
 */
export async function serviceToken(
  world: World,
  { body, live, credential }: SignedInCall<z.infer<typeof serviceTokenBody>>,
): Promise<Answer> {
  const { clock, accessTokens } = world;
  const audience = checkService(world, body.audience);
  const now = clock.now();
  // Not longer than the caller's own credential is good without being used: a stolen one is not prolonged by this.
  const until = credential.kind === 'cookie' ? now + IDLE : credential.claims.exp * 1000;
  const { token, expiresIn } = await accessTokens.make(
    {
      userId: live.user.id,
      sessionId: live.session.id,
      signedInAt: live.session.created_at,
      amr: live.session.amr.split(' '),
    },
    audience,
    now,
    Math.min(until, endOf(live)),
  );
  return { status: 200, body: { access_token: token, token_type: 'Bearer', expires_in: expiresIn } };
}
