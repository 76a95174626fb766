import { type ExpressionBuilder, type Selectable, sql } from 'kysely';
import { type Db, isConflict } from '../platform/db/index.ts';
import type { Tables, UsersTable } from '../platform/db/tables.ts';
import { newUserId } from '../platform/random.ts';
import type { ProfileColumn, Role } from '../user-fields.ts';

export type User = Selectable<UsersTable>;

export interface NewUser {
  username: string;
  usernameKey: string;
  email: string;
  emailKey: string;
  /** The language tag. */
  locale?: string | null;
  displayName?: string | null;
  /** Its form for searches. */
  displayNameKey?: string | null;
  passwordHash: string;
  role: Role;
  /** Whether the email was verified before the account was created. */
  isEmailVerified?: boolean;
  /** Whether someone else knows the password, so the user must choose a new one first. */
  mustChangePassword?: boolean;
}

/**
 * @returns The user, or which identifiers are taken. If several calls use the same identifiers, only one creates the
 * user.
 */
export async function insertUser(
  tx: Db,
  user: NewUser,
  now: number,
): Promise<{ user: User } | { taken: ('username' | 'email')[] }> {
  const made = await tx
    .insertInto('users')
    .values({
      id: newUserId(),
      username: user.username,
      username_key: user.usernameKey,
      email: user.email,
      email_key: user.emailKey,
      email_verified_at: user.isEmailVerified ? now : null,
      password_hash: user.passwordHash,
      password_changed_at: now,
      admin_since: user.role === 'admin' ? now : null,
      disabled_at: null,
      last_sign_in_at: null,
      created_at: now,
      device_epoch: 0,
      locale: user.locale ?? null,
      time_zone: null,
      display_name: user.displayName ?? null,
      display_name_key: user.displayNameKey ?? null,
      password_change_required_at: user.mustChangePassword ? now : null,
    })
    .onConflict((conflict) => conflict.doNothing())
    .returningAll()
    .executeTakeFirst();
  return made ? { user: made } : { taken: await takenIdentifiers(tx, user.usernameKey, user.emailKey) };
}

/** Which of the two identifiers another account already has. */
export async function takenIdentifiers(
  db: Db,
  usernameKey: string,
  emailKey: string,
): Promise<('username' | 'email')[]> {
  const rows = await db
    .selectFrom('users')
    .select(['username_key', 'email_key'])
    .where((or) => or.or([or('username_key', '=', usernameKey), or('email_key', '=', emailKey)]))
    .execute();
  const taken: ('username' | 'email')[] = [];
  if (rows.some((row) => row.username_key === usernameKey)) taken.push('username');
  if (rows.some((row) => row.email_key === emailKey)) taken.push('email');
  return taken;
}

/** Finds a user by normalized username or email, in one statement whether the user exists or not. */
export function findByIdentifier(db: Db, kind: 'username' | 'email', key: string): Promise<User | undefined> {
  return db.selectFrom('users').selectAll().where(`${kind}_key`, '=', key).executeTakeFirst();
}

export function findById(db: Db, id: string): Promise<User | undefined> {
  return db.selectFrom('users').selectAll().where('id', '=', id).executeTakeFirst();
}

/**
 * The final check of an operation that required the password, inside its transaction: the user still exists, is
 * enabled, and has the password that was checked. Locks the row until the transaction ends.
 */
export async function lockIfUnchanged(
  tx: Db,
  { id, password_hash }: Pick<User, 'id' | 'password_hash'>,
): Promise<boolean> {
  const row = await tx
    .updateTable('users')
    .set((user) => ({ last_sign_in_at: user.ref('last_sign_in_at') }))
    .where('id', '=', id)
    .where('password_hash', '=', password_hash)
    .where('disabled_at', 'is', null)
    .returning('id')
    .executeTakeFirst();
  return row !== undefined;
}

/**
 * Blocks this user's sign-ins until the transaction ends, so no concurrent sign-in survives what it revokes.
 *
 * @returns false if the user no longer exists.
 */
export async function lockSignIns(tx: Db, id: string): Promise<boolean> {
  const row = await tx
    .updateTable('users')
    .set((row) => ({ last_sign_in_at: row.ref('last_sign_in_at') }))
    .where('id', '=', id)
    .returning('id')
    .executeTakeFirst();
  return row !== undefined;
}

/**
 * The columns that every new password sets. Also removes all known devices: anyone who knew the old password may have
 * one.
 *
 * @param mustChange Whether someone else set it: the user must then choose a new one at the next sign-in.
 */
const newPassword = (hash: string, mustChange: boolean, now: number) => ({
  password_hash: hash,
  password_changed_at: now,
  password_change_required_at: mustChange ? now : null,
  device_epoch: sql<number>`device_epoch + 1`,
});

/**
 * Replaces the password with one that its owner chose, if it is still the one that was checked.
 *
 * @returns The updated user; undefined if the password has changed.
 */
export function replacePassword(
  tx: Db,
  id: string,
  from: string,
  to: string,
  now: number,
): Promise<User | undefined> {
  return tx
    .updateTable('users')
    .set(newPassword(to, false, now))
    .where('id', '=', id)
    .where('password_hash', '=', from)
    .returningAll()
    .executeTakeFirst();
}

/**
 * Stores the same password with stronger parameters. @returns false if the password has changed, and leaves it as it
 * is.
 */
export async function upgradeHash(db: Db, id: string, from: string, to: string): Promise<boolean> {
  const row = await db
    .updateTable('users')
    .set({ password_hash: to })
    .where('id', '=', id)
    .where('password_hash', '=', from)
    .returning('id')
    .executeTakeFirst();
  return row !== undefined;
}

/** Sets a password without the old one, for the operator. The user must choose a new one at the next sign-in. */
export async function setPassword(tx: Db, id: string, to: string, now: number): Promise<void> {
  await tx
    .updateTable('users')
    .set(newPassword(to, true, now))
    .where('id', '=', id)
    .execute();
}

/**
 * Sets a password after recovery by email, which also verifies the email.
 *
 * @param isGenerated Whether Usher generated it: the user must then choose a new one at the next sign-in.
 */
export function setRecoveredPassword(
  tx: Db,
  id: string,
  to: string,
  isGenerated: boolean,
  now: number,
): Promise<User> {
  return tx
    .updateTable('users')
    .set((row) => ({
      ...newPassword(to, isGenerated, now),
      email_verified_at: row.fn.coalesce('email_verified_at', row.val(now)),
    }))
    .where('id', '=', id)
    .returningAll()
    .executeTakeFirstOrThrow();
}

/** What a user can change in the account. A name always comes with its normalized form. */
export type ProfileChange = Partial<Pick<UsersTable, Exclude<ProfileColumn, 'username' | 'display_name'>>> &
  (Pick<UsersTable, 'username' | 'username_key'> | { username?: never; username_key?: never }) &
  (
    | Pick<UsersTable, 'display_name' | 'display_name_key'>
    | { display_name?: never; display_name_key?: never }
  );

/**
 * @returns The updated user, `taken` if another account has the username, or undefined if the user does not exist.
 * After `taken` the transaction can only be rolled back.
 */
export async function updateProfile(
  tx: Db,
  id: string,
  change: ProfileChange,
): Promise<User | 'taken' | undefined> {
  return await unlessTaken(() =>
    tx.updateTable('users').set(change).where('id', '=', id).returningAll().executeTakeFirst(),
  );
}

/** Marks the account's email as verified. */
export async function setVerified(tx: Db, id: string, now: number): Promise<User | undefined> {
  return await tx
    .updateTable('users')
    .set((row) => ({ email_verified_at: row.fn.coalesce('email_verified_at', row.val(now)) }))
    .where('id', '=', id)
    .returningAll()
    .executeTakeFirst();
}

/** Sets a new, verified email and increments the account's email version. @returns As `updateProfile`. */
export async function setVerifiedEmail(
  tx: Db,
  id: string,
  { email, emailKey }: { email: string; emailKey: string },
  now: number,
): Promise<User | 'taken' | undefined> {
  return await unlessTaken(() =>
    tx
      .updateTable('users')
      .set((row) => ({
        email,
        email_key: emailKey,
        email_verified_at: now,
        email_version: row('email_version', '+', 1),
      }))
      .where('id', '=', id)
      .returningAll()
      .executeTakeFirst(),
  );
}

/** A check beforehand would not help: another account could still take the identifier in between. */
async function unlessTaken<T>(write: () => Promise<T>): Promise<T | 'taken'> {
  try {
    return await write();
  } catch (error) {
    if (isConflict(error)) return 'taken';
    throw error;
  }
}

/** Makes a user an administrator. @returns false if the user does not exist or already is one. */
export async function promote(tx: Db, id: string, now: number): Promise<boolean> {
  const row = await tx
    .updateTable('users')
    .set({ admin_since: now })
    .where('id', '=', id)
    .where('admin_since', 'is', null)
    .returning('id')
    .executeTakeFirst();
  return row !== undefined;
}

const isAnotherAdmin = (id: string) => (where: ExpressionBuilder<Tables, 'users'>) =>
  where.exists(
    where
      .selectFrom('users as other')
      .select('other.id')
      .where('other.admin_since', 'is not', null)
      .where('other.disabled_at', 'is', null)
      .where('other.id', '<>', id),
  );

/**
 * One of three operations that could remove the last enabled administrator. Each then does nothing and returns false.
 * The caller has serialized the transaction (`serializeAdminChanges`) and knows that the user exists.
 */
export async function demote(tx: Db, id: string): Promise<boolean> {
  const row = await tx
    .updateTable('users')
    .set({ admin_since: null })
    .where('id', '=', id)
    .where(isAnotherAdmin(id))
    .returning('id')
    .executeTakeFirst();
  return row !== undefined;
}

/** See `demote`. */
export async function disable(tx: Db, id: string, now: number): Promise<boolean> {
  const row = await tx
    .updateTable('users')
    .set({ disabled_at: now })
    .where('id', '=', id)
    .where((where) => where.or([where('admin_since', 'is', null), isAnotherAdmin(id)(where)]))
    .returning('id')
    .executeTakeFirst();
  return row !== undefined;
}

/** See `demote`. The user's sessions are deleted with it (foreign key). */
export async function deleteUser(tx: Db, id: string): Promise<boolean> {
  const row = await tx
    .deleteFrom('users')
    .where('id', '=', id)
    .where((where) => where.or([where('admin_since', 'is', null), isAnotherAdmin(id)(where)]))
    .returning('id')
    .executeTakeFirst();
  return row !== undefined;
}

export async function enable(tx: Db, id: string): Promise<boolean> {
  const row = await tx
    .updateTable('users')
    .set({ disabled_at: null })
    .where('id', '=', id)
    .where('disabled_at', 'is not', null)
    .returning('id')
    .executeTakeFirst();
  return row !== undefined;
}

/** The usernames of these users; deleted users are left out. */
export async function usernamesOf(db: Db, ids: readonly string[]): Promise<ReadonlyMap<string, string>> {
  if (ids.length === 0) return new Map();
  const rows = await db.selectFrom('users').select(['id', 'username']).where('id', 'in', ids).execute();
  return new Map(rows.map(({ id, username }) => [id, username]));
}

/** The users with these ids, in no order. */
export const findUsersById = async (db: Db, ids: readonly string[]): Promise<User[]> =>
  ids.length === 0 ? [] : db.selectFrom('users').selectAll().where('id', 'in', ids).execute();

/** The number of accounts. */
export async function countUsers(db: Db): Promise<number> {
  const row = await db
    .selectFrom('users')
    .select((users) => users.fn.countAll<number>().as('count'))
    .executeTakeFirstOrThrow();
  return row.count;
}

/** The number of enabled administrators. */
export async function countAdmins(db: Db): Promise<number> {
  const row = await db
    .selectFrom('users')
    .select((count) => count.fn.countAll<number>().as('admins'))
    .where('admin_since', 'is not', null)
    .where('disabled_at', 'is', null)
    .executeTakeFirstOrThrow();
  return row.admins;
}
