import { setTimeout as pause } from 'node:timers/promises';
import { forgetOldFlows } from '../core/codes.ts';
import { forgetOldDevices } from '../core/devices.ts';
import { forgetEvents, forgetEventsAboutNobody } from '../core/events.ts';
import { addToCounts, forgetOldFigures } from '../core/figures.ts';
import { forgetOldLimits } from '../core/limits.ts';
import { dropStaleMails, forgetOldMails } from '../core/mails/outbox.ts';
import { forgetOldSessions } from '../core/sessions.ts';
import type { Clock } from '../platform/clock.ts';
import type { Db } from '../platform/db/index.ts';
import type { Log } from '../platform/log.ts';

const DAY = 24 * 60 * 60_000;

/** Removes what has run out and is no evidence any more. Repeating it does no harm. */
export async function cleanUp({ db, clock }: { db: Db; clock: Clock }): Promise<void> {
  const now = clock.now();
  await forgetOldLimits(db, now);
  await forgetOldFlows(db, 7 * DAY, now);
  await dropStaleMails(db, now);
  await forgetOldMails(db, 7 * DAY, DAY, now);
  await forgetOldSessions(db, now);
  await forgetOldDevices(db, now);
  await forgetOldFigures(db, 31 * DAY, now);
}

/** In one statement, which others wait for; and how often in a row, with a pause in milliseconds for them in between. */
const AT_ONCE = 500;
const MOST_TIMES = 100;
const PAUSE = 5;

/** What the removal of old events works with. */
export interface EventsPlace {
  db: Db;
  clock: Clock;
  log: Log;
  eventsDays: number | 'forever';
}

/**
 * Removes events that are older than the setting says, and after a day those about no account, which strangers can cause
 * without end; the console's charts keep their numbers. What is left over after a long time goes at the next turns.
 */
export async function forgetOldEvents({ db, clock, log, eventsDays }: EventsPlace): Promise<void> {
  await inBatches(() =>
    db.transaction().execute(async (tx) => {
      const gone = await forgetEventsAboutNobody(tx, clock.now() - DAY, AT_ONCE);
      await addToCounts(tx, gone);
      return gone.length;
    }),
  );
  if (eventsDays === 'forever') return;
  const before = clock.now() - eventsDays * DAY;
  const gone = await inBatches(() => forgetEvents(db, before, AT_ONCE));
  if (gone > 0) log.info({ events: gone, before: new Date(before).toISOString() }, 'old events removed');
}

async function inBatches(forget: () => Promise<number>): Promise<number> {
  let gone = 0;
  for (let times = 0; times < MOST_TIMES; times++) {
    const count = await forget();
    gone += count;
    if (count < AT_ONCE) break;
    await pause(PAUSE);
  }
  return gone;
}
