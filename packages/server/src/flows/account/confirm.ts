import { z } from 'zod';
import type { World } from '../../context.ts';
import type { Answer, SignedInCall } from '../../edge/route.ts';
import { proveFresh } from '../passwords/prove-fresh.ts';

export const confirmBody = z.strictObject({ password: z.string() });

/** Takes the password again, so that this session may do what asks for a fresh sign-in. */
export async function confirm(
  world: World,
  call: SignedInCall<z.infer<typeof confirmBody>>,
): Promise<Answer> {
  await proveFresh(world, call, call.body.password);
  return { status: 200, body: { message: 'Password confirmed.' } };
}
