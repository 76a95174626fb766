import type { AppContext } from '../../context.ts';
import { recordEvent } from '../../core/events.ts';
import { hashPassword, verifyPassword } from '../../core/passwords.ts';
import {
  countAttempt,
  countIdentifier,
  countInRanges,
  countInWindow,
  MAX_FOR_UNKNOWN,
  type RateLimited,
  type RateLimitName,
  type RateLimitResult,
  rateLimits,
  readRateLimits,
  resetRateLimits,
  uncount,
  uncountAttempt,
  uncountIdentifier,
  uncountInRanges,
} from '../../core/rate-limits.ts';
import type { Shown } from '../../core/sessions/methods.ts';
import { type ActiveSession, isSessionActive } from '../../core/sessions.ts';
import { findById, lockIfUnchanged, replacePassword, type User, upgradeHash } from '../../core/users.ts';
import { HttpError } from '../../errors.ts';
import { clientRanges } from '../../http/client-ip.ts';
import { readDevice } from '../../http/other-cookies.ts';
import type { Call } from '../../http/route.ts';
import type { Db } from '../../platform/db/index.ts';
import type { Requester } from '../../platform/fair-queue.ts';
import { HashQueueFull } from '../../platform/hash-lanes.ts';
import { rateLimitError, recordRateLimit, waitInWords } from '../limits/rate-limited.ts';
import { distrustBrowser } from '../sessions/known-devices.ts';
import { forStranger, forUser } from './hash-requester.ts';

/** Whose password is tried: an account, or a name that has none. */
export interface PasswordAttempt {
  user: User | undefined;
  /** The name that was given, as `namesOf` writes it. */
  name: string;
  /** Whose session asks, when it is one's own password that is asked for again. */
  session?: ActiveSession['session'];
}

/** The names that an account can be claimed by. */
export const identifiersOf = ({
  username_key,
  email_key,
}: Pick<User, 'username_key' | 'email_key'>): string[] => [`username ${username_key}`, `email ${email_key}`];

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
  | { result: 'limited'; rateLimited: RateLimited };

/** From where a password comes, with the cookies that may show a browser that the account knows. */
export interface AttemptSource {
  client: Call['client'];
  headers: Pick<Headers, 'get'>;
}

/**
 * The one place where a password is checked, whatever the path (form, JSON, Basic, a change, a deletion): counted
 * before it is compared, with the same work whether there is such an account or not. A browser that the account knows
 * has a budget of its own, which no stranger can use up; everybody else shares one. A browser that used up its own with
 * wrong ones is not known any more, and the owner is told. What found no place in the queue was compared with nothing, and
 * does not count.
 *
 * @throws HttpError `too_many_requests` when too many passwords or different names failed from this address range;
 * `busy` when more passwords wait for a worker than can be checked soon.
 */
export async function authenticateWithPassword(
  context: AppContext,
  attempt: PasswordAttempt,
  password: string,
  from: AttemptSource,
): Promise<Checked> {
  const { hasher } = context;
  const { device, attemptLimit, counted } = await countPassword(context, attempt, from);
  const requester =
    attempt.user && (device || attempt.session)
      ? forUser(from.client, attempt.user.id)
      : forStranger(from.client, attempt.name);
  if (!counted.allowed)
    return refuse(context, attempt, password, from, { counted, device, attemptLimit, requester });

  // Nothing is compared with the hash of a disabled account: the time would tell whether the password is the right one.
  const isEnabled = attempt.user?.disabled_at === null;
  const storedHash = isEnabled ? attempt.user?.password_hash : undefined;
  const isRight = await orGiveBack(attemptLimit, verifyPassword(hasher, storedHash, password, requester));
  if (!isRight && device && (await isUsedUp(context, device)))
    await distrustBrowser(context, device.user, device.id, from.client);
  if (!isRight || !attempt.user) return { result: 'wrong' };
  const user = await strengthen(context, attempt.user, password, requester);
  if (!user) return { result: 'wrong' };
  const result = new PasswordProof(user, context.clock.now(), { forget: attemptLimit.clear });
  return { result: 'right', proof: result };
}

/** Counts the attempt before it is compared; `device` is the known browser whose budget it came out of. */
async function countPassword(
  context: AppContext,
  attempt: PasswordAttempt,
  from: AttemptSource,
): Promise<{ device: KnownBrowser | undefined; attemptLimit: AttemptLimit; counted: RateLimitResult }> {
  const device = await knownBrowser(context, attempt, from);
  if (device) {
    const attemptLimit = knownDeviceLimit(context, device);
    const counted = await attemptLimit.count();
    if (counted.allowed || counted.limit !== 'passwords_per_device') return { device, attemptLimit, counted };
    // Full, and still known: its attempts are being compared at this moment, or a process died with them. Nothing says that
    // they are wrong, so this one counts like that of any other browser.
    const { id: userId } = device.user;
    const about = { userId, actorId: null, details: { device: device.id } };
    await recordRateLimit(context.db, context, from.client, counted, about);
  }
  const attemptLimit = unknownDeviceLimit(context, attempt, from.client.ip, device);
  return { device: undefined, attemptLimit, counted: await attemptLimit.count() };
}

/** Whether a browser has no attempt left. Asked after one was wrong: a right one beside it has cleared the count. */
async function isUsedUp({ db, keys, clock }: AppContext, { id }: KnownBrowser): Promise<boolean> {
  const [state] = await readRateLimits(
    db,
    keys.rateLimits,
    [{ limit: 'passwords_per_device', subject: id }],
    clock.now(),
  );
  return state?.isExceeded ?? false;
}

/** The result of comparing; where there was no place for it, nothing is counted. */
async function orGiveBack(attemptLimit: AttemptLimit, comparing: Promise<boolean>): Promise<boolean> {
  try {
    return await comparing;
  } catch (error) {
    if (error instanceof HashQueueFull) await attemptLimit.giveBack();
    throw error;
  }
}

const OF_RANGE: ReadonlySet<string> = new Set([
  'passwords_per_ip_range',
  'identifiers_per_ip_range',
] satisfies RateLimitName[]);
/** What a limit does not let pass is recorded, and not evaluated. */
async function refuse(
  context: AppContext,
  { user, session }: PasswordAttempt,
  password: string,
  { client }: AttemptSource,
  {
    counted,
    device,
    attemptLimit,
    requester,
  }: {
    counted: RateLimited;
    device: KnownBrowser | undefined;
    attemptLimit: AttemptLimit;
    requester: Requester;
  },
): Promise<Checked> {
  // Its name let this pass: that the account did not must not show by the work left out.
  if (!session && OF_ACCOUNT.has(counted.limit))
    await orGiveBack(attemptLimit, verifyPassword(context.hasher, undefined, password, requester));
  await recordRateLimit(context.db, context, client, counted, {
    userId: user?.id ?? null,
    actorId: (session && user?.id) ?? null,
    ...(session ? { sessionId: session.id } : {}),
    ...(device ? { details: { device: device.id } } : {}),
  });
  if (OF_RANGE.has(counted.limit)) throw rateLimitError(counted);
  return { result: 'limited', rateLimited: counted };
}

const OF_ACCOUNT: ReadonlySet<string> = new Set([
  'passwords_per_account',
  'passwords_per_account_total',
] satisfies RateLimitName[]);

/** What counts an attempt before it is compared, and forgets it when it was right. */
interface AttemptLimit {
  count(): Promise<RateLimitResult>;
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
  context: AppContext,
  { user }: PasswordAttempt,
  { headers }: AttemptSource,
): Promise<KnownBrowser | undefined> {
  if (!user) return undefined;
  const id = await readDevice(context, headers, user.id);
  return id === undefined ? undefined : { id, user };
}

/**
 * What the browser itself has tried, and what all known browsers of the account have. The browser's own count comes first:
 * a stolen cookie must not use up what the others have. Success does not touch what strangers have used up: the owner's
 * coming and going refunds them nothing.
 */
function knownDeviceLimit(
  { db, clock, keys: { rateLimits: limits } }: AppContext,
  { id, user }: KnownBrowser,
): AttemptLimit {
  return {
    count: () =>
      db.transaction().execute(async (tx) => {
        const now = clock.now();
        const own = await countInWindow(tx, limits, 'passwords_per_device', id, now);
        if (!own.allowed) return own;
        const all = await countInWindow(tx, limits, 'passwords_per_account_known_devices', user.id, now);
        if (all.allowed) return own;
        // What is not compared makes no browser unknown.
        await uncount(tx, limits, 'passwords_per_device', id);
        return all;
      }),
    giveBack: () =>
      db.transaction().execute(async (tx) => {
        await uncount(tx, limits, 'passwords_per_device', id);
        await uncount(tx, limits, 'passwords_per_account_known_devices', user.id);
      }),
    async clear(tx) {
      await resetRateLimits(tx, limits, [
        { limit: 'passwords_per_device', subject: id },
        { limit: 'passwords_per_account_known_devices', subject: user.id },
      ]);
    },
  };
}

/** @param device A known browser whose own budget is used up: the right password clears that, too. */
function unknownDeviceLimit(
  { db, clock, keys: { rateLimits: limits } }: AppContext,
  { user, name, session }: PasswordAttempt,
  ip: string,
  device: KnownBrowser | undefined,
): AttemptLimit {
  const subject = user?.id ?? name;
  // Both names, for a success forgets what was counted by either.
  const byName = (user ? identifiersOf(user) : [name]).map(
    (one) => ({ limit: 'passwords_per_identifier', subject: one }) as const,
  );
  const ranges = clientRanges(ip);
  const longest = user ? undefined : MAX_FOR_UNKNOWN;
  const counts: { byName: number; pause: number; inAll: 0 | 1 } = { byName: 0, pause: 0, inAll: 0 };
  return {
    count: () =>
      db.transaction().execute(async (tx) => {
        const now = clock.now();
        const fromRange = await countInRanges(tx, limits, 'passwords_per_ip_range', ranges, now);
        if (!fromRange.allowed) return fromRange;
        // By the name as it was given: an account's two names must not count as one, or that would tell of the account.
        const names = await countIdentifier(tx, limits, 'identifiers_per_ip_range', ranges, name, now);
        if (!names.allowed) return names;
        if (!session) {
          const ofName = await countAttempt(tx, limits, 'passwords_per_identifier', name, now);
          if (!ofName.allowed) return ofName;
          counts.byName = ofName.count;
        }
        const pause = await countAttempt(tx, limits, 'passwords_per_account', subject, now);
        if (!pause.allowed) return pause;
        counts.pause = pause.count;
        const inAll = await countInWindow(tx, limits, 'passwords_per_account_total', subject, now, {
          longest,
        });
        if (inAll.allowed) counts.inAll = 1;
        return inAll;
      }),
    // The same statements whatever was counted: that the account refused it must not show. The name stays among those that
    // failed, for it may have failed before.
    giveBack: () =>
      db.transaction().execute(async (tx) => {
        await uncountInRanges(tx, limits, 'passwords_per_ip_range', ranges);
        if (!session) await uncountAttempt(tx, limits, 'passwords_per_identifier', name, counts.byName);
        await uncountAttempt(tx, limits, 'passwords_per_account', subject, counts.pause);
        await uncount(tx, limits, 'passwords_per_account_total', subject, counts.inAll);
      }),
    async clear(tx) {
      await uncountInRanges(tx, limits, 'passwords_per_ip_range', ranges);
      await uncountIdentifier(tx, limits, 'identifiers_per_ip_range', ranges, name);
      await resetRateLimits(tx, limits, [
        { limit: 'passwords_per_account', subject },
        { limit: 'passwords_per_account_total', subject },
        { limit: 'passwords_per_account_known_devices', subject },
        ...(device ? [{ limit: 'passwords_per_device', subject: device.id } as const] : []),
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
  context: AppContext,
  user: User,
  password: string,
  requester: Requester,
): Promise<User | undefined> {
  const { db, hasher, log } = context;
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
 * @throws HttpError `invalid_credentials` when it is wrong, `too_many_requests` after too many wrong ones,
 * `invalid_token` when the account is gone meanwhile.
 */
export async function reauthenticateWithPassword(
  context: AppContext,
  { user: { id }, session }: ActiveSession,
  password: string,
  { client, headers }: AttemptSource,
): Promise<PasswordProof> {
  const user = await findById(context.db, id);
  if (!user) throw new HttpError('invalid_token');
  const checked = await authenticateWithPassword(context, { user, name: id, session }, password, {
    client,
    headers,
  });
  if (checked.result === 'right') {
    await context.db.transaction().execute((tx) => checked.proof.forget(tx));
    return checked.proof;
  }
  if (checked.result === 'limited')
    throw rateLimitError(checked.rateLimited, tooManyPasswords(checked.rateLimited));
  const about = { userId: id, actorId: id, sessionId: session.id, details: { reason: checked.result } };
  await recordEvent(context.db, 'reauthentication_failed', client, about, context.clock.now());
  throw new HttpError('invalid_credentials');
}

/** Waiting does not end a limit that holds until the password is reset. */
const tooManyPasswords = ({ limit, retryAfter }: RateLimited): string =>
  rateLimits[limit].kind === 'back-off'
    ? `Too many incorrect passwords. Try again in ${waitInWords(retryAfter)}, or reset your password by email.`
    : 'Too many incorrect passwords. Reset your password by email.';

/**
 * Replaces the password that was given by a new one.
 *
 * @returns A proof for the account as changed; undefined when its password was changed by somebody else meanwhile.
 */
export async function replaceProvenPassword(
  tx: Db,
  { clock }: Pick<AppContext, 'clock'>,
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
 * @throws HttpError `invalid_token` when any of that was before.
 */
export async function lockReauthenticated(
  tx: Db,
  { user }: PasswordProof,
  { session }: ActiveSession,
): Promise<void> {
  if (!(await lockIfUnchanged(tx, user)) || !(await isSessionActive(tx, session.id)))
    throw new HttpError('invalid_token');
}
