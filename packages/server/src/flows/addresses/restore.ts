import { z } from 'zod';
import type { World } from '../../context.ts';
import { endRestoreLinksFrom } from '../../core/codes/restore-links.ts';
import { wishOf } from '../../core/codes.ts';
import { generatePassword, hashPassword } from '../../core/passwords.ts';
import { findById, holdSignIns, setProvenEmail } from '../../core/users.ts';
import type { Answer, Call } from '../../edge/route.ts';
import { Refusal } from '../../errors.ts';
import type { Db } from '../../platform/db/index.ts';
import { forUser } from '../passwords/hash-requester.ts';
import { refuseWeak } from '../passwords/new-password.ts';
import { cannotAskForFactor, finishRecovery } from '../sessions/finish-sign-in.ts';
import {
  type CheckedVerification,
  openLink,
  useVerification,
  type VerificationProof,
} from '../verifications/prove-mailbox.ts';

export const restoreEmailBody = z
  .strictObject({ token: z.string(), password: z.string().optional() })
  .describe(
    '`token` from the link. If `password` is omitted, one is generated; it must be changed at the first sign-in.',
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
  const { db, keys, hasher } = world;
  const { body, origin } = call;
  const link = await openLink(world, call, body.token, ['restore_email']);
  const user = await findById(db, link.flow.user_id ?? '');
  if (!user) throw new Refusal('link_invalid');
  const { email } = wishOf(keys.wishes, link.flow);
  if (body.password !== undefined) await refuseWeak(world, body.password, { username: user.username, email });
  const password = body.password ?? generatePassword();
  const hash = await hashPassword(hasher, password, forUser(origin, user.id));
  const isGenerated = body.password === undefined;
  const outcome = await finishRecovery(world, call, { hash, isGenerated }, (tx) =>
    putBack(tx, world, link, user.id),
  );
  switch (outcome.result) {
    case 'recovered':
      return {
        status: 200,
        body: { message: 'Email restored.', ...(isGenerated ? { password } : {}) },
        ...outcome.cookies,
      };
    case 'factor_required':
      throw cannotAskForFactor();
    case 'refused':
      throw new Refusal('link_invalid');
  }
}

/** Gives the account the email of the link again, and uses the link up with all that it outranks. */
async function putBack(
  tx: Db,
  world: World,
  link: CheckedVerification<'restore_email'>,
  userId: string,
): Promise<VerificationProof<'restore_email'>> {
  const now = world.clock.now();
  // Of two who use links of one account, one waits for the other.
  await holdSignIns(tx, userId);
  const used = await useVerification(tx, world, link);
  if (!used) throw new Refusal('link_invalid');
  await endRestoreLinksFrom(tx, userId, link.flow.email_number ?? 0, now);
  const restored = await setProvenEmail(tx, userId, wishOf(world.keys.wishes, link.flow), now);
  if (restored === 'taken') throw new Refusal('conflict');
  if (!restored) throw new Refusal('link_invalid');
  return used;
}

/** Whether the link is good. Opening it changes nothing. @throws Refusal as `openLink` does. */
export async function checkRestoreLink(
  world: World,
  call: Pick<Call, 'origin'>,
  token: string,
): Promise<void> {
  await openLink(world, call, token, ['restore_email']);
}
