import { z } from 'zod';
import { endFlowsOf, type Flow, isHeld, useFlow, wentTo, wishOf } from '../../core/codes.ts';
import { recordEvent } from '../../core/events.ts';
import { parseUsername } from '../../core/names.ts';
import { hashPassword } from '../../core/passwords.ts';
import { findById, holdSignIns, setProvenEmail, setVerified, type User } from '../../core/users.ts';
import { findSignedIn } from '../../edge/credential.ts';
import type { Answer, Call } from '../../edge/route.ts';
import { readFlow } from '../../edge/side-cookies.ts';
import type { World } from '../../edge/world.ts';
import { Refusal } from '../../errors.ts';
import type { Requester } from '../../platform/fair-queue.ts';
import { takenRefusal } from '../check-new-user.ts';
import { codeRules } from '../code-rules.ts';
import { cookieFor, finishSignIn } from '../finish-sign-in.ts';
import { forUser } from '../hash-requester.ts';
import { rememberBrowser } from '../known-devices.ts';
import { makeAccount } from '../make-account.ts';
import { refuseWeak } from '../new-password.ts';
import { notify } from '../notices.ts';
import { isMailAnswer, NO_MAIL_ANSWER, openLink, proveMailbox } from '../prove-mailbox.ts';
import { showUser } from '../shapes.ts';
import { takeAccount } from '../take-account.ts';

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
    'Either `email` and `code`, or the `token` of the link. Another browser than the one that signed up also gives a `password`; a `username` replaces the one that was taken meanwhile.',
  );
type Verify = z.infer<typeof verifyEmailBody>;

const purposes = ['sign_up', 'verify_email', 'change_email'] as const;

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
  const flow = await proveMailbox(world, call, call.body, purposes, isFor);
  const proof = { world, call, flow, isSameBrowser: readFlow(world, call.headers) === flow.id };
  if (flow.purpose === 'sign_up') return finishSignUp(proof);
  return flow.purpose === 'change_email' ? changeAddress(proof) : proveAddress(proof);
}

/** What the link of a mail would do. */
export interface VerifyLink {
  purpose: (typeof purposes)[number];
  /** This is another browser than the one that began. */
  needsPassword: boolean;
}

/** Looks what a link is for. Opening it changes nothing. @throws Refusal as `openLink` does. */
export async function checkVerifyLink(
  world: World,
  call: Pick<Call, 'headers' | 'origin'>,
  token: string,
): Promise<VerifyLink> {
  const flow = await openLink(world, call, token, purposes);
  const isOwn = readFlow(world, call.headers) === flow.id || (await isSignedInAs(world, call, flow.user_id));
  const purpose = flow.purpose as VerifyLink['purpose'];
  return { purpose, needsPassword: purpose !== 'change_email' && !isOwn };
}

interface Proof {
  world: World;
  call: Call<Verify>;
  flow: Flow;
  /** Whether this browser began the flow. */
  isSameBrowser: boolean;
}

async function finishSignUp({ world, call, flow, isSameBrowser }: Proof): Promise<Answer> {
  const { db, clock, keys } = world;
  const { body, origin } = call;
  const { email, emailKey, username = '', usernameKey = '', passwordHash } = wishOf(keys.wishes, flow);
  const names = body.username === undefined ? { username, usernameKey } : otherUsername(body.username);
  const requester = forUser(origin, emailKey);
  const chosen = isSameBrowser
    ? passwordHash
    : await chosenPassword(world, body, { ...names, email }, requester);
  const newUser = { email, emailKey, ...names, passwordHash: chosen ?? '', isProven: true };
  const { started, device } = await db.transaction().execute(async (tx) => {
    if (!(await useFlow(tx, flow.id, clock.now()))) throw used(body);
    const user = await makeAccount(tx, world, newUser, origin).catch((error: unknown) => {
      // Somebody else has the address by now: the mail of a flow for nobody was guessed, or a second one answered.
      if (error instanceof Refusal && error.fields?.some(({ field }) => field === 'email')) throw used(body);
      throw error;
    });
    const started = await finishSignIn(tx, world, user, 'cookie', 'pwd', call);
    if (!started) throw new Refusal('conflict');
    return { started, ...(await rememberBrowser(tx, world, user.id, call)) };
  });
  return {
    status: 201,
    body: { message: 'user created!', user: showUser(started.user) },
    cookie: cookieFor(world, started),
    sideCookies: { device, flow: 'unset' },
  };
}

function otherUsername(given: string): { username: string; usernameKey: string } {
  const parsed = parseUsername(given);
  if (!parsed.ok) throw new Refusal('signup_refused', { fields: [{ field: 'username', ...parsed }] });
  return { username: parsed.username, usernameKey: parsed.key };
}

async function proveAddress({ world, call, flow, isSameBrowser }: Proof): Promise<Answer> {
  const { db, clock, keys } = world;
  const { body, origin } = call;
  const user = await findById(db, flow.user_id ?? '');
  if (user?.disabled_at !== null || !wentTo(keys.codes, flow, user.email_key)) throw used(body);
  const isOwn = isSameBrowser || (await isSignedInAs(world, call, user.id));
  const password = isOwn ? undefined : await chosenPassword(world, body, user, forUser(origin, user.id));
  const { proven, device } = await db.transaction().execute(async (tx) => {
    const now = clock.now();
    if (!(await useFlow(tx, flow.id, now))) throw used(body);
    if (password !== undefined)
      await takeAccount(tx, world, user, { hash: password, isGenerated: false }, 'address_proven', origin);
    const about = { userId: user.id, actorId: user.id };
    await recordEvent(tx, 'address_proven', origin, about, now);
    const proven = await setVerified(tx, user.id, now);
    if (!proven) throw used(body);
    return { proven, device: isOwn ? undefined : (await rememberBrowser(tx, world, user.id, call)).device };
  });
  return {
    status: 200,
    body: { message: 'Email verified.', user: showUser(proven) },
    ...(device ? { sideCookies: { device } } : {}),
  };
}

/**
 * Only who is signed in to the account gives it this address: nobody's mailbox proves anything to a stranger's account, and
 * whoever was signed out finishes nothing that they began.
 */
async function changeAddress({ world, call, flow }: Proof): Promise<Answer> {
  const { db, clock, keys } = world;
  const { origin } = call;
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
    if (!(await useFlow(tx, flow.id, now))) throw used(call.body);
    if (await isHeld(tx, keys.codes, wish.emailKey, user.id, now)) throw takenRefusal(['email']);
    const after = await setProvenEmail(tx, user.id, wish, now);
    if (after === 'taken') throw takenRefusal(['email']);
    if (!after) throw used(call.body);
    // What lies in the old mailbox opens nothing any more.
    await endFlowsOf(tx, user.id, now, ['reset_password', 'verify_email', 'change_email']);
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
