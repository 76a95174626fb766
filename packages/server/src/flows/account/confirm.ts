import { z } from 'zod';
import type { AppContext } from '../../context.ts';
import type { RouteResponse, SignedInCall } from '../../http/route.ts';
import { reauthenticate } from '../passwords/reauthenticate.ts';

export const confirmBody = z.strictObject({ password: z.string() });

/** Takes the password again, so that this session may do what asks for a fresh sign-in. */
export async function confirm(
  context: AppContext,
  call: SignedInCall<z.infer<typeof confirmBody>>,
): Promise<RouteResponse> {
  await reauthenticate(context, call, call.body.password);
  return { status: 200, body: { message: 'Password confirmed.' } };
}
