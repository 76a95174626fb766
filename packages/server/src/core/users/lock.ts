import type { Tx } from '../../platform/db/index.ts';
import type { User } from '../users.ts';

/**
 * Proves that a transaction holds the lock on a user's row. Only `lockUser` creates one: the class is exported only as
 * a type, and its private fields keep copies and object literals from passing as one. It holds the user and the
 * transaction, so it cannot be used for another.
 */
class LockedUser {
  readonly #tx: Tx;
  readonly #user: Readonly<User>;

  constructor(tx: Tx, user: User) {
    this.#tx = tx;
    this.#user = user;
  }

  get tx(): Tx {
    return this.#tx;
  }

  /** The row as read under the lock. */
  get user(): Readonly<User> {
    return this.#user;
  }
}

export type { LockedUser };

/** The row to lock, and what must still be true of it. */
export interface Lockable {
  id: string;
  /** The hash that the password was compared with; undefined if no password was used. */
  password_hash?: string | undefined;
}

/**
 * Locks a user's row until the transaction ends. A disable, password change or deletion then happens either entirely
 * before (and the row shows it, or the result is undefined) or entirely after (and revokes what this transaction
 * starts).
 *
 * @param signedInAt The time to record as the user's last sign-in, in milliseconds since 1970; undefined for none.
 * @returns undefined if the user no longer exists or the password has changed.
 */
export async function lockUser(
  tx: Tx,
  { id, password_hash }: Lockable,
  signedInAt?: number,
): Promise<LockedUser | undefined> {
  const lock = tx
    .updateTable('users')
    .set((user) => ({ last_sign_in_at: signedInAt ?? user.ref('last_sign_in_at') }))
    .where('id', '=', id);
  const unchanged = password_hash === undefined ? lock : lock.where('password_hash', '=', password_hash);
  const user = await unchanged.returningAll().executeTakeFirst();
  return user && new LockedUser(tx, user);
}
