import { NO_PASSWORD } from '../../core/passwords/imported.ts';
import { listUsers, type UserPage } from '../../core/users/list.ts';
import type { User } from '../../core/users.ts';
import type { Db } from '../../platform/db/index.ts';
import {
  type ColumnsWith,
  columnsWith,
  type UserField,
  type UserFields,
  userFields,
} from '../../user-fields.ts';

const PAGE = 1_000;

type FileColumn = ColumnsWith<{ file: { name: string } }>;
type FileField = UserFields[FileColumn]['file']['name'];

/** Everything about a user, under the names that an import recognizes; times are RFC 3339, in UTC. */
export type ExportedUser = Record<FileField, string>;

const fileColumns = columnsWith(({ file }) => file !== undefined) as FileColumn[];

/** The names of the exported fields, in order; secrets only on request. */
export const exportedFields = (withSecrets: boolean): FileField[] =>
  fileColumns.flatMap((column) => {
    const file: NonNullable<UserField['file']> = userFields[column].file;
    return file.isSecret && !withSecrets ? [] : [userFields[column].file.name];
  });

/** All users, oldest first, page by page. Users who sign up during the export may be missing. */
export async function* exportUsers(db: Db): AsyncGenerator<ExportedUser> {
  let after: string | null = null;
  do {
    const page: UserPage = await listUsers(db, { after: after ?? undefined, limit: PAGE });
    for (const user of page.users) yield exportedUser(user);
    after = page.next;
  } while (after !== null);
}

/** A user as files have it. */
export function exportedUser(user: User): ExportedUser {
  const shown = fileColumns.map((column) => {
    const { name, show }: NonNullable<UserField['file']> = userFields[column].file;
    return [name, show(user[column] as never)];
  });
  return {
    ...(Object.fromEntries(shown) as ExportedUser),
    password_hash: user.password_hash === NO_PASSWORD ? '' : user.password_hash,
  };
}
