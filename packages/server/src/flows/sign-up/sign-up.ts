import { z } from 'zod';
import type { AppContext } from '../../context.ts';
import { recordEvent } from '../../core/events.ts';
import { hashPassword } from '../../core/passwords.ts';
import { findByIdentifier, type NewUser, takenIdentifiers } from '../../core/users.ts';
import { isEmailReserved } from '../../core/verifications.ts';
import { HttpError } from '../../errors.ts';
import type { Call, RouteResponse } from '../../http/route.ts';
import { checkNewUser, takenError } from '../accounts/check-new-user.ts';
import { makeAccount } from '../accounts/make-account.ts';
import { countIp } from '../limits/count-ip.ts';
import { forStranger } from '../passwords/hash-requester.ts';
import { cannotAskForFactor, finishSignIn } from '../sessions/finish-sign-in.ts';
import { showUser } from '../shapes/users.ts';
import { sendVerification, verificationCookie } from '../verifications/send-verification.ts';

export const signUpBody = z.strictObject({ username: z.string(), email: z.string(), password: z.string() });
type SignUp = z.infer<typeof signUpBody>;

/** The same for everybody: it tells nothing of whether there is an account. */
export const SIGN_UP_EMAIL_SENT =
  'We’ve sent an email to this address. Use the link or code in it to finish signing up.';

/** How the names and the password of a sign-up go on to the account, or to the email that comes before it. */
type Checked = Omit<NewUser, 'role'>;

/**
 * Makes an account and signs its owner in: 201, the user and a session cookie. Where addresses are proven first
 * (USHER_SIGNUP=verified) it answers 202 to everybody, and there is an account once the email is answered.
 */
export async function signUp(context: AppContext, call: Call<SignUp>): Promise<RouteResponse> {
  const { db, hasher, config } = context;
  const { body, client } = call;
  if (config.signup === 'closed') throw new HttpError('signup_disabled');
  const names = await checkNewUser(body, context);
  await countIp(context, client, 'sign_ups_per_ip_range');
  const isOpen = config.signup === 'open';
  const taken = await takenIdentifiers(db, names.usernameKey, names.emailKey);
  // Names of users are no secret, addresses are: what is taken is said, but where only the email may tell.
  const told = isOpen ? taken : taken.filter((name) => name === 'username');
  if (told.length > 0) throw takenError(told);
  const passwordHash = await hashPassword(hasher, body.password, forStranger(client, names.emailKey));
  const checked = { ...names, passwordHash };
  return isOpen ? signUpAtOnce(context, checked, call) : requestVerification(context, checked, client);
}

async function signUpAtOnce(
  context: AppContext,
  checked: Checked,
  { headers, client }: Pick<Call, 'headers' | 'client'>,
): Promise<RouteResponse> {
  const outcome = await finishSignIn(context, { headers, client }, { kind: 'cookie' }, async (tx) => {
    const account = { ...checked, passwordGivenAt: context.clock.now() };
    const proof = await makeAccount(tx, context, account, client);
    const { user } = proof;
    const email = { purpose: 'verify_email', kind: 'verify_email', to: user.email } as const;
    await sendVerification(tx, context, { ...email, user, email: user.email_key }, client);
    return proof;
  });
  switch (outcome.result) {
    case 'session':
      return {
        status: 201,
        body: { message: 'user created!', user: showUser(outcome.user) },
        ...outcome.cookies,
      };
    case 'factor_required':
      throw cannotAskForFactor();
    case 'rejected':
      throw new HttpError('conflict');
  }
}

/** The owner of an address that has an account is told of the attempt, and the caller nothing. */
async function requestVerification(
  context: AppContext,
  checked: Checked,
  client: Call['client'],
): Promise<RouteResponse> {
  const { db, clock, keys } = context;
  const { email, emailKey, username } = checked;
  const verification = await db.transaction().execute(async (tx) => {
    const now = clock.now();
    const owner = await findByIdentifier(tx, 'email', emailKey);
    const isFree = !(await isEmailReserved(tx, keys.verifications, emailKey, undefined, now)) && !owner;
    const request = { purpose: 'sign_up', kind: 'sign_up', user: undefined, pendingChange: checked } as const;
    const { verification, emailed } = await sendVerification(
      tx,
      context,
      { ...request, email: emailKey, username, owner, to: isFree ? email : null },
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
