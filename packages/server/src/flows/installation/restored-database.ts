import { removeEveryDevice } from '../../core/devices.ts';
import { OPERATOR, recordEvent } from '../../core/events.ts';
import { raiseStateRevision } from '../../core/installation.ts';
import { revokeAllSessions } from '../../core/sessions.ts';
import { endEveryVerification } from '../../core/verifications.ts';
import type { Db } from '../../platform/db/index.ts';

/** What was revoked because an older copy of the database was put back. */
export interface Restored {
  sessions: number;
}

/**
 * Revokes what an older copy of the database could have brought back to life, as the event says. Links that take an
 * address back are left: without them a thief who has changed the address could keep the account. Passwords, users and
 * signing keys are as they were in that copy.
 *
 * @param noted How far the database had come before; its revision is raised beyond that.
 */
export async function revokeRestored(db: Db, now: number, noted = 0): Promise<Restored> {
  return db.transaction().execute(async (tx) => {
    const sessions = await revokeAllSessions(tx, 'database_restored', now);
    await endEveryVerification(tx, now);
    await removeEveryDevice(tx);
    await raiseStateRevision(tx, noted);
    const about = { userId: null, actorId: 'operator', details: { sessions } };
    await recordEvent(tx, 'database_restored', OPERATOR, about, now);
    return { sessions };
  });
}
