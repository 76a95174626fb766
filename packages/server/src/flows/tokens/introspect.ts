import { z } from 'zod';
import type { AppContext } from '../../context.ts';
import { hasExpired } from '../../core/tokens/claims.ts';
import type { Call, RouteResponse } from '../../http/route.ts';
import { roleOf } from '../../user-fields.ts';

export const introspectBody = z.strictObject({ token: z.string().describe('An access token for a service') });

export const introspectionShape = z.union([
  z.object({
    active: z.literal(true),
    sub: z.uuid().describe('User ID'),
    sid: z.string().describe('Session ID'),
    role: z.enum(['user', 'admin']).describe('Current role of the user'),
  }),
  z.object({ active: z.literal(false) }),
]);

const INACTIVE: RouteResponse = { status: 200, body: { active: false } };

/**
 * Tells a service whether the session of a token it received is still active, and the role of its user (RFC 7662). The
 * token itself authorizes the request: its holder learns nothing else. The response does not say why a token is
 * inactive, and a token for Usher itself is never active for a service.
 */
export async function introspect(
  {
    accessTokens,
    clock,
    findActiveSession,
  }: Pick<AppContext, 'accessTokens' | 'clock' | 'findActiveSession'>,
  { body }: Call<z.infer<typeof introspectBody>>,
): Promise<RouteResponse> {
  const now = clock.now();
  const claims = await accessTokens.readForService(body.token, now);
  if (!claims || hasExpired(claims, now)) return INACTIVE;
  const activeSession = await findActiveSession(claims.sid, now);
  if (activeSession?.user.id !== claims.sub) return INACTIVE;
  const { user, session } = activeSession;
  return { status: 200, body: { active: true, sub: user.id, sid: session.id, role: roleOf(user) } };
}
