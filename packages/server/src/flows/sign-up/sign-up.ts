import { z } from 'zod';
import type { World } from '../../context.ts';
import { isHeld } from '../../core/codes.ts';
import { recordEvent } from '../../core/events.ts';
import { countInRanges } from '../../core/limits.ts';
import { hashPassword } from '../../core/passwords.ts';
import { findByName, type NewUser, takenNames } from '../../core/users.ts';
import { clientRanges } from '../../edge/address.ts';
import type { Answer, Call } from '../../edge/route.ts';
import { Refusal } from '../../errors.ts';
import { checkNewUser, takenRefusal } from '../accounts/check-new-user.ts';
import { makeAccount } from '../accounts/make-account.ts';
import { refuseReached } from '../limits/limit-reached.ts';
import { forStranger } from '../passwords/hash-requester.ts';
import { cannotAskForFactor, finishSignIn } from '../sessions/finish-sign-in.ts';
import { showUser } from '../shapes/users.ts';
import { flowCookie, mailCode } from '../verifications/mail-code.ts';

export const signUpBody = z.strictObject({ username: z.string(), email: z.string(), password: z.string() });
type SignUp = z.infer<typeof signUpBody>;

/** The same for everybody: it tells nothing of whether there is an account. */
export const SIGN_UP_MAILED =
  'We’ve sent an email to this address. Use the link or code in it to finish signing up.';

/** How the names and the password of a sign-up go on to the account, or to the mail that comes before it. */
type Checked = Omit<NewUser, 'role'>;

/**
 * Makes an account and signs its owner in: 201, the user and a session cookie. Where addresses are proven first
 * (USHER_SIGNUP=verified) it answers 202 to everybody, and there is an account once the mail is answered.
 */
export async function signUp(world: World, call: Call<SignUp>): Promise<Answer> {
  const { db, clock, keys, hasher, config } = world;
  const { body, origin } = call;
  if (config.signup === 'closed') throw new Refusal('signup_closed');
  const names = await checkNewUser(body, world);
  const limit = await countInRanges(db, keys.limits, 'signup', clientRanges(origin.ip), clock.now());
  if (!limit.allowed) throw await refuseReached(world, origin, limit);
  const isOpen = config.signup === 'open';
  const taken = await takenNames(db, names.usernameKey, names.emailKey);
  // Names of users are no secret, addresses are: what is taken is said, but where only the mail may tell.
  const told = isOpen ? taken : taken.filter((name) => name === 'username');
  if (told.length > 0) throw takenRefusal(told);
  const passwordHash = await hashPassword(hasher, body.password, forStranger(origin, names.emailKey));
  const checked = { ...names, passwordHash };
  return isOpen ? signUpAtOnce(world, checked, call) : askForProof(world, checked, origin);
}

async function signUpAtOnce(
  world: World,
  checked: Checked,
  { headers, origin }: Pick<Call, 'headers' | 'origin'>,
): Promise<Answer> {
  const outcome = await finishSignIn(world, { headers, origin }, { kind: 'cookie' }, async (tx) => {
    const account = { ...checked, passwordGivenAt: world.clock.now() };
    const proof = await makeAccount(tx, world, account, origin);
    const { user } = proof;
    const mail = { purpose: 'verify_email', kind: 'verify_email', to: user.email } as const;
    await mailCode(tx, world, { ...mail, user, address: user.email_key }, origin);
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
    case 'refused':
      throw new Refusal('conflict');
  }
}

/** The owner of an address that has an account is told of the attempt, and the caller nothing. */
async function askForProof(world: World, checked: Checked, origin: Call['origin']): Promise<Answer> {
  const { db, clock, keys } = world;
  const { email, emailKey: address, username } = checked;
  const flow = await db.transaction().execute(async (tx) => {
    const now = clock.now();
    const owner = await findByName(tx, 'email', address);
    const isFree = !(await isHeld(tx, keys.codes, address, undefined, now)) && !owner;
    const asked = { purpose: 'sign_up', kind: 'sign_up', user: undefined, wish: checked } as const;
    const { flow, mailed } = await mailCode(
      tx,
      world,
      { ...asked, address, username, owner, to: isFree ? email : null },
      origin,
    );
    await recordEvent(
      tx,
      'sign_up_started',
      origin,
      { userId: owner?.id ?? null, actorId: null, details: { mailed } },
      now,
    );
    return flow;
  });
  return { status: 202, body: { message: SIGN_UP_MAILED }, sideCookies: flowCookie(world, flow) };
}
