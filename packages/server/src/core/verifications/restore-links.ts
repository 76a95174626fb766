// Links that take a change of email back. The one that went to an older email of the account outranks those that went to
// later ones: a thief who changes the email twice has a link too, and it must end nothing of the owner's.
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

/** Ends the link that is used and all that it outranks: those to the same email of the account and to later ones. */
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
 * Ends all but those that went to the oldest email that still has one. For when everything is revoked: an owner who has moved
 * on gets rid of a thief's links, and a thief cannot get rid of the owner's.
 */
export async function endAllButOldest(tx: Db, userId: string, purpose: Purpose, now: number): Promise<void> {
  await tx
    .updateTable('verifications')
    .set({ ended_at: now })
    .where(isOpen(userId, purpose, now))
    .where('email_mac', '<>', oldestEmail(tx, userId, purpose, now))
    .execute();
}

/** Whether an older email of the account than the one that this link went to can still take it back. */
export async function isOutranked(tx: Db, userId: string, id: string, now: number): Promise<boolean> {
  const row = await tx
    .selectFrom('verifications')
    .select('id')
    .where('id', '=', id)
    .where('email_mac', '<>', oldestEmail(tx, userId, 'restore_email', now))
    .executeTakeFirst();
  return row !== undefined;
}

/** An email may have been the account's more than once: what counts is the first time. */
const oldestEmail = (tx: Db, userId: string, purpose: Purpose, now: number) =>
  tx
    .selectFrom('verifications')
    .select('email_mac')
    .where(isOpen(userId, purpose, now))
    .orderBy('email_version')
    .orderBy('id')
    .limit(1);
