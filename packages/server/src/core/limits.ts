import type { KeyObject } from 'node:crypto';
import { sql } from 'kysely';
import type { Db } from '../platform/db/index.ts';
import { mac } from '../platform/secrets.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
/** Until it is cleared. */
const FOREVER = 100 * 365 * DAY;

/** What is counted about a name that no account has is kept no longer than this, whatever the budget. */
export const LONGEST_FOR_NOBODY = DAY;

const TOO_MANY_PASSWORDS = 'Blocked: too many incorrect passwords';
const TOO_MANY_CODES = 'Code blocked: too many incorrect codes';
const TOO_MANY_CHANGES = 'Change blocked: too many changes';
const TOO_MANY_MAILS = 'Email not sent: too many requests';

/**
 * Every budget, once. A `back-off` lets `free` attempts pass, then makes each further one wait twice as long as
 * the one before, from `first` to `longest`; success clears it. A `window` lets `most` attempts pass in `length`.
 * A `distinct` window counts different names instead of attempts. All in milliseconds. `of` is whose budget it is,
 * `label` names it to an administrator, and `why` says what it counts; `activity` says to the owner of an
 * account what was blocked. A limit with a `noun` (what there were too many of) can be the `limit` of a route, or be
 * counted by `countWrite`.
 *
 * Their order is that in which one transaction locks what it counts or lifts, those of ranges alone apart, which come first:
 * transactions that keep it never wait for each other in a circle.
 */
export const budgets = {
  // An account has two names. Were they counted together alone, the work that a refusal leaves out would tell so of the two.
  passwordByName: {
    kind: 'back-off',
    free: 5,
    first: 30_000,
    longest: HOUR,
    forget: DAY,
    of: 'name',
    label: 'Incorrect passwords (username or email)',
    why: 'Incorrect passwords for one username or email from unknown devices, whether or not an account exists.',
    activity: TOO_MANY_PASSWORDS,
  },
  password: {
    kind: 'back-off',
    free: 5,
    first: 30_000,
    longest: HOUR,
    forget: DAY,
    of: 'account',
    label: 'Incorrect passwords',
    why: 'Incorrect passwords for this account from unknown devices.',
    activity: TOO_MANY_PASSWORDS,
  },
  // NIST SP 800-63B.
  passwordsInAll: {
    kind: 'window',
    most: 100,
    length: FOREVER,
    of: 'account',
    label: 'Incorrect passwords (total)',
    why: 'Total incorrect passwords from unknown devices since the last successful sign-in. When reached, the user must reset the password by email.',
    activity: TOO_MANY_PASSWORDS,
  },
  // As long as a browser is known without a sign-in. Used up, it is not known any more.
  device: {
    kind: 'window',
    most: 10,
    length: 90 * DAY,
    of: 'browser',
    label: 'Incorrect passwords (one known device)',
    why: 'Incorrect passwords from one known device since its last successful sign-in. When reached, the device is no longer known.',
    activity: TOO_MANY_PASSWORDS,
  },
  // NIST SP 800-63B-4, section 3.2.2. Without a right one for so long, none of these browsers is known any more.
  devicesInAll: {
    kind: 'window',
    most: 100,
    length: 90 * DAY,
    of: 'account',
    label: 'Incorrect passwords (all known devices)',
    why: 'Incorrect passwords from all known devices together since the last successful sign-in.',
    activity: TOO_MANY_PASSWORDS,
  },
  codes: {
    kind: 'window',
    most: 10,
    length: DAY,
    of: 'account',
    label: 'Incorrect email codes (daily)',
    why: 'Incorrect email codes per day. The email link still works.',
    activity: TOO_MANY_CODES,
  },
  codesInAll: {
    kind: 'window',
    most: 30,
    length: FOREVER,
    of: 'account',
    label: 'Incorrect email codes (total)',
    why: 'Total incorrect email codes since the last correct one. The email link still works.',
    activity: TOO_MANY_CODES,
  },
  shortCodes: {
    kind: 'window',
    most: 3,
    length: DAY,
    of: 'account',
    label: 'Incorrect short codes (daily)',
    why: 'Incorrect short codes per day. The email link still works.',
    activity: TOO_MANY_CODES,
  },
  shortCodesInAll: {
    kind: 'window',
    most: 10,
    length: FOREVER,
    of: 'account',
    label: 'Incorrect short codes (total)',
    why: 'Total incorrect short codes since the last correct one. The email link still works.',
    activity: TOO_MANY_CODES,
  },
  allCodes: {
    kind: 'window',
    most: 50,
    length: 15 * MINUTE,
    of: 'everybody',
    label: 'Incorrect email codes (all accounts)',
    why: 'Incorrect email codes across all accounts (a possible distributed attack). Links still work.',
    activity: TOO_MANY_CODES,
  },
  codesFrom: {
    kind: 'window',
    most: 60,
    length: HOUR,
    of: 'range',
    label: 'Incorrect email codes (IP range)',
    why: 'Incorrect email codes from one IP range, for any account. Links still work.',
    activity: TOO_MANY_CODES,
  },
  recoveryToFrom: {
    kind: 'window',
    most: 3,
    length: HOUR,
    of: 'address and range',
    label: 'Password reset emails (email and IP range)',
    why: 'Password reset emails to one email address, requested from one IP range.',
    activity: TOO_MANY_MAILS,
  },
  // No link works for a shorter time than this window lasts (`flows/verifications/code-rules`): whoever uses it up leaves one in the mailbox.
  recoveryTo: {
    kind: 'window',
    most: 6,
    length: HOUR,
    of: 'address',
    label: 'Password reset emails (email)',
    why: 'Password reset emails to one email address, requested from unknown devices.',
    activity: TOO_MANY_MAILS,
  },
  recoveryKnown: {
    kind: 'window',
    most: 6,
    length: HOUR,
    of: 'account',
    label: 'Password reset emails (known devices)',
    why: 'Password reset emails requested from known devices. Strangers can’t use these up.',
    activity: TOO_MANY_MAILS,
  },
  mailsTo: {
    kind: 'window',
    most: 3,
    length: HOUR,
    of: 'address',
    label: 'Requested emails (email)',
    why: 'Emails requested to one email address, except password reset emails.',
    activity: TOO_MANY_MAILS,
  },
  mailsFrom: {
    kind: 'window',
    most: 10,
    length: HOUR,
    of: 'range',
    label: 'Requested emails (IP range)',
    why: 'Emails requested from one IP range.',
    noun: 'requests for emails',
  },
  emailChanges: {
    kind: 'window',
    most: 5,
    length: DAY,
    of: 'address',
    label: 'Email changes',
    why: 'Email changes requested by the account with this email. Each one sends a link to this email.',
    activity: 'Email change blocked: too many requests',
    noun: 'email changes',
  },
  noticesTo: {
    kind: 'window',
    most: 10,
    length: DAY,
    of: 'account',
    label: 'Security alerts',
    why: 'Security alerts sent to one account.',
    activity: TOO_MANY_MAILS,
  },
  signInNoticesTo: {
    kind: 'window',
    most: 10,
    length: DAY,
    of: 'account',
    label: 'New sign-in alerts',
    why: 'Alerts about sign-ins from new browsers, API clients and networks sent to one account.',
    activity: TOO_MANY_MAILS,
  },
  names: {
    kind: 'distinct',
    most: 20,
    length: 10 * MINUTE,
    of: 'range',
    label: 'Accounts tried (IP range)',
    why: 'Different accounts tried from one IP range (credential stuffing).',
  },
  passwordsFrom: {
    kind: 'window',
    most: 600,
    length: HOUR,
    of: 'range',
    label: 'Incorrect passwords (IP range)',
    why: 'Incorrect passwords from one IP range from unknown devices, including blocked attempts.',
  },
  // The one place that tells whether an address is taken.
  signup: {
    kind: 'window',
    most: 30,
    length: HOUR,
    of: 'range',
    label: 'Sign-ups (IP range)',
    why: 'Sign-ups from one IP range.',
    noun: 'sign-ups',
  },
  secrets: {
    kind: 'window',
    most: 60,
    length: 10 * MINUTE,
    of: 'range',
    label: 'Invalid links and tokens (IP range)',
    why: 'Invalid links and refresh tokens from one IP range.',
  },
  // What somebody who is signed in can write again and again. Each of these writes an event that is kept for a year.
  profileChanges: {
    kind: 'window',
    most: 60,
    length: DAY,
    of: 'account',
    label: 'Profile changes',
    why: 'Profile changes by the user per day.',
    activity: TOO_MANY_CHANGES,
    noun: 'profile changes',
  },
  sessionChanges: {
    kind: 'window',
    most: 200,
    length: DAY,
    of: 'account',
    label: 'Sign-out requests',
    why: 'Requests by the user to sign out sessions per day.',
    activity: 'Signing out devices blocked: too many requests',
    noun: 'requests to sign out devices',
  },
  passwordChanges: {
    kind: 'window',
    most: 20,
    length: DAY,
    of: 'account',
    label: 'Password changes',
    why: 'Password changes by the user per day.',
    activity: TOO_MANY_CHANGES,
    noun: 'password changes',
  },
  emailRequests: {
    kind: 'window',
    most: 20,
    length: DAY,
    of: 'account',
    label: 'Verification emails',
    why: 'Verification emails requested by the user per day.',
    activity: TOO_MANY_MAILS,
    noun: 'verification emails',
  },
  adminChanges: {
    kind: 'window',
    most: 20_000,
    length: HOUR,
    of: 'account',
    label: 'Admin changes',
    why: 'Changes by one administrator to users and emails per hour.',
    activity: TOO_MANY_CHANGES,
    noun: 'changes to users and emails',
  },
  keyRotations: {
    kind: 'window',
    most: 20,
    length: DAY,
    of: 'account',
    label: 'Key rotations',
    why: 'Signing key rotations by one administrator in the admin console per day.',
    activity: TOO_MANY_CHANGES,
    noun: 'new signing keys',
  },
} as const satisfies Record<string, Budget>;

export type Budget = (
  | { kind: 'back-off'; free: number; first: number; longest: number; forget: number }
  | { kind: 'window'; most: number; length: number }
  | { kind: 'distinct'; most: number; length: number }
) & {
  label: string;
  why: string;
  noun?: string;
} & (
    | { of: 'account' | 'name' | 'address' | 'browser' | 'address and range' | 'everybody'; activity: string }
    // Of a network: most of these are about no account.
    | { of: 'range'; activity?: string }
  );

export type LimitName = keyof typeof budgets;

const limitNames = Object.keys(budgets) as LimitName[];

/** The limits of what somebody who is signed in writes. */
export type WriteLimit = {
  [K in LimitName]: (typeof budgets)[K] extends { kind: 'window'; of: 'account'; noun: string } ? K : never;
}[LimitName];

/** What the owner of an account reads of an attempt that a limit refused; undefined for a limit that is about no account. */
export const limitActivity = (limit: unknown): string | undefined =>
  Object.entries<Budget>(budgets).find(([name]) => name === limit)?.[1].activity;

/** The subject of a budget that all accounts share. */
export const EVERYBODY = 'everybody';

/** The subject of a budget of an address and the range that asks about it. */
export const addressAndRange = (address: string, { subject, times }: CountedRange): CountedRange => ({
  subject: `${subject} ${address}`,
  times,
});

type NameOf<Kind> = {
  [K in LimitName]: (typeof budgets)[K]['kind'] extends Kind ? K : never;
}[LimitName];

/** An attempt that was not looked at, and why. */
export interface Refused {
  allowed: false;
  limit: LimitName;
  /** What the limit has counted. */
  count: number;
  /** The how-manieth refusal this is since the limit let something pass. */
  refused: number;
  /** Milliseconds. */
  retryAfter: number;
}

/** `count` is what the limit has counted, with this attempt. */
export type Verdict = { allowed: true; count: number } | Refused;

/** The table holds no name that was tried, only its MAC under a key that is not in the database. */
const keyOf = (key: KeyObject, budget: string, subject: string): string => mac(key, `${budget}\n${subject}`);

/**
 * Counts an attempt, before what it tries is looked at, and says whether it may be looked at. One statement, so
 * that of many attempts at once no more pass than the budget has; a refused attempt is not evaluated and does
 * not count.
 */
export async function countAttempt(
  db: Db,
  key: KeyObject,
  budget: NameOf<'back-off'>,
  subject: string,
  now: number,
): Promise<Verdict> {
  const { free, forget } = budgets[budget];
  const id = keyOf(key, budget, subject);
  const isOver = sql<boolean>`limits.expires_at <= ${now}`;
  const passed = await db
    .insertInto('limits')
    // The first one is free in every budget.
    .values({ key: id, count: 1, blocked_until: 0, expires_at: now + forget, refused: 0 })
    .onConflict((conflict) =>
      conflict
        .column('key')
        .doUpdateSet({
          count: sql`CASE WHEN ${isOver} THEN 1 ELSE limits.count + 1 END`,
          // Not `now` where there is no pause: of two at once, the one that took the time first may come second.
          blocked_until: sql`CASE WHEN ${isOver} OR limits.count + 1 < ${sql.lit(free)} THEN 0
            ELSE CAST(${now} AS BIGINT) + ${pauses(budget)} END`,
          expires_at: now + forget,
          refused: 0,
        })
        .where('limits.blocked_until', '<=', now),
    )
    .returning('count')
    .executeTakeFirst();
  return passed ? { allowed: true, count: passed.count } : countRefusal(db, budget, id, now);
}

/** A refused attempt counts as such, and as nothing else. */
async function countRefusal(
  db: Db,
  limit: NameOf<'back-off' | 'window'>,
  id: string,
  now: number,
): Promise<Refused> {
  const row = await db
    .updateTable('limits')
    .set((limits) => ({ refused: limits('refused', '+', 1) }))
    .where('key', '=', id)
    .returning(['count', 'refused', 'blocked_until', 'expires_at'])
    .executeTakeFirst();
  const end = budgets[limit].kind === 'back-off' ? row?.blocked_until : row?.expires_at;
  // Without a row it was cleared at this moment: the next attempt passes.
  return {
    allowed: false,
    limit,
    count: row?.count ?? 0,
    refused: row?.refused ?? 1,
    retryAfter: Math.max(0, (end ?? now) - now),
  };
}

/** How long attempt number `count` makes the next one wait. */
function pauseAfter(budget: NameOf<'back-off'>, count: number): number {
  const { free, first, longest } = budgets[budget];
  return count < free ? 0 : Math.min(first * 2 ** (count - free), longest);
}

/** The same in SQL, for the attempt after `limits.count`: the few steps until the pause stops growing. */
function pauses(budget: NameOf<'back-off'>) {
  const { free, longest } = budgets[budget];
  const steps = [];
  for (let count = free; pauseAfter(budget, count) < longest; count++)
    steps.push(sql`WHEN limits.count + 1 = ${sql.lit(count)} THEN ${sql.lit(pauseAfter(budget, count))}`);
  return sql`CASE ${sql.join(steps, sql` `)} ELSE ${sql.lit(longest)} END`;
}

/**
 * Takes one attempt out of a window again: it was right, or was not compared.
 *
 * @param times 0 for the work alone, where the attempt was not counted and that must not show.
 */
export async function uncount(
  db: Db,
  key: KeyObject,
  budget: NameOf<'window'>,
  subject: string,
  times: 0 | 1 = 1,
): Promise<void> {
  await db
    .updateTable('limits')
    .set((row) => ({ count: row('count', '-', times) }))
    .where('key', '=', keyOf(key, budget, subject))
    .where('count', '>', 0)
    .execute();
}

/**
 * Takes an attempt out of a back-off again that was not compared, and with it the wait that it caused.
 *
 * @param counted What the limit had counted with this attempt; 0 for the work alone, where it was not counted.
 */
export async function uncountAttempt(
  db: Db,
  key: KeyObject,
  budget: NameOf<'back-off'>,
  subject: string,
  counted: number,
): Promise<void> {
  const times = counted > 0 ? 1 : 0;
  // Beyond the free ones only the last attempt has caused a wait; those before it were over.
  const isLast = sql<boolean>`limits.count = ${counted}`;
  const isFree = sql<boolean>`limits.count - ${sql.lit(times)} < ${sql.lit(budgets[budget].free)}`;
  await db
    .updateTable('limits')
    .set((row) => ({
      count: row('count', '-', times),
      blocked_until: sql`CASE WHEN ${isLast} OR ${isFree} THEN 0 ELSE limits.blocked_until END`,
    }))
    .where('key', '=', keyOf(key, budget, subject))
    .where('count', '>', 0)
    .execute();
}

/** Takes one attempt out of the windows of all ranges that the client is in. */
export async function uncountInRanges(
  db: Db,
  key: KeyObject,
  budget: NameOf<'window'>,
  ranges: readonly CountedRange[],
): Promise<void> {
  for (const { subject } of ranges) await uncount(db, key, budget, subject);
}

/** A range that a client is in, and how many times the number of a limit it has. */
export interface CountedRange {
  subject: string;
  times: number;
}

/** Counts an attempt against the window of each range that the client is in, up to the first that is full. */
export async function countInRanges(
  db: Db,
  key: KeyObject,
  budget: NameOf<'window'>,
  ranges: readonly CountedRange[],
  now: number,
): Promise<Verdict> {
  let verdict: Verdict = { allowed: true, count: 0 };
  for (const { subject, times } of ranges) {
    verdict = await countInWindow(db, key, budget, subject, now, { times });
    if (!verdict.allowed) break;
  }
  return verdict;
}

/**
 * Counts an attempt against a window.
 *
 * @param how.times How many times the number of the limit the subject has.
 * @param how.longest How long the window lasts at most, in milliseconds, for a subject that nobody has.
 */
export async function countInWindow(
  db: Db,
  key: KeyObject,
  budget: NameOf<'window'>,
  subject: string,
  now: number,
  { times = 1, longest = FOREVER }: { times?: number; longest?: number | undefined } = {},
): Promise<Verdict> {
  const most = budgets[budget].most * times;
  const length = Math.min(budgets[budget].length, longest);
  const id = keyOf(key, budget, subject);
  const isOver = sql<boolean>`limits.expires_at <= ${now}`;
  const passed = await db
    .insertInto('limits')
    .values({ key: id, count: 1, blocked_until: 0, expires_at: now + length, refused: 0 })
    .onConflict((conflict) =>
      conflict
        .column('key')
        .doUpdateSet({
          count: sql`CASE WHEN ${isOver} THEN 1 ELSE limits.count + 1 END`,
          expires_at: sql`CASE WHEN ${isOver} THEN CAST(${now + length} AS BIGINT) ELSE limits.expires_at END`,
          refused: 0,
        })
        .where((allowed) =>
          allowed.or([allowed('limits.count', '<', most), allowed('limits.expires_at', '<=', now)]),
        ),
    )
    .returning('count')
    .executeTakeFirst();
  if (passed) return { allowed: true, count: passed.count };
  // What time does not end is asked no more often than the limit before it allows, so these need no count.
  if (budgets[budget].length === FOREVER)
    return { allowed: false, limit: budget, count: most, refused: 1, retryAfter: length };
  return countRefusal(db, budget, id, now);
}

/**
 * Counts a name against the window of distinct names of each range that the client is in, before it is looked at; in as
 * many statements for three ranges as for one. The caller runs it in a transaction: the first statement locks the rows of
 * the windows, the narrowest first, so that of many names at once no more pass than there is room for.
 */
export async function countName(
  tx: Db,
  key: KeyObject,
  budget: NameOf<'distinct'>,
  ranges: readonly CountedRange[],
  name: string,
  now: number,
): Promise<Verdict> {
  const { most, length } = budgets[budget];
  const windows = ranges.map(({ subject, times }) => ({
    id: keyOf(key, budget, subject),
    most: most * times,
  }));
  const ids = windows.map(({ id }) => id);
  const member = keyOf(key, budget, name);
  const rows = await tx
    .insertInto('limits')
    .values(ids.map((id) => ({ key: id, count: 0, blocked_until: 0, expires_at: now + length, refused: 0 })))
    .onConflict((conflict) => conflict.column('key').doUpdateSet({ expires_at: now + length }))
    .returning(['key', 'refused'])
    .execute();
  const others = await tx
    .selectFrom('limit_members')
    .select(['key', 'expires_at'])
    .where('key', 'in', ids)
    .where('member', '<>', member)
    .where('expires_at', '>', now)
    .orderBy('expires_at')
    .execute();
  const named = windows.map((window) => ({
    ...window,
    others: others.filter((one) => one.key === window.id),
  }));
  const full = named.find((window) => window.others.length >= window.most);
  const refusedBefore = rows.filter(({ refused }) => refused > 0);
  if (full) {
    const refused = (rows.find((row) => row.key === full.id)?.refused ?? 0) + 1;
    await tx.updateTable('limits').set({ refused }).where('key', '=', full.id).execute();
    const retryAfter = (full.others[0]?.expires_at ?? now) - now;
    return { allowed: false, limit: budget, count: full.others.length, refused, retryAfter };
  }
  if (refusedBefore.length > 0)
    await tx.updateTable('limits').set({ refused: 0 }).where('key', 'in', ids).execute();
  await tx
    .insertInto('limit_members')
    .values(ids.map((id) => ({ key: id, member, expires_at: now + length })))
    .onConflict((conflict) => conflict.columns(['key', 'member']).doUpdateSet({ expires_at: now + length }))
    .execute();
  return { allowed: true, count: (named[0]?.others.length ?? 0) + 1 };
}

/** Takes a name out of the windows again: it did not fail. */
export async function forgiveName(
  db: Db,
  key: KeyObject,
  budget: NameOf<'distinct'>,
  ranges: readonly CountedRange[],
  name: string,
): Promise<void> {
  const ids = ranges.map(({ subject }) => keyOf(key, budget, subject));
  await db
    .deleteFrom('limit_members')
    .where('key', 'in', ids)
    .where('member', '=', keyOf(key, budget, name))
    .execute();
}

/** A limit, and whom it is asked about: the table itself does not tell. */
export interface LimitOf {
  limit: LimitName;
  subject: string;
  /** How many times the number of the limit the subject has; once unless said. */
  times?: number;
}

/** What a limit has counted. */
export interface LimitState extends LimitOf {
  count: number;
  refused: number;
  /** Whether it refuses the next attempt. */
  isReached: boolean;
  /** When it lets one pass again, if it is reached and time does that. */
  until: number | null;
}

/** The limits of these that have counted anything, in their order. */
export async function readLimits(
  db: Db,
  key: KeyObject,
  asked: readonly LimitOf[],
  now: number,
): Promise<LimitState[]> {
  const ids = asked.map(({ limit, subject }) => keyOf(key, limit, subject));
  const found = await db
    .selectFrom('limits')
    .selectAll()
    .where('key', 'in', ids)
    .where('expires_at', '>', now)
    .execute();
  const members = await db
    .selectFrom('limit_members')
    .select([
      'key',
      (row) => row.fn.countAll<number>().as('count'),
      (row) => row.fn.min('expires_at').as('end'),
    ])
    .where('key', 'in', ids)
    .where('expires_at', '>', now)
    .groupBy('key')
    .execute();
  return asked.flatMap((one, i) => {
    const row = found.find(({ key }) => key === ids[i]);
    if (!row) return [];
    const names = members.find(({ key }) => key === ids[i]);
    return [{ ...one, refused: row.refused, ...stateOf(budgets[one.limit], row, names, now, one.times) }];
  });
}

function stateOf(
  budget: Budget,
  row: { count: number; blocked_until: number; expires_at: number },
  names: { count: number; end: number } | undefined,
  now: number,
  times = 1,
): Pick<LimitState, 'count' | 'isReached' | 'until'> {
  if (budget.kind === 'back-off') {
    const isReached = row.blocked_until > now;
    return { count: row.count, isReached, until: isReached ? row.blocked_until : null };
  }
  const { count, end } =
    budget.kind === 'window' ? { count: row.count, end: row.expires_at } : (names ?? { count: 0, end: now });
  const isReached = count >= budget.most * times;
  return { count, isReached, until: isReached && budget.length < FOREVER ? end : null };
}

/** All limits that count by account. */
export const accountLimits = (userId: string): LimitOf[] =>
  limitNames.filter((limit) => budgets[limit].of === 'account').map((limit) => ({ limit, subject: userId }));

/** In the order of `budgets`; of one limit the narrowest range first. */
const inLockOrder = (a: LimitOf, b: LimitOf): number =>
  limitNames.indexOf(a.limit) - limitNames.indexOf(b.limit) || (a.times ?? 1) - (b.times ?? 1);

/**
 * Forgets what these limits have counted, one after the other in the order in which attempts lock them (see `budgets`): two
 * that wait for each other would be a deadlock.
 *
 * @returns How many had counted anything.
 */
export async function liftLimits(tx: Db, key: KeyObject, lifted: readonly LimitOf[]): Promise<number> {
  let count = 0;
  for (const { limit, subject } of lifted.toSorted(inLockOrder)) {
    const row = await tx
      .deleteFrom('limits')
      .where('key', '=', keyOf(key, limit, subject))
      .returning('key')
      .executeTakeFirst();
    if (row) count++;
  }
  return count;
}

/** Removes what no budget looks at any more. */
export async function forgetOldLimits(db: Db, now: number): Promise<void> {
  await db.deleteFrom('limits').where('expires_at', '<=', now).execute();
  await db.deleteFrom('limit_members').where('expires_at', '<=', now).execute();
}
