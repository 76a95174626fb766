import { z } from 'zod';
import { countCheck, endFlowsOf, type Flow, findFlowByLink, fits, useFlow } from '../../core/codes.ts';
import { recordEvent } from '../../core/events.ts';
import { countInWindow, EVERYBODY, liftLimits, type Refused, uncount } from '../../core/limits.ts';
import { parseEmail } from '../../core/names.ts';
import { checkPolicy, generatePassword, hashPassword } from '../../core/passwords.ts';
import { endSessionsOf } from '../../core/sessions.ts';
import { findById, findByName, setProvenPassword, type User } from '../../core/users.ts';
import { addressRange } from '../../edge/address.ts';
import type { Answer, Call } from '../../edge/route.ts';
import { knownDevice, readFlow } from '../../edge/side-cookies.ts';
import type { World } from '../../edge/world.ts';
import { Refusal } from '../../errors.ts';
import type { Db } from '../../platform/db/index.ts';
import { recordReached, refuseReached } from '../limit-reached.ts';
import { notify } from '../notices.ts';
import { namesOf } from '../prove-password.ts';
import { codeRules, type RecoveryRules } from './rules.ts';

export const resetPasswordBody = z
  .strictObject({
    email: z.string().optional(),
    code: z.string().optional(),
    token: z.string().optional(),
    password: z.string().optional(),
  })
  .refine(
    ({ email, code, token }) =>
      token === undefined
        ? email !== undefined && code !== undefined
        : email === undefined && code === undefined,
    { message: 'Give either "email" and "code", or "token"', path: ['code'] },
  )
  .describe('Either `email` and `code`, or the `token` of the link. Without `password` one is generated.');
type Reset = z.infer<typeof resetPasswordBody>;

/** Who proved to read the account's mail, and the flow that is used up with it. */
interface Proven {
  user: User;
  flowId: string;
}

/**
 * Sets a new password for whoever proves to read the account's mail. Every session ends and none begins: the next step
 * is to sign in, from a browser that is known from now on, so that nobody else's guesses stand in the way.
 */
export async function resetPassword(world: World, call: Call<Reset>): Promise<Answer> {
  const { db, clock, hasher, keys } = world;
  const { body, origin } = call;
  // Before anything is used up, and before anything of the account is known that could show through.
  if (body.password !== undefined) refuseWeak(world, body.password, { email: body.email ?? '' });
  const { user, flowId } =
    body.token === undefined
      ? await proveByCode(world, call, body.email ?? '', body.code ?? '')
      : await openResetLink(world, call, body.token);
  if (body.password !== undefined) refuseWeak(world, body.password, user);
  const password = body.password ?? generatePassword();
  const passwordHash = await hashPassword(hasher, password);

  await db.transaction().execute(async (tx) => {
    const now = clock.now();
    if (!(await useFlow(tx, flowId, now))) throw new Refusal('code_invalid');
    await setProvenPassword(tx, user.id, passwordHash, now);
    await endSessionsOf(tx, user.id, 'password_reset', now);
    await endFlowsOf(tx, user.id, now);
    await liftLimits(tx, keys.limits, [
      ...(['password', 'passwordsInAll', 'codesInAll', 'shortCodesInAll'] as const).map((limit) => ({
        limit,
        subject: user.id,
      })),
      ...namesOf(user).map((subject) => ({ limit: 'passwordByName', subject }) as const),
    ]);
    await recordEvent(tx, 'password_reset', origin, { userId: user.id, actorId: user.id }, now);
    await notify(tx, world, 'password_changed', user, origin);
  });
  return {
    status: 200,
    body: { message: 'password changed!', ...(body.password === undefined ? { password } : {}) },
    sideCookies: { device: knownDevice(world, user.id), flow: 'unset' },
  };
}

/**
 * A code counts before it is compared: against the account's day, the account until it succeeds, its flow, and all
 * accounts together. What was right is taken out of the count for all again.
 *
 * @throws Refusal `code_invalid`, the same for a wrong code, an unknown address, a flow that ended and a limit.
 */
async function proveByCode(
  world: World,
  { headers, origin }: Call<Reset>,
  email: string,
  code: string,
): Promise<Proven> {
  const { db, clock, config, keys } = world;
  const rules = codeRules(config);
  const address = parseEmail(email);
  if (!address.ok || code.length !== rules.digits || !/^\d+$/.test(code)) throw new Refusal('code_invalid');
  const found = await findByName(db, 'email', address.key);
  const user = found?.disabled_at === null && rules.isFor(found) ? found : undefined;
  const guess: Guess = {
    subject: user?.id ?? address.key,
    address: address.key,
    flowId: readFlow(world, headers),
  };
  const counted = await db.transaction().execute((tx) => countGuess(tx, world, rules, guess));
  if (counted.flow && user && fits(keys.codes, counted.flow, address.key, code)) {
    await uncount(db, keys.limits, 'allCodes', EVERYBODY);
    return { user, flowId: counted.flow.id };
  }
  const about = { userId: user?.id ?? null, actorId: null };
  if (counted.refused) {
    await recordReached(db, world, origin, counted.refused, about);
    throw new Refusal('code_invalid', { limit: counted.refused.limit });
  }
  const details = { reason: counted.flow ? 'wrong' : 'no_flow' };
  await recordEvent(db, 'code_refused', origin, { ...about, details }, clock.now());
  throw new Refusal('code_invalid');
}

interface Guess {
  /** Whose budget it is: the account, or the address that has none. */
  subject: string;
  address: string;
  flowId: string | undefined;
}

/** Stops at the first budget that is used up, so that what was not compared uses up nothing that others share. */
async function countGuess(
  tx: Db,
  { clock, keys }: World,
  rules: RecoveryRules,
  { subject, address, flowId }: Guess,
): Promise<{ flow?: Flow | undefined; refused?: Refused }> {
  const now = clock.now();
  const { limits } = keys;
  for (const budget of [rules.daily, rules.total]) {
    const counted = await countInWindow(tx, limits, budget, subject, now);
    if (!counted.allowed) return { refused: counted };
  }
  const flow = await countCheck(
    tx,
    keys.codes,
    { purpose: 'reset_password', address, flowId },
    rules.checks,
    now,
  );
  if (!flow) return {};
  const counted = await countInWindow(tx, limits, 'allCodes', EVERYBODY, now);
  return counted.allowed ? { flow } : { refused: counted };
}

/**
 * Whose mailbox a link proves, while it is good. Uses nothing up.
 *
 * @throws Refusal `link_invalid`; `too_many_requests` after too many that were never made.
 */
export async function openResetLink(
  world: World,
  { origin }: Pick<Call, 'origin'>,
  token: string,
): Promise<Proven> {
  const { db, clock, keys } = world;
  const flow = await findFlowByLink(db, 'reset_password', token, clock.now());
  const user = flow?.user_id ? await findById(db, flow.user_id) : undefined;
  if (flow && user?.disabled_at === null) return { user, flowId: flow.id };
  const limit = await countInWindow(db, keys.limits, 'secrets', addressRange(origin.ip), clock.now());
  if (!limit.allowed) throw await refuseReached(world, origin, limit);
  throw new Refusal('link_invalid');
}

function refuseWeak({ config }: World, password: string, about: { username?: string; email: string }): void {
  const weakness = checkPolicy(password, { ...about, service: config.serviceName }, config.passwordMin);
  if (weakness) throw new Refusal('invalid_request', { fields: [weakness] });
}
