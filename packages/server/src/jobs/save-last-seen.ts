import { type ActiveSession, saveLastSeen } from '../core/sessions.ts';
import type { Db } from '../platform/db/index.ts';

/**
 * How accurate a session's last use is in the database, in milliseconds. It is exact for administrators: there are few,
 * and their event streams end with their session, whichever process they use.
 */
const ACCURACY = 60_000;

/** Keeps the last use of sessions in memory, so that a request costs no write. */
export interface LastSeenNotes {
  /** @param activeSession The session as stored. */
  note(activeSession: ActiveSession, now: number): void;
  /** Writes the recorded values in one transaction. */
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
