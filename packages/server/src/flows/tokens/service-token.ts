import { z } from 'zod';
import type { AppContext } from '../../context.ts';
import { cookieExpiryOf, expiryOf } from '../../core/sessions/timeouts.ts';
import type { RouteResponse, SignedInCall } from '../../http/route.ts';
import { audienceField, checkService } from '../sessions/audience.ts';

export const serviceTokenBody = z.strictObject({ audience: audienceField });

/**
 * Issues an access token for a service to a signed-in user, by cookie or access token, so that a page with a cookie
 * session can call a service. The token belongs to the same session, is not valid at Usher itself, and comes without a
 * refresh token.
 */
export async function serviceToken(
  context: AppContext,
  { body, activeSession, credential }: SignedInCall<z.infer<typeof serviceTokenBody>>,
): Promise<RouteResponse> {
  const { clock, accessTokens, sessionTimeouts } = context;
  const audience = checkService(context, body.audience);
  const now = clock.now();
  // The token must not outlive the caller's own unused credential: a stolen credential must not gain lifetime from it.
  const until =
    credential.kind === 'cookie'
      ? cookieExpiryOf(sessionTimeouts, activeSession, now)
      : Math.min(credential.claims.exp * 1000, expiryOf(sessionTimeouts, activeSession));
  const { token, expiresIn } = await accessTokens.make(
    {
      userId: activeSession.user.id,
      sessionId: activeSession.session.id,
      signedInAt: activeSession.session.created_at,
      amr: activeSession.session.amr.split(' '),
    },
    audience,
    now,
    until,
  );
  return { status: 200, body: { access_token: token, token_type: 'Bearer', expires_in: expiresIn } };
}
