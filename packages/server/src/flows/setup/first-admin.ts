import { z } from 'zod';
import type { World } from '../../context.ts';
import { purposes } from '../../core/codes/purposes.ts';
import { beginFlow, repeatLink } from '../../core/codes.ts';
import { isSetUp, queueAdminChange } from '../../core/installation.ts';
import { hashPassword } from '../../core/passwords.ts';
import type { Answer, Call } from '../../edge/route.ts';
import { Refusal } from '../../errors.ts';
import { checkNewUser } from '../accounts/check-new-user.ts';
import { makeFirstAccount } from '../accounts/make-account.ts';
import { forStranger } from '../passwords/hash-requester.ts';
import { cannotAskForFactor, finishSignIn } from '../sessions/finish-sign-in.ts';
import { codeRules } from '../verifications/code-rules.ts';
import { type CheckedVerification, openLink, useVerification } from '../verifications/prove-mailbox.ts';

/** A link that is valid for less than this is not printed again, in milliseconds. */
const LEAST = purposes.setup.linkLifetime / 2;

/**
 * The one-time link that creates the first administrator, while there is none. Starts that follow each other, or run at the same
 * time, get the same link, as long as it is valid for half an hour more; after that a new one. The secret is behind the `#`,
 * which browsers send to no server, so that no log on the way has it.
 *
 * @returns undefined once the set-up is done.
 */
export async function makeSetUpLink({
  db,
  clock,
  config,
  keys,
  publicUrl,
}: Pick<World, 'db' | 'clock' | 'config' | 'keys' | 'publicUrl'>): Promise<string | undefined> {
  if (await isSetUp(db)) return undefined;
  const link = await db.transaction().execute(async (tx) => {
    const now = clock.now();
    // Of two starts at once the second waits here, and finds the link of the first.
    await queueAdminChange(tx);
    const subject = { purpose: 'setup', userId: undefined, address: '' } as const;
    return (
      (await repeatLink(tx, keys.links, 'setup', LEAST, now)) ??
      (await beginFlow(tx, keys, subject, codeRules(config), now)).link
    );
  });
  return `${publicUrl}${purposes.setup.page}#token=${link}`;
}

/** Whether there is no administrator yet, and if so whether a link that was printed still works. */
export async function setUpState({
  db,
  clock,
  keys,
}: Pick<World, 'db' | 'clock' | 'keys'>): Promise<'done' | 'link' | 'no link'> {
  if (await isSetUp(db)) return 'done';
  return (await repeatLink(db, keys.links, 'setup', 0, clock.now())) === undefined ? 'no link' : 'link';
}

/** @throws Refusal `setup_done` */
export async function refuseSetUpDone({ db }: Pick<World, 'db'>): Promise<void> {
  if (await isSetUp(db)) throw new Refusal('setup_done');
}

/** The link, if it may be used. Opening it changes nothing. @throws Refusal `setup_done`, `link_invalid` */
export async function openSetUpLink(
  world: World,
  token: string,
  { origin }: Pick<Call, 'origin'>,
): Promise<CheckedVerification<'setup'>> {
  await refuseSetUpDone(world);
  try {
    return await openLink(world, { origin }, token, ['setup']);
  } catch (error) {
    if (!(error instanceof Refusal && error.code === 'link_invalid')) throw error;
    throw new Refusal('link_invalid', {
      message:
        'This setup link is invalid or has expired. Check that you copied all of it, or restart the server to get a new one.',
    });
  }
}

export const firstAdminBody = z.strictObject({
  token: z.string(),
  username: z.string(),
  email: z.string(),
  password: z.string(),
});

/**
 * Makes the first administrator and signs them in, from a browser that is known from now on: wrong passwords of strangers do
 * not keep them out of it. The link and the set-up are used up with it, in one transaction:
 * of many at once, one succeeds.
 *
 * @throws Refusal `setup_done`, `link_invalid`, `signup_refused` with the reason for every field.
 */
export async function makeFirstAdmin(
  world: World,
  { body, origin, headers }: Call<z.infer<typeof firstAdminBody>>,
): Promise<Pick<Answer, 'cookie' | 'sideCookies'>> {
  const { clock, hasher } = world;
  const link = await openSetUpLink(world, body.token, { origin });
  const names = await checkNewUser(body, world);
  const passwordHash = await hashPassword(hasher, body.password, forStranger(origin, names.emailKey));
  const outcome = await finishSignIn(world, { origin, headers }, { kind: 'cookie' }, async (tx) => {
    const used = await useVerification(tx, world, link);
    if (!used) throw new Refusal('link_invalid');
    const account = { ...names, passwordHash, passwordGivenAt: clock.now() };
    return makeFirstAccount(tx, world, account, used, origin);
  });
  switch (outcome.result) {
    case 'session':
      return outcome.cookies;
    case 'factor_required':
      throw cannotAskForFactor();
    case 'refused':
      throw new Refusal('conflict');
  }
}
