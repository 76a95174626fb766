import type { AppContext } from '../../context.ts';
import { countListed, cursorOf, listUsers, type UserCount, type UserPage } from '../../core/users/list.ts';
import { reversed, type UserOrder, type UserQuery } from '../../core/users/query.ts';
import { searchKey } from '../../core/users/search-key.ts';
import { findUsersById, type User } from '../../core/users.ts';
import type { Db } from '../../platform/db/index.ts';

export { reversed, userOrders } from '../../core/users/query.ts';

/** A page of users; `search` is the raw search text. */
export const findUsers = (
  { db }: Pick<AppContext, 'db'>,
  { search, ...query }: UserQuery,
): Promise<UserPage> => listUsers(db, { ...query, search: searchKey(search ?? '') || undefined });

export interface UserListPage extends UserPage {
  /** The cursor before which the previous page ends, if there is one. */
  previous: string | null;
}

/** A page that begins after a user, or ends before one. */
export async function findUserPage(
  context: Pick<AppContext, 'db'>,
  { before, ...query }: UserQuery & { order: UserOrder; before: string | undefined },
): Promise<UserListPage> {
  const backward = before === undefined ? {} : { order: reversed(query.order), after: before };
  const found = await findUsers(context, { ...query, ...backward });
  const users = before === undefined ? found.users : found.users.toReversed();
  const [first, last] = [users.at(0), users.at(-1)].map((user) => user && cursorOf(query, user));
  return before === undefined
    ? { users, next: found.next, previous: query.after === undefined ? null : (first ?? null) }
    : { users, next: last ?? null, previous: found.next === null ? null : (first ?? null) };
}

/** How many users have these filters; undefined for a search, which does not count what it does not show. */
export const countUsersWith = async (
  { db }: Pick<AppContext, 'db'>,
  { search, ...query }: UserQuery,
): Promise<UserCount | undefined> => (searchKey(search ?? '') ? undefined : countListed(db, query));

/** How many users an export reads at once. */
const EXPORT_PAGE = 200;

/** All users that a search and its filters find, page by page, up to a limit. */
export async function* findAllUsers(
  context: Pick<AppContext, 'db'>,
  query: UserQuery,
): AsyncGenerator<UserPage['users']> {
  let { after, limit: left } = query;
  while (left > 0) {
    const { users, next } = await findUsers(context, {
      ...query,
      after,
      limit: Math.min(EXPORT_PAGE, left),
    });
    yield users;
    left -= users.length;
    if (next === null) return;
    after = next;
  }
}

/** The users with these ids, in the order of the ids; those that no longer exist are left out. */
export async function findSelected(db: Db, ids: readonly string[]): Promise<User[]> {
  const users = new Map((await findUsersById(db, ids)).map((user) => [user.id, user]));
  return [...new Set(ids)].flatMap((id) => users.get(id) ?? []);
}
