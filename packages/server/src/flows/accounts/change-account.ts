import type { AppContext } from '../../context.ts';
import { serializeAdminChanges } from '../../core/installation.ts';
import { findById, type User } from '../../core/users.ts';
import { HttpError } from '../../errors.ts';
import { text } from '../../languages/text.ts';
import type { Db } from '../../platform/db/index.ts';
import { actorIdOf, type ChangedBy, checkActor } from './actor.ts';
import type { Change } from './change-user.ts';

/**
 * Changes another user's account in one transaction. Serializes all such changes, so that two concurrent ones never
 * remove the last administrator, and nobody who is no longer one changes anything. Every path uses this function: the
 * API, the pages and the CLI.
 *
 * @param find Finds the user, as the transaction sees it.
 * @param make Makes the change; an error rolls everything back.
 */
export async function changeAccount<T>(
  context: AppContext,
  { actor, client }: ChangedBy,
  find: (tx: Db) => Promise<User>,
  make: (change: Change & { user: User }) => Promise<T>,
): Promise<T> {
  const { db, clock } = context;
  return db.transaction().execute(async (tx) => {
    await serializeAdminChanges(tx);
    await checkActor(tx, actor);
    const user = await find(tx);
    return make({ context, tx, user, actorId: actorIdOf(actor), client, now: clock.now() });
  });
}

/** @throws HttpError `not_found` */
export async function getUser(db: Db, id: string): Promise<User> {
  const user = await findById(db, id);
  if (!user) throw new HttpError('not_found', { text: text('error.user_not_found') });
  return user;
}
