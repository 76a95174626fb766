import type { World } from '../../context.ts';
import { recordEvent } from '../../core/events.ts';
import {
  budgets,
  countAttempt,
  countInRanges,
  countInWindow,
  countName,
  forgiveName,
  type LimitName,
  LONGEST_FOR_NOBODY,
  liftLimits,
  type Refused,
  readLimits,
  uncount,
  uncountAttempt,
  uncountInRanges,
  type Verdict,
} from '../../core/limits.ts';
import { hashPassword, verifyPassword } from '../../core/passwords.ts';
import type { Shown } from '../../core/sessions/methods.ts';
import { isSessionOpen, type Live } from '../../core/sessions.ts';
import { findById, holdUnchanged, replacePassword, type User, upgradeHash } from '../../core/users.ts';
import { clientRanges } from '../../edge/address.ts';
import type { Call } from '../../edge/route.ts';
import { readDevice } from '../../edge/side-cookies.ts';
import { Refusal } from '../../errors.ts';
import type { Db } from '../../platform/db/index.ts';
import type { Requester } from '../../platform/fair-queue.ts';
import { NoPlace } from '../../platform/hash-lanes.ts';
import { recordReached, tooMany, waitInWords } from '../limits/limit-reached.ts';
import { distrustBrowser } from '../sessions/known-devices.ts';
import { forStranger, forUser } from './hash-requester.ts';

/** Whose password is tried: an account, or a name that has none. */
export interface Claimed {
  user: User | undefined;
  /** The name that was given, as `namesOf` writes it. */
  name: string;
  /** Whose session asks, when it is one's own password that is asked for again. */
  session?: Live['session'];
}

/** The names that an account can be claimed by. */
export const namesOf = ({ username_key, email_key }: Pick<User, 'username_key' | 'email_key'>): string[] => [
  `username ${username_key}`,
  `email ${email_key}`,
];

/**
 * Shows that somebody gave the password of this account. Exported as a type: only the checks of this file make one.
 */
class PasswordProof {
  /** `password_changed` once the password that was given has been replaced by another. */
  readonly news: 'signed_in' | 'password_changed';
  readonly #user: User;
  readonly #at: number;
  readonly #forget: ((tx: Db) => Promise<void>) | undefined;

  constructor(
    user: User,
    at: number,
    more: { forget?: (tx: Db) => Promise<void>; isReplaced?: boolean } = {},
  ) {
    this.#user = user;
    this.#at = at;
    this.#forget = more.forget;
    this.news = more.isReplaced ? 'password_changed' : 'signed_in';
  }

  /** As stored, with the hash that the password was compared with. */
  get user(): Readonly<User> {
    return this.#user;
  }

  get shown(): readonly Shown[] {
    return [{ method: 'password', at: this.#at }];
  }

  /** Drops what was counted before the password was right, in the transaction of what it was for. */
  async forget(tx: Db): Promise<void> {
    await this.#forget?.(tx);
  }
}

export type { PasswordProof };

/** `limited` was not evaluated: too many wrong passwords before it. */
export type Checked =
  | { result: 'right'; proof: PasswordProof }
  | { result: 'wrong' }
  | { result: 'limited'; refused: Refused };

/** From where a password comes, with the cookies that may show a browser that the account knows. */
export interface From {
  origin: Call['origin'];
  headers: Pick<Headers, 'get'>;
}

/**
 * The one place where a password is checked, whatever the path (form, JSON, Basic, a change, a deletion): counted
 * before it is compared, with the same work whether there is such an account or not. A browser that the account knows
 * has a budget of its own, which no stranger can use up; everybody else shares one. A browser that used up its own with
 * wrong ones is not known any more, and the owner is told. What found no place in the queue was compared with nothing, and
 * does not count.
 *
 * @throws Refusal `too_many_requests` when too many passwords or different names failed from this address range;
 * `busy` when more passwords wait for a worker than can be checked soon.
 */
export async function provePassword(
  world: World,
  claimed: Claimed,
  password: string,
  from: From,
): Promise<Checked> {
  const { hasher } = world;
  const { device, budget, counted } = await countPassword(world, claimed, from);
  const requester =
    claimed.user && (device || claimed.session)
      ? forUser(from.origin, claimed.user.id)
      : forStranger(from.origin, claimed.name);
  if (!counted.allowed) return refuse(world, claimed, password, from, { counted, device, budget, requester });

  // Nothing is compared with the hash of a disabled account: the time would tell whether the password is the right one.
  const isEnabled = claimed.user?.disabled_at === null;
  const storedHash = isEnabled ? claimed.user?.password_hash : undefined;
  const isRight = await orGiveBack(budget, verifyPassword(hasher, storedHash, password, requester));
  if (!isRight && device && (await isUsedUp(world, device)))
    await distrustBrowser(world, device.user, device.id, from.origin);
  if (!isRight || !claimed.user) return { result: 'wrong' };
  const user = await strengthen(world, claimed.user, password, requester);
  if (!user) return { result: 'wrong' };
  const proof = new PasswordProof(user, world.clock.now(), { forget: budget.clear });
  return { result: 'right', proof };
}

/** Counts the attempt before it is compared; `device` is the known browser whose budget it came out of. */
async function countPassword(
  world: World,
  claimed: Claimed,
  from: From,
): Promise<{ device: KnownBrowser | undefined; budget: Budget; counted: Verdict }> {
  const device = await knownBrowser(world, claimed, from);
  if (device) {
    const budget = deviceBudget(world, device);
    const counted = await budget.count();
    if (counted.allowed || counted.limit !== 'device') return { device, budget, counted };
    // Full, and still known: its attempts are being compared at this moment, or a process died with them. Nothing says that
    // they are wrong, so this one counts like that of any other browser.
    const { id: userId } = device.user;
    const about = { userId, actorId: null, details: { device: device.id } };
    await recordReached(world.db, world, from.origin, counted, about);
  }
  const budget = strangersBudget(world, claimed, from.origin.ip, device);
  return { device: undefined, budget, counted: await budget.count() };
}

/** Whether a browser has no attempt left. Asked after one was wrong: a right one beside it has cleared the count. */
async function isUsedUp({ db, keys, clock }: World, { id }: KnownBrowser): Promise<boolean> {
  const [state] = await readLimits(db, keys.limits, [{ limit: 'device', subject: id }], clock.now());
  return state?.isReached ?? false;
}

/** The result of comparing; where there was no place for it, nothing is counted. */
async function orGiveBack(budget: Budget, comparing: Promise<boolean>): Promise<boolean> {
  try {
    return await comparing;
  } catch (error) {
    if (error instanceof NoPlace) await budget.giveBack();
    throw error;
  }
}

const OF_RANGE: ReadonlySet<string> = new Set(['passwordsFrom', 'names'] satisfies LimitName[]);
/** What a limit does not let pass is recorded, and not evaluated. */
async function refuse(
  world: World,
  { user, session }: Claimed,
  password: string,
  { origin }: From,
  {
    counted,
    device,
    budget,
    requester,
  }: { counted: Refused; device: KnownBrowser | undefined; budget: Budget; requester: Requester },
): Promise<Checked> {
  // Its name let this pass: that the account did not must not show by the work left out.
  if (!session && OF_ACCOUNT.has(counted.limit))
    await orGiveBack(budget, verifyPassword(world.hasher, undefined, password, requester));
  await recordReached(world.db, world, origin, counted, {
    userId: user?.id ?? null,
    actorId: (session && user?.id) ?? null,
    ...(session ? { sessionId: session.id } : {}),
    ...(device ? { details: { device: device.id } } : {}),
  });
  if (OF_RANGE.has(counted.limit)) throw tooMany(counted);
  return { result: 'limited', refused: counted };
}

const OF_ACCOUNT: ReadonlySet<string> = new Set(['password', 'passwordsInAll'] satisfies LimitName[]);

/** What counts an attempt before it is compared, and forgets it when it was right. */
interface Budget {
  count(): Promise<Verdict>;
  /** Takes back what `count` has counted, for an attempt that was not compared. */
  giveBack(): Promise<void>;
  clear(tx: Db): Promise<void>;
}

/** A browser that the account knows. */
interface KnownBrowser {
  id: string;
  user: User;
}

async function knownBrowser(
  world: World,
  { user }: Claimed,
  { headers }: From,
): Promise<KnownBrowser | undefined> {
  if (!user) return undefined;
  const id = await readDevice(world, headers, user.id);
  return id === undefined ? undefined : { id, user };
}

/**
 * What the browser itself has tried, and what all known browsers of the account have. The browser's own count comes first:
 * a stolen cookie must not use up what the others have. Success does not touch what strangers have used up: the owner's
 * coming and going refunds them nothing.
 */
function deviceBudget({ db, clock, keys: { limits } }: World, { id, user }: KnownBrowser): Budget {
  return {
    count: () =>
      db.transaction().execute(async (tx) => {
        const now = clock.now();
        const own = await countInWindow(tx, limits, 'device', id, now);
        if (!own.allowed) return own;
        const all = await countInWindow(tx, limits, 'devicesInAll', user.id, now);
        if (all.allowed) return own;
        // What is not compared makes no browser unknown.
        await uncount(tx, limits, 'device', id);
        return all;
      }),
    giveBack: () =>
      db.transaction().execute(async (tx) => {
        await uncount(tx, limits, 'device', id);
        await uncount(tx, limits, 'devicesInAll', user.id);
      }),
    async clear(tx) {
      await liftLimits(tx, limits, [
        { limit: 'device', subject: id },
        { limit: 'devicesInAll', subject: user.id },
      ]);
    },
  };
}

/** @param device A known browser whose own budget is used up: the right password clears that, too. */
function strangersBudget(
  { db, clock, keys: { limits } }: World,
  { user, name, session }: Claimed,
  ip: string,
  device: KnownBrowser | undefined,
): Budget {
  const subject = user?.id ?? name;
  // Both names, for a success forgets what was counted by either.
  const byName = (user ? namesOf(user) : [name]).map(
    (one) => ({ limit: 'passwordByName', subject: one }) as const,
  );
  const ranges = clientRanges(ip);
  const longest = user ? undefined : LONGEST_FOR_NOBODY;
  const counts: { byName: number; pause: number; inAll: 0 | 1 } = { byName: 0, pause: 0, inAll: 0 };
  return {
    count: () =>
      db.transaction().execute(async (tx) => {
        const now = clock.now();
        const fromRange = await countInRanges(tx, limits, 'passwordsFrom', ranges, now);
        if (!fromRange.allowed) return fromRange;
        // By the name as it was given: an account's two names must not count as one, or that would tell of the account.
        const names = await countName(tx, limits, 'names', ranges, name, now);
        if (!names.allowed) return names;
        if (!session) {
          const ofName = await countAttempt(tx, limits, 'passwordByName', name, now);
          if (!ofName.allowed) return ofName;
          counts.byName = ofName.count;
        }
        const pause = await countAttempt(tx, limits, 'password', subject, now);
        if (!pause.allowed) return pause;
        counts.pause = pause.count;
        const inAll = await countInWindow(tx, limits, 'passwordsInAll', subject, now, { longest });
        if (inAll.allowed) counts.inAll = 1;
        return inAll;
      }),
    // The same statements whatever was counted: that the account refused it must not show. The name stays among those that
    // failed, for it may have failed before.
    giveBack: () =>
      db.transaction().execute(async (tx) => {
        await uncountInRanges(tx, limits, 'passwordsFrom', ranges);
        if (!session) await uncountAttempt(tx, limits, 'passwordByName', name, counts.byName);
        await uncountAttempt(tx, limits, 'password', subject, counts.pause);
        await uncount(tx, limits, 'passwordsInAll', subject, counts.inAll);
      }),
    async clear(tx) {
      await uncountInRanges(tx, limits, 'passwordsFrom', ranges);
      await forgiveName(tx, limits, 'names', ranges, name);
      await liftLimits(tx, limits, [
        { limit: 'password', subject },
        { limit: 'passwordsInAll', subject },
        { limit: 'devicesInAll', subject },
        ...(device ? [{ limit: 'device', subject: device.id } as const] : []),
        ...byName,
      ]);
    },
  };
}

/**
 * A hash of weaker parameters than today's is replaced at the one moment when the password is known.
 *
 * @returns The user with the hash that is stored then; undefined when the password was changed at this moment.
 */
async function strengthen(
  world: World,
  user: User,
  password: string,
  requester: Requester,
): Promise<User | undefined> {
  const { db, hasher, log } = world;
  if (!hasher.needsRehash(user.password_hash)) return user;
  try {
    const stronger = await hashPassword(hasher, password, requester);
    if (await upgradeHash(db, user.id, user.password_hash, stronger))
      return { ...user, password_hash: stronger };
  } catch (error) {
    // The password is right whatever becomes of its hash: the next sign-in tries again.
    log.warn(
      { user: user.id, error: error instanceof Error ? error.name : typeof error },
      'password hash not upgraded',
    );
    return user;
  }
  // Another sign-in was first, and its salt is another one.
  const stored = await findById(db, user.id);
  return (await verifyPassword(hasher, stored?.password_hash, password, requester)) ? stored : undefined;
}

/**
 * The current password of someone who is signed in, before an act that a stolen session must not do.
 *
 * @throws Refusal `invalid_credentials` when it is wrong, `too_many_requests` after too many wrong ones,
 * `invalid_token` when the account is gone meanwhile.
 */
export async function proveOwnPassword(
  world: World,
  { user: { id }, session }: Live,
  password: string,
  { origin, headers }: From,
): Promise<PasswordProof> {
  const user = await findById(world.db, id);
  if (!user) throw new Refusal('invalid_token');
  const checked = await provePassword(world, { user, name: id, session }, password, { origin, headers });
  if (checked.result === 'right') {
    await world.db.transaction().execute((tx) => checked.proof.forget(tx));
    return checked.proof;
  }
  if (checked.result === 'limited')
    throw tooMany(
      checked.refused,
      'Too many wrong passwords for this account. Wait, or set a new password by email.',
    );
  const about = { userId: id, actorId: id, sessionId: session.id, details: { reason: checked.result } };
  await recordEvent(world.db, 'password_refused', origin, about, world.clock.now());
  throw new Refusal('invalid_credentials');
}

/** Waiting does not end a limit that holds until the password is reset. */
const tooManyPasswords = ({ limit, retryAfter }: Refused): string =>
  budgets[limit].kind === 'back-off'
    ? `Too many incorrect passwords. Try again in ${waitInWords(retryAfter)}, or reset your password by email.`
    : 'Too many incorrect passwords. Reset your password by email.';

/**
 * Replaces the password that was given by a new one.
 *
 * @returns A proof for the account as changed; undefined when its password was changed by somebody else meanwhile.
 */
export async function replaceProvenPassword(
  tx: Db,
  { clock }: Pick<World, 'clock'>,
  { user }: PasswordProof,
  passwordHash: string,
): Promise<PasswordProof | undefined> {
  const now = clock.now();
  const changed = await replacePassword(tx, user.id, user.password_hash, passwordHash, now);
  return changed && new PasswordProof(changed, now, { isReplaced: true });
}

/**
 * The last word on an act that asked for the password, in the act's transaction. The check of a password takes time, in which
 * it may have been replaced, the user disabled or the session revoked: what does that comes wholly before or wholly after.
 *
 * @throws Refusal `invalid_token` when any of that was before.
 */
export async function holdProven(tx: Db, { user }: PasswordProof, { session }: Live): Promise<void> {
  if (!(await holdUnchanged(tx, user)) || !(await isSessionOpen(tx, session.id)))
    throw new Refusal('invalid_token');
}
