import { parseEmail, parseUsername } from '../core/names.ts';
import { findById, findByName, roleOf, type User } from '../core/users.ts';
import { Refusal } from '../errors.ts';
import type { Db } from '../platform/db/index.ts';
import { minuteOf, printable } from './output.ts';

/**
 * The user whom an operator means by a username, an e-mail address or an id. An id goes before a username of the same
 * letters: ids are given out by us, usernames are chosen.
 *
 * @throws Refusal `not_found`
 */
export async function getUser(db: Db, name: string): Promise<User> {
  const byId = isId(name) ? await findById(db, name.toLowerCase()) : undefined;
  return byId ?? (await findNamed(db, name)) ?? refuseUnknown(name);
}

/** The user that was found before, if still there. @throws Refusal `not_found` */
export async function getAgain(db: Db, { id, username }: User): Promise<User> {
  return (await findById(db, id)) ?? refuseUnknown(username);
}

function refuseUnknown(name: string): never {
  throw new Refusal('not_found', { message: `No user named ${printable(name)}.` });
}

async function findNamed(db: Db, name: string): Promise<User | undefined> {
  const kind = name.includes('@') ? 'email' : 'username';
  const parsed = kind === 'email' ? parseEmail(name) : parseUsername(name);
  return parsed.ok ? findByName(db, kind, parsed.key) : undefined;
}

export const isId = (text: string): boolean => /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text);

/** What is printed of a user, in this order. */
export const membersOf = (user: User) => ({
  username: user.username,
  email: user.email,
  role: roleOf(user),
  status: user.disabled_at === null ? 'enabled' : 'disabled',
  created: minuteOf(user.created_at),
  id: user.id,
});
