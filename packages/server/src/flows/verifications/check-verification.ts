import { z } from 'zod';
import type { AppContext } from '../../context.ts';
import { recordEvent } from '../../core/events.ts';
import { parseEmail } from '../../core/identifiers.ts';
import {
  type CountedRange,
  countInRanges,
  countInWindow,
  EVERYBODY,
  MAX_FOR_UNKNOWN,
  type RateLimited,
  rateLimits,
  uncount,
  uncountInRanges,
} from '../../core/rate-limits.ts';
import type { Shown } from '../../core/sessions/methods.ts';
import { findByIdentifier, type User } from '../../core/users.ts';
import {
  type CodePurpose,
  type Purpose,
  purposes as purposeTable,
} from '../../core/verifications/purposes.ts';
import {
  consumeVerification,
  countVerificationAttempt,
  findVerificationByLink,
  fits,
  type Verification,
} from '../../core/verifications.ts';
import { HttpError } from '../../errors.ts';
import { clientRanges } from '../../http/client-ip.ts';
import { readVerificationCookie } from '../../http/other-cookies.ts';
import type { Call } from '../../http/route.ts';
import type { Db } from '../../platform/db/index.ts';
import { countIp } from '../limits/count-ip.ts';
import { recordRateLimit, recordRateLimitError } from '../limits/rate-limited.ts';
import { type VerificationRules, verificationRules } from './verification-rules.ts';

/**
 * A code or link that was checked and is not used up yet. Exported as a type: only the checks of this file make one.
 */
class CheckedVerification<P extends Purpose = Purpose> {
  readonly #flow: Verification;
  readonly #purpose: P;

  constructor(verification: Verification, purpose: P) {
    this.#flow = verification;
    this.#purpose = purpose;
  }

  get verification(): Readonly<Verification> {
    return this.#flow;
  }

  get purpose(): P {
    return this.#purpose;
  }
}

/**
 * Shows that somebody had a code or link, in the transaction that used it up. Exported as a type: only `useVerification` makes
 * one, so nothing that asks for one can be done twice with one email.
 */
class VerificationProof<P extends Purpose = Purpose> {
  readonly #checked: CheckedVerification<P>;
  readonly #at: number;

  constructor(checked: CheckedVerification<P>, at: number) {
    this.#checked = checked;
    this.#at = at;
  }

  get purpose(): P {
    return this.#checked.purpose;
  }

  /** Whose account it is for; null when it is nobody's yet. */
  get userId(): string | null {
    return this.#checked.verification.user_id;
  }

  get shown(): readonly Shown[] {
    return [{ method: purposeTable[this.purpose].shows, at: this.#at }];
  }
}

export type { CheckedVerification, VerificationProof };

/** One that was checked for one of several purposes, told apart by its `purpose`. */
type CheckedFor<P extends Purpose> = P extends Purpose ? CheckedVerification<P> : never;

/** What an email is answered with: the address and the code, or what the link carries. */
export interface VerificationInput {
  email?: string | undefined;
  code?: string | undefined;
  token?: string | undefined;
}

/** The same as the fields of a body. */
export const verificationInput = {
  email: z.string().optional(),
  code: z.string().optional(),
  token: z.string().optional(),
};

/** Whether a body has one of the two, and not both. */
export const isVerificationInput = ({ email, code, token }: VerificationInput): boolean =>
  token === undefined ? email !== undefined && code !== undefined : email === undefined && code === undefined;

/** What to say of a body that has not. */
export const VERIFICATION_INPUT_REQUIRED = {
  message: 'Provide either "email" and "code", or "token"',
  path: ['code'],
};

/**
 * The one place where a mailed code or link is checked. Uses nothing up: `useVerification` does, in the transaction of what
 * follows.
 *
 * @param isFor Whether a code may be for the account that has the address, if one has.
 * @throws HttpError `invalid_code`, the same for a wrong code, an unknown address, a verification that ended and a limit;
 * `invalid_link`; `too_many_requests` after too many wrong codes, or links that were never made, from this address range.
 */
export function checkVerification<P extends CodePurpose>(
  context: AppContext,
  call: Pick<Call, 'headers' | 'client'>,
  { email = '', code = '', token }: VerificationInput,
  purposes: readonly P[],
  isFor: (user: User | undefined) => boolean,
): Promise<CheckedFor<P>> {
  if (token !== undefined) return openLink(context, call, token, purposes);
  return checkCode(context, call, { email, code }, purposes, isFor);
}

/**
 * The verification of a link, while it is good.
 *
 * @throws HttpError `invalid_link`; `too_many_requests` after too many that were never made.
 */
export async function openLink<P extends Purpose>(
  context: AppContext,
  { client }: Pick<Call, 'client'>,
  token: string,
  purposes: readonly P[],
): Promise<CheckedFor<P>> {
  const { db, clock } = context;
  const verification = await findVerificationByLink(db, purposes, token, clock.now());
  const purpose = purposes.find((one) => one === verification?.purpose);
  if (verification && purpose) return new CheckedVerification(verification, purpose) as CheckedFor<P>;
  await countIp(context, client, 'invalid_tokens_per_ip_range');
  throw new HttpError('invalid_link');
}

/**
 * Uses a checked code or link up.
 *
 * @returns undefined when it was used or ended meanwhile: of many at once, one gets a proof.
 */
export async function useVerification<P extends Purpose>(
  tx: Db,
  { clock }: Pick<AppContext, 'clock'>,
  checked: CheckedVerification<P>,
): Promise<VerificationProof<P> | undefined> {
  const now = clock.now();
  return (await consumeVerification(tx, checked.verification.id, now))
    ? new VerificationProof(checked, now)
    : undefined;
}

/**
 * A code counts before it is compared: against its address range, the account's day, the account until it succeeds, its
 * verification, and all accounts together. What was right is taken out of what others share again.
 */
async function checkCode<P extends CodePurpose>(
  context: AppContext,
  { headers, client }: Pick<Call, 'headers' | 'client'>,
  { email, code }: { email: string; code: string },
  purposes: readonly P[],
  isFor: (user: User | undefined) => boolean,
): Promise<CheckedFor<P>> {
  const { db, clock, config, keys } = context;
  const rules = verificationRules(config);
  const parsed = parseEmail(email);
  if (!parsed.ok || code.length !== rules.digits || !/^\d+$/.test(code)) throw new HttpError('invalid_code');
  const user = await findByIdentifier(db, 'email', parsed.key);
  const guess = {
    purposes,
    subject: user?.id ?? parsed.key,
    longest: user ? undefined : MAX_FOR_UNKNOWN,
    ranges: clientRanges(client.ip),
    email: parsed.key,
    verificationId: readVerificationCookie(context, headers),
  };
  const counted = await db.transaction().execute((tx) => countGuess(tx, context, rules, guess));
  const isRight =
    counted.verification && isFor(user) && fits(keys.verifications, counted.verification, parsed.key, code);
  const purpose = purposes.find((one) => one === counted.verification?.purpose);
  if (counted.verification && purpose && isRight) {
    await uncount(db, keys.rateLimits, 'codes_total', EVERYBODY);
    await uncountInRanges(db, keys.rateLimits, 'codes_per_ip_range', guess.ranges);
    return new CheckedVerification(counted.verification, purpose) as CheckedFor<P>;
  }
  const about = { userId: user?.id ?? null, actorId: null };
  if (counted.rateLimited) {
    if (rateLimits[counted.rateLimited.limit].of === 'range')
      throw await recordRateLimitError(context, client, counted.rateLimited);
    await recordRateLimit(db, context, client, counted.rateLimited, about);
    throw new HttpError('invalid_code', { limit: counted.rateLimited.limit });
  }
  const details = { reason: counted.verification ? 'wrong' : 'no_verification' };
  await recordEvent(db, 'verification_failed', client, { ...about, details }, clock.now());
  throw new HttpError('invalid_code');
}

interface Guess {
  purposes: readonly CodePurpose[];
  /** Whose budget it is: the account, or the address that has none. */
  subject: string;
  /** How long anything is kept about it, in milliseconds; undefined for an account. */
  longest: number | undefined;
  /** From where it comes. */
  ranges: readonly CountedRange[];
  email: string;
  verificationId: string | undefined;
}

/**
 * What the range or the day refuses goes no further. The count until one is right is one that an address without an
 * account never reaches, so the same is done after it whether it refuses or not: the work must not tell.
 */
async function countGuess(
  tx: Db,
  { clock, keys }: AppContext,
  rules: VerificationRules,
  { subject, longest, ranges, ...verification }: Guess,
): Promise<{ verification?: Verification | undefined; rateLimited?: RateLimited }> {
  const now = clock.now();
  const { rateLimits: limits } = keys;
  const fromRange = await countInRanges(tx, limits, 'codes_per_ip_range', ranges, now);
  if (!fromRange.allowed) return { rateLimited: fromRange };
  const today = await countInWindow(tx, limits, rules.daily, subject, now);
  if (!today.allowed) return { rateLimited: today };
  const inAll = await countInWindow(tx, limits, rules.total, subject, now, { longest });
  const found = await countVerificationAttempt(tx, keys.verifications, verification, rules, now);
  const ofAll = found && (await countInWindow(tx, limits, 'codes_total', EVERYBODY, now));
  if (!inAll.allowed) return { rateLimited: inAll };
  return ofAll && !ofAll.allowed ? { rateLimited: ofAll } : { verification: found };
}
