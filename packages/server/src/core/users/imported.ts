import type { Db } from '../../platform/db/index.ts';
import { newUserId } from '../../platform/random.ts';
import type { UserColumns } from '../../user-fields.ts';

/** An account as exported by another program. Times are in milliseconds since 1970. */
export interface ImportedUser {
  /** Undefined if a new id is to be assigned. */
  id: string | undefined;
  username: string;
  usernameKey: string;
  email: string;
  emailKey: string;
  passwordHash: string;
  adminSince: number | null;
  disabledAt: number | null;
  displayName: string | null;
  displayNameKey: string | null;
  /** The other columns, as stored. */
  kept: Omit<
    UserColumns,
    | 'id'
    | 'username'
    | 'email'
    | 'display_name'
    | 'password_hash'
    | 'password_change_required_at'
    | 'admin_since'
    | 'disabled_at'
  >;
}

/** Which of these emails, usernames and ids are taken, with the account for emails; all normalized. */
export async function takenAmong(
  db: Db,
  users: readonly Pick<ImportedUser, 'id' | 'usernameKey' | 'emailKey'>[],
  usernames: readonly string[] = users.map((user) => user.usernameKey),
): Promise<{
  emails: Map<string, { id: string; isVerified: boolean }>;
  usernames: Set<string>;
  ids: Set<string>;
}> {
  const rows = await db
    .selectFrom('users')
    .select(['id', 'username_key', 'email_key', 'email_verified_at'])
    .where((or) =>
      or.or([
        or(
          'email_key',
          'in',
          users.map((user) => user.emailKey),
        ),
        or('username_key', 'in', usernames),
        // Never empty, which SQL does not allow, and never an id: ids contain no spaces.
        or(
          'id',
          'in',
          users.map((user) => user.id ?? ' '),
        ),
      ]),
    )
    .execute();
  return {
    emails: new Map(
      rows.map((row) => [row.email_key, { id: row.id, isVerified: row.email_verified_at !== null }]),
    ),
    usernames: new Set(rows.map((row) => row.username_key)),
    ids: new Set(rows.map((row) => row.id)),
  };
}

/** Which of these accounts an import created, as far as the audit log goes back. */
export async function importedAmong(db: Db, ids: readonly string[]): Promise<Set<string>> {
  if (ids.length === 0) return new Set();
  const rows = await db
    .selectFrom('events')
    .select('user_id')
    .where('user_id', 'in', ids)
    .where('name', '=', 'user_imported')
    .execute();
  return new Set(rows.flatMap((row) => row.user_id ?? []));
}

/**
 * Inserts these accounts, except those whose email, username or id is taken; of concurrent inserts only one succeeds.
 *
 * @returns The ids of the inserted accounts, by normalized email.
 */
export async function insertImported(tx: Db, users: readonly ImportedUser[]): Promise<Map<string, string>> {
  if (users.length === 0) return new Map();
  const made = await tx
    .insertInto('users')
    .values(
      users.map((user) => ({
        ...user.kept,
        id: user.id ?? newUserId(),
        username: user.username,
        username_key: user.usernameKey,
        email: user.email,
        email_key: user.emailKey,
        password_hash: user.passwordHash,
        admin_since: user.adminSince,
        disabled_at: user.disabledAt,
        display_name: user.displayName,
        display_name_key: user.displayNameKey,
        device_epoch: 0,
      })),
    )
    .onConflict((conflict) => conflict.doNothing())
    .returning(['id', 'email_key'])
    .execute();
  return new Map(made.map((row) => [row.email_key, row.id]));
}
