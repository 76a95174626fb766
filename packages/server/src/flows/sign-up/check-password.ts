import { z } from 'zod';
import { strengthOf } from '../../core/passwords.ts';
import type { Answer, Call } from '../../edge/route.ts';
import type { World } from '../../edge/world.ts';
import { weaknessOf } from '../new-password.ts';

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
  fair: 'This will do. Longer is better: add a word or two.',
  strong: 'This is hard to guess.',
};

/** Says of a password, before it is set, what setting it would say: for a page that helps while somebody types. */
export async function checkPassword(
  world: World,
  { body: { password, username = '', email = '' } }: Call<z.infer<typeof checkPasswordBody>>,
): Promise<Answer> {
  const weakness = await weaknessOf(world, password, { username, email });
  const strength = strengthOf(password);
  const advice = weakness
    ? { strength: 'weak' as const, message: weakness.message }
    : { strength, message: praise[strength] };
  return { status: 200, body: advice satisfies z.infer<typeof passwordAdviceShape> };
}
