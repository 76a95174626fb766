import { z } from 'zod';
import type { UserOrder, UserQuery } from '../../core/users/query.ts';
import { userOrders } from '../../flows/admin/find-users.ts';
import { userCursor } from '../../flows/admin/user-cursor.ts';

export const PATH = '/admin/users';
/** A form has at most 32 fields, so as many users as can be selected at once. */
export const PAGE = 25;

const DAY = 24 * 60 * 60_000;

/** How many days ago. */
export const createdDays = ['1', '7', '30', '90'] as const;
export const inactiveDays = ['30', '90', '365'] as const;

/** Invalid parameters are ignored: a URL that someone typed still shows a page. */
const filters = {
  search: z.string().max(254).optional().catch(undefined),
  state: z.enum(['active', 'disabled']).optional().catch(undefined),
  role: z.enum(['user', 'admin']).optional().catch(undefined),
  email: z.enum(['unverified', 'verified']).optional().catch(undefined),
  created: z.enum(createdDays).optional().catch(undefined),
  inactive: z.enum(inactiveDays).optional().catch(undefined),
  sort: z.enum(userOrders).default('-created').catch('-created'),
};
export const exportUsersQuery = z.object(filters);

/** What the notice at the top of the list is about. */
const doneNames = ['deleted', 'bulk-logout', 'bulk-disable', 'bulk-delete'] as const;

export const usersQuery = z.object({
  ...filters,
  cursor: userCursor.optional().catch(undefined),
  before: userCursor.optional().catch(undefined),
  /** The position of the first user of the page, which a cursor does not know. */
  from: z.coerce.number().int().min(1).max(1e9).optional().catch(undefined),
  done: z.enum(doneNames).optional().catch(undefined),
  count: z.coerce.number().int().min(0).max(PAGE).default(0).catch(0),
  left: z.coerce.number().int().min(0).max(PAGE).default(0).catch(0),
});
export type UsersQuery = z.infer<typeof usersQuery>;
export type UserFilters = z.infer<typeof exportUsersQuery>;

/** The filters as query parameters, with an order only where it is not the usual one. */
export const parametersOf = ({ search, state, role, email, created, inactive, sort }: UserFilters) => ({
  search,
  state,
  role,
  email,
  created,
  inactive,
  sort: sort === '-created' ? undefined : sort,
});

/** The query of the page as a query for users. */
export const userQueryOf = (
  { search, state, role, email, created, inactive, sort }: UserFilters,
  now: number,
  limit: number,
): UserQuery & { order: UserOrder } => ({
  search,
  role,
  disabled: state === undefined ? undefined : state === 'disabled',
  verified: email === undefined ? undefined : email === 'verified',
  createdSince: created === undefined ? undefined : now - Number(created) * DAY,
  inactiveSince: inactive === undefined ? undefined : now - Number(inactive) * DAY,
  order: sort,
  limit,
});
