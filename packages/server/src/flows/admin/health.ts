import type { AppContext } from '../../context.ts';
import { countWaiting, oldestWaiting } from '../../core/emails/outbox.ts';
import { countEvents } from '../../core/events.ts';
import { KEY_LIFETIME, newestKeyAge } from '../../core/keys.ts';
import type { DatabaseUsage } from '../../platform/db/index.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const GIGABYTE = 1e9;

export type Grade = 'good' | 'warn' | 'bad';

/** A value and how good it is. */
export interface Graded<Value> {
  value: Value;
  grade: Grade;
}

/** What an operator watches. Times are in milliseconds, sizes in bytes. */
export interface Health {
  /** When the oldest email that waits was queued; null if none waits. */
  emails: Graded<{ waiting: number; oldest: number | null }>;
  /** Emails that were rejected or expired in the last 24 hours. */
  failedEmails: Graded<number>;
  /** Passwords that wait to be hashed. */
  hashing: Graded<number>;
  pool: Graded<NonNullable<DatabaseUsage['pool']>> | undefined;
  key: Graded<{ age: number; rotatesAt: number }>;
  disk: Graded<NonNullable<DatabaseUsage['disk']>> | undefined;
  size: number;
  schema: string;
  startedAt: number;
}

type HealthContext = Pick<AppContext, 'db' | 'clock' | 'hasher' | 'databaseUsage' | 'startedAt'>;

/** Measures this process and its database, without a query that grows with the number of users or events. */
export async function healthOf(context: HealthContext): Promise<Health> {
  const { db, clock, hasher, startedAt } = context;
  const now = clock.now();
  const waiting = await countWaiting(db);
  const oldest = await oldestWaiting(db);
  const failures = await countEvents(db, ['email_rejected', 'email_expired'], now - DAY, now + 1);
  const failed = [...failures.values()].reduce((sum, count) => sum + count, 0);
  const age = await newestKeyAge(db, now);
  const { schema, size, disk, pool } = await context.databaseUsage();
  const queued = hasher.queued();
  return {
    // An email is sent within seconds, or its server has been away for some time.
    emails: graded({ waiting, oldest }, oldest === null ? 0 : now - oldest, 5 * MINUTE, HOUR),
    failedEmails: graded(failed, failed, 1, 100),
    hashing: graded(queued, queued, 20, 50),
    pool: pool && graded(pool, pool.waiting, 1, pool.max),
    // The job that rotates it runs every minute.
    key: graded(
      { age, rotatesAt: now - age + KEY_LIFETIME },
      age,
      KEY_LIFETIME + DAY,
      KEY_LIFETIME + 30 * DAY,
    ),
    disk: disk && graded(disk, -disk.free, -5 * GIGABYTE, -GIGABYTE),
    size,
    schema,
    startedAt,
  };
}

/** @param warn From this amount on there is a warning, and from `bad` on it is bad. */
const graded = <Value>(value: Value, amount: number, warn: number, bad: number): Graded<Value> => ({
  value,
  grade: amount >= bad ? 'bad' : amount >= warn ? 'warn' : 'good',
});
