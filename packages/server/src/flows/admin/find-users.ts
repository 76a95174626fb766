import type { AppContext } from '../../context.ts';
import { listUsers, type UserPage, type UserQuery } from '../../core/users/list.ts';
import { searchKey } from '../../core/users/search-key.ts';

export { userOrders } from '../../core/users/list.ts';

/** A page of users; `search` is the raw search text. */
export const findUsers = (
  { db }: Pick<AppContext, 'db'>,
  { search, ...asked }: UserQuery,
): Promise<UserPage> => listUsers(db, { ...asked, search: searchKey(search ?? '') || undefined });
