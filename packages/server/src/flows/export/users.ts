import { NO_PASSWORD } from '../../core/passwords/imported.ts';
import { listUsers, type UserPage } from '../../core/users/list.ts';
import { roleOf, type User } from '../../core/users.ts';
import type { Db } from '../../platform/db/index.ts';

const PAGE = 1_000;

/** Everything about a user, by the names that an import knows; a time is RFC 3339, in UTC. */
export type ExportedUser = Record<(typeof exportedFields)[number], string>;

/** In this order. `password_hash` is left out unless it is asked for. */
export const exportedFields = [
  'id',
  'username',
  'email',
  'email_verified_at',
  'role',
  'disabled_at',
  'created_at',
  'signed_in_at',
  'password_changed_at',
  'password_hash',
] as const;

/** All users, oldest first, page by page: those who sign up meanwhile may be in it or not. */
export async function* exportUsers(db: Db): AsyncGenerator<ExportedUser> {
  let after: string | null = null;
  do {
    const page: UserPage = await listUsers(db, { after: after ?? undefined, limit: PAGE });
    for (const user of page.users) yield exported(user);
    after = page.next;
  } while (after !== null);
}

const exported = (user: User): ExportedUser => ({
  id: user.id,
  username: user.username,
  email: user.email,
  email_verified_at: timeOf(user.email_verified_at),
  role: roleOf(user),
  disabled_at: timeOf(user.disabled_at),
  created_at: timeOf(user.created_at),
  signed_in_at: timeOf(user.signed_in_at),
  password_changed_at: timeOf(user.password_changed_at),
  password_hash: user.password_hash === NO_PASSWORD ? '' : user.password_hash,
});

const timeOf = (milliseconds: number | null): string =>
  milliseconds === null ? '' : new Date(milliseconds).toISOString();
