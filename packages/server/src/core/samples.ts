import type { Db } from '../platform/db/index.ts';

/** What is sampled: active sessions, and passwords that wait for a thread of one process. */
export type SampleName = 'sessions' | 'hashes_waiting';

/** The events to chart in the admin console that concern no account and are kept for one day: their counts. */
export const countedSamples = ['sign_in_failed', 'rate_limit_exceeded'] as const;
export type CountedSample = (typeof countedSamples)[number];

/** In milliseconds. The maximum of each interval is kept. */
const STEP = 10 * 60_000;

/** Records a sample. If several processes record different values, the maximum is kept. */
export async function recordSample(db: Db, name: SampleName, value: number, now: number): Promise<void> {
  const at = Math.floor(now / STEP) * STEP;
  await db
    .insertInto('samples')
    .values({ at, name, value })
    .onConflict((taken) =>
      taken
        .columns(['at', 'name'])
        .doUpdateSet((row) => ({ value: row.ref('excluded.value') }))
        .where('samples.value', '<', (row) => row.ref('excluded.value')),
    )
    .execute();
}

type ByName<Name extends string> = Partial<Record<Name, number>>;

const samplesBetween = (db: Db, from: number, until: number) =>
  db.selectFrom('samples').where('at', '>=', from).where('at', '<', until).groupBy('name');

/** The most of each that was noted from one time on and before another; nothing of what was not noted at all. */
export async function mostOf(db: Db, from: number, until: number): Promise<ByName<SampleName>> {
  const rows = await samplesBetween(db, from, until)
    .select(['name', (samples) => samples.fn.max('value').as('most')])
    .execute();
  return Object.fromEntries(rows.map(({ name, most }) => [name, most]));
}

/** Adds events to the counts of the intervals in which they happened; ignores those that are not charted. */
export async function addToCounts(tx: Db, events: readonly { name: string; at: number }[]): Promise<void> {
  const values = new Map<string, { at: number; name: CountedSample; value: number }>();
  for (const { name, at } of events) {
    const counted = countedSamples.find((one) => one === name);
    if (!counted) continue;
    const step = Math.floor(at / STEP) * STEP;
    const before = values.get(`${counted} ${step}`)?.value ?? 0;
    values.set(`${counted} ${step}`, { at: step, name: counted, value: before + 1 });
  }
  for (const row of values.values())
    await tx
      .insertInto('samples')
      .values(row)
      .onConflict((taken) =>
        taken
          .columns(['at', 'name'])
          .doUpdateSet((figure) => ({ value: figure('samples.value', '+', row.value) })),
      )
      .execute();
}

/** How many events of each were counted from one time on and before another. */
export async function countsOf(db: Db, from: number, until: number): Promise<ByName<CountedSample>> {
  const rows = await samplesBetween(db, from, until)
    .select(['name', (samples) => samples.fn.sum<number>('value').as('sum')])
    .where('name', 'in', countedSamples)
    .execute();
  return Object.fromEntries(rows.map(({ name, sum }) => [name, Number(sum)]));
}

/** Removes what is older than the charts show. */
export async function deleteOldSamples(db: Db, age: number, now: number): Promise<void> {
  await db
    .deleteFrom('samples')
    .where('at', '<', now - age)
    .execute();
}
