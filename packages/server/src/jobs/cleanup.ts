import { setTimeout as pause } from 'node:timers/promises';
import { deleteOldDevices } from '../core/devices.ts';
import { deleteOldEmails, dropStaleEmails } from '../core/emails/outbox.ts';
import { deleteAnonymousEvents, deleteEvents } from '../core/events.ts';
import { deleteOldRateLimits } from '../core/rate-limits.ts';
import { addToCounts, deleteOldSamples } from '../core/samples.ts';
import { deleteOldSessions } from '../core/sessions.ts';
import { deleteOldVerifications } from '../core/verifications.ts';
import type { Clock } from '../platform/clock.ts';
import type { Db } from '../platform/db/index.ts';
import type { Log } from '../platform/log.ts';

const DAY = 24 * 60 * 60_000;

/** Removes what has run out and is no evidence any more. Repeating it does no harm. */
export async function cleanUp({ db, clock }: { db: Db; clock: Clock }): Promise<void> {
  const now = clock.now();
  await deleteOldRateLimits(db, now);
  await deleteOldVerifications(db, 7 * DAY, now);
  await dropStaleEmails(db, now);
  await deleteOldEmails(db, 7 * DAY, DAY, now);
  await deleteOldSessions(db, now);
  await deleteOldDevices(db, now);
  await deleteOldSamples(db, 31 * DAY, now);
}

/** In one statement, which others wait for; and how often in a row, with a pause in milliseconds for them in between. */
const AT_ONCE = 500;
const MAX_TIMES = 100;
const PAUSE = 5;

/** What the removal of old events works with. */
export interface EventCleanupContext {
  db: Db;
  clock: Clock;
  log: Log;
  eventsDays: number | 'forever';
}

/**
 * Removes events that are older than the setting says, and after a day those about no account, which strangers can cause
 * without end; the console's charts keep their numbers. What is left over after a long time goes at the next turns.
 */
export async function deleteOldEvents({ db, clock, log, eventsDays }: EventCleanupContext): Promise<void> {
  await inBatches(() =>
    db.transaction().execute(async (tx) => {
      const gone = await deleteAnonymousEvents(tx, clock.now() - DAY, AT_ONCE);
      await addToCounts(tx, gone);
      return gone.length;
    }),
  );
  if (eventsDays === 'forever') return;
  const before = clock.now() - eventsDays * DAY;
  const gone = await inBatches(() => deleteEvents(db, before, AT_ONCE));
  if (gone > 0) log.info({ events: gone, before: new Date(before).toISOString() }, 'old events removed');
}

async function inBatches(forget: () => Promise<number>): Promise<number> {
  let gone = 0;
  for (let times = 0; times < MAX_TIMES; times++) {
    const count = await forget();
    gone += count;
    if (count < AT_ONCE) break;
    await pause(PAUSE);
  }
  return gone;
}
