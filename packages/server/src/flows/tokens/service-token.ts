import { z } from 'zod';
import type { AppContext } from '../../context.ts';
import { expiryOf, IDLE_TIMEOUT } from '../../core/sessions.ts';
import type { RouteResponse, SignedInCall } from '../../http/route.ts';
import { audienceField, checkService } from '../sessions/audience.ts';

export const serviceTokenBody = z.strictObject({ audience: audienceField });

/**
 * An access token for a service, for whoever is signed in, by cookie or by access token: so a page whose session is a cookie
 * can call a service. It belongs to the same session, is good for nothing at Usher, and brings no refresh token.
 */
export async function serviceToken(
  context: AppContext,
  { body, activeSession, credential }: SignedInCall<z.infer<typeof serviceTokenBody>>,
): Promise<RouteResponse> {
  const { clock, accessTokens } = context;
  const audience = checkService(context, body.audience);
  const now = clock.now();
  // Not longer than the caller's own credential is good without being used: a stolen one is not prolonged by this.
  const until = credential.kind === 'cookie' ? now + IDLE_TIMEOUT : credential.claims.exp * 1000;
  const { token, expiresIn } = await accessTokens.make(
    {
      userId: activeSession.user.id,
      sessionId: activeSession.session.id,
      signedInAt: activeSession.session.created_at,
      amr: activeSession.session.amr.split(' '),
    },
    audience,
    now,
    Math.min(until, expiryOf(activeSession)),
  );
  return { status: 200, body: { access_token: token, token_type: 'Bearer', expires_in: expiresIn } };
}
