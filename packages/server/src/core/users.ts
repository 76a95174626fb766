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
  passwordHash: string;
  role: Role;
  /** Whether the address was proven before there was an account. */
  isEmailVerified?: boolean;
  /** Whether somebody else knows the password, so that the user must choose another one first. */
  mustChangePassword?: boolean;
}

/** @returns The user, or which of the two names another account has: of many at once, one gets the user. */
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
      password_change_required_at: user.mustChangePassword ? now : null,
    })
    .onConflict((conflict) => conflict.doNothing())
    .returningAll()
    .executeTakeFirst();
  return made ? { user: made } : { taken: await takenIdentifiers(tx, user.usernameKey, user.emailKey) };
}

/** Which of the two names an account has already. */
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

/** Finds by the normalised name that a person signs in with; one statement, whether there is such a user or not. */
export function findByIdentifier(db: Db, kind: 'username' | 'email', key: string): Promise<User | undefined> {
  return db.selectFrom('users').selectAll().where(`${kind}_key`, '=', key).executeTakeFirst();
}

export function findById(db: Db, id: string): Promise<User | undefined> {
  return db.selectFrom('users').selectAll().where('id', '=', id).executeTakeFirst();
}

/**
 * The last word on an act that asked for the password, inside its transaction: the user is still there, enabled, and has the
 * password that was checked. The row stays locked until the transaction ends.
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

/** Lets no sign-in of this user finish until the transaction ends: what it ends, no sign-in beside it survives. */
export async function lockSignIns(tx: Db, id: string): Promise<void> {
  await tx
    .updateTable('users')
    .set((row) => ({ last_sign_in_at: row.ref('last_sign_in_at') }))
    .where('id', '=', id)
    .execute();
}

/**
 * What every new password changes: it also ends all known devices, which whoever knew the old one may hold.
 *
 * @param mustChange Whether somebody else made it: then the user must choose another one at the next sign-in.
 */
const newPassword = (hash: string, mustChange: boolean, now: number) => ({
  password_hash: hash,
  password_changed_at: now,
  password_change_required_at: mustChange ? now : null,
  device_epoch: sql<number>`device_epoch + 1`,
});

/**
 * Replaces the password by one that its owner chose, if it is still the one that was checked.
 *
 * @returns The user as changed; undefined when it is not.
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

/** Stores the same password under stronger parameters. @returns false when it was changed meanwhile, and stays so. */
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

/** Sets a password without knowing the old one (for the operator); the user must choose another one at the next sign-in. */
export async function setPassword(tx: Db, id: string, to: string, now: number): Promise<void> {
  await tx
    .updateTable('users')
    .set(newPassword(to, true, now))
    .where('id', '=', id)
    .execute();
}

/**
 * Sets a password for whoever proved to read the account's email, which proves the address too.
 *
 * @param isGenerated Whether we made it: then the user must choose another one at the next sign-in.
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

/** What a user can change of the account: a name always with its normalized form. */
export type ProfileChange = Partial<Pick<UsersTable, Exclude<ProfileColumn, 'username'>>> &
  (Pick<UsersTable, 'username' | 'username_key'> | { username?: never; username_key?: never });

/**
 * @returns The user as changed, `taken` if another account has the name, or undefined if there is no such user. After
 * `taken` the transaction can only be rolled back.
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

/** Notes that the owner of the account reads what is sent to its address. */
export async function setVerified(tx: Db, id: string, now: number): Promise<User | undefined> {
  return await tx
    .updateTable('users')
    .set((row) => ({ email_verified_at: row.fn.coalesce('email_verified_at', row.val(now)) }))
    .where('id', '=', id)
    .returningAll()
    .executeTakeFirst();
}

/** Gives an account another address, which was proven: from now on it is the account's next one. @returns As `updateProfile`. */
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

/** Asked beforehand, another account could still take the name in between. */
async function unlessTaken<T>(write: () => Promise<T>): Promise<T | 'taken'> {
  try {
    return await write();
  } catch (error) {
    if (isConflict(error)) return 'taken';
    throw error;
  }
}

/** Makes a user an administrator, if not one already. */
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
 * The three acts that could take the last enabled administrator away. Each does nothing in that case and
 * answers false; the caller has queued the transaction (`serializeAdminChanges`) and knows that the user is there.
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

/** See `demote`. Sessions go with the user (foreign key). */
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

/** What these users are called; of those who are gone nothing. */
export async function usernamesOf(db: Db, ids: readonly string[]): Promise<ReadonlyMap<string, string>> {
  if (ids.length === 0) return new Map();
  const rows = await db.selectFrom('users').select(['id', 'username']).where('id', 'in', ids).execute();
  return new Map(rows.map(({ id, username }) => [id, username]));
}

/** How many accounts there are. */
export async function countUsers(db: Db): Promise<number> {
  const row = await db
    .selectFrom('users')
    .select((users) => users.fn.countAll<number>().as('count'))
    .executeTakeFirstOrThrow();
  return row.count;
}

/** How many enabled administrators there are. */
export async function countAdmins(db: Db): Promise<number> {
  const row = await db
    .selectFrom('users')
    .select((count) => count.fn.countAll<number>().as('admins'))
    .where('admin_since', 'is not', null)
    .where('disabled_at', 'is', null)
    .executeTakeFirstOrThrow();
  return row.admins;
}
