import { type RawBuilder, type SelectQueryBuilder, type SqlBool, sql } from 'kysely';
import type { Db } from '../../platform/db/index.ts';
import type { Tables } from '../../platform/db/tables.ts';
import type { User } from '../users.ts';
import { indexedFilters, isByUsername, isDescending, otherFilters, type UserQuery } from './query.ts';
import { searchUsers } from './search.ts';

export interface UserPage {
  users: User[];
  /**
   * The cursor of the next page, if there is one: an id or a username, so it stays valid if the last user is deleted.
   */
  next: string | null;
}

type Key = 'id' | 'username_key';

/**
 * A page of users, read from an index in any order, so its cost does not depend on the number of users. A page of
 * search results may be shorter than its limit and still have a `next`.
 */
export async function listUsers(db: Db, query: UserQuery): Promise<UserPage> {
  const { search } = query;
  if (search === undefined) return inOrder(db, query);
  const byId = await withFilters(db, [...indexedFilters(query), ...otherFilters(query)])
    .where('id', '=', search)
    .executeTakeFirst();
  if (byId) return { users: [byId], next: null };
  const { ids, next } = await searchUsers(db, query, search);
  if (ids.length === 0) return { users: [], next };
  const found = await db.selectFrom('users').selectAll().where('id', 'in', ids).execute();
  const users = new Map(found.map((user) => [user.id, user]));
  return { users: ids.flatMap((id) => users.get(id) ?? []), next };
}

/** How many users are read at once for filters without an index, and how often for one page. */
const READ_AT_ONCE = 10_000;
const MAX_READS = 10;

/** Ids sort by creation time. A page with few matches among many users may be shorter than its limit. */
async function inOrder(db: Db, query: UserQuery): Promise<UserPage> {
  const key = keyColumn(query);
  if (otherFilters(query).length === 0)
    return pageOf(await read(db, query, query.after, query.limit + 1).execute(), key, query.limit);
  let page: UserPage = { users: [], next: query.after ?? null };
  for (let reads = 0; reads < MAX_READS && page.users.length < query.limit; reads++) {
    const more = await readOnce(db, query, page.next ?? undefined, query.limit - page.users.length);
    page = { users: [...page.users, ...more.users], next: more.next };
    if (page.next === null) break;
  }
  return page;
}

/** Tries the filters on the next users in order. */
async function readOnce(
  db: Db,
  query: UserQuery,
  after: string | undefined,
  limit: number,
): Promise<UserPage> {
  const key = keyColumn(query);
  const part = read(db, query, after, READ_AT_ONCE);
  const found = await db
    .selectFrom(part.as('part'))
    .selectAll()
    .where(sql.join(otherFilters(query), sql` AND `).$castTo<SqlBool>())
    .orderBy(key, directionOf(query))
    .limit(limit + 1)
    .execute();
  if (found.length > limit) return pageOf(found, key, limit);
  const last = await read(db, query, after, 1)
    .clearSelect()
    .select(key)
    .offset(READ_AT_ONCE - 1)
    .executeTakeFirst();
  return { users: found, next: last?.[key] ?? null };
}

/** The next users in order, with the filters that an index supports. */
function read(db: Db, query: UserQuery, after: string | undefined, limit: number) {
  const key = keyColumn(query);
  const users = withFilters(db, indexedFilters(query)).orderBy(key, directionOf(query)).limit(limit);
  return after === undefined ? users : users.where(key, isDescending(query) ? '<' : '>', after);
}

const withFilters = (
  db: Db,
  filters: readonly RawBuilder<SqlBool>[],
): SelectQueryBuilder<Tables, 'users', User> =>
  filters.reduce((query, filter) => query.where(filter), db.selectFrom('users').selectAll());

const keyColumn = (query: UserQuery): Key => (isByUsername(query) ? 'username_key' : 'id');
const directionOf = (query: UserQuery) => (isDescending(query) ? 'desc' : 'asc');

/** The cursor of a user: a page after it begins with the next one. */
export const cursorOf = (query: UserQuery, user: User): string => user[keyColumn(query)];

/** The most users that are counted one by one. */
const MAX_COUNTED = 10_000;

/** A number of users; if it is not exact, there are more. */
export interface UserCount {
  count: number;
  isExact: boolean;
}

/** How many users have the filters of a query without a search. Reads a bounded number of rows. */
export async function countListed(db: Db, query: Omit<UserQuery, 'search' | 'after'>): Promise<UserCount> {
  const others = otherFilters(query);
  const read = withFilters(db, indexedFilters(query))
    .clearSelect()
    .select(['email_verified_at', 'created_at', 'last_sign_in_at'])
    .limit(MAX_COUNTED + 1);
  const all = others.length === 0 ? sql<SqlBool>`1 = 1` : sql<SqlBool>`${sql.join(others, sql` AND `)}`;
  const row = await db
    .selectFrom(read.as('read'))
    .select((rows) => [
      rows.fn.countAll<number>().as('read'),
      sql<number>`count(CASE WHEN ${all} THEN 1 END)`.as('count'),
    ])
    .executeTakeFirstOrThrow();
  const isExact = row.read <= MAX_COUNTED;
  return { count: isExact ? row.count : Math.min(row.count, MAX_COUNTED), isExact };
}

function pageOf(found: User[], key: Key, limit: number): UserPage {
  const users = found.slice(0, limit);
  return { users, next: found.length > limit ? (users.at(-1)?.[key] ?? null) : null };
}
