import { z } from 'zod';
import type { AppContext } from '../../context.ts';
import { generatePassword, hashPassword } from '../../core/passwords.ts';
import { findById, setVerifiedEmail } from '../../core/users.ts';
import { endRestoreLinksFrom } from '../../core/verifications/restore-links.ts';
import { pendingChangeOf } from '../../core/verifications.ts';
import { HttpError } from '../../errors.ts';
import type { Call, RouteResponse } from '../../http/route.ts';
import type { Db } from '../../platform/db/index.ts';
import { forUser } from '../passwords/hash-requester.ts';
import { rejectWeak } from '../passwords/new-password.ts';
import { finishRecovery } from '../sessions/finish-sign-in.ts';
import {
  type CheckedVerification,
  openLink,
  useVerification,
  type VerificationProof,
} from '../verifications/check-verification.ts';

export const restoreEmailBody = z
  .strictObject({ token: z.string(), password: z.string().optional() })
  .describe(
    '`token` from the link. If `password` is omitted, one is generated; it must be changed at the first sign-in.',
  );

/**
 * Undoes a change of email, whether pending or complete, and everything that followed from it. The person who made it
 * knew the password, so the password is replaced and all sessions are revoked. Links sent to earlier emails of the
 * account stay valid: a thief who uses a link of their own does not revoke the owner's.
 *
 * @throws HttpError `invalid_link`; `too_many_requests` after too many links that never existed.
 */
export async function restoreEmail(
  context: AppContext,
  call: Call<z.infer<typeof restoreEmailBody>>,
): Promise<RouteResponse> {
  const { db, keys, hasher } = context;
  const { body, client } = call;
  const link = await openLink(context, call, body.token, ['restore_email']);
  const user = await findById(db, link.verification.user_id ?? '');
  if (!user) throw new HttpError('invalid_link');
  const { email } = pendingChangeOf(keys.pendingChanges, link.verification);
  if (body.password !== undefined)
    await rejectWeak(context, body.password, { username: user.username, email });
  const password = body.password ?? generatePassword();
  const hash = await hashPassword(hasher, password, forUser(client, user.id));
  const isGenerated = body.password === undefined;
  const outcome = await finishRecovery(context, call, { hash, isGenerated }, (tx) =>
    putBack(tx, context, link, user.id),
  );
  switch (outcome.result) {
    case 'recovered':
      return {
        status: 200,
        body: { message: 'Email restored.', ...(isGenerated ? { password } : {}) },
        ...outcome.cookies,
      };
    case 'rejected':
      throw new HttpError('invalid_link');
  }
}

/** Restores the email of the link on the account, and uses up the link and everything that it outranks. */
async function putBack(
  tx: Db,
  context: AppContext,
  link: CheckedVerification<'restore_email'>,
  userId: string,
): Promise<VerificationProof<'restore_email'>> {
  const now = context.clock.now();
  const used = await useVerification(tx, context, link);
  if (!used) throw new HttpError('invalid_link');
  await endRestoreLinksFrom(tx, userId, link.verification.email_version ?? 0, now);
  const restored = await setVerifiedEmail(
    tx,
    userId,
    pendingChangeOf(context.keys.pendingChanges, link.verification),
    now,
  );
  if (restored === 'taken') throw new HttpError('conflict');
  if (!restored) throw new HttpError('invalid_link');
  return used;
}

/**
 * Checks a link. Opening it changes nothing.
 *
 * @throws HttpError as `openLink` does.
 */
export async function checkRestoreLink(
  context: AppContext,
  call: Pick<Call, 'client'>,
  token: string,
): Promise<void> {
  await openLink(context, call, token, ['restore_email']);
}
