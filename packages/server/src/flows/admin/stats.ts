import { setImmediate as breathe } from 'node:timers/promises';
import { z } from 'zod';
import type { AppContext } from '../../context.ts';
import { countWaiting } from '../../core/emails/outbox.ts';
import { countEvents } from '../../core/events.ts';
import { countsOf, mostOf, type SampleName } from '../../core/samples.ts';
import { countActiveSessions } from '../../core/sessions.ts';
import { countUsers } from '../../core/users.ts';
import type { EventName } from '../../events.ts';
import type { RouteResponse, SignedInCall } from '../../http/route.ts';
import type { Db } from '../../platform/db/index.ts';

const HOUR = 60 * 60_000;
const DAY = 24 * HOUR;

/** The time ranges of the statistics and the length of their intervals. */
const spans = {
  day: { steps: 24, length: HOUR },
  week: { steps: 7, length: DAY },
  month: { steps: 30, length: DAY },
} as const;
export const spanNames = Object.keys(spans) as [keyof typeof spans, ...(keyof typeof spans)[]];

/** The counted series, with the events of each. */
const counted = {
  sign_ups: ['user_signed_up', 'user_created'],
  sign_ins: ['signed_in'],
  sign_ins_failed: ['sign_in_failed'],
  rate_limits_exceeded: ['rate_limit_exceeded'],
  emails_sent: ['email_sent'],
  emails_failed: ['email_rejected', 'email_expired'],
} as const satisfies Record<string, readonly EventName[]>;
export type Series = keyof typeof counted;
const seriesNames = Object.keys(counted) as Series[];

export const statsQuery = z.strictObject({ span: z.enum(spanNames).default('week') });

/** The values sampled every ten minutes. */
const gauges = ['sessions', 'hashes_waiting'] as const satisfies readonly SampleName[];

const count = z.int();
const most = z.int().nullable().describe('Peak value; null if nothing was sampled');
export const statsShape = z
  .object({
    span: z.enum(spanNames),
    now: z.object({ users: count, sessions: count, emails_waiting: count, hashes_waiting: count }),
    steps: z.array(
      z.object({
        at: z.iso.datetime().describe('Start of the interval (1 hour for `day`, otherwise 1 day)'),
        ...(Object.fromEntries(seriesNames.map((name) => [name, count])) as Record<Series, typeof count>),
        ...(Object.fromEntries(gauges.map((name) => [name, most])) as Record<SampleName, typeof most>),
      }),
    ),
  })
  .meta({ id: 'Stats' });
export type Stats = z.infer<typeof statsShape>;

/** The statistics of the admin console: current values, and samples over time, oldest first. */
export async function showStats(
  context: AppContext,
  { query }: SignedInCall<undefined, z.infer<typeof statsQuery>>,
): Promise<RouteResponse> {
  return { status: 200, body: await statsOf(context, query.span) };
}

export async function statsOf(
  context: Pick<AppContext, 'db' | 'clock' | 'hasher' | 'sessionTimeouts'>,
  span: keyof typeof spans,
): Promise<Stats> {
  const { db, clock, hasher } = context;
  const now = clock.now();
  const { steps, length } = spans[span];
  const first = (Math.floor(now / length) - steps + 1) * length;
  const current: Stats['now'] = {
    users: await countUsers(db),
    sessions: await countActiveSessions(context, now),
    emails_waiting: await countWaiting(db),
    hashes_waiting: hasher.queued(),
  };
  const done: Stats['steps'] = [];
  // Run one statement per interval and yield in between: the database runs in this thread and would block other requests.
  for (let from = first; from <= now; from += length) {
    done.push({
      at: new Date(from).toISOString(),
      ...(await eventsIn(db, from, from + length)),
      ...(await gaugesIn(db, from, from + length, from + length > now ? current : undefined)),
    });
    await breathe();
  }
  return { span, now: current, steps: done };
}

/** What was counted in the time range of the same length before that of the statistics. */
export async function totalsBefore(
  { db, clock }: Pick<AppContext, 'db' | 'clock'>,
  span: keyof typeof spans,
): Promise<Record<Series, number>> {
  const { steps, length } = spans[span];
  const first = (Math.floor(clock.now() / length) - 2 * steps + 1) * length;
  const totals = Object.fromEntries(seriesNames.map((name) => [name, 0])) as Record<Series, number>;
  // As above, one statement per interval.
  for (let step = 0; step < steps; step++) {
    const from = first + step * length;
    const counts = await eventsIn(db, from, from + length);
    for (const name of seriesNames) totals[name] += counts[name];
    await breathe();
  }
  return totals;
}

async function eventsIn(db: Db, from: number, until: number): Promise<Record<Series, number>> {
  const found = await countEvents(db, Object.values(counted).flat(), from, until);
  const forgotten: Partial<Record<EventName, number>> = await countsOf(db, from, until);
  const sumOf = (series: Series): number =>
    counted[series].reduce((sum, name) => sum + (found.get(name) ?? 0) + (forgotten[name] ?? 0), 0);
  const sums = Object.fromEntries(seriesNames.map((series) => [series, sumOf(series)]));
  return sums as Record<Series, number>;
}

/** @param current The current values, for the interval in progress: the last sample may be up to ten minutes old. */
async function gaugesIn(
  db: Db,
  from: number,
  until: number,
  current: Stats['now'] | undefined,
): Promise<Record<SampleName, number | null>> {
  const noted = await mostOf(db, from, until);
  const most = gauges.map((name) => {
    const values = [noted[name], current?.[name]].filter((value) => value !== undefined);
    return [name, values.length === 0 ? null : Math.max(...values)];
  });
  return Object.fromEntries(most) as Record<SampleName, number | null>;
}
