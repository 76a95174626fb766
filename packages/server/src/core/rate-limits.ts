import type { KeyObject } from 'node:crypto';
import { sql } from 'kysely';
import type { ActivityKey } from '../events.ts';
import type { TextKey } from '../languages/text.ts';
import type { Db } from '../platform/db/index.ts';
import { skipLocked } from '../platform/db/skip-locked.ts';
import { mac } from '../platform/secrets.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
/** Until it is reset. */
const FOREVER = 100 * 365 * DAY;

/** How long counts for an identifier without an account are kept at most, whatever the rate limit. */
export const MAX_FOR_UNKNOWN = DAY;

/**
 * All rate limits. A `back-off` allows `free` attempts, then doubles the wait after each further one, from `first` to
 * `longest`; success resets it. A `window` allows `max` attempts in `length`. A `distinct` window counts different
 * identifiers instead of attempts. All times are in milliseconds. `of` is the kind of subject, `label` is its name for
 * administrators, and `description` says what it counts; `activity` tells the owner of an account what was blocked. A
 * rate limit with a `noun` (what there were too many of) can be the `limit` of a route, or be counted by `countWrite`.
 *
 * The order is the order in which a transaction locks the rows that it counts or resets, except for rate limits of
 * ranges alone, which come first. A transaction locks rate limits after the user and the rows that belong to the user
 * (ARCHITECTURE.md, "Races"). Transactions that keep to it cannot deadlock.
 */
export const rateLimits = {
  // An account has two identifiers. If they shared one count, the work skipped by a rejection would reveal that both
  // belong to one account.
  passwords_per_identifier: {
    kind: 'back-off',
    free: 5,
    first: 30_000,
    longest: HOUR,
    resetAfter: DAY,
    of: 'identifier',
    label: 'rate_limit.passwords_per_identifier',
    description:
      'Incorrect passwords for one username or email from unknown devices, whether or not an account exists.',
    activity: 'activity_limit.passwords',
  },
  passwords_per_account: {
    kind: 'back-off',
    free: 5,
    first: 30_000,
    longest: HOUR,
    resetAfter: DAY,
    of: 'account',
    label: 'rate_limit.passwords_per_account',
    description: 'Incorrect passwords for this account from unknown devices.',
    activity: 'activity_limit.passwords',
  },
  // NIST SP 800-63B.
  passwords_per_account_total: {
    kind: 'window',
    max: 100,
    length: FOREVER,
    of: 'account',
    label: 'rate_limit.passwords_per_account_total',
    description:
      'Total incorrect passwords from unknown devices since the last successful sign-in. When reached, the user must reset the password by email.',
    activity: 'activity_limit.passwords',
  },
  // For as long as a browser stays known without a sign-in. Once used up, the browser is no longer known.
  passwords_per_device: {
    kind: 'window',
    max: 10,
    length: 90 * DAY,
    of: 'device',
    label: 'rate_limit.passwords_per_device',
    description:
      'Incorrect passwords from one known device since its last successful sign-in. When reached, the device is no longer known.',
    activity: 'activity_limit.passwords',
  },
  // NIST SP 800-63B-4, section 3.2.2. After this long without a correct password, none of these browsers is known.
  passwords_per_account_known_devices: {
    kind: 'window',
    max: 100,
    length: 90 * DAY,
    of: 'account',
    label: 'rate_limit.passwords_per_account_known_devices',
    description: 'Incorrect passwords from all known devices together since the last successful sign-in.',
    activity: 'activity_limit.passwords',
  },
  codes_per_account_daily: {
    kind: 'window',
    max: 10,
    length: DAY,
    of: 'account',
    label: 'rate_limit.codes_per_account_daily',
    description: 'Incorrect email codes per day. The email link still works.',
    activity: 'activity_limit.codes',
  },
  codes_per_account_total: {
    kind: 'window',
    max: 30,
    length: FOREVER,
    of: 'account',
    label: 'rate_limit.codes_per_account_total',
    description: 'Total incorrect email codes since the last correct one. The email link still works.',
    activity: 'activity_limit.codes',
  },
  short_codes_per_account_daily: {
    kind: 'window',
    max: 3,
    length: DAY,
    of: 'account',
    label: 'rate_limit.short_codes_per_account_daily',
    description: 'Incorrect short codes per day. The email link still works.',
    activity: 'activity_limit.codes',
  },
  short_codes_per_account_total: {
    kind: 'window',
    max: 10,
    length: FOREVER,
    of: 'account',
    label: 'rate_limit.short_codes_per_account_total',
    description: 'Total incorrect short codes since the last correct one. The email link still works.',
    activity: 'activity_limit.codes',
  },
  codes_total: {
    kind: 'window',
    max: 50,
    length: 15 * MINUTE,
    of: 'everybody',
    label: 'rate_limit.codes_total',
    description:
      'Incorrect email codes across all accounts (a possible distributed attack). Links still work.',
    activity: 'activity_limit.codes',
  },
  codes_per_ip_range: {
    kind: 'window',
    max: 60,
    length: HOUR,
    of: 'range',
    label: 'rate_limit.codes_per_ip_range',
    description: 'Incorrect email codes from one IP range, for any account. Links still work.',
    activity: 'activity_limit.codes',
  },
  recovery_emails_per_recipient_and_ip_range: {
    kind: 'window',
    max: 3,
    length: HOUR,
    of: 'email and range',
    label: 'rate_limit.recovery_emails_per_recipient_and_ip_range',
    description: 'Password reset emails to one email address, requested from one IP range.',
    activity: 'activity_limit.emails',
  },
  // Every link works at least as long as this window (`flows/verifications/verification-rules`), so an attacker who
  // uses it up leaves a working link in the owner's mailbox.
  recovery_emails_per_recipient: {
    kind: 'window',
    max: 6,
    length: HOUR,
    of: 'email',
    label: 'rate_limit.recovery_emails_per_recipient',
    description: 'Password reset emails to one email address, requested from unknown devices.',
    activity: 'activity_limit.emails',
  },
  recovery_emails_from_known_devices: {
    kind: 'window',
    max: 6,
    length: HOUR,
    of: 'account',
    label: 'rate_limit.recovery_emails_from_known_devices',
    description: 'Password reset emails requested from known devices. Strangers can’t use these up.',
    activity: 'activity_limit.emails',
  },
  emails_per_recipient: {
    kind: 'window',
    max: 3,
    length: HOUR,
    of: 'email',
    label: 'rate_limit.emails_per_recipient',
    description: 'Emails requested to one email address, except password reset emails.',
    activity: 'activity_limit.emails',
  },
  emails_per_ip_range: {
    kind: 'window',
    max: 10,
    length: HOUR,
    of: 'range',
    label: 'rate_limit.emails_per_ip_range',
    description: 'Emails requested from one IP range.',
    noun: 'email_requests',
  },
  email_changes_per_email: {
    kind: 'window',
    max: 5,
    length: DAY,
    of: 'email',
    label: 'rate_limit.email_changes_per_email',
    description:
      'Email changes requested by the account with this email. Each one sends a link to this email.',
    activity: 'activity_limit.email_changes',
    noun: 'email_changes',
  },
  security_notices_per_account: {
    kind: 'window',
    max: 10,
    length: DAY,
    of: 'account',
    label: 'rate_limit.security_notices_per_account',
    description: 'Security alerts sent to one account.',
    activity: 'activity_limit.emails',
  },
  role_notices_per_account: {
    kind: 'window',
    max: 10,
    length: DAY,
    of: 'account',
    label: 'rate_limit.role_notices_per_account',
    description: 'Alerts about a granted or removed admin role sent to one account.',
    activity: 'activity_limit.emails',
  },
  new_device_notices_per_account: {
    kind: 'window',
    max: 10,
    length: DAY,
    of: 'account',
    label: 'rate_limit.new_device_notices_per_account',
    description: 'Alerts about sign-ins from new browsers, API clients and networks sent to one account.',
    activity: 'activity_limit.emails',
  },
  identifiers_per_ip_range: {
    kind: 'distinct',
    max: 20,
    length: 10 * MINUTE,
    of: 'range',
    label: 'rate_limit.identifiers_per_ip_range',
    description: 'Different accounts tried from one IP range (credential stuffing).',
  },
  passwords_per_ip_range: {
    kind: 'window',
    max: 600,
    length: HOUR,
    of: 'range',
    label: 'rate_limit.passwords_per_ip_range',
    description: 'Incorrect passwords from one IP range from unknown devices, including blocked attempts.',
  },
  // The only response that reveals whether an email is taken.
  sign_ups_per_ip_range: {
    kind: 'window',
    max: 30,
    length: HOUR,
    of: 'range',
    label: 'rate_limit.sign_ups_per_ip_range',
    description: 'Sign-ups from one IP range, and other usernames chosen with a link or code.',
    noun: 'sign_ups',
  },
  invalid_tokens_per_ip_range: {
    kind: 'window',
    max: 60,
    length: 10 * MINUTE,
    of: 'range',
    label: 'rate_limit.invalid_tokens_per_ip_range',
    description: 'Invalid links and refresh tokens from one IP range.',
  },
  // Repeatable writes by signed-in users. Each records an event that is kept for a year.
  profile_changes_per_account: {
    kind: 'window',
    max: 60,
    length: DAY,
    of: 'account',
    label: 'rate_limit.profile_changes_per_account',
    description: 'Profile changes by the user per day.',
    activity: 'activity_limit.changes',
    noun: 'profile_changes',
  },
  session_revocations_per_account: {
    kind: 'window',
    max: 200,
    length: DAY,
    of: 'account',
    label: 'rate_limit.session_revocations_per_account',
    description: 'Requests by the user to sign out sessions per day.',
    activity: 'activity_limit.sign_outs',
    noun: 'sign_outs',
  },
  device_names_per_account: {
    kind: 'window',
    max: 60,
    length: DAY,
    of: 'account',
    label: 'rate_limit.device_names_per_account',
    description: 'Names that the user gives to devices per day.',
    activity: 'activity_limit.changes',
    noun: 'device_names',
  },
  password_changes_per_account: {
    kind: 'window',
    max: 20,
    length: DAY,
    of: 'account',
    label: 'rate_limit.password_changes_per_account',
    description: 'Password changes by the user per day.',
    activity: 'activity_limit.changes',
    noun: 'password_changes',
  },
  verification_emails_per_account: {
    kind: 'window',
    max: 20,
    length: DAY,
    of: 'account',
    label: 'rate_limit.verification_emails_per_account',
    description: 'Verification emails requested by the user per day.',
    activity: 'activity_limit.emails',
    noun: 'verification_emails',
  },
  admin_changes_per_account: {
    kind: 'window',
    max: 20_000,
    length: HOUR,
    of: 'account',
    label: 'rate_limit.admin_changes_per_account',
    description: 'Changes by one administrator to users and emails per hour.',
    activity: 'activity_limit.changes',
    noun: 'admin_changes',
  },
  invitations_per_account: {
    kind: 'window',
    max: 300,
    length: DAY,
    of: 'account',
    label: 'rate_limit.invitations_per_account',
    description: 'Invitations sent by one administrator per day.',
    activity: 'activity_limit.emails',
    noun: 'invitations',
  },
  key_rotations_per_account: {
    kind: 'window',
    max: 20,
    length: DAY,
    of: 'account',
    label: 'rate_limit.key_rotations_per_account',
    description: 'Signing key rotations by one administrator in the admin console per day.',
    activity: 'activity_limit.changes',
    noun: 'new_keys',
  },
} as const satisfies Record<string, RateLimit>;

/** What there were too many of: `noun.NOUN` in the catalogs. */
type LimitNoun = TextKey extends infer Key ? (Key extends `noun.${infer Noun}` ? Noun : never) : never;

export type RateLimit = (
  | { kind: 'back-off'; free: number; first: number; longest: number; resetAfter: number }
  | { kind: 'window'; max: number; length: number }
  | { kind: 'distinct'; max: number; length: number }
) & {
  label: TextKey;
  description: string;
  noun?: LimitNoun;
} & (
    | {
        of: 'account' | 'identifier' | 'email' | 'device' | 'email and range' | 'everybody';
        activity: ActivityKey;
      }
    // Of a network: most of these concern no account.
    | { of: 'range'; activity?: ActivityKey }
  );

export type RateLimitName = keyof typeof rateLimits;

const rateLimitNames = Object.keys(rateLimits) as RateLimitName[];

/** The rate limits for writes by signed-in users. */
export type WriteRateLimit = {
  [K in RateLimitName]: (typeof rateLimits)[K] extends { kind: 'window'; of: 'account'; noun: LimitNoun }
    ? K
    : never;
}[RateLimitName];

/**
 * What the owner of an account is told about a rate-limited attempt; undefined if the rate limit concerns no account.
 */
export const limitActivity = (limit: unknown): ActivityKey | undefined =>
  Object.entries<RateLimit>(rateLimits).find(([name]) => name === limit)?.[1].activity;

/** The subject of a rate limit that all accounts share. */
export const EVERYBODY = 'everybody';

/** The subject of a rate limit per email and requesting IP range. */
export const emailAndRange = (email: string, { subject, times }: CountedRange): CountedRange => ({
  subject: `${subject} ${email}`,
  times,
});

type NameOf<Kind> = {
  [K in RateLimitName]: (typeof rateLimits)[K]['kind'] extends Kind ? K : never;
}[RateLimitName];

/** An attempt that was rejected without being evaluated, and why. */
export interface RateLimited {
  allowed: false;
  limit: RateLimitName;
  /** What the rate limit has counted. */
  count: number;
  /** The number of rejections, including this one, since the rate limit last allowed an attempt. */
  rejected: number;
  /** Milliseconds. */
  retryAfter: number;
}

/** `count` is what the rate limit has counted, including this attempt. */
export type RateLimitResult = { allowed: true; count: number } | RateLimited;

/** The table stores no identifier that was tried, only its MAC under a key that is not in the database. */
const keyOf = (key: KeyObject, rateLimit: string, subject: string): string =>
  mac(key, `${rateLimit}\n${subject}`);

/**
 * Counts an attempt before it is evaluated, and returns whether it is allowed. A single statement, so concurrent
 * attempts cannot exceed the rate limit. A rejected attempt is not evaluated and does not count.
 */
export async function countAttempt(
  db: Db,
  key: KeyObject,
  rateLimit: NameOf<'back-off'>,
  subject: string,
  now: number,
): Promise<RateLimitResult> {
  const { free, resetAfter } = rateLimits[rateLimit];
  const id = keyOf(key, rateLimit, subject);
  const passed = await db
    .insertInto('rate_limits')
    .values(firstAttempt(id, now + resetAfter))
    .onConflict((conflict) =>
      conflict
        .column('key')
        .doUpdateSet({
          count: countWith(now),
          // Not `now` if there is no pause: of two concurrent attempts, the one with the earlier time may be written
          // second.
          blocked_until: sql`CASE WHEN ${isOver(now)} OR rate_limits.count + 1 < ${sql.lit(free)} THEN 0
            ELSE CAST(${now} AS BIGINT) + ${pauses(rateLimit)} END`,
          expires_at: now + resetAfter,
          rejected: 0,
        })
        .where('rate_limits.blocked_until', '<=', now),
    )
    .returning('count')
    .executeTakeFirst();
  return passed ? { allowed: true, count: passed.count } : countRejection(db, rateLimit, id, now);
}

/** The row after the first attempt, which every rate limit allows. */
const firstAttempt = (key: string, end: number) => ({
  key,
  count: 1,
  blocked_until: 0,
  expires_at: end,
  rejected: 0,
});

const isOver = (now: number) => sql<boolean>`rate_limits.expires_at <= ${now}`;

/** The count with one more attempt; it starts again when the row has expired. */
const countWith = (now: number) =>
  sql<number>`CASE WHEN ${isOver(now)} THEN 1 ELSE rate_limits.count + 1 END`;

/** A rejected attempt counts only as a rejection. */
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
  // If the row is gone, the rate limit has just been reset: the next attempt passes.
  return {
    allowed: false,
    limit,
    count: row?.count ?? 0,
    rejected: row?.rejected ?? 1,
    retryAfter: Math.max(0, (end ?? now) - now),
  };
}

/** How long attempt number `count` makes the next one wait, in milliseconds. */
function pauseAfter(rateLimit: NameOf<'back-off'>, count: number): number {
  const { free, first, longest } = rateLimits[rateLimit];
  return count < free ? 0 : Math.min(first * 2 ** (count - free), longest);
}

/** The same in SQL, for the attempt after `rate_limits.count`: one case per step until the pause stops growing. */
function pauses(rateLimit: NameOf<'back-off'>) {
  const { free, longest } = rateLimits[rateLimit];
  const steps = [];
  for (let count = free; pauseAfter(rateLimit, count) < longest; count++)
    steps.push(
      sql`WHEN rate_limits.count + 1 = ${sql.lit(count)} THEN ${sql.lit(pauseAfter(rateLimit, count))}`,
    );
  return sql`CASE ${sql.join(steps, sql` `)} ELSE ${sql.lit(longest)} END`;
}

/** Changes the row of a limit and a subject that has counted an attempt. */
const changingCounted = (db: Db, key: KeyObject, rateLimit: NameOf<'window' | 'back-off'>, subject: string) =>
  db
    .updateTable('rate_limits')
    .where('key', '=', keyOf(key, rateLimit, subject))
    .where('count', '>', 0);

/**
 * Removes one attempt from a window: it succeeded, or was not evaluated.
 *
 * @param times 0 to do the same work for an attempt that was not counted, so that timing does not reveal it.
 */
export async function uncount(
  db: Db,
  key: KeyObject,
  rateLimit: NameOf<'window'>,
  subject: string,
  times: 0 | 1 = 1,
): Promise<void> {
  await changingCounted(db, key, rateLimit, subject)
    .set((row) => ({ count: row('count', '-', times) }))
    .execute();
}

/**
 * Removes an attempt that was not evaluated from a back-off, together with the wait that it caused.
 *
 * @param counted The count including this attempt; 0 to do the same work for an attempt that was not counted.
 */
export async function uncountAttempt(
  db: Db,
  key: KeyObject,
  rateLimit: NameOf<'back-off'>,
  subject: string,
  counted: number,
): Promise<void> {
  const times = counted > 0 ? 1 : 0;
  // After the free attempts, only the last one caused a wait that is still running; earlier waits are over.
  const isLast = sql<boolean>`rate_limits.count = ${counted}`;
  const isFree = sql<boolean>`rate_limits.count - ${sql.lit(times)} < ${sql.lit(rateLimits[rateLimit].free)}`;
  await changingCounted(db, key, rateLimit, subject)
    .set((row) => ({
      count: row('count', '-', times),
      blocked_until: sql`CASE WHEN ${isLast} OR ${isFree} THEN 0 ELSE rate_limits.blocked_until END`,
    }))
    .execute();
}

/** Removes one attempt from the windows of all of the client's IP ranges. */
export async function uncountInRanges(
  db: Db,
  key: KeyObject,
  rateLimit: NameOf<'window'>,
  ranges: readonly CountedRange[],
): Promise<void> {
  for (const { subject } of ranges) await uncount(db, key, rateLimit, subject);
}

/** One of a client's IP ranges, and the factor by which its maximum is multiplied. */
export interface CountedRange {
  subject: string;
  times: number;
}

/** Counts an attempt in the window of each of the client's IP ranges, until one is full. */
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
 * Counts an attempt in a window.
 *
 * @param how.times The factor by which the subject's maximum is multiplied.
 * @param how.longest The maximum length of the window, in milliseconds, for a subject without an account.
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
  const passed = await db
    .insertInto('rate_limits')
    .values(firstAttempt(id, now + length))
    .onConflict((conflict) =>
      conflict
        .column('key')
        .doUpdateSet({
          count: countWith(now),
          expires_at: sql`CASE WHEN ${isOver(now)} THEN CAST(${now + length} AS BIGINT) ELSE rate_limits.expires_at END`,
          rejected: 0,
        })
        .where((allowed) =>
          allowed.or([allowed('rate_limits.count', '<', max), allowed('rate_limits.expires_at', '<=', now)]),
        ),
    )
    .returning('count')
    .executeTakeFirst();
  if (passed) return { allowed: true, count: passed.count };
  // A window that never expires is checked no more often than the rate limit before it allows, so its rejections need
  // no count.
  if (rateLimits[rateLimit].length === FOREVER)
    return { allowed: false, limit: rateLimit, count: max, rejected: 1, retryAfter: length };
  return countRejection(db, rateLimit, id, now);
}

/**
 * Counts an identifier in the window of distinct identifiers of each of the client's IP ranges, before looking it up;
 * three ranges take as many statements as one. Call it in a transaction: the first statement locks the windows' rows,
 * narrowest range first, so concurrent identifiers cannot exceed the maximum.
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

/** Removes an identifier from the windows: its sign-in did not fail. */
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

/** A rate limit and its subject, which the table stores only as a MAC. */
export interface RateLimitSubject {
  limit: RateLimitName;
  subject: string;
  /** The factor by which the subject's maximum is multiplied; 1 by default. */
  times?: number;
}

/** The state of a rate limit. */
export interface RateLimitState extends RateLimitSubject {
  count: number;
  rejected: number;
  /** Whether it rejects the next attempt. */
  isExceeded: boolean;
  /** When it allows an attempt again, if it is exceeded and expires by itself. */
  until: number | null;
}

/** Returns those of these rate limits that have counted anything, in the same order. */
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

/** All rate limits per account. */
export const accountRateLimits = (userId: string): RateLimitSubject[] =>
  rateLimitNames
    .filter((limit) => rateLimits[limit].of === 'account')
    .map((limit) => ({ limit, subject: userId }));

/** In the order of `rateLimits`; within one rate limit, the narrowest range first. */
const inLockOrder = (a: RateLimitSubject, b: RateLimitSubject): number =>
  rateLimitNames.indexOf(a.limit) - rateLimitNames.indexOf(b.limit) || (a.times ?? 1) - (b.times ?? 1);

/**
 * Resets these rate limits one by one, in the order in which attempts lock them (see `rateLimits`), to avoid deadlocks.
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

/**
 * Removes rows that no rate limit needs. Rows that a transaction has locked are left for the next time: transactions lock
 * their rate limits one by one, so one of them could wait for this deletion while this deletion waits for it.
 */
export async function deleteOldRateLimits(db: Db, now: number): Promise<void> {
  await db
    .deleteFrom('rate_limits')
    .where('key', 'in', (of) =>
      skipLocked(db, of.selectFrom('rate_limits').select('key').where('expires_at', '<=', now)),
    )
    .execute();
  await db
    .deleteFrom('rate_limit_members')
    .where((row) =>
      row(
        row.refTuple('key', 'member'),
        'in',
        skipLocked(
          db,
          row.selectFrom('rate_limit_members').select(['key', 'member']).where('expires_at', '<=', now),
        ).$asTuple('key', 'member'),
      ),
    )
    .execute();
}
