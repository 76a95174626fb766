import { z } from 'zod';
import type { AppContext } from '../../context.ts';
import { strengthOf } from '../../core/passwords.ts';
import { inLanguage } from '../../http/responses.ts';
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

/** Checks a password as setting it would, for pages that give feedback while the user types. */
export async function checkPassword(
  context: AppContext,
  { body: { password, username = '', email = '' }, language }: Call<z.infer<typeof checkPasswordBody>>,
): Promise<RouteResponse> {
  const weakness = await weaknessOf(context, password, { username, email });
  const strength = strengthOf(password);
  const t = context.languages.in(language());
  const advice = weakness
    ? { strength: 'weak' as const, message: t(weakness.message) }
    : { strength, message: t(`password.${strength}`) };
  return { status: 200, headers: inLanguage(t), body: advice satisfies z.infer<typeof passwordAdviceShape> };
}
