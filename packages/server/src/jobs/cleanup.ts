import { forgetOldFlows } from '../core/codes.ts';
import { forgetOldLimits } from '../core/limits.ts';
import { forgetOldLinks } from '../core/links.ts';
import { dropStaleMails, forgetOldMails } from '../core/mails/outbox.ts';
import { forgetOldSessions } from '../core/sessions.ts';
import type { Clock } from '../platform/clock.ts';
import type { Db } from '../platform/db/index.ts';

const DAY = 24 * 60 * 60_000;

/** Removes what has run out and is no evidence any more. Repeating it does no harm. */
export async function cleanUp({ db, clock }: { db: Db; clock: Clock }): Promise<void> {
  const now = clock.now();
  await forgetOldLimits(db, now);
  await forgetOldLinks(db, 7 * DAY, now);
  await forgetOldFlows(db, 7 * DAY, now);
  await dropStaleMails(db, now);
  await forgetOldMails(db, 7 * DAY, now);
  await forgetOldSessions(db, now);
}
