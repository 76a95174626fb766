import { parseEmail, parseUsername } from '../core/identifiers.ts';
import { findById, findByIdentifier, type User } from '../core/users.ts';
import { HttpError } from '../errors.ts';
import { text } from '../languages/text.ts';
import type { Db } from '../platform/db/index.ts';
import { type ColumnsWith, columnsWith, type UserField, userFields } from '../user-fields.ts';
import { printable } from './output.ts';

/**
 * Finds a user by ID, username or email. An ID takes precedence over an identical username: we generate IDs, but users
 * choose usernames.
 *
 * @throws HttpError `not_found`
 */
export async function getUser(db: Db, name: string): Promise<User> {
  const byId = isId(name) ? await findById(db, name.toLowerCase()) : undefined;
  return byId ?? (await findNamed(db, name)) ?? rejectUnknown(name);
}

/** Reloads a user that was found before. @throws HttpError `not_found` */
export async function getAgain(db: Db, { id, username }: User): Promise<User> {
  return (await findById(db, id)) ?? rejectUnknown(username);
}

function rejectUnknown(name: string): never {
  throw new HttpError('not_found', { text: text('error.no_user_named', { name: printable(name) }) });
}

async function findNamed(db: Db, name: string): Promise<User | undefined> {
  const kind = name.includes('@') ? 'email' : 'username';
  const parsed = kind === 'email' ? parseEmail(name) : parseUsername(name);
  return parsed.ok ? findByIdentifier(db, kind, parsed.key) : undefined;
}

export const isId = (text: string): boolean => /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text);

type CliColumn = ColumnsWith<{ cli: { name: string } }>;

/** The ID comes last: it is long and rarely needed. */
const printed = (columnsWith(({ cli }) => cli !== undefined) as CliColumn[]).toSorted(
  (one, other) => Number(one === 'id') - Number(other === 'id'),
);

/** The headers of a table of users. */
export const userHeads: string[] = printed.map((column) => userFields[column].cli.title);

/** The printed fields of a user, in this order. */
export const membersOf = (user: User): Record<string, string> =>
  Object.fromEntries(
    printed.map((column) => {
      const { name, show }: NonNullable<UserField['cli']> = userFields[column].cli;
      return [name, show(user[column] as never)];
    }),
  );
