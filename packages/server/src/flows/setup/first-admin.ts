import { z } from 'zod';
import type { AppContext } from '../../context.ts';
import { isSetUp, serializeAdminChanges } from '../../core/installation.ts';
import { hashPassword } from '../../core/passwords.ts';
import { purposes } from '../../core/verifications/purposes.ts';
import { createVerification, repeatLink } from '../../core/verifications.ts';
import { HttpError } from '../../errors.ts';
import type { Call, RouteResponse } from '../../http/route.ts';
import { text } from '../../languages/text.ts';
import { checkNewUser } from '../accounts/check-new-user.ts';
import { languageOf, makeFirstAccount } from '../accounts/make-account.ts';
import { forStranger } from '../passwords/hash-requester.ts';
import { finishSignIn } from '../sessions/finish-sign-in.ts';
import { type CheckedVerification, openLink, useVerification } from '../verifications/check-verification.ts';
import { verificationRules } from '../verifications/verification-rules.ts';

/** The minimum remaining lifetime of a link that is printed again, in milliseconds. */
const LEAST = purposes.setup.linkLifetime / 2;

/**
 * The one-time link that creates the first administrator, as long as there is none. Consecutive or concurrent starts of
 * the server get the same link while it is valid for at least half an hour more; after that they get a new one. The
 * secret is in the fragment (`#`), which browsers never send to a server, so that no log on the way contains it.
 *
 * @returns undefined once the setup is completed.
 */
export async function makeSetUpLink({
  db,
  clock,
  config,
  keys,
  publicUrl,
}: Pick<AppContext, 'db' | 'clock' | 'config' | 'keys' | 'publicUrl'>): Promise<string | undefined> {
  if (await isSetUp(db)) return undefined;
  const link = await db.transaction().execute(async (tx) => {
    const now = clock.now();
    // Of two concurrent starts, the second waits here and finds the link of the first.
    await serializeAdminChanges(tx);
    const subject = { purpose: 'setup', userId: undefined, email: '' } as const;
    return (
      (await repeatLink(tx, keys.links, 'setup', LEAST, now)) ??
      (await createVerification(tx, keys, subject, verificationRules(config), now)).link
    );
  });
  return `${publicUrl}${purposes.setup.page}#token=${link}`;
}

/** Whether there is no administrator yet, and if so, whether a printed link still works. */
export async function setUpState({
  db,
  clock,
  keys,
}: Pick<AppContext, 'db' | 'clock' | 'keys'>): Promise<'done' | 'link' | 'no link'> {
  if (await isSetUp(db)) return 'done';
  return (await repeatLink(db, keys.links, 'setup', 0, clock.now())) === undefined ? 'no link' : 'link';
}

/** @throws HttpError `setup_completed` */
export async function rejectSetUpDone({ db }: Pick<AppContext, 'db'>): Promise<void> {
  if (await isSetUp(db)) throw new HttpError('setup_completed');
}

/**
 * Checks a setup link. Opening it changes nothing.
 *
 * @throws HttpError `setup_completed`, `invalid_link`
 */
export async function openSetUpLink(
  context: AppContext,
  token: string,
  { client }: Pick<Call, 'client'>,
): Promise<CheckedVerification<'setup'>> {
  await rejectSetUpDone(context);
  try {
    return await openLink(context, { client }, token, ['setup']);
  } catch (error) {
    if (!(error instanceof HttpError && error.code === 'invalid_link')) throw error;
    throw new HttpError('invalid_link', {
      text: text('error.setup_link'),
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
 * Creates the first administrator and signs them in. Their browser becomes a known device, so that wrong passwords from
 * strangers do not lock them out of it. The same transaction uses up the link and completes the setup: of concurrent
 * calls, one succeeds.
 *
 * @throws HttpError `setup_completed`, `invalid_link`, `signup_rejected` with the reason for every field.
 */
export async function makeFirstAdmin(
  context: AppContext,
  { body, client, headers }: Call<z.infer<typeof firstAdminBody>>,
): Promise<Pick<RouteResponse, 'cookie' | 'otherCookies'>> {
  const { clock, hasher } = context;
  const link = await openSetUpLink(context, body.token, { client });
  const names = await checkNewUser(body, context);
  const passwordHash = await hashPassword(hasher, body.password, forStranger(client, names.emailKey));
  const outcome = await finishSignIn(context, { client, headers }, { kind: 'cookie' }, async (tx) => {
    // In the order of `makeSetUpLink`, so that the two never wait for each other.
    await serializeAdminChanges(tx);
    const used = await useVerification(tx, context, link);
    if (!used) throw new HttpError('invalid_link');
    const account = {
      ...names,
      locale: languageOf(context, headers),
      passwordHash,
      passwordGivenAt: clock.now(),
    };
    return makeFirstAccount(tx, context, account, used, client);
  });
  switch (outcome.result) {
    case 'session':
      return outcome.cookies;
    case 'rejected':
      throw new HttpError('conflict');
  }
}
