import { z } from 'zod';
import type { World } from '../../context.ts';
import { generatePassword, hashPassword } from '../../core/passwords.ts';
import { findById, type User } from '../../core/users.ts';
import type { Answer, Call } from '../../edge/route.ts';
import { Refusal } from '../../errors.ts';
import { forUser } from '../passwords/hash-requester.ts';
import { refuseWeak } from '../passwords/new-password.ts';
import { cannotAskForFactor, finishRecovery } from '../sessions/finish-sign-in.ts';
import { codeRules } from '../verifications/code-rules.ts';
import {
  type CheckedVerification,
  isMailAnswer,
  type MailAnswer,
  NO_MAIL_ANSWER,
  openLink,
  proveMailbox,
  useVerification,
} from '../verifications/prove-mailbox.ts';

export const resetPasswordBody = z
  .strictObject({
    email: z.string().optional(),
    code: z.string().optional(),
    token: z.string().optional(),
    password: z.string().optional(),
  })
  .refine(isMailAnswer, NO_MAIL_ANSWER)
  .describe(
    'Either `email` and `code`, or `token`. If `password` is omitted, one is generated; it must be changed at the first sign-in.',
  );

/** Who proved to read the account's mail, and what is used up with it. */
interface Proven {
  user: User;
  verification: CheckedVerification<'reset_password'>;
}

/**
 * Sets a new password for whoever proves to read the account's mail. Every session ends and none begins: the next step
 * is to sign in, from a browser that is known from now on, so that nobody else's guesses stand in the way.
 */
export async function resetPassword(
  world: World,
  call: Call<z.infer<typeof resetPasswordBody>>,
): Promise<Answer> {
  const { hasher } = world;
  const { body, origin } = call;
  // Before anything is used up, and before anything of the account is known that could show through.
  if (body.password !== undefined) await refuseWeak(world, body.password, { email: body.email ?? '' });
  const { user, verification } = await prove(world, call, body);
  if (body.password !== undefined) await refuseWeak(world, body.password, user);
  const password = body.password ?? generatePassword();
  const isGenerated = body.password === undefined;
  const hash = await hashPassword(hasher, password, forUser(origin, user.id));
  const outcome = await finishRecovery(world, call, { hash, isGenerated }, async (tx) => {
    const used = await useVerification(tx, world, verification);
    if (!used) throw new Refusal('code_invalid');
    return used;
  });
  switch (outcome.result) {
    case 'recovered':
      return {
        status: 200,
        body: { message: 'Password changed.', ...(isGenerated ? { password } : {}) },
        sideCookies: { ...outcome.cookies.sideCookies, flow: 'unset' },
      };
    case 'factor_required':
      throw cannotAskForFactor();
    case 'refused':
      throw new Refusal('code_invalid');
  }
}

/** @throws Refusal as `proveMailbox` does; a disabled account is one that does not exist. */
async function prove(world: World, call: Call<unknown>, answer: MailAnswer): Promise<Proven> {
  const rules = codeRules(world.config);
  const verification = await proveMailbox(
    world,
    call,
    answer,
    ['reset_password'],
    (user) => user?.disabled_at === null && rules.isFor(user),
  );
  const { user_id } = verification.flow;
  const user = user_id === null ? undefined : await findById(world.db, user_id);
  if (user?.disabled_at !== null)
    throw new Refusal(answer.token === undefined ? 'code_invalid' : 'link_invalid');
  return { user, verification };
}

/** Whether the link of a mail is good. Opening it changes nothing. @throws Refusal as `openLink` does. */
export async function checkResetLink(world: World, call: Pick<Call, 'origin'>, token: string): Promise<void> {
  await openLink(world, call, token, ['reset_password']);
}
