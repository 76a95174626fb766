import { z } from 'zod';
import { checkPolicy, strengthOf } from '../../core/passwords.ts';
import type { Answer, Call } from '../../edge/route.ts';
import type { World } from '../../edge/world.ts';

export const checkPasswordBody = z.strictObject({
  password: z.string(),
  username: z.string().optional(),
  email: z.string().optional(),
});

export const passwordAdviceShape = z.object({
  strength: z.enum(['weak', 'fair', 'strong']).describe('`weak` would be refused'),
  message: z.string(),
});

const praise = {
  fair: 'This will do. Longer is better: add a word or two.',
  strong: 'This is hard to guess.',
};

/** Says of a password, before it is set, what setting it would say: for a page that helps while somebody types. */
export function checkPassword(
  { config }: World,
  { body: { password, username = '', email = '' } }: Call<z.infer<typeof checkPasswordBody>>,
): Answer {
  const weakness = checkPolicy(
    password,
    { username, email, service: config.serviceName },
    config.passwordMin,
  );
  const strength = strengthOf(password);
  const advice = weakness
    ? { strength: 'weak' as const, message: weakness.message }
    : { strength, message: praise[strength] };
  return { status: 200, body: advice satisfies z.infer<typeof passwordAdviceShape> };
}
