import type { Db } from '../platform/db/index.ts';

/** What is noted: open sessions, and passwords that waited for a thread of one process. */
export type FigureName = 'sessions' | 'hashes_waiting';

/** What the console charts of events about no account, which are kept for a day: how many there were. */
export const countedFigures = ['sign_in_refused', 'limit_reached'] as const;
export type CountedFigure = (typeof countedFigures)[number];

/** Milliseconds. Of what was noted in each of these the most is kept. */
const STEP = 10 * 60_000;

/** Notes what was seen at a time. Processes that see different things keep the most. */
export async function noteFigure(db: Db, name: FigureName, value: number, now: number): Promise<void> {
  const at = Math.floor(now / STEP) * STEP;
  await db
    .insertInto('figures')
    .values({ at, name, value })
    .onConflict((taken) =>
      taken
        .columns(['at', 'name'])
        .doUpdateSet((row) => ({ value: row.ref('excluded.value') }))
        .where('figures.value', '<', (row) => row.ref('excluded.value')),
    )
    .execute();
}

/** The most of each that was noted from one time on and before another; nothing of what was not noted at all. */
export async function mostOf(
  db: Db,
  from: number,
  until: number,
): Promise<Partial<Record<FigureName, number>>> {
  const rows = await db
    .selectFrom('figures')
    .select(['name', (figures) => figures.fn.max('value').as('most')])
    .where('at', '>=', from)
    .where('at', '<', until)
    .groupBy('name')
    .execute();
  return Object.fromEntries(rows.map(({ name, most }) => [name, most]));
}

/** Adds events to the counts of the times when they happened; those that are not charted are left out. */
export async function addToCounts(tx: Db, events: readonly { name: string; at: number }[]): Promise<void> {
  const values = new Map<string, { at: number; name: CountedFigure; value: number }>();
  for (const { name, at } of events) {
    const counted = countedFigures.find((one) => one === name);
    if (!counted) continue;
    const step = Math.floor(at / STEP) * STEP;
    const before = values.get(`${counted} ${step}`)?.value ?? 0;
    values.set(`${counted} ${step}`, { at: step, name: counted, value: before + 1 });
  }
  for (const row of values.values())
    await tx
      .insertInto('figures')
      .values(row)
      .onConflict((taken) =>
        taken
          .columns(['at', 'name'])
          .doUpdateSet((figure) => ({ value: figure('figures.value', '+', row.value) })),
      )
      .execute();
}

/** How many events of each were counted from one time on and before another. */
export async function countsOf(
  db: Db,
  from: number,
  until: number,
): Promise<Partial<Record<CountedFigure, number>>> {
  const rows = await db
    .selectFrom('figures')
    .select(['name', (figures) => figures.fn.sum<number>('value').as('sum')])
    .where('name', 'in', countedFigures)
    .where('at', '>=', from)
    .where('at', '<', until)
    .groupBy('name')
    .execute();
  return Object.fromEntries(rows.map(({ name, sum }) => [name, Number(sum)]));
}

/** Removes what is older than the console looks back. */
export async function forgetOldFigures(db: Db, age: number, now: number): Promise<void> {
  await db
    .deleteFrom('figures')
    .where('at', '<', now - age)
    .execute();
}
