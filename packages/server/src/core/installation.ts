import { ConfigError } from '../config.ts';
import type { Db } from '../platform/db/index.ts';
import { newId } from '../platform/random.ts';
import type { Keys } from '../platform/secrets.ts';
import { equalSecrets, mac } from '../platform/secrets.ts';

/** What is damaged must never pass for new: it would be set up again, by whoever comes first. */
export const DAMAGED = 'The database is damaged (missing installation ID). Restore a backup.';

const SECRET_CHECK = 'this is the secret of this installation';

/**
 * Makes the one row that says what this installation is, or checks that the secret fits the one there is.
 *
 * @returns Whether it was made now.
 * @throws ConfigError when the database belongs to another secret: its keys could not be read and every
 * token would be refused.
 */
export async function openInstallation(db: Db, keys: Keys, now: number): Promise<boolean> {
  const expected = mac(keys.check, SECRET_CHECK);
  const made = await db
    .insertInto('installation')
    .values({
      id: 1,
      installation_id: newId(),
      secret_check: expected,
      created_at: now,
      setup_completed_at: null,
      admins_revision: 0,
      keys_revision: 0,
      slowest_hash: null,
      state_revision: 0,
    })
    .onConflict((conflict) => conflict.doNothing())
    .returning('id')
    .executeTakeFirst();
  if (made) return true;
  const row = await db.selectFrom('installation').select('secret_check').executeTakeFirst();
  if (!row?.secret_check) throw new Error(DAMAGED);
  if (!equalSecrets(row.secret_check, expected))
    throw new ConfigError('Wrong secret for this database. Restore the original USHER_SECRET or usher.key.');
  return false;
}

/** Whether the first administrator was made. */
export async function isSetUp(db: Db): Promise<boolean> {
  const row = await db.selectFrom('installation').select('setup_completed_at').executeTakeFirst();
  return row?.setup_completed_at != null;
}

/** Marks the set-up as done. @returns false when it already was: of two at once, one wins. */
export async function markSetUpCompleted(tx: Db, now: number): Promise<boolean> {
  const done = await tx
    .updateTable('installation')
    .set({ setup_completed_at: now })
    .where('setup_completed_at', 'is', null)
    .returning('id')
    .executeTakeFirst();
  return done !== undefined;
}

/**
 * Puts the transactions that take an administrator away into a row, one behind the other (they all change
 * this row first), so that each sees what the one before it left. Without it two could each spare the other's.
 */
export async function serializeAdminChanges(tx: Db): Promise<void> {
  await tx
    .updateTable('installation')
    .set((row) => ({ admins_revision: row('admins_revision', '+', 1) }))
    .execute();
}

/** The same for transactions that make signing keys. */
export async function serializeKeyChanges(tx: Db): Promise<void> {
  await tx
    .updateTable('installation')
    .set((row) => ({ keys_revision: row('keys_revision', '+', 1) }))
    .execute();
}

/** A hash that costs as much as the slowest that was ever imported, and is nobody's; null when there was none. */
export async function slowestHash(db: Db): Promise<string | null> {
  const row = await db.selectFrom('installation').select('slowest_hash').executeTakeFirst();
  return row?.slowest_hash ?? null;
}

/** Does nothing when another process has replaced it meanwhile: it looks again with its next batch. */
export async function replaceSlowestHash(tx: Db, from: string | null, to: string): Promise<void> {
  await tx
    .updateTable('installation')
    .set({ slowest_hash: to })
    .where((where) => (from === null ? where('slowest_hash', 'is', null) : where('slowest_hash', '=', from)))
    .execute();
}

/** Whether the database says which installation it belongs to. Its tables have to be there. */
export async function hasInstallation(db: Db): Promise<boolean> {
  return (await db.selectFrom('installation').select('id').executeTakeFirst()) !== undefined;
}

/** Which installation this is, and how far its state has come. */
export async function readState(db: Db): Promise<{ installation: string; revision: number }> {
  const row = await db
    .selectFrom('installation')
    .select(['installation_id', 'state_revision'])
    .executeTakeFirst();
  if (!row) throw new Error(DAMAGED);
  return { installation: row.installation_id, revision: row.state_revision };
}

/** Raises the revision of the state by one, from `least` at least. @returns The new one. */
export async function raiseStateRevision(db: Db, least = 0): Promise<number> {
  const row = await db
    .updateTable('installation')
    .set((state) => ({
      state_revision: state
        .case()
        .when('state_revision', '<', least)
        .then(least + 1)
        .else(state('state_revision', '+', 1))
        .end(),
    }))
    .returning('state_revision')
    .executeTakeFirst();
  if (!row) throw new Error(DAMAGED);
  return row.state_revision;
}
