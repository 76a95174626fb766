import { setTimeout as pause } from 'node:timers/promises';
import { deleteOldDevices } from '../core/devices.ts';
import { deleteOldEmails, dropStaleEmails } from '../core/emails/outbox.ts';
import { deleteAnonymousEvents, deleteEvents } from '../core/events.ts';
import { deleteOldRateLimits } from '../core/rate-limits.ts';
import { addToCounts, deleteOldSamples } from '../core/samples.ts';
import type { SessionTimeouts } from '../core/sessions/timeouts.ts';
import { deleteOldSessions } from '../core/sessions.ts';
import { deleteOldVerifications } from '../core/verifications.ts';
import type { Clock } from '../platform/clock.ts';
import type { Db } from '../platform/db/index.ts';
import type { Log } from '../platform/log.ts';

const DAY = 24 * 60 * 60_000;

interface CleanupContext {
  db: Db;
  clock: Clock;
  sessionTimeouts: SessionTimeouts;
}

/** Deletes expired rows that are no longer needed as evidence. It is idempotent. */
export async function cleanUp({ db, clock, sessionTimeouts }: CleanupContext): Promise<void> {
  const now = clock.now();
  await deleteOldRateLimits(db, now);
  await deleteOldVerifications(db, 7 * DAY, now);
  await dropStaleEmails(db, now);
  await deleteOldEmails(db, 7 * DAY, DAY, now);
  await deleteOldSessions({ db, sessionTimeouts }, now);
  await deleteOldDevices(db, now);
  await deleteOldSamples(db, 61 * DAY, now);
}

/** Rows per statement, which blocks other writers; statements per turn; and the pause between them, in milliseconds. */
const AT_ONCE = 500;
const MAX_TIMES = 100;
const PAUSE = 5;

/** The context of the event cleanup. */
export interface EventCleanupContext {
  db: Db;
  clock: Clock;
  log: Log;
  eventsDays: number | 'forever';
}

/**
 * Deletes events past the configured retention, and events of no account after a day, because unauthenticated clients
 * can cause any number of them. The counts in the console's charts are kept. Each turn deletes a limited number; later
 * turns delete the rest.
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

async function inBatches(deleteBatch: () => Promise<number>): Promise<number> {
  let gone = 0;
  for (let times = 0; times < MAX_TIMES; times++) {
    const count = await deleteBatch();
    gone += count;
    if (count < AT_ONCE) break;
    await pause(PAUSE);
  }
  return gone;
}
