import type { AppContext } from '../../context.ts';
import { listUsers, type UserPage, type UserQuery } from '../../core/users/list.ts';

export { userOrders } from '../../core/users/list.ts';

/** A page of users; `search` is the raw search text. */
export const findUsers = (
  { db }: Pick<AppContext, 'db'>,
  { search, ...query }: UserQuery,
): Promise<UserPage> => listUsers(db, { ...query, search: normalSearch(search) });

/** Normalizes the search text like stored identifiers. */
const normalSearch = (search: string | undefined): string | undefined =>
  search?.trim().normalize('NFKC').toLowerCase() || undefined;
