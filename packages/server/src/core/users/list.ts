import type { SelectQueryBuilder } from 'kysely';
import type { Db } from '../../platform/db/index.ts';
import type { Tables } from '../../platform/db/tables.ts';
import type { Role } from '../../user-fields.ts';
import type { User } from '../users.ts';

/** The sort orders for lists of users; a minus reverses the order. */
export const userOrders = ['created', '-created', 'username', '-username'] as const;
export type UserOrder = (typeof userOrders)[number];

export interface UserQuery {
  /** A prefix of a username or email, normalized; or a complete id. */
  search?: string | undefined;
  role?: Role | undefined;
  disabled?: boolean | undefined;
  /** Oldest first by default. Search results are ordered by the identifier that matched. */
  order?: UserOrder | undefined;
  /** `next` of the previous page. */
  after?: string | undefined;
  limit: number;
}

export interface UserPage {
  users: User[];
  /**
   * The cursor of the next page, if there is one: an id or an identifier, so it stays valid if the last user is
   * deleted.
   */
  next: string | null;
}

type Key = 'id' | 'username_key' | 'email_key';

/**
 * A page of users, read from an index in any order, so its cost does not depend on the number of users. A page of
 * search results may be shorter than its limit and still have a `next`.
 */
export function listUsers(db: Db, filter: UserQuery): Promise<UserPage> {
  return filter.search === undefined ? inOrder(db, filter) : search(db, filter, filter.search);
}

/** Ids sort by creation time. */
async function inOrder(db: Db, filter: UserQuery): Promise<UserPage> {
  const { order = 'created', after, limit } = filter;
  const key = order.endsWith('username') ? 'username_key' : 'id';
  const isTurned = order.startsWith('-');
  let query = filtered(db, filter)
    .orderBy(key, isTurned ? 'desc' : 'asc')
    .limit(limit + 1);
  if (after !== undefined) query = query.where(key, isTurned ? '<' : '>', after);
  return pageOf(await query.execute(), key, limit);
}

function filtered(db: Db, { role, disabled }: UserQuery): SelectQueryBuilder<Tables, 'users', User> {
  let query = db.selectFrom('users').selectAll();
  if (role !== undefined) query = query.where('admin_since', role === 'admin' ? 'is not' : 'is', null);
  if (disabled !== undefined) query = query.where('disabled_at', disabled ? 'is not' : 'is', null);
  return query;
}

function pageOf(found: User[], key: Key, limit: number): UserPage {
  const users = found.slice(0, limit);
  return { users, next: found.length > limit ? (users.at(-1)?.[key] ?? null) : null };
}

/** The maximum number of reads per page, in case most of what is read was on an earlier page. */
const MAX_READS = 5;

async function search(db: Db, filter: UserQuery, beginning: string): Promise<UserPage> {
  const byId = await filtered(db, filter).where('id', '=', beginning).executeTakeFirst();
  if (byId) return { users: [byId], next: null };
  const found: Found[] = [];
  let place = filter.after ?? null;
  for (let read = 0; read < MAX_READS && found.length < filter.limit; read++) {
    const part = await readNames(db, { ...filter, after: place ?? undefined }, beginning);
    found.push(...part.found);
    place = part.next;
    if (place === null) break;
  }
  const page = found.slice(0, filter.limit);
  const next = found.length > filter.limit ? (page.at(-1)?.name ?? null) : place;
  return { users: page.map(({ user }) => user), next };
}

/** A user, and the identifier that matched. */
interface Found {
  name: string;
  user: User;
}

/**
 * Users whose username or email starts with this prefix, in the order of the match. Reads two indexes in parallel, up
 * to where both are known: a single condition over both columns could use neither index for the order, and would sort
 * all matches.
 */
async function readNames(
  db: Db,
  filter: UserQuery,
  beginning: string,
): Promise<{ found: Found[]; next: string | null }> {
  const { after } = filter;
  const isBegun = after !== undefined && asBytes(after, beginning) > 0;
  const read = async (key: 'username_key' | 'email_key') => {
    const users = await filtered(db, filter)
      // A single bound: given two, the database may read the index from the lower one, through everything in between.
      .where(key, isBegun ? '>' : '>=', isBegun ? after : beginning)
      .where(key, '<', afterPrefix(beginning))
      .orderBy(key)
      .limit(filter.limit + 1)
      .execute();
    return {
      found: users.map((user): Found => ({ name: user[key], user })),
      knownTo: users.length > filter.limit ? users.at(-1)?.[key] : undefined,
    };
  };
  const parts = [await read('username_key'), await read('email_key')];
  const [next = null] = parts.flatMap(({ knownTo }) => knownTo ?? []).sort(asBytes);
  const found = parts
    .flatMap((part) => part.found)
    .filter(({ name, user }) => name === firstFound(user, beginning))
    .filter(({ name }) => next === null || asBytes(name, next) <= 0)
    .sort((one, other) => asBytes(one.name, other.name));
  return { found, next };
}

/** If both identifiers match, the user is listed only at the first. */
const firstFound = (user: User, beginning: string): string | undefined =>
  [user.username_key, user.email_key].filter((name) => name.startsWith(beginning)).sort(asBytes)[0];

/** Keys compare as bytes in both databases. JavaScript compares UTF-16, which orders some characters differently. */
const asBytes = (one: string, other: string): number => Buffer.compare(Buffer.from(one), Buffer.from(other));

/** Turns a prefix into a range, which an index supports; LIKE would read every row, and its wildcards need escaping. */
const afterPrefix = (prefix: string): string => `${prefix}\u{10ffff}`;
