import { z } from 'zod';
import type { AppContext } from '../../context.ts';
import { strengthOf } from '../../core/passwords.ts';
import type { Call, RouteResponse } from '../../http/route.ts';
import { weaknessOf } from '../passwords/new-password.ts';

export const checkPasswordBody = z.strictObject({
  password: z.string(),
  username: z.string().optional(),
  email: z.string().optional(),
});

export const passwordAdviceShape = z.object({
  strength: z.enum(['weak', 'fair', 'strong']).describe('`weak` passwords are rejected'),
  message: z.string(),
});

const praise = {
  fair: 'Fair. Add a word or two to make it stronger.',
  strong: 'Strong password.',
};

/** Checks a password as setting it would, for pages that give feedback while the user types. */
export async function checkPassword(
  context: AppContext,
  { body: { password, username = '', email = '' } }: Call<z.infer<typeof checkPasswordBody>>,
): Promise<RouteResponse> {
  const weakness = await weaknessOf(context, password, { username, email });
  const strength = strengthOf(password);
  const advice = weakness
    ? { strength: 'weak' as const, message: weakness.message }
    : { strength, message: praise[strength] };
  return { status: 200, body: advice satisfies z.infer<typeof passwordAdviceShape> };
}
