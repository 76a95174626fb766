import { recordSample } from '../core/samples.ts';
import type { SessionTimeouts } from '../core/sessions/timeouts.ts';
import { countActiveSessions } from '../core/sessions.ts';
import type { Clock } from '../platform/clock.ts';
import type { Db } from '../platform/db/index.ts';
import type { Hasher } from '../platform/hasher.ts';

/** What the samples are taken from. */
export interface SamplesContext {
  db: Db;
  clock: Clock;
  sessionTimeouts: SessionTimeouts;
  hasher: Pick<Hasher, 'longestQueue'>;
}

/** Records the values that the console charts over time and no events contain. */
export async function recordSamples(context: SamplesContext): Promise<void> {
  const { db, clock, hasher } = context;
  const now = clock.now();
  await recordSample(db, 'sessions', await countActiveSessions(context, now), now);
  await recordSample(db, 'hashes_waiting', hasher.longestQueue(), now);
}
