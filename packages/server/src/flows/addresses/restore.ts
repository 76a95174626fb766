import { z } from 'zod';
import { endRestoreLinksFrom } from '../../core/codes/restore-links.ts';
import { useFlow, wishOf } from '../../core/codes.ts';
import { recordEvent } from '../../core/events.ts';
import { generatePassword, hashPassword } from '../../core/passwords.ts';
import { findById, holdSignIns, setProvenEmail } from '../../core/users.ts';
import type { Answer, Call } from '../../edge/route.ts';
import type { World } from '../../edge/world.ts';
import { Refusal } from '../../errors.ts';
import { forUser } from '../hash-requester.ts';
import { rememberBrowser } from '../known-devices.ts';
import { refuseWeak } from '../new-password.ts';
import { openLink } from '../prove-mailbox.ts';
import { takeAccount } from '../take-account.ts';

export const restoreEmailBody = z
  .strictObject({ token: z.string(), password: z.string().optional() })
  .describe(
    'The `token` of the link. Without `password` one is generated, which must be changed at the first sign-in.',
  );

/**
 * Takes a change of address back, before or after it was made, with all that came after it. Whoever made it knew the
 * password, so it is replaced, and every session ends. Links that went to older emails of the account stay good: a thief
 * who uses a link of their own ends nothing of the owner's.
 *
 * @throws Refusal `link_invalid`; `too_many_requests` after too many links that were never made.
 */
export async function restoreEmail(
  world: World,
  call: Call<z.infer<typeof restoreEmailBody>>,
): Promise<Answer> {
  const { db, clock, keys, hasher } = world;
  const { body, origin } = call;
  const flow = await openLink(world, call, body.token, ['restore_email']);
  const user = await findById(db, flow.user_id ?? '');
  if (!user) throw new Refusal('link_invalid');
  const wish = wishOf(keys.wishes, flow);
  if (body.password !== undefined)
    await refuseWeak(world, body.password, { username: user.username, email: wish.email });
  const password = body.password ?? generatePassword();
  const passwordHash = await hashPassword(hasher, password, forUser(origin, user.id));
  const { device } = await db.transaction().execute(async (tx) => {
    const now = clock.now();
    // Of two who use links of one account, one waits for the other.
    await holdSignIns(tx, user.id);
    if (!(await useFlow(tx, flow.id, now))) throw new Refusal('link_invalid');
    await endRestoreLinksFrom(tx, user.id, flow.email_number ?? 0, now);
    const restored = await setProvenEmail(tx, user.id, wish, now);
    if (restored === 'taken') throw new Refusal('conflict');
    if (!restored) throw new Refusal('link_invalid');
    const isGenerated = body.password === undefined;
    await takeAccount(tx, world, restored, { hash: passwordHash, isGenerated }, 'address_restored', origin);
    const about = { userId: user.id, actorId: user.id };
    await recordEvent(tx, 'address_restored', origin, about, now);
    return rememberBrowser(tx, world, user.id, call);
  });
  return {
    status: 200,
    body: { message: 'Email restored.', ...(body.password === undefined ? { password } : {}) },
    sideCookies: { device },
  };
}

/** Whether the link is good. Opening it changes nothing. @throws Refusal as `openLink` does. */
export async function checkRestoreLink(
  world: World,
  call: Pick<Call, 'origin'>,
  token: string,
): Promise<void> {
  await openLink(world, call, token, ['restore_email']);
}
