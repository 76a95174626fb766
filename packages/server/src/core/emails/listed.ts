import type { KeyObject } from 'node:crypto';
import type { Db } from '../../platform/db/index.ts';
import type { EmailsTable } from '../../platform/db/tables.ts';
import { unsealReply } from './content.ts';
import type { EmailKind } from './kinds.ts';

/** What a list shows of an email: neither its recipient nor its content. The server's reply can quote the recipient. */
export interface ListedEmail {
  id: string;
  kind: EmailKind;
  userId: string | null;
  createdAt: number;
  /** When it is no longer worth sending. */
  expiresAt: number;
  /** When it is tried next; null once it is closed. */
  dueAt: number | null;
  attempts: number;
  /** How many of these attempts were made before the email was last retried by hand. */
  attemptsBeforeRetry: number;
  endedAt: number | null;
  status: EmailsTable['status'];
  /** The mail server's last reply: its code or the name of the failure, and its text. */
  reply: string | null;
  replyText: string | null;
  /** Whether the content is still stored. */
  isStored: boolean;
}

/** `waiting`, or how the email ended. Decoys are not listed. */
export const emailStates = ['waiting', 'sent', 'rejected', 'expired', 'stored'] as const;
export type EmailState = (typeof emailStates)[number];

interface EmailQuery {
  state?: EmailState | undefined;
  before?: string | undefined;
  limit: number;
}

/** A page of emails, newest first. */
export async function listEmails(
  db: Db,
  key: KeyObject,
  { state, before, limit }: EmailQuery,
): Promise<ListedEmail[]> {
  let query = told(db).orderBy('id', 'desc').limit(limit);
  if (state === 'waiting') query = query.where('due_at', 'is not', null);
  else if (state !== undefined) query = query.where('status', '=', state);
  if (before !== undefined) query = query.where('id', '<', before);
  return (await query.execute()).map((row) => listedOf(row, key));
}

/** A single email. */
export async function listedEmail(db: Db, key: KeyObject, id: string): Promise<ListedEmail | undefined> {
  const row = await told(db).where('id', '=', id).executeTakeFirst();
  return row && listedOf(row, key);
}

/** Selects the listed fields of all emails except decoys. */
const told = (db: Db) =>
  db
    .selectFrom('emails')
    .select([
      'id',
      'kind',
      'user_id',
      'created_at',
      'expires_at',
      'due_at',
      'attempts',
      'attempts_before_retry',
    ])
    .select(['ended_at', 'status', 'smtp_reply', 'smtp_reply_text_encrypted'])
    .select((email) =>
      email
        .case()
        .when('content_encrypted', 'is', null)
        .then(email.lit(0))
        .else(email.lit(1))
        .end()
        .as('is_kept'),
    )
    .where((email) => email.or([email('status', 'is', null), email('status', '<>', 'decoy')]));

type Row = Awaited<ReturnType<ReturnType<typeof told>['execute']>>[number];

const listedOf = (row: Row, key: KeyObject): ListedEmail => ({
  id: row.id,
  kind: row.kind as EmailKind,
  userId: row.user_id,
  createdAt: row.created_at,
  expiresAt: row.expires_at,
  dueAt: row.due_at,
  attempts: row.attempts,
  attemptsBeforeRetry: row.attempts_before_retry,
  endedAt: row.ended_at,
  status: row.status,
  reply: row.smtp_reply,
  replyText: unsealReply(key, row.id, row.smtp_reply_text_encrypted),
  isStored: row.is_kept === 1,
});
