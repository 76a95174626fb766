import { z } from 'zod';
import type { AppContext } from '../../context.ts';
import { generatePassword, hashPassword } from '../../core/passwords.ts';
import { findById, type User } from '../../core/users.ts';
import { isTicket } from '../../core/verifications.ts';
import { HttpError } from '../../errors.ts';
import type { Call, RouteResponse } from '../../http/route.ts';
import { forUser } from '../passwords/hash-requester.ts';
import { rejectWeak } from '../passwords/new-password.ts';
import { finishRecovery } from '../sessions/finish-sign-in.ts';
import {
  type CheckedVerification,
  checkVerification,
  openLink,
  ticketOf,
  useVerification,
  type VerificationInput,
  verificationFields,
  withCodeOrLink,
} from '../verifications/check-verification.ts';
import { verificationRules } from '../verifications/verification-rules.ts';

export const resetPasswordBody = withCodeOrLink(
  z.strictObject({ ...verificationFields, password: z.string().optional() }),
).describe(
  'Either `email` and `code`, or `token`. If `password` is omitted, one is generated; it must be changed at the first sign-in.',
);

/** The user who proved access to the account's email, and the verification to use up. */
interface RecoveredAccount {
  user: User;
  verification: CheckedVerification<'reset_password'>;
}

/**
 * Sets a new password for a user who proves access to the account's email. Revokes all sessions and starts none: the
 * user signs in next, from a device that is now known, so that wrong passwords from strangers do not lock them out.
 */
export async function resetPassword(
  context: AppContext,
  call: Call<z.infer<typeof resetPasswordBody>>,
): Promise<RouteResponse & { user: Pick<User, 'username'> }> {
  const { hasher } = context;
  const { body, client } = call;
  // Check the password before anything is used up, and before anything known about the account could leak.
  if (body.password !== undefined) await rejectWeak(context, body.password, { email: body.email ?? '' });
  const { user, verification } = await prove(context, call, body);
  if (body.password !== undefined) await rejectWeak(context, body.password, user);
  const password = body.password ?? generatePassword();
  const isGenerated = body.password === undefined;
  const hash = await hashPassword(hasher, password, forUser(client, user.id));
  const outcome = await finishRecovery(context, call, { hash, isGenerated }, async (tx) => {
    const used = await useVerification(tx, context, verification);
    if (!used) throw new HttpError('invalid_code');
    return used;
  });
  switch (outcome.result) {
    case 'recovered':
      return {
        user: outcome.user,
        status: 200,
        body: { message: 'Password changed.', ...(isGenerated ? { password } : {}) },
        otherCookies: { ...outcome.cookies.otherCookies, verification: 'unset' },
      };
    case 'rejected':
      throw new HttpError('invalid_code');
  }
}

/** @throws HttpError as `checkVerification` does; a disabled account counts as one that does not exist. */
async function prove(
  context: AppContext,
  call: Pick<Call<unknown>, 'client' | 'headers'>,
  response: VerificationInput,
): Promise<RecoveredAccount> {
  const rules = verificationRules(context.config);
  const verification = await checkVerification(
    context,
    call,
    response,
    ['reset_password'],
    (user) => user?.disabled_at === null && rules.isFor(user),
  );
  const { user_id } = verification.verification;
  const user = user_id === null ? undefined : await findById(context.db, user_id);
  // The user of a ticket may have become an administrator, for whom a short code is not enough.
  const isForUser = user?.disabled_at === null && (!isTicket(response.token ?? '') || rules.isFor(user));
  if (!isForUser) throw new HttpError(response.token === undefined ? 'invalid_code' : 'invalid_link');
  return { user, verification };
}

/**
 * Checks a code before the new password is chosen.
 *
 * @returns A token for `resetPassword`. The code is not used up.
 * @throws HttpError as `checkVerification` does.
 */
export async function checkResetCode(
  context: AppContext,
  call: Pick<Call<unknown>, 'client' | 'headers'>,
  given: { email: string; code: string },
): Promise<string> {
  const { verification } = await prove(context, call, given);
  return ticketOf(context, verification);
}

/**
 * Checks a link. Opening it changes nothing.
 *
 * @throws HttpError as `openLink` does.
 */
export async function checkResetLink(
  context: AppContext,
  call: Pick<Call, 'client'>,
  token: string,
): Promise<void> {
  await openLink(context, call, token, ['reset_password']);
}
