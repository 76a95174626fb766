import { ConfigError } from '../config.ts';
import type { Db } from '../platform/db/index.ts';
import { newId } from '../platform/random.ts';
import type { Keys } from '../platform/secrets.ts';
import { equalSecrets, mac } from '../platform/secrets.ts';

/** A damaged database must not pass as new: the first visitor could set it up again. */
export const DAMAGED = 'The database is damaged (missing installation ID). Restore a backup.';

const SECRET_CHECK = 'this is the secret of this installation';

/**
 * Creates the installation's row, or checks that the secret matches the existing one.
 *
 * @returns Whether it was created now.
 * @throws ConfigError if the database belongs to another secret: its keys could not be decrypted and every token would
 * be rejected.
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

/** Whether the first administrator has been created. */
export async function isSetUp(db: Db): Promise<boolean> {
  const row = await db.selectFrom('installation').select('setup_completed_at').executeTakeFirst();
  return row?.setup_completed_at != null;
}

/** Marks the setup as completed. @returns false if it already was; only one of several concurrent calls succeeds. */
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
 * Serializes the transactions that remove an administrator: they all update this row first, so each sees the result of
 * the one before it. Otherwise two administrators could remove each other at once.
 */
export async function serializeAdminChanges(tx: Db): Promise<void> {
  await tx
    .updateTable('installation')
    .set((row) => ({ admins_revision: row('admins_revision', '+', 1) }))
    .execute();
}

/** The same for transactions that create signing keys. */
export async function serializeKeyChanges(tx: Db): Promise<void> {
  await tx
    .updateTable('installation')
    .set((row) => ({ keys_revision: row('keys_revision', '+', 1) }))
    .execute();
}

/** A stand-in, which belongs to no account, that costs as much as the slowest imported hash; null if there is none. */
export async function slowestHash(db: Db): Promise<string | null> {
  const row = await db.selectFrom('installation').select('slowest_hash').executeTakeFirst();
  return row?.slowest_hash ?? null;
}

/** Does nothing if another process has replaced it meanwhile: the caller looks again with its next batch. */
export async function replaceSlowestHash(tx: Db, from: string | null, to: string): Promise<void> {
  await tx
    .updateTable('installation')
    .set({ slowest_hash: to })
    .where((where) => (from === null ? where('slowest_hash', 'is', null) : where('slowest_hash', '=', from)))
    .execute();
}

/** Whether the database has an installation's row. Its tables must exist. */
export async function hasInstallation(db: Db): Promise<boolean> {
  return (await db.selectFrom('installation').select('id').executeTakeFirst()) !== undefined;
}

/** The id of this installation, and the revision of its state. */
export async function readState(db: Db): Promise<{ installation: string; revision: number }> {
  const row = await db
    .selectFrom('installation')
    .select(['installation_id', 'state_revision'])
    .executeTakeFirst();
  if (!row) throw new Error(DAMAGED);
  return { installation: row.installation_id, revision: row.state_revision };
}

/** Increments the revision of the state, to at least `least`. @returns The new revision. */
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
