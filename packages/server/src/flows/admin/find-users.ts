import type { AppContext } from '../../context.ts';
import { listUsers, type UserPage } from '../../core/users/list.ts';
import type { UserQuery } from '../../core/users/query.ts';
import { searchKey } from '../../core/users/search-key.ts';

export { userOrders } from '../../core/users/query.ts';

/** A page of users; `search` is the raw search text. */
export const findUsers = (
  { db }: Pick<AppContext, 'db'>,
  { search, ...query }: UserQuery,
): Promise<UserPage> => listUsers(db, { ...query, search: searchKey(search ?? '') || undefined });
