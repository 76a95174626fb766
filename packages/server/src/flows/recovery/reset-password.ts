import { z } from 'zod';
import { useFlow } from '../../core/codes.ts';
import { recordEvent } from '../../core/events.ts';
import { generatePassword, hashPassword } from '../../core/passwords.ts';
import { findById, type User } from '../../core/users.ts';
import type { Answer, Call } from '../../edge/route.ts';
import type { World } from '../../edge/world.ts';
import { Refusal } from '../../errors.ts';
import { codeRules } from '../code-rules.ts';
import { forUser } from '../hash-requester.ts';
import { rememberBrowser } from '../known-devices.ts';
import { refuseWeak } from '../new-password.ts';
import { isMailAnswer, type MailAnswer, NO_MAIL_ANSWER, openLink, proveMailbox } from '../prove-mailbox.ts';
import { takeAccount } from '../take-account.ts';

export const resetPasswordBody = z
  .strictObject({
    email: z.string().optional(),
    code: z.string().optional(),
    token: z.string().optional(),
    password: z.string().optional(),
  })
  .refine(isMailAnswer, NO_MAIL_ANSWER)
  .describe(
    'Either `email` and `code`, or the `token` of the link. Without `password` one is generated, which must be changed at the first sign-in.',
  );

/** Who proved to read the account's mail, and the flow that is used up with it. */
interface Proven {
  user: User;
  flowId: string;
}

/**
 * Sets a new password for whoever proves to read the account's mail. Every session ends and none begins: the next step
 * is to sign in, from a browser that is known from now on, so that nobody else's guesses stand in the way.
 */
export async function resetPassword(
  world: World,
  call: Call<z.infer<typeof resetPasswordBody>>,
): Promise<Answer> {
  const { db, clock, hasher } = world;
  const { body, origin } = call;
  // Before anything is used up, and before anything of the account is known that could show through.
  if (body.password !== undefined) await refuseWeak(world, body.password, { email: body.email ?? '' });
  const { user, flowId } = await prove(world, call, body);
  if (body.password !== undefined) await refuseWeak(world, body.password, user);
  const password = body.password ?? generatePassword();
  const passwordHash = await hashPassword(hasher, password, forUser(origin, user.id));

  const { device } = await db.transaction().execute(async (tx) => {
    if (!(await useFlow(tx, flowId, clock.now()))) throw new Refusal('code_invalid');
    const isGenerated = body.password === undefined;
    await takeAccount(tx, world, user, { hash: passwordHash, isGenerated }, 'password_reset', origin);
    const about = { userId: user.id, actorId: user.id };
    await recordEvent(tx, 'password_reset', origin, about, clock.now());
    return rememberBrowser(tx, world, user.id, call);
  });
  return {
    status: 200,
    body: { message: 'Password changed.', ...(body.password === undefined ? { password } : {}) },
    sideCookies: { device, flow: 'unset' },
  };
}

/** @throws Refusal as `proveMailbox` does; a disabled account is one that does not exist. */
async function prove(world: World, call: Call<unknown>, answer: MailAnswer): Promise<Proven> {
  const rules = codeRules(world.config);
  const flow = await proveMailbox(
    world,
    call,
    answer,
    ['reset_password'],
    (user) => user?.disabled_at === null && rules.isFor(user),
  );
  const user = flow.user_id === null ? undefined : await findById(world.db, flow.user_id);
  if (user?.disabled_at !== null)
    throw new Refusal(answer.token === undefined ? 'code_invalid' : 'link_invalid');
  return { user, flowId: flow.id };
}

/** Whether the link of a mail is good. Opening it changes nothing. @throws Refusal as `openLink` does. */
export async function checkResetLink(world: World, call: Pick<Call, 'origin'>, token: string): Promise<void> {
  await openLink(world, call, token, ['reset_password']);
}
