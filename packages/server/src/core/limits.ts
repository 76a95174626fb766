import type { KeyObject } from 'node:crypto';
import { sql } from 'kysely';
import type { Db } from '../platform/db/index.ts';
import { mac } from '../platform/secrets.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
/** Until it is cleared. */
const FOREVER = 100 * 365 * DAY;

/**
 * Every budget, once. A `back-off` lets `free` attempts pass, then makes each further one wait twice as long as
 * the one before, from `first` to `longest`; success clears it. A `window` lets `most` attempts pass in `length`.
 * A `distinct` window counts different names instead of attempts. All in milliseconds.
 */
export const budgets = {
  /** Wrong passwords for one account, on every path that checks one. */
  password: { kind: 'back-off', free: 5, first: 30_000, longest: HOUR, forget: DAY },
  /** Wrong passwords for one account from browsers it does not know, in all: then its mailbox has to be proven (NIST SP 800-63B). */
  passwordsInAll: { kind: 'window', most: 100, length: FOREVER },
  /** Wrong passwords for one account from one browser that it knows. */
  device: { kind: 'window', most: 10, length: DAY },
  /** Wrong codes for one account: a day, and until one was right. Short codes have fewer. */
  codes: { kind: 'window', most: 10, length: DAY },
  codesInAll: { kind: 'window', most: 30, length: FOREVER },
  shortCodes: { kind: 'window', most: 3, length: DAY },
  shortCodesInAll: { kind: 'window', most: 10, length: FOREVER },
  /** Wrong codes for all accounts together: above this somebody is guessing across them, and only links work. */
  allCodes: { kind: 'window', most: 50, length: 15 * MINUTE },
  /** Mails that one address gets because somebody asked; and mails that one address range asks for. */
  mailsTo: { kind: 'window', most: 3, length: HOUR },
  mailsFrom: { kind: 'window', most: 10, length: HOUR },
  /** Mails that tell an owner what was done to the account. */
  noticesTo: { kind: 'window', most: 10, length: DAY },
  /** Different names that failed from one address range: stuffing and spraying. */
  names: { kind: 'distinct', most: 20, length: 10 * MINUTE },
  /** Sign-ups from one address range: the one place that tells whether an address is taken. */
  signup: { kind: 'window', most: 30, length: HOUR },
  /** Link and refresh secrets that were wrong, from one address range. */
  secrets: { kind: 'window', most: 60, length: 10 * MINUTE },
} as const satisfies Record<string, Budget>;

type Budget =
  | { kind: 'back-off'; free: number; first: number; longest: number; forget: number }
  | { kind: 'window'; most: number; length: number }
  | { kind: 'distinct'; most: number; length: number };

type NameOf<Kind> = {
  [K in keyof typeof budgets]: (typeof budgets)[K]['kind'] extends Kind ? K : never;
}[keyof typeof budgets];

/** `retryAfter` in milliseconds. */
export type Verdict = { allowed: true } | { allowed: false; retryAfter: number };

const ALLOWED: Verdict = { allowed: true };

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
    .values({ key: id, count: 1, blocked_until: 0, expires_at: now + forget })
    .onConflict((conflict) =>
      conflict
        .column('key')
        .doUpdateSet({
          count: sql`CASE WHEN ${isOver} THEN 1 ELSE limits.count + 1 END`,
          // Not `now` where there is no pause: of two at once, the one that took the time first may come second.
          blocked_until: sql`CASE WHEN ${isOver} OR limits.count + 1 < ${sql.lit(free)} THEN 0
            ELSE CAST(${now} AS BIGINT) + ${pauses(budget)} END`,
          expires_at: now + forget,
        })
        .where('limits.blocked_until', '<=', now),
    )
    .returning('count')
    .executeTakeFirst();
  return passed ? ALLOWED : { allowed: false, retryAfter: await blockedFor(db, id, now) };
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

/** Clears a limit: the secret was right. */
export async function clearLimit(
  db: Db,
  key: KeyObject,
  budget: NameOf<'back-off' | 'window'>,
  subject: string,
): Promise<void> {
  await db
    .deleteFrom('limits')
    .where('key', '=', keyOf(key, budget, subject))
    .execute();
}

/** Takes one attempt out of a window that many share: it was right. */
export async function uncount(
  db: Db,
  key: KeyObject,
  budget: NameOf<'window'>,
  subject: string,
): Promise<void> {
  await db
    .updateTable('limits')
    .set((row) => ({ count: row('count', '-', 1) }))
    .where('key', '=', keyOf(key, budget, subject))
    .where('count', '>', 0)
    .execute();
}

/** Counts an attempt against a window. */
export async function countInWindow(
  db: Db,
  key: KeyObject,
  budget: NameOf<'window'>,
  subject: string,
  now: number,
): Promise<Verdict> {
  const { most, length } = budgets[budget];
  const id = keyOf(key, budget, subject);
  const isOver = sql<boolean>`limits.expires_at <= ${now}`;
  const passed = await db
    .insertInto('limits')
    .values({ key: id, count: 1, blocked_until: 0, expires_at: now + length })
    .onConflict((conflict) =>
      conflict
        .column('key')
        .doUpdateSet({
          count: sql`CASE WHEN ${isOver} THEN 1 ELSE limits.count + 1 END`,
          expires_at: sql`CASE WHEN ${isOver} THEN CAST(${now + length} AS BIGINT) ELSE limits.expires_at END`,
        })
        .where((allowed) =>
          allowed.or([allowed('limits.count', '<', most), allowed('limits.expires_at', '<=', now)]),
        ),
    )
    .returning('count')
    .executeTakeFirst();
  if (passed) return ALLOWED;
  const row = await db.selectFrom('limits').select('expires_at').where('key', '=', id).executeTakeFirst();
  return { allowed: false, retryAfter: Math.max(0, (row?.expires_at ?? now) - now) };
}

/**
 * Counts a name against a window of distinct names, before it is looked at. The caller runs it in a transaction:
 * the first statement locks the window's row, so that of many names at once no more pass than there is room for.
 */
export async function countName(
  tx: Db,
  key: KeyObject,
  budget: NameOf<'distinct'>,
  subject: string,
  name: string,
  now: number,
): Promise<Verdict> {
  const { most, length } = budgets[budget];
  const id = keyOf(key, budget, subject);
  const member = keyOf(key, budget, name);
  await tx
    .insertInto('limits')
    .values({ key: id, count: 0, blocked_until: 0, expires_at: now + length })
    .onConflict((conflict) => conflict.column('key').doUpdateSet({ expires_at: now + length }))
    .execute();
  const others = await tx
    .selectFrom('limit_members')
    .select(['member', 'expires_at'])
    .where('key', '=', id)
    .where('member', '<>', member)
    .where('expires_at', '>', now)
    .orderBy('expires_at')
    .execute();
  if (others.length >= most) return { allowed: false, retryAfter: (others[0]?.expires_at ?? now) - now };
  await tx
    .insertInto('limit_members')
    .values({ key: id, member, expires_at: now + length })
    .onConflict((conflict) => conflict.columns(['key', 'member']).doUpdateSet({ expires_at: now + length }))
    .execute();
  return ALLOWED;
}

/** Takes a name out of a window again: it did not fail. */
export async function forgiveName(
  db: Db,
  key: KeyObject,
  budget: NameOf<'distinct'>,
  subject: string,
  name: string,
): Promise<void> {
  await db
    .deleteFrom('limit_members')
    .where('key', '=', keyOf(key, budget, subject))
    .where('member', '=', keyOf(key, budget, name))
    .execute();
}

async function blockedFor(db: Db, id: string, now: number): Promise<number> {
  const row = await db.selectFrom('limits').select('blocked_until').where('key', '=', id).executeTakeFirst();
  return Math.max(0, (row?.blocked_until ?? now) - now);
}

/** Removes what no budget looks at any more. */
export async function forgetOldLimits(db: Db, now: number): Promise<void> {
  await db.deleteFrom('limits').where('expires_at', '<=', now).execute();
  await db.deleteFrom('limit_members').where('expires_at', '<=', now).execute();
}
