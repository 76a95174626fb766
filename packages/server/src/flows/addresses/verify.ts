import { z } from 'zod';
import type { World } from '../../context.ts';
import { type PurposeAt, purposesAt } from '../../core/codes/purposes.ts';
import { endVerificationsOf, isHeld, wentTo, wishOf } from '../../core/codes.ts';
import { recordEvent } from '../../core/events.ts';
import { parseUsername } from '../../core/names.ts';
import { hashPassword } from '../../core/passwords.ts';
import { findById, holdSignIns, setProvenEmail, setVerified, type User } from '../../core/users.ts';
import { findSignedIn } from '../../edge/credential.ts';
import type { Answer, Call } from '../../edge/route.ts';
import { readFlow } from '../../edge/side-cookies.ts';
import { Refusal } from '../../errors.ts';
import type { Requester } from '../../platform/fair-queue.ts';
import { takenRefusal } from '../accounts/check-new-user.ts';
import { makeAccount } from '../accounts/make-account.ts';
import { notify } from '../emails/notices.ts';
import { forUser } from '../passwords/hash-requester.ts';
import { refuseWeak } from '../passwords/new-password.ts';
import { cannotAskForFactor, finishRecovery, finishSignIn } from '../sessions/finish-sign-in.ts';
import { showUser } from '../shapes/users.ts';
import { codeRules } from '../verifications/code-rules.ts';
import {
  type CheckedVerification,
  isMailAnswer,
  NO_MAIL_ANSWER,
  openLink,
  proveMailbox,
  useVerification,
} from '../verifications/prove-mailbox.ts';

export const verifyEmailBody = z
  .strictObject({
    email: z.string().optional(),
    code: z.string().optional(),
    token: z.string().optional(),
    password: z.string().optional(),
    username: z.string().optional(),
  })
  .refine(isMailAnswer, NO_MAIL_ANSWER)
  .describe(
    'Either `email` and `code`, or `token` from the link. From a different browser, `password` is also required; `username` replaces one that has been taken.',
  );
type Verify = z.infer<typeof verifyEmailBody>;

const purposes = purposesAt('/verify');

/**
 * Proves that the caller reads what is sent to an address: finishes a sign-up, a change of address, or says that an
 * account's address is right.
 *
 * Whoever signed up need not be who reads the mail. A password counts only where the mail is answered by the browser that
 * gave it; from anywhere else it has to be chosen anew, and nobody who was there before stays in.
 *
 * @throws Refusal `code_invalid`, `link_invalid` and `too_many_requests` as `proveMailbox` does; `password_needed`;
 * `unauthenticated` for a change that was asked for elsewhere; `signup_taken`.
 */
export async function verifyEmail(world: World, call: Call<Verify>): Promise<Answer> {
  const rules = codeRules(world.config);
  const isFor = (user: User | undefined) => !user || (user.disabled_at === null && rules.isFor(user));
  const checked = await proveMailbox(world, call, call.body, purposes, isFor);
  const isSameBrowser = readFlow(world, call.headers) === checked.flow.id;
  const verifying = { world, call, isSameBrowser };
  switch (checked.purpose) {
    case 'sign_up':
      return finishSignUp({ ...verifying, checked });
    case 'change_email':
      return changeAddress({ ...verifying, checked });
    case 'verify_email':
      return proveAddress({ ...verifying, checked });
  }
}

/** What the link of a mail would do. */
export interface VerifyLink {
  purpose: PurposeAt<'/verify'>;
  /** This is another browser than the one that began. */
  needsPassword: boolean;
}

/** Looks what a link is for. Opening it changes nothing. @throws Refusal as `openLink` does. */
export async function checkVerifyLink(
  world: World,
  call: Pick<Call, 'headers' | 'origin'>,
  token: string,
): Promise<VerifyLink> {
  const { flow, purpose } = await openLink(world, call, token, purposes);
  const isOwn = readFlow(world, call.headers) === flow.id || (await isSignedInAs(world, call, flow.user_id));
  return { purpose, needsPassword: purpose !== 'change_email' && !isOwn };
}

interface Verifying<P extends PurposeAt<'/verify'>> {
  world: World;
  call: Call<Verify>;
  checked: CheckedVerification<P>;
  /** Whether this browser began the flow. */
  isSameBrowser: boolean;
}

async function finishSignUp({ world, call, checked, isSameBrowser }: Verifying<'sign_up'>): Promise<Answer> {
  const { clock, keys } = world;
  const { body, origin } = call;
  const { flow } = checked;
  const { email, emailKey, username = '', usernameKey = '', passwordHash } = wishOf(keys.wishes, flow);
  const names = body.username === undefined ? { username, usernameKey } : otherUsername(body.username);
  const requester = forUser(origin, emailKey);
  const given = isSameBrowser
    ? { passwordHash: passwordHash ?? '', passwordGivenAt: flow.created_at }
    : {
        passwordHash: await chosenPassword(world, body, { ...names, email }, requester),
        passwordGivenAt: clock.now(),
      };
  const outcome = await finishSignIn(world, call, { kind: 'cookie' }, async (tx) => {
    if (!(await useVerification(tx, world, checked))) throw used(body);
    const account = { email, emailKey, ...names, ...given, isProven: true };
    return makeAccount(tx, world, account, origin).catch((error: unknown) => {
      // Somebody else has the address by now: the mail of a flow for nobody was guessed, or a second one answered.
      if (error instanceof Refusal && error.fields?.some(({ field }) => field === 'email')) throw used(body);
      throw error;
    });
  });
  switch (outcome.result) {
    case 'session':
      return {
        status: 201,
        body: { message: 'user created!', user: showUser(outcome.user) },
        ...outcome.cookies,
        sideCookies: { ...outcome.cookies.sideCookies, flow: 'unset' },
      };
    case 'factor_required':
      throw cannotAskForFactor();
    case 'refused':
      throw new Refusal('conflict');
  }
}

function otherUsername(given: string): { username: string; usernameKey: string } {
  const parsed = parseUsername(given);
  if (!parsed.ok) throw new Refusal('signup_refused', { fields: [{ field: 'username', ...parsed }] });
  return { username: parsed.username, usernameKey: parsed.key };
}

async function proveAddress({
  world,
  call,
  checked,
  isSameBrowser,
}: Verifying<'verify_email'>): Promise<Answer> {
  const { db, clock, keys } = world;
  const { body, origin } = call;
  const user = await findById(db, checked.flow.user_id ?? '');
  if (user?.disabled_at !== null || !wentTo(keys.codes, checked.flow, user.email_key)) throw used(body);
  if (!isSameBrowser && !(await isSignedInAs(world, call, user.id)))
    return takeUnproven({ world, call, checked }, user);
  const proven = await db.transaction().execute(async (tx) => {
    const now = clock.now();
    if (!(await useVerification(tx, world, checked))) throw used(body);
    await recordEvent(tx, 'address_proven', origin, { userId: user.id, actorId: user.id }, now);
    return setVerified(tx, user.id, now);
  });
  if (!proven) throw used(body);
  return { status: 200, body: { message: 'Email verified.', user: showUser(proven) } };
}

/** Whoever reads the mail in another browser than the one that signed up takes the account, with a password of their own. */
async function takeUnproven(
  { world, call, checked }: Omit<Verifying<'verify_email'>, 'isSameBrowser'>,
  user: User,
): Promise<Answer> {
  const { body, origin } = call;
  const hash = await chosenPassword(world, body, user, forUser(origin, user.id));
  const outcome = await finishRecovery(world, call, { hash, isGenerated: false }, async (tx) => {
    const proof = await useVerification(tx, world, checked);
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
    case 'factor_required':
      throw cannotAskForFactor();
    case 'refused':
      throw used(body);
  }
}

/**
 * Only who is signed in to the account gives it this address: nobody's mailbox proves anything to a stranger's account, and
 * whoever was signed out finishes nothing that they began.
 */
async function changeAddress({ world, call, checked }: Verifying<'change_email'>): Promise<Answer> {
  const { db, clock, keys } = world;
  const { origin } = call;
  const { flow } = checked;
  const user = await findById(db, flow.user_id ?? '');
  if (user?.disabled_at !== null) throw used(call.body);
  if (!(await isSignedInAs(world, call, user.id)))
    throw new Refusal('unauthenticated', {
      message: 'Sign in to the account you’re changing, then open this link again.',
    });
  const wish = wishOf(keys.wishes, flow);
  const changed = await db.transaction().execute(async (tx) => {
    const now = clock.now();
    await holdSignIns(tx, user.id);
    if (!(await useVerification(tx, world, checked))) throw used(call.body);
    if (await isHeld(tx, keys.codes, wish.emailKey, user.id, now)) throw takenRefusal(['email']);
    const after = await setProvenEmail(tx, user.id, wish, now);
    if (after === 'taken') throw takenRefusal(['email']);
    if (!after) throw used(call.body);
    // What lies in the old mailbox opens nothing any more.
    await endVerificationsOf(tx, user.id, 'email_change', now);
    const about = { userId: user.id, actorId: user.id };
    await recordEvent(tx, 'address_changed', origin, about, now);
    await notify(tx, world, 'email_changed', user, origin, { new_email: wish.email });
    return after;
  });
  return {
    status: 200,
    body: { message: 'Email changed.', user: showUser(changed) },
    sideCookies: { flow: 'unset' },
  };
}

/** @throws Refusal `password_needed` when none was chosen, `invalid_request` for one that is too weak. */
async function chosenPassword(
  world: World,
  { password }: Verify,
  about: { username: string; email: string },
  requester: Requester,
): Promise<string> {
  if (password === undefined) throw new Refusal('password_needed');
  await refuseWeak(world, password, about);
  return hashPassword(world.hasher, password, requester);
}

async function isSignedInAs(
  world: World,
  { headers }: Pick<Call, 'headers'>,
  userId: string | null,
): Promise<boolean> {
  const live = await findSignedIn(world, headers);
  // Who has yet to change a password that others may know can do so by this mail, but counts as nobody's owner.
  return live?.user.id === userId && live.user.password_change_required_at === null;
}

const used = ({ token }: Verify): Refusal =>
  new Refusal(token === undefined ? 'code_invalid' : 'link_invalid');
