import { z } from 'zod';
import type { AppContext } from '../../context.ts';
import { recordEvent } from '../../core/events.ts';
import { hashPassword } from '../../core/passwords.ts';
import { findById, setVerified, setVerifiedEmail, type User } from '../../core/users.ts';
import { type PurposeAt, purposesAt } from '../../core/verifications/purposes.ts';
import { endVerificationsOf, isEmailReserved, pendingChangeOf, wasSentTo } from '../../core/verifications.ts';
import { HttpError } from '../../errors.ts';
import { findSignedIn } from '../../http/credential.ts';
import { readVerificationCookie } from '../../http/other-cookies.ts';
import type { Call, RouteResponse } from '../../http/route.ts';
import { text } from '../../languages/text.ts';
import type { Requester } from '../../platform/fair-queue.ts';
import { accountCreated } from '../accounts/account-created.ts';
import { takenError } from '../accounts/check-new-user.ts';
import { freeUsername } from '../accounts/free-names.ts';
import { languageOf, makeAccount } from '../accounts/make-account.ts';
import { sendSecurityNotice } from '../emails/security-notices.ts';
import { forUser } from '../passwords/hash-requester.ts';
import { rejectWeak } from '../passwords/new-password.ts';
import { finishRecovery, finishSignIn } from '../sessions/finish-sign-in.ts';
import { showUser } from '../shapes/users.ts';
import {
  type CheckedVerification,
  checkVerification,
  openLink,
  useVerification,
  verificationFields,
  withCodeOrLink,
} from '../verifications/check-verification.ts';
import { verificationRules } from '../verifications/verification-rules.ts';

export const verifyEmailBody = withCodeOrLink(
  z.strictObject({ ...verificationFields, password: z.string().optional(), username: z.string().optional() }),
).describe(
  'Either `email` and `code`, or `token` from the link. From a different browser, `password` is also required; `username` replaces one that has been taken.',
);
type Verify = z.infer<typeof verifyEmailBody>;

const purposes = purposesAt('/verify');

/**
 * Verifies that the caller can read the messages sent to an email. Completes a sign-up or a change of email, or marks
 * an account's email as verified.
 *
 * The person who signed up may not be the one who reads the email. The password of a sign-up counts only if the same
 * browser completes the verification; any other browser must choose a new one, and all existing sessions are revoked.
 *
 * @throws HttpError `invalid_code`, `invalid_link` and `too_many_requests` as `checkVerification` does;
 * `password_required`; `unauthenticated` for an email change that was requested in another session; `user_exists`.
 */
export async function verifyEmail(context: AppContext, call: Call<Verify>): Promise<RouteResponse> {
  const rules = verificationRules(context.config);
  const isFor = (user: User | undefined) => !user || (user.disabled_at === null && rules.isFor(user));
  const checked = await checkVerification(context, call, call.body, purposes, isFor);
  const isSameBrowser = readVerificationCookie(context, call.headers) === checked.verification.id;
  const verifying = { context, call, isSameBrowser };
  switch (checked.purpose) {
    case 'sign_up':
      return finishSignUp({ ...verifying, checked });
    case 'change_email':
      return completeEmailChange({ ...verifying, checked });
    case 'verify_email':
      return verifyAddedEmail({ ...verifying, checked });
  }
}

/** What the link of an email would do. */
export interface VerifyLink {
  purpose: PurposeAt<'/verify'>;
  /** True when another browser started the verification. */
  needsPassword: boolean;
}

/**
 * Looks up what a link is for. Opening it changes nothing.
 *
 * @throws HttpError as `openLink` does.
 */
export async function checkVerifyLink(
  context: AppContext,
  call: Pick<Call, 'headers' | 'client'>,
  token: string,
): Promise<VerifyLink> {
  const { verification, purpose } = await openLink(context, call, token, purposes);
  const isOwn =
    readVerificationCookie(context, call.headers) === verification.id ||
    (await isSignedInAs(context, call, verification.user_id));
  return { purpose, needsPassword: purpose !== 'change_email' && !isOwn };
}

interface Verifying<P extends PurposeAt<'/verify'>> {
  context: AppContext;
  call: Call<Verify>;
  checked: CheckedVerification<P>;
  /** Whether this browser started the verification. */
  isSameBrowser: boolean;
}

async function finishSignUp({
  context,
  call,
  checked,
  isSameBrowser,
}: Verifying<'sign_up'>): Promise<RouteResponse> {
  const { clock, keys } = context;
  const { body, client } = call;
  const { verification } = checked;
  const {
    email,
    emailKey,
    username = '',
    usernameKey = '',
    passwordHash,
  } = pendingChangeOf(keys.pendingChanges, verification);
  // Another account has taken the email in the meantime: a code without an account was guessed, or a second one was used.
  const withoutEmail = (error: unknown): never => {
    if (error instanceof HttpError && error.fields?.some(({ field }) => field === 'email')) throw used(body);
    throw error;
  };
  const planned = { username, usernameKey, emailKey };
  const names = await freeUsername(context, client, planned, body.username).catch(withoutEmail);
  const requester = forUser(client, emailKey);
  const given = isSameBrowser
    ? { passwordHash: passwordHash ?? '', passwordGivenAt: verification.created_at }
    : {
        passwordHash: await chosenPassword(context, body, { ...names, email }, requester),
        passwordGivenAt: clock.now(),
      };
  const outcome = await finishSignIn(context, call, { kind: 'cookie' }, async (tx) => {
    if (!(await useVerification(tx, context, checked))) throw used(body);
    // The browser that reads the email is the owner's; the one that signed up may be a stranger's.
    const locale = languageOf(context, call.headers);
    const account = { email, emailKey, locale, ...names, ...given, isEmailVerified: true };
    return makeAccount(tx, context, account, client).catch(withoutEmail);
  });
  const response = accountCreated(outcome);
  return { ...response, otherCookies: { ...response.otherCookies, verification: 'unset' } };
}

async function verifyAddedEmail({
  context,
  call,
  checked,
  isSameBrowser,
}: Verifying<'verify_email'>): Promise<RouteResponse> {
  const { db, clock, keys } = context;
  const { body, client } = call;
  const user = await findById(db, checked.verification.user_id ?? '');
  if (user?.disabled_at !== null || !wasSentTo(keys.verifications, checked.verification, user.email_key))
    throw used(body);
  if (!isSameBrowser && !(await isSignedInAs(context, call, user.id)))
    return takeUnproven({ context, call, checked }, user);
  const verified = await db.transaction().execute(async (tx) => {
    const now = clock.now();
    if (!(await useVerification(tx, context, checked))) throw used(body);
    await recordEvent(tx, 'email_verified', client, { userId: user.id, actorId: user.id }, now);
    return setVerified(tx, user.id, now);
  });
  if (!verified) throw used(body);
  return { status: 200, body: { message: 'Email verified.', user: showUser(verified) } };
}

/**
 * Gives an account with an unverified email to the person who reads that email in another browser than the one that
 * signed up. They choose their own password.
 */
async function takeUnproven(
  { context, call, checked }: Omit<Verifying<'verify_email'>, 'isSameBrowser'>,
  user: User,
): Promise<RouteResponse> {
  const { body, client } = call;
  const hash = await chosenPassword(context, body, user, forUser(client, user.id));
  const outcome = await finishRecovery(context, call, { hash, isGenerated: false }, async (tx) => {
    const proof = await useVerification(tx, context, checked);
    if (!proof) throw used(body);
    return proof;
  });
  switch (outcome.result) {
    case 'recovered':
      return {
        status: 200,
        body: { message: 'Email verified.', user: showUser(outcome.user) },
        ...outcome.cookies,
      };
    case 'rejected':
      throw used(body);
  }
}

/**
 * Completes a change of email. Requires a session of the account: access to a mailbox proves nothing for a stranger's
 * account, and a signed-out user cannot complete a change that they requested.
 */
async function completeEmailChange({
  context,
  call,
  checked,
}: Verifying<'change_email'>): Promise<RouteResponse> {
  const { db, clock, keys } = context;
  const { client } = call;
  const { verification } = checked;
  const user = await findById(db, verification.user_id ?? '');
  if (user?.disabled_at !== null) throw used(call.body);
  if (!(await isSignedInAs(context, call, user.id)))
    throw new HttpError('unauthenticated', {
      text: text('error.sign_in_first'),
    });
  const pendingChange = pendingChangeOf(keys.pendingChanges, verification);
  const changed = await db.transaction().execute(async (tx) => {
    const now = clock.now();
    if (!(await useVerification(tx, context, checked))) throw used(call.body);
    if (await isEmailReserved(tx, keys.verifications, pendingChange.emailKey, user.id, now))
      throw takenError(['email']);
    const after = await setVerifiedEmail(tx, user.id, pendingChange, now);
    if (after === 'taken') throw takenError(['email']);
    if (!after) throw used(call.body);
    // Invalidate the links and codes sent to the old email.
    await endVerificationsOf(tx, user.id, 'email_change', now);
    const about = { userId: user.id, actorId: user.id };
    await recordEvent(tx, 'email_changed', client, about, now);
    await sendSecurityNotice({ context, tx, user, client }, 'email_changed', {
      new_email: pendingChange.email,
    });
    return after;
  });
  return {
    status: 200,
    body: { message: 'Email changed.', user: showUser(changed) },
    otherCookies: { verification: 'unset' },
  };
}

/** @throws HttpError `password_required` when none was given, `invalid_request` for one that is too weak. */
async function chosenPassword(
  context: AppContext,
  { password }: Verify,
  about: { username: string; email: string },
  requester: Requester,
): Promise<string> {
  if (password === undefined) throw new HttpError('password_required');
  await rejectWeak(context, password, about);
  return hashPassword(context.hasher, password, requester);
}

async function isSignedInAs(
  context: AppContext,
  { headers }: Pick<Call, 'headers'>,
  userId: string | null,
): Promise<boolean> {
  const activeSession = await findSignedIn(context, headers);
  // A user who must change a password that others may know can do so with this email, but does not count as the owner
  // yet.
  return activeSession?.user.id === userId && activeSession.user.password_change_required_at === null;
}

const used = ({ token }: Verify): HttpError =>
  new HttpError(token === undefined ? 'invalid_code' : 'invalid_link');
