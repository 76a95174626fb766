import type { KeyObject } from 'node:crypto';
import type { Selectable } from 'kysely';
import type { Db } from '../../platform/db/index.ts';
import type { EmailsTable } from '../../platform/db/tables.ts';
import { type Content, sealReply, unsealContent } from './content.ts';
import { type EmailKind, isAfterDeletion } from './kinds.ts';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

/** A process that claimed an email and has not finished within this time is presumed dead, and another one retries. */
export const LEASE = 5 * MINUTE;

/** The delays after failed attempts; after the last of these, one hour. */
const pauses = [10 * SECOND, 30 * SECOND, MINUTE, 5 * MINUTE, 15 * MINUTE, 30 * MINUTE];

/** An email that this process has claimed for sending. */
export interface ClaimedEmail {
  id: string;
  kind: EmailKind;
  userId: string | null;
  createdAt: number;
  expiresAt: number;
  /** The number of attempts, including this one. */
  attempts: number;
  /** How many of these attempts were made before the email was last retried by hand. */
  attemptsBeforeRetry: number;
  /** Undefined if it cannot be decrypted: the secret is a different one, or the row was tampered with. */
  content: Content | undefined;
}

/**
 * Claims the email that has waited longest, for the duration of `LEASE`. Of several concurrent processes only one gets
 * it: the second statement repeats the condition, and a process that loses asks for the next email.
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

/** The result of an attempt. */
export interface SmtpReply {
  /** The mail server's reply code, or the name of the failure. It quotes nothing. */
  code: string;
  /** The mail server's reply, verbatim; null if no server was contacted. */
  replyText: string | null;
}

/** The columns to update after an attempt. If no server was contacted, the last reply stays. */
function noteOf(
  key: KeyObject,
  { id, kind }: Pick<ClaimedEmail, 'id' | 'kind'>,
  smtpReply: SmtpReply | null,
) {
  if (smtpReply === null) return {};
  // The account is gone, so the reply must not quote its email: nothing would delete it later.
  const replyText = isAfterDeletion(kind) ? null : smtpReply.replyText;
  return {
    smtp_reply: smtpReply.code,
    smtp_reply_text_encrypted: replyText === null ? null : sealReply(key, id, replyText),
  };
}

/**
 * Closes an email. Drops its content, unless the mailbox page shows it or it can still be retried. Records that it was
 * sent even if the claim has expired meanwhile: a process that knows this does not retry.
 *
 * @returns Whether it was closed now; false if it already was, or another process has claimed it.
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

/** Whether an unsent email can be retried later. Nothing is kept for a deleted account. */
const isWorthKeeping = (
  { kind, content, expiresAt }: ClaimedEmail,
  status: EmailStatus,
  now: number,
): boolean =>
  (status === 'rejected' || status === 'expired') &&
  content !== undefined &&
  !isAfterDeletion(kind) &&
  now < expiresAt;

/** When to try an email again, in milliseconds since 1970; undefined if that would be too late. */
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

/** Releases a claim. */
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

/** The number of emails that are waiting or being sent. */
export async function countWaiting(db: Db): Promise<number> {
  const row = await db
    .selectFrom('emails')
    .select((emails) => emails.fn.countAll<number>().as('count'))
    .where('due_at', 'is not', null)
    .executeTakeFirstOrThrow();
  return Number(row.count);
}

/** When the oldest email that is waiting or being sent was queued; null if there is none. */
export async function oldestWaiting(db: Db): Promise<number | null> {
  const row = await db
    .selectFrom('emails')
    .select((emails) => emails.fn.min('created_at').as('oldest'))
    .where('due_at', 'is not', null)
    .executeTakeFirst();
  return row?.oldest ?? null;
}

/**
 * Makes an email that waits for its next attempt due now. One that is due within the lease is retried soon anyway, or
 * is being sent.
 *
 * @returns false if it does not wait that long.
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
 * Puts an email that was rejected or abandoned back into the outbox, for a new round of attempts. Only one of several
 * concurrent calls does so: the statement repeats the condition. The attempt count continues, because it distinguishes
 * a claim from earlier ones.
 *
 * @returns undefined if it did not end that way, or is no longer worth sending.
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

/** Rows per statement, so that no statement blocks others for long. */
const BATCH = 1_000;

/** Drops the content of emails that were rejected or abandoned and are no longer worth sending. */
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
 * Removes emails that were queued more than `age` milliseconds ago, and decoys after `decoyAge` milliseconds. None of
 * them is still waiting: an email waits one day at most.
 */
export async function deleteOldEmails(db: Db, age: number, decoyAge: number, now: number): Promise<void> {
  await db
    .deleteFrom('emails')
    .where('created_at', '<=', now - decoyAge)
    .where((email) => email.or([email('created_at', '<', now - age), email('status', '=', 'decoy')]))
    .execute();
}
