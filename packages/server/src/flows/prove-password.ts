import { type Origin, recordEvent } from '../core/events.ts';
import { clearAttempts, countAttempt, countName, forgiveName } from '../core/limits.ts';
import { hashPassword, verifyPassword } from '../core/passwords.ts';
import type { Live } from '../core/sessions.ts';
import { findById, type User, upgradeHash } from '../core/users.ts';
import { addressRange } from '../edge/address.ts';
import type { World } from '../edge/world.ts';
import { Refusal } from '../errors.ts';

/** Whose password is tried: an account, or a name that has none. */
export interface Claimed {
  user: User | undefined;
  /** The name that was given, normalised. */
  name: string;
}

/** `limited` was not evaluated: too many wrong passwords before it. `retryAfter` in milliseconds. */
export type Proof =
  | { result: 'right'; user: User }
  | { result: 'wrong' }
  | { result: 'limited'; retryAfter: number };

/**
 * The one place where a password is checked, whatever the path (form, JSON, Basic, a change, a deletion): counted
 * before it is compared, with the same work whether there is such an account or not.
 *
 * @throws Refusal `too_many_requests` when too many different names failed from this address range;
 * `busy` when more passwords wait for a worker than can be checked soon.
 */
export async function provePassword(
  world: World,
  claimed: Claimed,
  password: string,
  ip: string,
): Promise<Proof> {
  const { db, keys, clock, hasher } = world;
  const subject = claimed.user?.id ?? claimed.name;
  const range = addressRange(ip);
  const now = clock.now();
  const account = await db.transaction().execute(async (tx) => {
    // By the name as it was given: an account's two names must not count as one, or that would tell of the account.
    const names = await countName(tx, keys.limits, 'names', range, claimed.name, now);
    if (!names.allowed) throw new Refusal('too_many_requests', { retryAfter: names.retryAfter / 1000 });
    return countAttempt(tx, keys.limits, 'password', subject, now);
  });
  if (!account.allowed) return { result: 'limited', retryAfter: account.retryAfter };

  const isRight = await verifyPassword(hasher, claimed.user?.password_hash, password);
  if (!isRight || !claimed.user || claimed.user.disabled_at !== null) return { result: 'wrong' };
  const user = await strengthen(world, claimed.user, password);
  if (!user) return { result: 'wrong' };
  await db.transaction().execute(async (tx) => {
    await forgiveName(tx, keys.limits, 'names', range, claimed.name);
    await clearAttempts(tx, keys.limits, 'password', subject);
  });
  return { result: 'right', user };
}

/**
 * A hash of weaker parameters than today's is replaced at the one moment when the password is known.
 *
 * @returns The user with the hash that is stored then; undefined when the password was changed at this moment.
 */
async function strengthen(world: World, user: User, password: string): Promise<User | undefined> {
  const { db, hasher } = world;
  if (!hasher.needsRehash(user.password_hash)) return user;
  const stronger = await hashPassword(hasher, password);
  if (await upgradeHash(db, user.id, user.password_hash, stronger))
    return { ...user, password_hash: stronger };
  // Another sign-in was first, and its salt is another one.
  const stored = await findById(db, user.id);
  return (await verifyPassword(hasher, stored?.password_hash, password)) ? stored : undefined;
}

/**
 * The current password of someone who is signed in, before an act that a stolen session must not do.
 *
 * @returns The user as stored, with the hash that the password was checked against.
 * @throws Refusal `invalid_credentials` when it is wrong, `too_many_requests` after too many wrong ones,
 * `invalid_token` when the account is gone meanwhile.
 */
export async function proveOwnPassword(
  world: World,
  { user: { id }, session }: Live,
  password: string,
  origin: Origin & { ip: string },
): Promise<User> {
  const user = await findById(world.db, id);
  if (!user) throw new Refusal('invalid_token');
  const proof = await provePassword(world, { user, name: id }, password, origin.ip);
  if (proof.result === 'right') return proof.user;
  const about = { userId: id, actorId: id, sessionId: session.id, details: { reason: proof.result } };
  await recordEvent(world.db, 'password_refused', origin, about, world.clock.now());
  if (proof.result === 'wrong') throw new Refusal('invalid_credentials');
  throw new Refusal('too_many_requests', {
    message: 'Too many wrong passwords for this account. Wait, then try again.',
    retryAfter: proof.retryAfter / 1000,
  });
}
