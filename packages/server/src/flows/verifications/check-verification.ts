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
import { findByIdentifier, lockSignIns, type User } from '../../core/users.ts';
import {
  type CodePurpose,
  type Purpose,
  purposes as purposeTable,
} from '../../core/verifications/purposes.ts';
import {
  consumeVerification,
  countVerificationAttempt,
  findVerificationByLink,
  findVerificationByTicket,
  isTicket,
  matchesCode,
  ticketFor,
  type Verification,
} from '../../core/verifications.ts';
import { HttpError } from '../../errors.ts';
import { clientRanges } from '../../http/client-ip.ts';
import { readVerificationCookie } from '../../http/other-cookies.ts';
import type { Call } from '../../http/route.ts';
import { text } from '../../languages/text.ts';
import type { Db } from '../../platform/db/index.ts';
import { countIp } from '../limits/count-ip.ts';
import { recordRateLimit, recordRateLimitError } from '../limits/rate-limited.ts';
import { type VerificationRules, verificationRules } from './verification-rules.ts';

/**
 * A verification whose code or link is valid and not used up yet. Exported only as a type: only this module creates
 * one.
 */
class CheckedVerification<P extends Purpose = Purpose> {
  readonly #verification: Verification;
  readonly #purpose: P;

  constructor(verification: Verification, purpose: P) {
    this.#verification = verification;
    this.#purpose = purpose;
  }

  get verification(): Readonly<Verification> {
    return this.#verification;
  }

  get purpose(): P {
    return this.#purpose;
  }
}

/**
 * Proof that the caller had a code or link, created in the transaction that used it up. Exported only as a type: only
 * `useVerification` creates one, so no operation that requires one can run twice with one email.
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

  /** The account's id; null when there is no account yet. */
  get userId(): string | null {
    return this.#checked.verification.user_id;
  }

  get shown(): readonly Shown[] {
    return [{ method: purposeTable[this.purpose].shows, at: this.#at }];
  }
}

export type { CheckedVerification, VerificationProof };

/** A verification checked for one of several purposes; `purpose` discriminates. */
type CheckedFor<P extends Purpose> = P extends Purpose ? CheckedVerification<P> : never;

/** What the caller submits to verify an email: the email and the code, or the token of the link. */
export interface VerificationInput {
  email?: string | undefined;
  code?: string | undefined;
  token?: string | undefined;
}

/** The same as the fields of a body; `withCodeOrLink` checks them together. */
export const verificationFields = {
  email: z.string().optional(),
  code: z.string().optional(),
  token: z.string().optional(),
};

/** A body that has either the email and the code, or the token. */
export const withCodeOrLink = <Body extends z.ZodType<VerificationInput>>(body: Body): Body =>
  body.refine(isEither, { params: { text: text('field.code_or_token') }, path: ['code'] });

const isEither = ({ email, code, token }: VerificationInput): boolean =>
  token === undefined ? email !== undefined && code !== undefined : email === undefined && code === undefined;

/**
 * Checks a code or link sent by email. Every path uses this function. It uses nothing up: `useVerification` does that,
 * in the transaction of the operation.
 *
 * @param isFor Whether the account with this email, if any, may use a code.
 * @throws HttpError `invalid_code`, the same for a wrong code, an unknown email, an ended verification and a rate
 * limit; `invalid_link`; `too_many_requests` after too many wrong codes, or links that never existed, from this IP
 * range.
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

/** A ticket for a checked code: valid in the place of a link, for as long as a code is. */
export const ticketOf = (
  { clock, config, keys }: Pick<AppContext, 'clock' | 'config' | 'keys'>,
  { verification }: CheckedVerification,
): string => ticketFor(keys.verifications, verification, clock.now() + verificationRules(config).lifetime);

/**
 * Finds the verification of a valid link or ticket.
 *
 * @throws HttpError `invalid_link`; `too_many_requests` after too many links that never existed.
 */
export async function openLink<P extends Purpose>(
  context: AppContext,
  { client }: Pick<Call, 'client'>,
  token: string,
  purposes: readonly P[],
): Promise<CheckedFor<P>> {
  const { db, clock, keys } = context;
  const verification = isTicket(token)
    ? await findVerificationByTicket(db, keys.verifications, purposes, token, clock.now())
    : await findVerificationByLink(db, purposes, token, clock.now());
  const purpose = purposes.find((one) => one === verification?.purpose);
  if (verification && purpose) return new CheckedVerification(verification, purpose) as CheckedFor<P>;
  await countIp(context, client, 'invalid_tokens_per_ip_range');
  throw new HttpError('invalid_link');
}

/**
 * Uses up a checked code or link. Locks the row of its user first, as every transaction does that ends verifications of
 * a user: in another order, two of them could wait for each other.
 *
 * @returns undefined when it was used up or has ended in the meantime: of concurrent callers, one gets a proof.
 */
export async function useVerification<P extends Purpose>(
  tx: Db,
  { clock }: Pick<AppContext, 'clock'>,
  checked: CheckedVerification<P>,
): Promise<VerificationProof<P> | undefined> {
  const now = clock.now();
  const { user_id } = checked.verification;
  if (user_id !== null) await lockSignIns(tx, user_id);
  return (await consumeVerification(tx, checked.verification.id, now))
    ? new VerificationProof(checked, now)
    : undefined;
}

/**
 * Checks a code. Counts it before it is compared, against the IP range, the account's daily limit, the account until a
 * correct code, its verification, and all accounts together. A correct code is taken out of the shared counts again.
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
  const counted = await countGuess(context, rules, guess);
  const isRight =
    counted.verification &&
    isFor(user) &&
    matchesCode(keys.verifications, counted.verification, parsed.key, code);
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
  /** The account that the rate limits count, or the email if it has no account. */
  subject: string;
  /** How long its counts are kept, in milliseconds; undefined for an account. */
  longest: number | undefined;
  /** The IP ranges of the client. */
  ranges: readonly CountedRange[];
  email: string;
  verificationId: string | undefined;
}

/**
 * Counts a guess. The limits of the IP range and of the day reject early. An email without an account never reaches the
 * limit that counts until a correct code, so the same work follows whether or not that one rejects: the timing must not
 * reveal whether the account exists.
 *
 * There are two transactions, because rate limits are locked last (`core/rate-limits.ts`): the one that locks the
 * verification holds no rate limit yet. Neither takes back what it counted.
 */
async function countGuess(
  { db, clock, keys }: AppContext,
  rules: VerificationRules,
  { subject, longest, ranges, ...verification }: Guess,
): Promise<{ verification?: Verification | undefined; rateLimited?: RateLimited }> {
  const now = clock.now();
  const { rateLimits: limits } = keys;
  const early = await db.transaction().execute(async (tx) => {
    const fromRange = await countInRanges(tx, limits, 'codes_per_ip_range', ranges, now);
    return fromRange.allowed ? countInWindow(tx, limits, rules.daily, subject, now) : fromRange;
  });
  if (!early.allowed) return { rateLimited: early };
  return db.transaction().execute(async (tx) => {
    const found = await countVerificationAttempt(tx, keys.verifications, verification, rules, now);
    const inAll = await countInWindow(tx, limits, rules.total, subject, now, { longest });
    const ofAll = found && (await countInWindow(tx, limits, 'codes_total', EVERYBODY, now));
    if (!inAll.allowed) return { rateLimited: inAll };
    return ofAll && !ofAll.allowed ? { rateLimited: ofAll } : { verification: found };
  });
}
