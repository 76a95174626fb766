import type { Role } from '../../user-fields.ts';

/** The sort orders for lists of users; a minus reverses the order. */
export const userOrders = ['created', '-created', 'username', '-username'] as const;
export type UserOrder = (typeof userOrders)[number];

export interface UserQuery {
  /** Part of a username, email or display name, as `searchKey` returns it; or a complete id. */
  search?: string | undefined;
  role?: Role | undefined;
  disabled?: boolean | undefined;
  /** Oldest first by default. */
  order?: UserOrder | undefined;
  /** `next` of the previous page. */
  after?: string | undefined;
  limit: number;
}

/** Whether a list is sorted by username; otherwise by id, which is the order of creation. */
export const isByUsername = ({ order }: UserQuery): boolean => order?.endsWith('username') ?? false;

export const isDescending = ({ order }: UserQuery): boolean => order?.startsWith('-') ?? false;
