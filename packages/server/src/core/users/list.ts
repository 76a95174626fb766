import type { SelectQueryBuilder } from 'kysely';
import type { Db } from '../../platform/db/index.ts';
import type { Tables } from '../../platform/db/tables.ts';
import type { User } from '../users.ts';
import { isByUsername, isDescending, type UserQuery } from './query.ts';
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
  const byId = await filtered(db, query).where('id', '=', search).executeTakeFirst();
  if (byId) return { users: [byId], next: null };
  const { ids, next } = await searchUsers(db, query, search);
  if (ids.length === 0) return { users: [], next };
  const found = await db.selectFrom('users').selectAll().where('id', 'in', ids).execute();
  const users = new Map(found.map((user) => [user.id, user]));
  return { users: ids.flatMap((id) => users.get(id) ?? []), next };
}

/** Ids sort by creation time. */
async function inOrder(db: Db, filter: UserQuery): Promise<UserPage> {
  const { after, limit } = filter;
  const key = isByUsername(filter) ? 'username_key' : 'id';
  const descends = isDescending(filter);
  let query = filtered(db, filter)
    .orderBy(key, descends ? 'desc' : 'asc')
    .limit(limit + 1);
  if (after !== undefined) query = query.where(key, descends ? '<' : '>', after);
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
