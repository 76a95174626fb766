import { removeEveryDevice } from '../../core/devices.ts';
import { OPERATOR, recordEvent } from '../../core/events.ts';
import { raiseStateRevision } from '../../core/installation.ts';
import { revokeAllSessions } from '../../core/sessions.ts';
import { endEveryVerification } from '../../core/verifications.ts';
import type { Db } from '../../platform/db/index.ts';

/** What was revoked after the database was restored from an older backup. */
export interface Restored {
  sessions: number;
}

/**
 * Revokes what an older backup could have made valid again, as the event says. Links that undo a change of email stay
 * valid: without them a thief who changed the email could keep the account. Passwords, users and signing keys are as in
 * the backup.
 *
 * @param noted The last known revision of the database; its revision is raised beyond that.
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
