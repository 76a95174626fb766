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
export const MAX_FOR_UNKNOWN = DAY;

const TOO_MANY_PASSWORDS = 'Blocked: too many incorrect passwords';
const TOO_MANY_CODES = 'Code blocked: too many incorrect codes';
const TOO_MANY_CHANGES = 'Change blocked: too many changes';
const TOO_MANY_EMAILS = 'Email not sent: too many requests';

/**
 * Every budget, once. A `back-off` lets `free` attempts pass, then makes each further one wait twice as long as
 * the one before, from `first` to `longest`; success clears it. A `window` lets `most` attempts pass in `length`.
 * A `distinct` window counts different names instead of attempts. All in milliseconds. `of` is whose budget it is,
 * `label` names it to an administrator, and `description` says what it counts; `activity` says to the owner of an
 * account what was blocked. A limit with a `noun` (what there were too many of) can be the `limit` of a route, or be
 * counted by `countWrite`.
 *
 * Their order is that in which one transaction locks what it counts or lifts, those of ranges alone apart, which come first:
 * transactions that keep it never wait for each other in a circle.
 */
export const rateLimits = {
  // An account has two names. Were they counted together alone, the work that a refusal leaves out would tell so of the two.
  passwords_per_identifier: {
    kind: 'back-off',
    free: 5,
    first: 30_000,
    longest: HOUR,
    forget: DAY,
    of: 'identifier',
    label: 'Incorrect passwords (username or email)',
    description:
      'Incorrect passwords for one username or email from unknown devices, whether or not an account exists.',
    activity: TOO_MANY_PASSWORDS,
  },
  passwords_per_account: {
    kind: 'back-off',
    free: 5,
    first: 30_000,
    longest: HOUR,
    forget: DAY,
    of: 'account',
    label: 'Incorrect passwords',
    description: 'Incorrect passwords for this account from unknown devices.',
    activity: TOO_MANY_PASSWORDS,
  },
  // NIST SP 800-63B.
  passwords_per_account_total: {
    kind: 'window',
    max: 100,
    length: FOREVER,
    of: 'account',
    label: 'Incorrect passwords (total)',
    description:
      'Total incorrect passwords from unknown devices since the last successful sign-in. When reached, the user must reset the password by email.',
    activity: TOO_MANY_PASSWORDS,
  },
  // As long as a browser is known without a sign-in. Used up, it is not known any more.
  passwords_per_device: {
    kind: 'window',
    max: 10,
    length: 90 * DAY,
    of: 'device',
    label: 'Incorrect passwords (one known device)',
    description:
      'Incorrect passwords from one known device since its last successful sign-in. When reached, the device is no longer known.',
    activity: TOO_MANY_PASSWORDS,
  },
  // NIST SP 800-63B-4, section 3.2.2. Without a right one for so long, none of these browsers is known any more.
  passwords_per_account_known_devices: {
    kind: 'window',
    max: 100,
    length: 90 * DAY,
    of: 'account',
    label: 'Incorrect passwords (all known devices)',
    description: 'Incorrect passwords from all known devices together since the last successful sign-in.',
    activity: TOO_MANY_PASSWORDS,
  },
  codes_per_account_daily: {
    kind: 'window',
    max: 10,
    length: DAY,
    of: 'account',
    label: 'Incorrect email codes (daily)',
    description: 'Incorrect email codes per day. The email link still works.',
    activity: TOO_MANY_CODES,
  },
  codes_per_account_total: {
    kind: 'window',
    max: 30,
    length: FOREVER,
    of: 'account',
    label: 'Incorrect email codes (total)',
    description: 'Total incorrect email codes since the last correct one. The email link still works.',
    activity: TOO_MANY_CODES,
  },
  short_codes_per_account_daily: {
    kind: 'window',
    max: 3,
    length: DAY,
    of: 'account',
    label: 'Incorrect short codes (daily)',
    description: 'Incorrect short codes per day. The email link still works.',
    activity: TOO_MANY_CODES,
  },
  short_codes_per_account_total: {
    kind: 'window',
    max: 10,
    length: FOREVER,
    of: 'account',
    label: 'Incorrect short codes (total)',
    description: 'Total incorrect short codes since the last correct one. The email link still works.',
    activity: TOO_MANY_CODES,
  },
  codes_total: {
    kind: 'window',
    max: 50,
    length: 15 * MINUTE,
    of: 'everybody',
    label: 'Incorrect email codes (all accounts)',
    description:
      'Incorrect email codes across all accounts (a possible distributed attack). Links still work.',
    activity: TOO_MANY_CODES,
  },
  codes_per_ip_range: {
    kind: 'window',
    max: 60,
    length: HOUR,
    of: 'range',
    label: 'Incorrect email codes (IP range)',
    description: 'Incorrect email codes from one IP range, for any account. Links still work.',
    activity: TOO_MANY_CODES,
  },
  recovery_emails_per_recipient_and_ip_range: {
    kind: 'window',
    max: 3,
    length: HOUR,
    of: 'email and range',
    label: 'Password reset emails (email and IP range)',
    description: 'Password reset emails to one email address, requested from one IP range.',
    activity: TOO_MANY_EMAILS,
  },
  // No link works for a shorter time than this window lasts (`flows/verifications/verification-rules`): whoever uses it up leaves one in the mailbox.
  recovery_emails_per_recipient: {
    kind: 'window',
    max: 6,
    length: HOUR,
    of: 'email',
    label: 'Password reset emails (email)',
    description: 'Password reset emails to one email address, requested from unknown devices.',
    activity: TOO_MANY_EMAILS,
  },
  recovery_emails_from_known_devices: {
    kind: 'window',
    max: 6,
    length: HOUR,
    of: 'account',
    label: 'Password reset emails (known devices)',
    description: 'Password reset emails requested from known devices. Strangers can’t use these up.',
    activity: TOO_MANY_EMAILS,
  },
  emails_per_recipient: {
    kind: 'window',
    max: 3,
    length: HOUR,
    of: 'email',
    label: 'Requested emails (email)',
    description: 'Emails requested to one email address, except password reset emails.',
    activity: TOO_MANY_EMAILS,
  },
  emails_per_ip_range: {
    kind: 'window',
    max: 10,
    length: HOUR,
    of: 'range',
    label: 'Requested emails (IP range)',
    description: 'Emails requested from one IP range.',
    noun: 'requests for emails',
  },
  email_changes_per_email: {
    kind: 'window',
    max: 5,
    length: DAY,
    of: 'email',
    label: 'Email changes',
    description:
      'Email changes requested by the account with this email. Each one sends a link to this email.',
    activity: 'Email change blocked: too many requests',
    noun: 'email changes',
  },
  security_notices_per_account: {
    kind: 'window',
    max: 10,
    length: DAY,
    of: 'account',
    label: 'Security alerts',
    description: 'Security alerts sent to one account.',
    activity: TOO_MANY_EMAILS,
  },
  new_device_notices_per_account: {
    kind: 'window',
    max: 10,
    length: DAY,
    of: 'account',
    label: 'New sign-in alerts',
    description: 'Alerts about sign-ins from new browsers, API clients and networks sent to one account.',
    activity: TOO_MANY_EMAILS,
  },
  identifiers_per_ip_range: {
    kind: 'distinct',
    max: 20,
    length: 10 * MINUTE,
    of: 'range',
    label: 'Accounts tried (IP range)',
    description: 'Different accounts tried from one IP range (credential stuffing).',
  },
  passwords_per_ip_range: {
    kind: 'window',
    max: 600,
    length: HOUR,
    of: 'range',
    label: 'Incorrect passwords (IP range)',
    description: 'Incorrect passwords from one IP range from unknown devices, including blocked attempts.',
  },
  // The one place that tells whether an address is taken.
  sign_ups_per_ip_range: {
    kind: 'window',
    max: 30,
    length: HOUR,
    of: 'range',
    label: 'Sign-ups (IP range)',
    description: 'Sign-ups from one IP range.',
    noun: 'sign-ups',
  },
  invalid_tokens_per_ip_range: {
    kind: 'window',
    max: 60,
    length: 10 * MINUTE,
    of: 'range',
    label: 'Invalid links and tokens (IP range)',
    description: 'Invalid links and refresh tokens from one IP range.',
  },
  // What somebody who is signed in can write again and again. Each of these writes an event that is kept for a year.
  profile_changes_per_account: {
    kind: 'window',
    max: 60,
    length: DAY,
    of: 'account',
    label: 'Profile changes',
    description: 'Profile changes by the user per day.',
    activity: TOO_MANY_CHANGES,
    noun: 'profile changes',
  },
  session_revocations_per_account: {
    kind: 'window',
    max: 200,
    length: DAY,
    of: 'account',
    label: 'Sign-out requests',
    description: 'Requests by the user to sign out sessions per day.',
    activity: 'Signing out devices blocked: too many requests',
    noun: 'requests to sign out devices',
  },
  password_changes_per_account: {
    kind: 'window',
    max: 20,
    length: DAY,
    of: 'account',
    label: 'Password changes',
    description: 'Password changes by the user per day.',
    activity: TOO_MANY_CHANGES,
    noun: 'password changes',
  },
  verification_emails_per_account: {
    kind: 'window',
    max: 20,
    length: DAY,
    of: 'account',
    label: 'Verification emails',
    description: 'Verification emails requested by the user per day.',
    activity: TOO_MANY_EMAILS,
    noun: 'verification emails',
  },
  admin_changes_per_account: {
    kind: 'window',
    max: 20_000,
    length: HOUR,
    of: 'account',
    label: 'Admin changes',
    description: 'Changes by one administrator to users and emails per hour.',
    activity: TOO_MANY_CHANGES,
    noun: 'changes to users and emails',
  },
  key_rotations_per_account: {
    kind: 'window',
    max: 20,
    length: DAY,
    of: 'account',
    label: 'Key rotations',
    description: 'Signing key rotations by one administrator in the admin console per day.',
    activity: TOO_MANY_CHANGES,
    noun: 'new signing keys',
  },
} as const satisfies Record<string, RateLimit>;

export type RateLimit = (
  | { kind: 'back-off'; free: number; first: number; longest: number; forget: number }
  | { kind: 'window'; max: number; length: number }
  | { kind: 'distinct'; max: number; length: number }
) & {
  label: string;
  description: string;
  noun?: string;
} & (
    | {
        of: 'account' | 'identifier' | 'email' | 'device' | 'email and range' | 'everybody';
        activity: string;
      }
    // Of a network: most of these are about no account.
    | { of: 'range'; activity?: string }
  );

export type RateLimitName = keyof typeof rateLimits;

const rateLimitNames = Object.keys(rateLimits) as RateLimitName[];

/** The limits of what somebody who is signed in writes. */
export type WriteRateLimit = {
  [K in RateLimitName]: (typeof rateLimits)[K] extends { kind: 'window'; of: 'account'; noun: string }
    ? K
    : never;
}[RateLimitName];

/** What the owner of an account reads of an attempt that a limit refused; undefined for a limit that is about no account. */
export const limitActivity = (limit: unknown): string | undefined =>
  Object.entries<RateLimit>(rateLimits).find(([name]) => name === limit)?.[1].activity;

/** The subject of a budget that all accounts share. */
export const EVERYBODY = 'everybody';

/** The subject of a budget of an address and the range that asks about it. */
export const emailAndRange = (email: string, { subject, times }: CountedRange): CountedRange => ({
  subject: `${subject} ${email}`,
  times,
});

type NameOf<Kind> = {
  [K in RateLimitName]: (typeof rateLimits)[K]['kind'] extends Kind ? K : never;
}[RateLimitName];

/** An attempt that was not looked at, and why. */
export interface RateLimited {
  allowed: false;
  limit: RateLimitName;
  /** What the limit has counted. */
  count: number;
  /** The how-manieth refusal this is since the limit let something pass. */
  rejected: number;
  /** Milliseconds. */
  retryAfter: number;
}

/** `count` is what the limit has counted, with this attempt. */
export type RateLimitResult = { allowed: true; count: number } | RateLimited;

/** The table holds no name that was tried, only its MAC under a key that is not in the database. */
const keyOf = (key: KeyObject, rateLimit: string, subject: string): string =>
  mac(key, `${rateLimit}\n${subject}`);

/**
 * Counts an attempt, before what it tries is looked at, and says whether it may be looked at. One statement, so
 * that of many attempts at once no more pass than the budget has; a refused attempt is not evaluated and does
 * not count.
 */
export async function countAttempt(
  db: Db,
  key: KeyObject,
  rateLimit: NameOf<'back-off'>,
  subject: string,
  now: number,
): Promise<RateLimitResult> {
  const { free, forget } = rateLimits[rateLimit];
  const id = keyOf(key, rateLimit, subject);
  const isOver = sql<boolean>`rate_limits.expires_at <= ${now}`;
  const passed = await db
    .insertInto('rate_limits')
    // The first one is free in every budget.
    .values({ key: id, count: 1, blocked_until: 0, expires_at: now + forget, rejected: 0 })
    .onConflict((conflict) =>
      conflict
        .column('key')
        .doUpdateSet({
          count: sql`CASE WHEN ${isOver} THEN 1 ELSE rate_limits.count + 1 END`,
          // Not `now` where there is no pause: of two at once, the one that took the time first may come second.
          blocked_until: sql`CASE WHEN ${isOver} OR rate_limits.count + 1 < ${sql.lit(free)} THEN 0
            ELSE CAST(${now} AS BIGINT) + ${pauses(rateLimit)} END`,
          expires_at: now + forget,
          rejected: 0,
        })
        .where('rate_limits.blocked_until', '<=', now),
    )
    .returning('count')
    .executeTakeFirst();
  return passed ? { allowed: true, count: passed.count } : countRejection(db, rateLimit, id, now);
}

/** A refused attempt counts as such, and as nothing else. */
async function countRejection(
  db: Db,
  limit: NameOf<'back-off' | 'window'>,
  id: string,
  now: number,
): Promise<RateLimited> {
  const row = await db
    .updateTable('rate_limits')
    .set((limits) => ({ rejected: limits('rejected', '+', 1) }))
    .where('key', '=', id)
    .returning(['count', 'rejected', 'blocked_until', 'expires_at'])
    .executeTakeFirst();
  const end = rateLimits[limit].kind === 'back-off' ? row?.blocked_until : row?.expires_at;
  // Without a row it was cleared at this moment: the next attempt passes.
  return {
    allowed: false,
    limit,
    count: row?.count ?? 0,
    rejected: row?.rejected ?? 1,
    retryAfter: Math.max(0, (end ?? now) - now),
  };
}

/** How long attempt number `count` makes the next one wait. */
function pauseAfter(rateLimit: NameOf<'back-off'>, count: number): number {
  const { free, first, longest } = rateLimits[rateLimit];
  return count < free ? 0 : Math.min(first * 2 ** (count - free), longest);
}

/** The same in SQL, for the attempt after `rate_limits.count`: the few steps until the pause stops growing. */
function pauses(rateLimit: NameOf<'back-off'>) {
  const { free, longest } = rateLimits[rateLimit];
  const steps = [];
  for (let count = free; pauseAfter(rateLimit, count) < longest; count++)
    steps.push(
      sql`WHEN rate_limits.count + 1 = ${sql.lit(count)} THEN ${sql.lit(pauseAfter(rateLimit, count))}`,
    );
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
  rateLimit: NameOf<'window'>,
  subject: string,
  times: 0 | 1 = 1,
): Promise<void> {
  await db
    .updateTable('rate_limits')
    .set((row) => ({ count: row('count', '-', times) }))
    .where('key', '=', keyOf(key, rateLimit, subject))
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
  rateLimit: NameOf<'back-off'>,
  subject: string,
  counted: number,
): Promise<void> {
  const times = counted > 0 ? 1 : 0;
  // Beyond the free ones only the last attempt has caused a wait; those before it were over.
  const isLast = sql<boolean>`rate_limits.count = ${counted}`;
  const isFree = sql<boolean>`rate_limits.count - ${sql.lit(times)} < ${sql.lit(rateLimits[rateLimit].free)}`;
  await db
    .updateTable('rate_limits')
    .set((row) => ({
      count: row('count', '-', times),
      blocked_until: sql`CASE WHEN ${isLast} OR ${isFree} THEN 0 ELSE rate_limits.blocked_until END`,
    }))
    .where('key', '=', keyOf(key, rateLimit, subject))
    .where('count', '>', 0)
    .execute();
}

/** Takes one attempt out of the windows of all ranges that the client is in. */
export async function uncountInRanges(
  db: Db,
  key: KeyObject,
  rateLimit: NameOf<'window'>,
  ranges: readonly CountedRange[],
): Promise<void> {
  for (const { subject } of ranges) await uncount(db, key, rateLimit, subject);
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
  rateLimit: NameOf<'window'>,
  ranges: readonly CountedRange[],
  now: number,
): Promise<RateLimitResult> {
  let verdict: RateLimitResult = { allowed: true, count: 0 };
  for (const { subject, times } of ranges) {
    verdict = await countInWindow(db, key, rateLimit, subject, now, { times });
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
  rateLimit: NameOf<'window'>,
  subject: string,
  now: number,
  { times = 1, longest = FOREVER }: { times?: number; longest?: number | undefined } = {},
): Promise<RateLimitResult> {
  const max = rateLimits[rateLimit].max * times;
  const length = Math.min(rateLimits[rateLimit].length, longest);
  const id = keyOf(key, rateLimit, subject);
  const isOver = sql<boolean>`rate_limits.expires_at <= ${now}`;
  const passed = await db
    .insertInto('rate_limits')
    .values({ key: id, count: 1, blocked_until: 0, expires_at: now + length, rejected: 0 })
    .onConflict((conflict) =>
      conflict
        .column('key')
        .doUpdateSet({
          count: sql`CASE WHEN ${isOver} THEN 1 ELSE rate_limits.count + 1 END`,
          expires_at: sql`CASE WHEN ${isOver} THEN CAST(${now + length} AS BIGINT) ELSE rate_limits.expires_at END`,
          rejected: 0,
        })
        .where((allowed) =>
          allowed.or([allowed('rate_limits.count', '<', max), allowed('rate_limits.expires_at', '<=', now)]),
        ),
    )
    .returning('count')
    .executeTakeFirst();
  if (passed) return { allowed: true, count: passed.count };
  // What time does not end is asked no more often than the limit before it allows, so these need no count.
  if (rateLimits[rateLimit].length === FOREVER)
    return { allowed: false, limit: rateLimit, count: max, rejected: 1, retryAfter: length };
  return countRejection(db, rateLimit, id, now);
}

/**
 * Counts a name against the window of distinct names of each range that the client is in, before it is looked at; in as
 * many statements for three ranges as for one. The caller runs it in a transaction: the first statement locks the rows of
 * the windows, the narrowest first, so that of many names at once no more pass than there is room for.
 */
export async function countIdentifier(
  tx: Db,
  key: KeyObject,
  rateLimit: NameOf<'distinct'>,
  ranges: readonly CountedRange[],
  name: string,
  now: number,
): Promise<RateLimitResult> {
  const { max, length } = rateLimits[rateLimit];
  const windows = ranges.map(({ subject, times }) => ({
    id: keyOf(key, rateLimit, subject),
    max: max * times,
  }));
  const ids = windows.map(({ id }) => id);
  const member = keyOf(key, rateLimit, name);
  const rows = await tx
    .insertInto('rate_limits')
    .values(ids.map((id) => ({ key: id, count: 0, blocked_until: 0, expires_at: now + length, rejected: 0 })))
    .onConflict((conflict) => conflict.column('key').doUpdateSet({ expires_at: now + length }))
    .returning(['key', 'rejected'])
    .execute();
  const others = await tx
    .selectFrom('rate_limit_members')
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
  const full = named.find((window) => window.others.length >= window.max);
  const rejectedBefore = rows.filter(({ rejected }) => rejected > 0);
  if (full) {
    const rejected = (rows.find((row) => row.key === full.id)?.rejected ?? 0) + 1;
    await tx.updateTable('rate_limits').set({ rejected }).where('key', '=', full.id).execute();
    const retryAfter = (full.others[0]?.expires_at ?? now) - now;
    return { allowed: false, limit: rateLimit, count: full.others.length, rejected, retryAfter };
  }
  if (rejectedBefore.length > 0)
    await tx.updateTable('rate_limits').set({ rejected: 0 }).where('key', 'in', ids).execute();
  await tx
    .insertInto('rate_limit_members')
    .values(ids.map((id) => ({ key: id, member, expires_at: now + length })))
    .onConflict((conflict) => conflict.columns(['key', 'member']).doUpdateSet({ expires_at: now + length }))
    .execute();
  return { allowed: true, count: (named[0]?.others.length ?? 0) + 1 };
}

/** Takes a name out of the windows again: it did not fail. */
export async function uncountIdentifier(
  db: Db,
  key: KeyObject,
  rateLimit: NameOf<'distinct'>,
  ranges: readonly CountedRange[],
  name: string,
): Promise<void> {
  const ids = ranges.map(({ subject }) => keyOf(key, rateLimit, subject));
  await db
    .deleteFrom('rate_limit_members')
    .where('key', 'in', ids)
    .where('member', '=', keyOf(key, rateLimit, name))
    .execute();
}

/** A limit, and whom it is asked about: the table itself does not tell. */
export interface RateLimitSubject {
  limit: RateLimitName;
  subject: string;
  /** How many times the number of the limit the subject has; once unless said. */
  times?: number;
}

/** What a limit has counted. */
export interface RateLimitState extends RateLimitSubject {
  count: number;
  rejected: number;
  /** Whether it refuses the next attempt. */
  isExceeded: boolean;
  /** When it lets one pass again, if it is reached and time does that. */
  until: number | null;
}

/** The limits of these that have counted anything, in their order. */
export async function readRateLimits(
  db: Db,
  key: KeyObject,
  subjects: readonly RateLimitSubject[],
  now: number,
): Promise<RateLimitState[]> {
  const ids = subjects.map(({ limit, subject }) => keyOf(key, limit, subject));
  const found = await db
    .selectFrom('rate_limits')
    .selectAll()
    .where('key', 'in', ids)
    .where('expires_at', '>', now)
    .execute();
  const members = await db
    .selectFrom('rate_limit_members')
    .select([
      'key',
      (row) => row.fn.countAll<number>().as('count'),
      (row) => row.fn.min('expires_at').as('end'),
    ])
    .where('key', 'in', ids)
    .where('expires_at', '>', now)
    .groupBy('key')
    .execute();
  return subjects.flatMap((one, i) => {
    const row = found.find(({ key }) => key === ids[i]);
    if (!row) return [];
    const names = members.find(({ key }) => key === ids[i]);
    return [
      { ...one, rejected: row.rejected, ...stateOf(rateLimits[one.limit], row, names, now, one.times) },
    ];
  });
}

function stateOf(
  rateLimit: RateLimit,
  row: { count: number; blocked_until: number; expires_at: number },
  names: { count: number; end: number } | undefined,
  now: number,
  times = 1,
): Pick<RateLimitState, 'count' | 'isExceeded' | 'until'> {
  if (rateLimit.kind === 'back-off') {
    const isExceeded = row.blocked_until > now;
    return { count: row.count, isExceeded, until: isExceeded ? row.blocked_until : null };
  }
  const { count, end } =
    rateLimit.kind === 'window'
      ? { count: row.count, end: row.expires_at }
      : (names ?? { count: 0, end: now });
  const isExceeded = count >= rateLimit.max * times;
  return { count, isExceeded, until: isExceeded && rateLimit.length < FOREVER ? end : null };
}

/** All limits that count by account. */
export const accountRateLimits = (userId: string): RateLimitSubject[] =>
  rateLimitNames
    .filter((limit) => rateLimits[limit].of === 'account')
    .map((limit) => ({ limit, subject: userId }));

/** In the order of `rateLimits`; of one limit the narrowest range first. */
const inLockOrder = (a: RateLimitSubject, b: RateLimitSubject): number =>
  rateLimitNames.indexOf(a.limit) - rateLimitNames.indexOf(b.limit) || (a.times ?? 1) - (b.times ?? 1);

/**
 * Forgets what these limits have counted, one after the other in the order in which attempts lock them (see `rateLimits`): two
 * that wait for each other would be a deadlock.
 *
 * @returns How many had counted anything.
 */
export async function resetRateLimits(
  tx: Db,
  key: KeyObject,
  reset: readonly RateLimitSubject[],
): Promise<number> {
  let count = 0;
  for (const { limit, subject } of reset.toSorted(inLockOrder)) {
    const row = await tx
      .deleteFrom('rate_limits')
      .where('key', '=', keyOf(key, limit, subject))
      .returning('key')
      .executeTakeFirst();
    if (row) count++;
  }
  return count;
}

/** Removes what no budget looks at any more. */
export async function deleteOldRateLimits(db: Db, now: number): Promise<void> {
  await db.deleteFrom('rate_limits').where('expires_at', '<=', now).execute();
  await db.deleteFrom('rate_limit_members').where('expires_at', '<=', now).execute();
}
