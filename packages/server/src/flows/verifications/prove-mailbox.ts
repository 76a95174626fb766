import type { World } from '../../context.ts';
import { type CodePurpose, type Purpose, purposes as purposeTable } from '../../core/codes/purposes.ts';
import { countCheck, type Flow, findFlowByLink, fits, useFlow } from '../../core/codes.ts';
import { recordEvent } from '../../core/events.ts';
import {
  budgets,
  type CountedRange,
  countInRanges,
  countInWindow,
  EVERYBODY,
  LONGEST_FOR_NOBODY,
  type Refused,
  uncount,
  uncountInRanges,
} from '../../core/limits.ts';
import { parseEmail } from '../../core/names.ts';
import type { Shown } from '../../core/sessions/methods.ts';
import { findByName, type User } from '../../core/users.ts';
import { clientRanges } from '../../edge/address.ts';
import type { Call } from '../../edge/route.ts';
import { readFlow } from '../../edge/side-cookies.ts';
import { Refusal } from '../../errors.ts';
import type { Db } from '../../platform/db/index.ts';
import { recordReached, refuseReached } from '../limits/limit-reached.ts';
import { codeRules, type FlowRules } from './code-rules.ts';

/**
 * A code or link that was checked and is not used up yet. Exported as a type: only the checks of this file make one.
 */
class CheckedVerification<P extends Purpose = Purpose> {
  readonly #flow: Flow;
  readonly #purpose: P;

  constructor(flow: Flow, purpose: P) {
    this.#flow = flow;
    this.#purpose = purpose;
  }

  get flow(): Readonly<Flow> {
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
    return this.#checked.flow.user_id;
  }

  get shown(): readonly Shown[] {
    return [{ method: purposeTable[this.purpose].shows, at: this.#at }];
  }
}

export type { CheckedVerification, VerificationProof };

/** One that was checked for one of several purposes, told apart by its `purpose`. */
type CheckedFor<P extends Purpose> = P extends Purpose ? CheckedVerification<P> : never;

/** What a mail is answered with: the address and the code, or what the link carries. */
export interface MailAnswer {
  email?: string | undefined;
  code?: string | undefined;
  token?: string | undefined;
}

/** Whether a body has one of the two, and not both. */
export const isMailAnswer = ({ email, code, token }: MailAnswer): boolean =>
  token === undefined ? email !== undefined && code !== undefined : email === undefined && code === undefined;

/** What to say of a body that has not. */
export const NO_MAIL_ANSWER = { message: 'Provide either "email" and "code", or "token"', path: ['code'] };

/**
 * The one place where a mailed code or link is checked. Uses nothing up: `useVerification` does, in the transaction of what
 * follows.
 *
 * @param isFor Whether a code may be for the account that has the address, if one has.
 * @throws Refusal `code_invalid`, the same for a wrong code, an unknown address, a flow that ended and a limit;
 * `link_invalid`; `too_many_requests` after too many wrong codes, or links that were never made, from this address range.
 */
export function proveMailbox<P extends CodePurpose>(
  world: World,
  call: Pick<Call, 'headers' | 'origin'>,
  { email = '', code = '', token }: MailAnswer,
  purposes: readonly P[],
  isFor: (user: User | undefined) => boolean,
): Promise<CheckedFor<P>> {
  if (token !== undefined) return openLink(world, call, token, purposes);
  return checkCode(world, call, { email, code }, purposes, isFor);
}

/**
 * The flow of a link, while it is good.
 *
 * @throws Refusal `link_invalid`; `too_many_requests` after too many that were never made.
 */
export async function openLink<P extends Purpose>(
  world: World,
  { origin }: Pick<Call, 'origin'>,
  token: string,
  purposes: readonly P[],
): Promise<CheckedFor<P>> {
  const { db, clock, keys } = world;
  const flow = await findFlowByLink(db, purposes, token, clock.now());
  const purpose = purposes.find((one) => one === flow?.purpose);
  if (flow && purpose) return new CheckedVerification(flow, purpose) as CheckedFor<P>;
  const limit = await countInRanges(db, keys.limits, 'secrets', clientRanges(origin.ip), clock.now());
  if (!limit.allowed) throw await refuseReached(world, origin, limit);
  throw new Refusal('link_invalid');
}

/**
 * Uses a checked code or link up.
 *
 * @returns undefined when it was used or ended meanwhile: of many at once, one gets a proof.
 */
export async function useVerification<P extends Purpose>(
  tx: Db,
  { clock }: Pick<World, 'clock'>,
  checked: CheckedVerification<P>,
): Promise<VerificationProof<P> | undefined> {
  const now = clock.now();
  return (await useFlow(tx, checked.flow.id, now)) ? new VerificationProof(checked, now) : undefined;
}

/**
 * A code counts before it is compared: against its address range, the account's day, the account until it succeeds, its
 * flow, and all accounts together. What was right is taken out of what others share again.
 */
async function checkCode<P extends CodePurpose>(
  world: World,
  { headers, origin }: Pick<Call, 'headers' | 'origin'>,
  { email, code }: { email: string; code: string },
  purposes: readonly P[],
  isFor: (user: User | undefined) => boolean,
): Promise<CheckedFor<P>> {
  const { db, clock, config, keys } = world;
  const rules = codeRules(config);
  const address = parseEmail(email);
  if (!address.ok || code.length !== rules.digits || !/^\d+$/.test(code)) throw new Refusal('code_invalid');
  const user = await findByName(db, 'email', address.key);
  const guess = {
    purposes,
    subject: user?.id ?? address.key,
    longest: user ? undefined : LONGEST_FOR_NOBODY,
    ranges: clientRanges(origin.ip),
    address: address.key,
    flowId: readFlow(world, headers),
  };
  const counted = await db.transaction().execute((tx) => countGuess(tx, world, rules, guess));
  const isRight = counted.flow && isFor(user) && fits(keys.codes, counted.flow, address.key, code);
  const purpose = purposes.find((one) => one === counted.flow?.purpose);
  if (counted.flow && purpose && isRight) {
    await uncount(db, keys.limits, 'allCodes', EVERYBODY);
    await uncountInRanges(db, keys.limits, 'codesFrom', guess.ranges);
    return new CheckedVerification(counted.flow, purpose) as CheckedFor<P>;
  }
  const about = { userId: user?.id ?? null, actorId: null };
  if (counted.refused) {
    if (budgets[counted.refused.limit].of === 'range')
      throw await refuseReached(world, origin, counted.refused);
    await recordReached(db, world, origin, counted.refused, about);
    throw new Refusal('code_invalid', { limit: counted.refused.limit });
  }
  const details = { reason: counted.flow ? 'wrong' : 'no_flow' };
  await recordEvent(db, 'code_refused', origin, { ...about, details }, clock.now());
  throw new Refusal('code_invalid');
}

interface Guess {
  purposes: readonly CodePurpose[];
  /** Whose budget it is: the account, or the address that has none. */
  subject: string;
  /** How long anything is kept about it, in milliseconds; undefined for an account. */
  longest: number | undefined;
  /** From where it comes. */
  ranges: readonly CountedRange[];
  address: string;
  flowId: string | undefined;
}

/**
 * What the range or the day refuses goes no further. The count until one is right is one that an address without an
 * account never reaches, so the same is done after it whether it refuses or not: the work must not tell.
 */
async function countGuess(
  tx: Db,
  { clock, keys }: World,
  rules: FlowRules,
  { subject, longest, ranges, ...flow }: Guess,
): Promise<{ flow?: Flow | undefined; refused?: Refused }> {
  const now = clock.now();
  const { limits } = keys;
  const fromRange = await countInRanges(tx, limits, 'codesFrom', ranges, now);
  if (!fromRange.allowed) return { refused: fromRange };
  const today = await countInWindow(tx, limits, rules.daily, subject, now);
  if (!today.allowed) return { refused: today };
  const inAll = await countInWindow(tx, limits, rules.total, subject, now, { longest });
  const found = await countCheck(tx, keys.codes, flow, rules, now);
  const ofAll = found && (await countInWindow(tx, limits, 'allCodes', EVERYBODY, now));
  if (!inAll.allowed) return { refused: inAll };
  return ofAll && !ofAll.allowed ? { refused: ofAll } : { flow: found };
}
