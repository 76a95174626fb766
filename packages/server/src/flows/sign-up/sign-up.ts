import { z } from 'zod';
import type { AppContext } from '../../context.ts';
import { recordEvent } from '../../core/events.ts';
import { hashPassword } from '../../core/passwords.ts';
import { findByIdentifier, type NewUser, takenIdentifiers } from '../../core/users.ts';
import { isEmailReserved } from '../../core/verifications.ts';
import { HttpError } from '../../errors.ts';
import type { Call, RouteResponse } from '../../http/route.ts';
import { accountCreated } from '../accounts/account-created.ts';
import { checkNewUser, takenError } from '../accounts/check-new-user.ts';
import { languageOf, makeAccount } from '../accounts/make-account.ts';
import { countIp } from '../limits/count-ip.ts';
import { forStranger } from '../passwords/hash-requester.ts';
import { finishSignIn } from '../sessions/finish-sign-in.ts';
import { sendVerification, verificationCookie } from '../verifications/send-verification.ts';

export const signUpBody = z.strictObject({ username: z.string(), email: z.string(), password: z.string() });
type SignUp = z.infer<typeof signUpBody>;

/** The same message for every request: it does not reveal whether there is an account. */
export const SIGN_UP_EMAIL_SENT =
  'We’ve sent an email to this address. Use the link or code in it to finish signing up.';

/** The checked identifiers and password of a sign-up. */
type Checked = Omit<NewUser, 'role'>;

/**
 * Creates an account and signs its owner in: responds 201 with the user and a session cookie. If emails are verified
 * first (USHER_SIGNUP=verified), responds 202 whether or not the email has an account, and creates the account once the
 * email is verified.
 */
export async function signUp(context: AppContext, call: Call<SignUp>): Promise<RouteResponse> {
  const { db, hasher, config } = context;
  const { body, client } = call;
  if (config.signup === 'closed') throw new HttpError('signup_disabled');
  const names = await checkNewUser(body, context);
  await countIp(context, client, 'sign_ups_per_ip_range');
  const isOpen = config.signup === 'open';
  const taken = await takenIdentifiers(db, names.usernameKey, names.emailKey);
  // Usernames are not secret, but emails are. If emails are verified first, only the message to its owner says that an
  // email is taken.
  const told = isOpen ? taken : taken.filter((name) => name === 'username');
  if (told.length > 0) throw takenError(told);
  const passwordHash = await hashPassword(hasher, body.password, forStranger(client, names.emailKey));
  const checked = { ...names, passwordHash };
  return isOpen ? signUpAtOnce(context, checked, call) : requestVerification(context, checked, call);
}

async function signUpAtOnce(
  context: AppContext,
  checked: Checked,
  { headers, client }: Pick<Call, 'headers' | 'client'>,
): Promise<RouteResponse> {
  const outcome = await finishSignIn(context, { headers, client }, { kind: 'cookie' }, async (tx) => {
    const locale = languageOf(context, headers);
    const account = { ...checked, locale, passwordGivenAt: context.clock.now() };
    const proof = await makeAccount(tx, context, account, client);
    const { user } = proof;
    const email = { purpose: 'verify_email', to: user.email } as const;
    await sendVerification(tx, context, { ...email, user, email: user.email_key }, client);
    return proof;
  });
  return accountCreated(outcome);
}

/**
 * Starts the verification of a sign-up. If the email already has an account, its owner is notified of the attempt and
 * the caller learns nothing.
 */
async function requestVerification(
  context: AppContext,
  checked: Checked,
  { client, language }: Pick<Call, 'client' | 'language'>,
): Promise<RouteResponse> {
  const { db, clock, keys } = context;
  const { email, emailKey, username } = checked;
  const verification = await db.transaction().execute(async (tx) => {
    const now = clock.now();
    const owner = await findByIdentifier(tx, 'email', emailKey);
    const isFree = !(await isEmailReserved(tx, keys.verifications, emailKey, undefined, now)) && !owner;
    const request = { purpose: 'sign_up', user: undefined, pendingChange: checked } as const;
    const { verification, emailed } = await sendVerification(
      tx,
      context,
      { ...request, email: emailKey, username, language: language(), owner, to: isFree ? email : null },
      client,
    );
    await recordEvent(
      tx,
      'sign_up_requested',
      client,
      { userId: owner?.id ?? null, actorId: null, details: { emailed } },
      now,
    );
    return verification;
  });
  return {
    status: 202,
    body: { message: SIGN_UP_EMAIL_SENT },
    otherCookies: verificationCookie(context, verification),
  };
}
