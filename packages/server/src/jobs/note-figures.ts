import { noteFigure } from '../core/figures.ts';
import { countActive } from '../core/sessions.ts';
import type { Clock } from '../platform/clock.ts';
import type { Db } from '../platform/db/index.ts';
import type { Hasher } from '../platform/hasher.ts';

/** What figures are noted of. */
export interface FiguresPlace {
  db: Db;
  clock: Clock;
  hasher: Pick<Hasher, 'longestQueue'>;
}

/** Notes what the console shows over time, for which there are no events. */
export async function noteFigures({ db, clock, hasher }: FiguresPlace): Promise<void> {
  const now = clock.now();
  await noteFigure(db, 'sessions', await countActive(db, now), now);
  await noteFigure(db, 'hashes_waiting', hasher.longestQueue(), now);
}
