import { z } from 'zod';
import type { AppContext } from '../../context.ts';
import { serializeAdminChanges } from '../../core/installation.ts';
import { hashPassword } from '../../core/passwords.ts';
import { pendingChangeOf } from '../../core/verifications.ts';
import { HttpError } from '../../errors.ts';
import type { Call, RouteResponse } from '../../http/route.ts';
import type { Db } from '../../platform/db/index.ts';
import { accountCreated } from '../accounts/account-created.ts';
import { completeSetUp } from '../accounts/change-user.ts';
import { freeUsername } from '../accounts/free-names.ts';
import { languageOf, makeInvitedAccount } from '../accounts/make-account.ts';
import { forUser } from '../passwords/hash-requester.ts';
import { rejectWeak } from '../passwords/new-password.ts';
import { finishSignIn } from '../sessions/finish-sign-in.ts';
import { type CheckedVerification, openLink, useVerification } from '../verifications/check-verification.ts';

export const acceptInvitationBody = z
  .strictObject({ token: z.string(), password: z.string(), username: z.string().optional() })
  .describe('`token` from the link. `username` replaces one that has been taken.');

/** What the invited person sees before they choose a password. */
export interface OpenedInvitation {
  username: string;
  email: string;
}

/**
 * Looks up what an invitation is for. Opening it changes nothing.
 *
 * @throws HttpError `invalid_link`; `too_many_requests` after too many links that never existed.
 */
export async function checkInvitation(
  context: AppContext,
  call: Pick<Call, 'client'>,
  token: string,
): Promise<OpenedInvitation> {
  const { verification } = await openLink(context, call, token, ['invitation']);
  const { username = '', email } = pendingChangeOf(context.keys.pendingChanges, verification);
  return { username, email };
}

/**
 * Creates the account of an invited person with a password of their own, and signs them in. The link shows that they
 * read the email, so the email is verified. If another account has taken the email meanwhile, the link is as invalid as
 * any other.
 *
 * @throws HttpError `invalid_link`, `signup_rejected`, `user_exists` for a username that was taken, `busy`,
 * `too_many_requests`.
 */
export async function acceptInvitation(
  context: AppContext,
  call: Call<z.infer<typeof acceptInvitationBody>>,
): Promise<RouteResponse> {
  const { keys, clock, hasher } = context;
  const { body, client, headers } = call;
  const link = await openLink(context, call, body.token, ['invitation']);
  const {
    username = '',
    usernameKey = '',
    role = 'user',
    ...invited
  } = pendingChangeOf(keys.pendingChanges, link.verification);
  const planned = { username, usernameKey, emailKey: invited.emailKey };
  const names = await freeUsername(context, client, planned, body.username).catch(withoutEmail);
  await rejectWeak(context, body.password, { ...names, email: invited.email });
  const passwordHash = await hashPassword(hasher, body.password, forUser(client, invited.emailKey));
  const locale = invited.locale ?? languageOf(context, headers);
  const account = { ...invited, ...names, locale, passwordHash, passwordGivenAt: clock.now(), role };
  const outcome = await finishSignIn(context, call, { kind: 'cookie' }, async (tx) => {
    // A lost role or a disabled account of the administrator ends the link: either before this, or after it.
    await serializeAdminChanges(tx);
    const used = await useLink(tx, context, link);
    const proof = await makeInvitedAccount(tx, context, account, used, client).catch(withoutEmail);
    if (role === 'admin') await completeSetUp(tx, clock.now());
    return proof;
  });
  return accountCreated(outcome);
}

async function useLink(tx: Db, context: AppContext, link: CheckedVerification<'invitation'>) {
  const used = await useVerification(tx, context, link);
  if (!used) throw new HttpError('invalid_link');
  return used;
}

/** Does not tell that another account has the email. */
function withoutEmail(error: unknown): never {
  if (error instanceof HttpError && error.fields?.some(({ field }) => field === 'email'))
    throw new HttpError('invalid_link');
  throw error;
}
