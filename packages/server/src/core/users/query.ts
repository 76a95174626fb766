import { type RawBuilder, type SqlBool, sql } from 'kysely';
import type { Role } from '../../user-fields.ts';

/** The sort orders for lists of users; a minus reverses the order. */
export const userOrders = ['created', '-created', 'username', '-username'] as const;
export type UserOrder = (typeof userOrders)[number];

export interface UserQuery {
  /** Part of a username, email or display name, as `searchKey` returns it; or a complete id. */
  search?: string | undefined;
  role?: Role | undefined;
  disabled?: boolean | undefined;
  /** Whether the email is verified. */
  verified?: boolean | undefined;
  /** Created at this time or later; milliseconds since 1970, as below. */
  createdSince?: number | undefined;
  /** Without a sign-in at this time or later. */
  inactiveSince?: number | undefined;
  /** Oldest first by default. */
  order?: UserOrder | undefined;
  /** `next` of the previous page. */
  after?: string | undefined;
  limit: number;
}

/** Whether a list is sorted by username; otherwise by id, which is the order of creation. */
export const isByUsername = ({ order }: UserQuery): boolean => order?.endsWith('username') ?? false;

export const isDescending = ({ order }: UserQuery): boolean => order?.startsWith('-') ?? false;

export const reversed = (order: UserOrder): UserOrder =>
  (order.startsWith('-') ? order.slice(1) : `-${order}`) as UserOrder;

/** Filters that an index or most users satisfy, so that reading in order finds a page at once. */
export const indexedFilters = ({ role, disabled }: UserQuery): RawBuilder<SqlBool>[] => [
  ...(role === undefined ? [] : [sql<SqlBool>`admin_since ${role === 'admin' ? sql`IS NOT` : sql`IS`} NULL`]),
  ...(disabled === undefined ? [] : [sql<SqlBool>`disabled_at ${disabled ? sql`IS NOT` : sql`IS`} NULL`]),
];

/** Filters without an index: whoever reads in order must bound how many rows they are tried on. */
export const otherFilters = ({ verified, createdSince, inactiveSince }: UserQuery): RawBuilder<SqlBool>[] => [
  ...(verified === undefined
    ? []
    : [sql<SqlBool>`email_verified_at ${verified ? sql`IS NOT` : sql`IS`} NULL`]),
  ...(createdSince === undefined ? [] : [sql<SqlBool>`created_at >= ${createdSince}`]),
  ...(inactiveSince === undefined
    ? []
    : [sql<SqlBool>`(last_sign_in_at IS NULL OR last_sign_in_at < ${inactiveSince})`]),
];
