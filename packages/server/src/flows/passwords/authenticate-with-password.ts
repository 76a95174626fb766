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
import { type ActiveSession, isSessionActive } from '../../core/sessions.ts';
import { findById, lockIfUnchanged, replacePassword, type User, upgradeHash } from '../../core/users.ts';
import { type FieldError, HttpError } from '../../errors.ts';
import { clientRanges } from '../../http/client-ip.ts';
import { readDevice } from '../../http/other-cookies.ts';
import type { Call } from '../../http/route.ts';
import { type Text, text } from '../../languages/text.ts';
import type { Db } from '../../platform/db/index.ts';
import type { Requester } from '../../platform/fair-queue.ts';
import { HashQueueFull } from '../../platform/hash-lanes.ts';
import { rateLimitError, recordRateLimit, waitInWords } from '../limits/rate-limited.ts';
import { distrustBrowser } from '../sessions/known-devices.ts';
import { SignInProof } from '../sessions/sign-in-proof.ts';
import { forStranger, forUser } from './hash-requester.ts';

/** The account whose password is checked, or an identifier without an account. */
export interface PasswordAttempt {
  user: User | undefined;
  /** The identifier as submitted, in the form that `identifiersOf` returns. */
  name: string;
  /** The current session, when a signed-in user reauthenticates. */
  session?: ActiveSession['session'];
}

/** The identifiers that a user can sign in with. */
export const identifiersOf = ({
  username_key,
  email_key,
}: Pick<User, 'username_key' | 'email_key'>): string[] => [`username ${username_key}`, `email ${email_key}`];

/** Proof that the caller gave the account's password. Exported only as a type: only this module creates one. */
class PasswordProof extends SignInProof {
  /** `password_changed` once a new password has replaced the one given. */
  readonly change: 'signed_in' | 'password_changed';
  readonly #resetAttempts: ((tx: Db) => Promise<void>) | undefined;

  /** @param user The user as stored, with the hash that the password was compared with. */
  constructor(
    user: User,
    at: number,
    more: { resetAttempts?: (tx: Db) => Promise<void>; isReplaced?: boolean } = {},
  ) {
    super(user, [{ method: 'password', at }]);
    this.#resetAttempts = more.resetAttempts;
    this.change = more.isReplaced ? 'password_changed' : 'signed_in';
  }

  override async resetAttempts(tx: Db): Promise<void> {
    await this.#resetAttempts?.(tx);
  }
}

export type { PasswordProof };

/** `limited`: too many wrong passwords came before, so this one was not evaluated. */
export type Checked =
  | { result: 'right'; proof: PasswordProof }
  | { result: 'wrong' }
  | { result: 'limited'; rateLimited: RateLimited };

/** The client that submits a password, with the headers whose cookies may identify a known device. */
export interface AttemptSource {
  client: Call['client'];
  headers: Pick<Headers, 'get'>;
}

/**
 * Checks a password. Every path (form, JSON, Basic, password change, account deletion) uses this function. It counts
 * the attempt before it compares the password, and does the same work whether or not the account exists. A known device
 * has its own rate limit, which strangers cannot use up; all other clients share one. A device that uses up its own
 * rate limit with wrong passwords loses its trust, and the owner is notified. An attempt that the hash queue has no
 * room for is not compared and does not count.
 *
 * @throws HttpError `too_many_requests` after too many failed passwords or different identifiers from this IP range;
 * `busy` when the hash queue is full.
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
    return rejectRateLimited(context, attempt, password, from, { counted, device, attemptLimit, requester });

  // Never compare with the hash of a disabled account: the timing would reveal whether the password is correct.
  const isEnabled = attempt.user?.disabled_at === null;
  const storedHash = isEnabled ? attempt.user?.password_hash : undefined;
  const isRight = await orGiveBack(attemptLimit, verifyPassword(hasher, storedHash, password, requester));
  if (!isRight && device && (await isUsedUp(context, device)))
    await distrustBrowser(context, device.user, device.id, from.client);
  if (!isRight || !attempt.user) return { result: 'wrong' };
  const user = await strengthen(context, attempt.user, password, requester);
  if (!user) return { result: 'wrong' };
  const result = new PasswordProof(user, context.clock.now(), { resetAttempts: attemptLimit.clear });
  return { result: 'right', proof: result };
}

/** Counts the attempt before it is compared. `device` is the known device whose rate limit counted it. */
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
    // The device's limit is exceeded but the device is still trusted: its attempts are being compared right now, or a
    // process died while comparing them. They may not be wrong, so this attempt counts like one from an unknown device.
    const { id: userId } = device.user;
    const about = { userId, actorId: null, details: { device: device.id } };
    await recordRateLimit(context.db, context, from.client, counted, about);
  }
  const attemptLimit = unknownDeviceLimit(context, attempt, from.client.ip, device);
  return { device: undefined, attemptLimit, counted: await attemptLimit.count() };
}

/** Whether a device has no attempts left. Call it after a wrong password: a concurrent correct one resets the count. */
async function isUsedUp({ db, keys, clock }: AppContext, { id }: KnownBrowser): Promise<boolean> {
  const [state] = await readRateLimits(
    db,
    keys.rateLimits,
    [{ limit: 'passwords_per_device', subject: id }],
    clock.now(),
  );
  return state?.isExceeded ?? false;
}

/** Returns the result of the comparison. If the hash queue is full, takes the attempt back. */
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
/** Records a rate-limited attempt without evaluating it. */
async function rejectRateLimited(
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
  // The limit of the identifier allowed this attempt. Do the same hashing, so that the timing does not reveal that the
  // limit of an account rejected it.
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

/** Counts an attempt before it is compared, and clears the count when the password is correct. */
interface AttemptLimit {
  count(): Promise<RateLimitResult>;
  /** Takes back what `count` counted, for an attempt that was not compared. */
  giveBack(): Promise<void>;
  clear(tx: Db): Promise<void>;
}

/** A device that the account knows. */
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
 * Counts attempts by this device and by all known devices of the account. The device's own count comes first: a stolen
 * cookie must not use up the attempts of the other devices. Success does not reset what strangers have used up, so the
 * owner's sign-ins give them no new attempts.
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
        // An attempt that is not compared must not cost the device its trust.
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

/** @param device A known device that has used up its own rate limit; a correct password resets that, too. */
function unknownDeviceLimit(
  { db, clock, keys: { rateLimits: limits } }: AppContext,
  { user, name, session }: PasswordAttempt,
  ip: string,
  device: KnownBrowser | undefined,
): AttemptLimit {
  const subject = user?.id ?? name;
  // Both identifiers: success resets what was counted by either.
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
        // Count the identifier as submitted. Counting an account's username and email as one would reveal that they
        // belong to the same account.
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
    // Run the same statements whatever was counted, so that the timing does not reveal that the account's limit
    // rejected the attempt. Keep the identifier among the failed ones: it may have failed before.
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
 * Rehashes the password if its hash has weaker parameters than the current ones. A sign-in is the only time when the
 * password is known.
 *
 * @returns The user with the stored hash; undefined when the password changed in the meantime.
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
    // The password is correct even if the upgrade fails; the next sign-in tries again.
    log.warn(
      { user: user.id, error: error instanceof Error ? error.name : typeof error },
      'password hash not upgraded',
    );
    return user;
  }
  // A concurrent sign-in upgraded the hash first, with another salt.
  const stored = await findById(db, user.id);
  return (await verifyPassword(hasher, stored?.password_hash, password, requester)) ? stored : undefined;
}

/**
 * Checks the current password of a signed-in user, before an operation that a stolen session must not be able to do.
 *
 * @param faults What else is wrong with the request: the error for a wrong password names it, too, so that people can
 * correct everything at once.
 * @throws HttpError `invalid_credentials` when it is wrong, `too_many_requests` after too many wrong ones,
 * `invalid_token` when the account has been deleted in the meantime; `invalid_request` with the faults when it is
 * right.
 */
export async function reauthenticateWithPassword(
  context: AppContext,
  { user: { id }, session }: ActiveSession,
  password: string,
  { client, headers }: AttemptSource,
  faults: FieldError[] = [],
): Promise<PasswordProof> {
  const user = await findById(context.db, id);
  if (!user) throw new HttpError('invalid_token');
  const checked = await authenticateWithPassword(context, { user, name: id, session }, password, {
    client,
    headers,
  });
  if (checked.result === 'right') {
    await context.db.transaction().execute((tx) => checked.proof.resetAttempts(tx));
    if (faults.length > 0) throw new HttpError('invalid_request', { fields: faults });
    return checked.proof;
  }
  if (checked.result === 'limited')
    throw rateLimitError(checked.rateLimited, tooManyPasswords(checked.rateLimited));
  const about = { userId: id, actorId: id, sessionId: session.id, details: { reason: checked.result } };
  await recordEvent(context.db, 'reauthentication_failed', client, about, context.clock.now());
  throw new HttpError('invalid_credentials', faults.length === 0 ? {} : { fields: faults });
}

/** Only limits with a back-off expire; the others hold until the user resets the password. */
const tooManyPasswords = ({ limit, retryAfter }: RateLimited): Text =>
  rateLimits[limit].kind === 'back-off'
    ? text('limit.passwords_wait', { wait: waitInWords(retryAfter) })
    : text('limit.passwords');

/**
 * Replaces the password that was given with a new one.
 *
 * @returns A proof for the updated account; undefined when its password has changed in the meantime.
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
 * Checks once more, in the transaction of an operation that required the password, that the proof still holds. Checking
 * a password takes time; in the meantime the password may have changed, the user been disabled or the session revoked.
 * The lock puts any such change entirely before or after the operation.
 *
 * @throws HttpError `invalid_token` when any of these has happened.
 */
export async function lockReauthenticated(
  tx: Db,
  { user }: PasswordProof,
  { session }: ActiveSession,
): Promise<void> {
  if (!(await lockIfUnchanged(tx, user)) || !(await isSessionActive(tx, session.id)))
    throw new HttpError('invalid_token');
}
