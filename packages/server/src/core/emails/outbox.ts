import type { KeyObject } from 'node:crypto';
import type { Selectable } from 'kysely';
import type { Db } from '../../platform/db/index.ts';
import type { EmailsTable } from '../../platform/db/tables.ts';
import { type Content, sealWords, unsealContent } from './content.ts';
import type { EmailKind } from './kinds.ts';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

/** A process that claimed an email and has said nothing for this long is gone, and another one tries. */
export const LEASE = 5 * MINUTE;

/** How long after a try that failed comes the next; after the last of these, every hour. */
const pauses = [10 * SECOND, 30 * SECOND, MINUTE, 5 * MINUTE, 15 * MINUTE, 30 * MINUTE];

/** An email that this process is to send now. */
export interface ClaimedEmail {
  id: string;
  kind: EmailKind;
  userId: string | null;
  createdAt: number;
  expiresAt: number;
  /** How often it has been tried, this time included. */
  attempts: number;
  /** How many of these were before it was last sent again. */
  attemptsBeforeRetry: number;
  /** Undefined when it cannot be read: the secret is another one, or the row was tampered with. */
  content: Content | undefined;
}

/**
 * Takes the email that has waited longest, for as long as `LEASE`. Of many processes that ask at once one gets it: the
 * second statement says what must still be true, and whoever lost asks for the next.
 */
export async function claimEmail(db: Db, key: KeyObject, now: number): Promise<ClaimedEmail | undefined> {
  for (;;) {
    const waiting = await db
      .selectFrom('emails')
      .select('id')
      .where('due_at', '<=', now)
      .orderBy('due_at')
      .limit(1)
      .executeTakeFirst();
    if (!waiting) return undefined;
    const row = await db
      .updateTable('emails')
      .set((email) => ({ due_at: now + LEASE, attempts: email('attempts', '+', 1) }))
      .where('id', '=', waiting.id)
      .where('due_at', '<=', now)
      .returningAll()
      .executeTakeFirst();
    if (row) return claimedOf(row, key);
  }
}

function claimedOf(row: Selectable<EmailsTable>, key: KeyObject): ClaimedEmail {
  return {
    id: row.id,
    kind: row.kind as EmailKind,
    userId: row.user_id,
    createdAt: row.created_at,
    expiresAt: row.expires_at,
    attempts: row.attempts,
    attemptsBeforeRetry: row.attempts_before_retry,
    content: contentOf(row, key),
  };
}

function contentOf(row: Selectable<EmailsTable>, key: KeyObject): Content | undefined {
  try {
    return unsealContent(key, row.id, row.content_encrypted ?? '');
  } catch {
    return undefined;
  }
}

export type EmailStatus = NonNullable<EmailsTable['status']>;

/** What came of a try. */
export interface SmtpReply {
  /** The number that the mail server answered, or the name of what went wrong: it quotes nothing. */
  code: string;
  /** What the mail server said, as it said it; null when none was asked. */
  replyText: string | null;
}

/** What a try leaves in the row; one that asked no server leaves what the last one said. */
function noteOf(
  key: KeyObject,
  { id, kind }: Pick<ClaimedEmail, 'id' | 'kind'>,
  smtpReply: SmtpReply | null,
) {
  if (smtpReply === null) return {};
  // Nobody is left whose address this may quote, and nobody who could drop it.
  const replyText = kind === 'account_deleted' ? null : smtpReply.replyText;
  return {
    smtp_reply: smtpReply.code,
    smtp_reply_text_encrypted: replyText === null ? null : sealWords(key, id, replyText),
  };
}

/**
 * Ends an email. What it says is dropped, unless it is kept for the mailbox page, or can still be sent again. That it was
 * sent is noted even when the claim has run out meanwhile: no one tries it again who can know.
 *
 * @returns Whether it ended now: false when it had, or another process has it.
 */
export async function closeEmail(
  tx: Db,
  key: KeyObject,
  email: ClaimedEmail,
  status: EmailStatus,
  smtpReply: SmtpReply | null,
  now: number,
): Promise<boolean> {
  let update = tx
    .updateTable('emails')
    .set({ due_at: null, ended_at: now, status, ...noteOf(key, email, smtpReply) })
    .where('id', '=', email.id)
    .where('due_at', 'is not', null);
  if (status !== 'stored' && !isWorthKeeping(email, status, now))
    update = update.set({ content_encrypted: null });
  if (status !== 'sent') update = update.where('attempts', '=', email.attempts);
  return (await update.returning('id').executeTakeFirst()) !== undefined;
}

/** Whether an email that was not sent can be sent again: of a deleted account nothing is kept. */
const isWorthKeeping = (
  { kind, content, expiresAt }: ClaimedEmail,
  status: EmailStatus,
  now: number,
): boolean =>
  (status === 'rejected' || status === 'expired') &&
  content !== undefined &&
  kind !== 'account_deleted' &&
  now < expiresAt;

/** When an email is tried again; undefined when that would be too late. */
export function nextAttempt(
  {
    attempts,
    attemptsBeforeRetry,
    expiresAt,
  }: Pick<ClaimedEmail, 'attempts' | 'attemptsBeforeRetry' | 'expiresAt'>,
  now: number,
): number | undefined {
  const next = now + (pauses[attempts - attemptsBeforeRetry - 1] ?? HOUR);
  return next < expiresAt ? next : undefined;
}

/** Gives a claim back. */
export async function postponeEmail(
  db: Db,
  key: KeyObject,
  email: Pick<ClaimedEmail, 'id' | 'kind' | 'attempts'>,
  dueAt: number,
  smtpReply: SmtpReply | null,
): Promise<void> {
  await db
    .updateTable('emails')
    .set({ due_at: dueAt, ...noteOf(key, email, smtpReply) })
    .where('id', '=', email.id)
    .where('attempts', '=', email.attempts)
    .where('due_at', 'is not', null)
    .execute();
}

/** How many emails wait, or are being sent. */
export async function countWaiting(db: Db): Promise<number> {
  const row = await db
    .selectFrom('emails')
    .select((emails) => emails.fn.countAll<number>().as('count'))
    .where('due_at', 'is not', null)
    .executeTakeFirstOrThrow();
  return Number(row.count);
}

/**
 * Has an email tried now that waits for its next try. One that is due within the lease is tried soon by itself, or is being
 * sent at this moment.
 *
 * @returns false when it does not wait for that long.
 */
export async function sendEmailNow(db: Db, id: string, now: number): Promise<boolean> {
  const row = await db
    .updateTable('emails')
    .set({ due_at: now })
    .where('id', '=', id)
    .where('due_at', '>', now + LEASE)
    .returning('id')
    .executeTakeFirst();
  return row !== undefined;
}

/**
 * Puts an email that was refused or given up into the outbox again, for a new round of tries of the same email. Of two who
 * ask at once one does it: the statement says what must still be true. Its tries count on, because they tell a claim from
 * those before it.
 *
 * @returns Undefined when it has not ended so, or is not worth it any more.
 */
export async function retryEmail(tx: Db, id: string, now: number): Promise<RetriedEmail | undefined> {
  const row = await tx
    .updateTable('emails')
    .set((email) => ({
      due_at: now,
      ended_at: null,
      status: null,
      attempts_before_retry: email.ref('attempts'),
    }))
    .where('id', '=', id)
    .where('status', 'in', ['rejected', 'expired'])
    .where('content_encrypted', 'is not', null)
    .where('expires_at', '>', now)
    .returning(['kind', 'user_id', 'attempts'])
    .executeTakeFirst();
  return row && { kind: row.kind as EmailKind, userId: row.user_id, attempts: row.attempts };
}

export type RetriedEmail = Pick<ClaimedEmail, 'kind' | 'userId' | 'attempts'>;

/** So many at a time, so that nobody waits for a long statement. */
const BATCH = 1_000;

/** Drops what emails say that were refused or given up, and are not worth sending any more. */
export async function dropStaleEmails(db: Db, now: number): Promise<void> {
  for (;;) {
    const stale = db
      .selectFrom('emails')
      .select('id')
      .where('content_encrypted', 'is not', null)
      .where('due_at', 'is', null)
      .where('status', 'in', ['rejected', 'expired'])
      .where('expires_at', '<=', now)
      .limit(BATCH);
    const dropped = await db
      .updateTable('emails')
      .set({ content_encrypted: null })
      .where('id', 'in', stale)
      .where('due_at', 'is', null)
      .executeTakeFirst();
    if (dropped.numUpdatedRows < BATCH) return;
  }
}

/**
 * Removes emails that were queued more than `age` milliseconds ago, and those that nobody was to get after `decoyAge`. None
 * of them waits any more: a day is the longest.
 */
export async function deleteOldEmails(db: Db, age: number, decoyAge: number, now: number): Promise<void> {
  await db
    .deleteFrom('emails')
    .where('created_at', '<=', now - decoyAge)
    .where((email) => email.or([email('created_at', '<', now - age), email('status', '=', 'decoy')]))
    .execute();
}
