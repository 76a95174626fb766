// Links that restore a changed email. A link sent to an older email of the account outranks those sent to later ones: a
// thief who changes the email twice also gets a link, which must not end the owner's.
import type { ExpressionBuilder } from 'kysely';
import type { Db } from '../../platform/db/index.ts';
import type { Tables } from '../../platform/db/tables.ts';
import type { Purpose } from './purposes.ts';

const isOpen =
  (userId: string, purpose: Purpose, now: number) => (link: ExpressionBuilder<Tables, 'verifications'>) =>
    link.and([
      link('user_id', '=', userId),
      link('purpose', '=', purpose),
      link('ended_at', 'is', null),
      link('expires_at', '>', now),
    ]);

/**
 * Ends the link that was used and all that it outranks: those sent to the same email of the account and to later ones.
 */
export async function endRestoreLinksFrom(
  tx: Db,
  userId: string,
  emailVersion: number,
  now: number,
): Promise<void> {
  await tx
    .updateTable('verifications')
    .set({ ended_at: now })
    .where(isOpen(userId, 'restore_email', now))
    .where('email_version', '>=', emailVersion)
    .execute();
}

/**
 * Ends all links except those sent to the oldest email that still has one. Used when everything is revoked: it ends a
 * thief's links if the owner has changed the email since, but a thief cannot end the owner's.
 */
export async function endAllButOldest(tx: Db, userId: string, purpose: Purpose, now: number): Promise<void> {
  await tx
    .updateTable('verifications')
    .set({ ended_at: now })
    .where(isOpen(userId, purpose, now))
    .where('email_mac', '<>', oldestEmail(tx, userId, purpose, now))
    .execute();
}

/** Whether an older email of the account than this link's can still be restored. */
export async function isOutranked(tx: Db, userId: string, id: string, now: number): Promise<boolean> {
  const row = await tx
    .selectFrom('verifications')
    .select('id')
    .where('id', '=', id)
    .where('email_mac', '<>', oldestEmail(tx, userId, 'restore_email', now))
    .executeTakeFirst();
  return row !== undefined;
}

/** The account may have had an email more than once: the first time counts. */
const oldestEmail = (tx: Db, userId: string, purpose: Purpose, now: number) =>
  tx
    .selectFrom('verifications')
    .select('email_mac')
    .where(isOpen(userId, purpose, now))
    .orderBy('email_version')
    .orderBy('id')
    .limit(1);
