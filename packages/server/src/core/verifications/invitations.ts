// Invitations that nobody has accepted yet. The account does not exist before: its details wait in the verification.
import type { KeyObject } from 'node:crypto';
import type { Db } from '../../platform/db/index.ts';
import type { Keys } from '../../platform/secrets.ts';
import { consumeVerification, emailMac, type PendingChange, pendingChangeOf } from '../verifications.ts';

/** An open invitation. */
export interface Invitation extends PendingChange {
  id: string;
  /** The administrator's id; null for the operator. */
  invitedBy: string | null;
  /** Milliseconds since 1970. */
  createdAt: number;
  expiresAt: number;
}

const columns = ['id', 'user_id', 'pending_change_encrypted', 'created_at', 'expires_at'] as const;

interface Row {
  id: string;
  user_id: string | null;
  pending_change_encrypted: string | null;
  created_at: number;
  expires_at: number;
}

const openRows = (db: Db, now: number) =>
  db
    .selectFrom('verifications')
    .select(columns)
    .where('purpose', '=', 'invitation')
    .where('ended_at', 'is', null)
    .where('expires_at', '>', now);

const invitationOf = (key: KeyObject, row: Row): Invitation => ({
  ...pendingChangeOf(key, row),
  id: row.id,
  invitedBy: row.user_id,
  createdAt: row.created_at,
  expiresAt: row.expires_at,
});

/** The open invitations, newest first. @param after The id of the last one on the previous page. */
export async function openInvitations(
  db: Db,
  { pendingChanges }: Pick<Keys, 'pendingChanges'>,
  { after, limit }: { after: string | undefined; limit: number },
  now: number,
): Promise<Invitation[]> {
  const last =
    after === undefined
      ? undefined
      : await db
          .selectFrom('verifications')
          .select(['id', 'created_at'])
          .where('id', '=', after)
          .executeTakeFirst();
  const all = openRows(db, now).orderBy('created_at', 'desc').orderBy('id', 'desc').limit(limit);
  const rows = last
    ? all.where((row) =>
        row.or([
          row('created_at', '<', last.created_at),
          row.and([row('created_at', '=', last.created_at), row('id', '<', last.id)]),
        ]),
      )
    : all;
  return (await rows.execute()).map((row) => invitationOf(pendingChanges, row));
}

/** @returns undefined if it was accepted or revoked, or has expired. */
export async function findInvitation(
  db: Db,
  { pendingChanges }: Pick<Keys, 'pendingChanges'>,
  id: string,
  now: number,
): Promise<Invitation | undefined> {
  const row = await openRows(db, now).where('id', '=', id).executeTakeFirst();
  return row && invitationOf(pendingChanges, row);
}

/** The open invitation to an email; undefined if there is none. */
export async function findInvitationTo(
  db: Db,
  { pendingChanges, verifications }: Pick<Keys, 'pendingChanges' | 'verifications'>,
  emailKey: string,
  now: number,
): Promise<Invitation | undefined> {
  const row = await openRows(db, now)
    .where('email_mac', '=', emailMac(verifications, emailKey))
    .executeTakeFirst();
  return row && invitationOf(pendingChanges, row);
}

/** Revokes an invitation. @returns false if it is not open anymore. */
export const endInvitation = consumeVerification;

/** Ends the open invitations to an email, so that only the link of the newest one works. */
export async function endInvitationsTo(
  tx: Db,
  { verifications }: Pick<Keys, 'verifications'>,
  emailKey: string,
  now: number,
): Promise<void> {
  await tx
    .updateTable('verifications')
    .set({ ended_at: now })
    .where('purpose', '=', 'invitation')
    .where('email_mac', '=', emailMac(verifications, emailKey))
    .where('ended_at', 'is', null)
    .execute();
}

/** Ends the open invitations of somebody who is no longer an administrator. */
export async function endInvitationsBy(tx: Db, userId: string, now: number): Promise<void> {
  await tx
    .updateTable('verifications')
    .set({ ended_at: now })
    .where('purpose', '=', 'invitation')
    .where('user_id', '=', userId)
    .where('ended_at', 'is', null)
    .execute();
}
