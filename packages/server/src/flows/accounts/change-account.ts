import type { AppContext } from '../../context.ts';
import { serializeAdminChanges } from '../../core/installation.ts';
import { findById, type User } from '../../core/users.ts';
import { HttpError } from '../../errors.ts';
import type { Db } from '../../platform/db/index.ts';
import type { Change } from './change-user.ts';

/** Who makes a change, and from where. */
export type ChangedBy = Pick<Change, 'actorId' | 'client'>;

/**
 * Changes the account of somebody else, in one transaction and behind all other such changes, so that two of them never
 * take the last administrator away together. Every way to change an account goes through here: API, pages and commands.
 *
 * @param find The user, as the transaction sees it.
 * @param make What it does; what it throws rolls everything back.
 */
export async function changeAccount<T>(
  { db, clock }: Pick<AppContext, 'db' | 'clock'>,
  by: ChangedBy,
  find: (tx: Db) => Promise<User>,
  make: (change: Change & { user: User }) => Promise<T>,
): Promise<T> {
  return db.transaction().execute(async (tx) => {
    await serializeAdminChanges(tx);
    const user = await find(tx);
    return make({ tx, user, ...by, now: clock.now() });
  });
}

/** @throws HttpError `not_found` */
export async function getUser(db: Db, id: string): Promise<User> {
  const user = await findById(db, id);
  if (!user) throw new HttpError('not_found', { message: 'User not found.' });
  return user;
}
