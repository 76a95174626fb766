import type { Db } from '../platform/db/index.ts';

/** What is noted: open sessions, and passwords that waited for a thread of one process. */
export type FigureName = 'sessions' | 'hashes_waiting';

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

/** Removes what is older than the console looks back. */
export async function forgetOldFigures(db: Db, age: number, now: number): Promise<void> {
  await db
    .deleteFrom('figures')
    .where('at', '<', now - age)
    .execute();
}
