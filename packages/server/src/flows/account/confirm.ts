import { z } from 'zod';
import type { AppContext } from '../../context.ts';
import type { RouteResponse, SignedInCall } from '../../http/route.ts';
import { reauthenticate } from '../passwords/reauthenticate.ts';

export const confirmBody = z.strictObject({ password: z.string() });

/** Reauthenticates the session with the password, for routes that require a recent authentication. */
export async function confirm(
  context: AppContext,
  call: SignedInCall<z.infer<typeof confirmBody>>,
): Promise<RouteResponse> {
  await reauthenticate(context, call, call.body.password);
  return { status: 200, body: { message: 'Password confirmed.' } };
}
