import type { Tx } from '../../platform/db/index.ts';
import type { User } from '../users.ts';

/**
 * Shows that a transaction holds the lock on a user's row. Only `lockUser` makes one: the class is exported as a type, and its
 * private fields keep a copy or an object literal from passing for one. It names the user and the transaction, so whoever
 * gets one cannot use it for another.
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

  /** The row as it is under the lock. */
  get user(): Readonly<User> {
    return this.#user;
  }
}

export type { LockedUser };

/** Whose row is locked, and what must still be true of it. */
export interface Lockable {
  id: string;
  /** The hash that a password was compared with; undefined when no password was. */
  password_hash?: string | undefined;
}

/**
 * Locks a user's row until the transaction ends, so that a disable, a change of password or a deletion comes wholly before
 * (and shows in the row, or answers undefined) or wholly after (and revokes what this transaction starts).
 *
 * @param signedInAt The time to note as the user's last sign-in, in milliseconds since 1970; undefined for none.
 * @returns undefined when the user is gone or has another password.
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
