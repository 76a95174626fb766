import { type ActiveSession, saveLastSeen } from '../core/sessions.ts';
import type { Db } from '../platform/db/index.ts';

/**
 * A session's row says within this time, in milliseconds, when it was used last. An administrator's says it exactly:
 * there are few, and what they follow ends with their session, whichever process they use meanwhile.
 */
const ACCURACY = 60_000;

/** Notes in memory of when sessions were used, so that a request costs no write. */
export interface LastSeenNotes {
  /** @param live The session as its row is now. */
  note(activeSession: ActiveSession, now: number): void;
  /** Writes what was noted, in one transaction. */
  save(db: Db): Promise<void>;
}

export function lastSeenNotes(): LastSeenNotes {
  let seen = new Map<string, number>();
  return {
    note({ session, user }, now) {
      const unsaved = now - session.last_seen_at;
      if (unsaved >= ACCURACY || (unsaved > 0 && user.admin_since !== null)) seen.set(session.id, now);
    },
    async save(db) {
      if (seen.size === 0) return;
      const saving = seen;
      seen = new Map();
      await db.transaction().execute((tx) => saveLastSeen(tx, saving));
    },
  };
}
