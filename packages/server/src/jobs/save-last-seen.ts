import { saveLastSeen } from '../core/sessions.ts';
import type { Db } from '../platform/db/index.ts';

/** A session's row says within this time, in milliseconds, when it was used last. */
const ACCURACY = 60_000;

/** Notes in memory of when sessions were used, so that a request costs no write. */
export interface LastSeenNotes {
  /** @param savedAt What the session's row says now. */
  note(sessionId: string, savedAt: number, now: number): void;
  /** Writes what was noted, in one transaction. */
  save(db: Db): Promise<void>;
}

export function lastSeenNotes(): LastSeenNotes {
  let seen = new Map<string, number>();
  return {
    note(sessionId, savedAt, now) {
      if (now - savedAt >= ACCURACY) seen.set(sessionId, now);
    },
    async save(db) {
      if (seen.size === 0) return;
      const saving = seen;
      seen = new Map();
      await db.transaction().execute((tx) => saveLastSeen(tx, saving));
    },
  };
}
