import type { KeyObject } from 'node:crypto';
import type { Db } from '../../platform/db/index.ts';
import type { MailsTable } from '../../platform/db/tables.ts';
import { type Content, unsealContent } from './content.ts';
import type { MailKind } from './kinds.ts';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

/** A process that claimed a mail and has said nothing for this long is gone, and another one tries. */
export const LEASE = 5 * MINUTE;

/** How long after a try that failed comes the next; after the last of these, every hour. */
const pauses = [10 * SECOND, 30 * SECOND, MINUTE, 5 * MINUTE, 15 * MINUTE, 30 * MINUTE];

/** A mail that this process is to send now. */
export interface ClaimedMail {
  id: string;
  kind: MailKind;
  userId: string | null;
  createdAt: number;
  expiresAt: number;
  /** How often it has been tried, this time included. */
  tries: number;
  /** Undefined when it cannot be read: the secret is another one, or the row was tampered with. */
  content: Content | undefined;
}

/**
 * Takes the mail that has waited longest, for as long as `LEASE`. Of many processes that ask at once one gets it: the
 * second statement says what must still be true, and whoever lost asks for the next.
 */
export async function claimMail(db: Db, key: KeyObject, now: number): Promise<ClaimedMail | undefined> {
  for (;;) {
    const waiting = await db
      .selectFrom('mails')
      .select('id')
      .where('due_at', '<=', now)
      .orderBy('due_at')
      .limit(1)
      .executeTakeFirst();
    if (!waiting) return undefined;
    const row = await db
      .updateTable('mails')
      .set((mail) => ({ due_at: now + LEASE, tries: mail('tries', '+', 1) }))
      .where('id', '=', waiting.id)
      .where('due_at', '<=', now)
      .returningAll()
      .executeTakeFirst();
    if (row) return claimedOf(row, key);
  }
}

function claimedOf(row: MailsTable, key: KeyObject): ClaimedMail {
  return {
    id: row.id,
    kind: row.kind as MailKind,
    userId: row.user_id,
    createdAt: row.created_at,
    expiresAt: row.expires_at,
    tries: row.tries,
    content: contentOf(row, key),
  };
}

function contentOf(row: MailsTable, key: KeyObject): Content | undefined {
  try {
    return unsealContent(key, row.id, row.content_encrypted ?? '');
  } catch {
    return undefined;
  }
}

export type Outcome = NonNullable<MailsTable['outcome']>;

/**
 * Ends a mail, and drops what it says, unless it is kept for the mailbox page. That it was sent is noted even when the
 * claim has run out meanwhile: no one tries it again who can know.
 *
 * @param answer What the mail server answered, as a number.
 * @returns Whether it ended now: false when it had, or another process has it.
 */
export async function endMail(
  tx: Db,
  mail: Pick<ClaimedMail, 'id' | 'tries'>,
  outcome: Outcome,
  answer: string | null,
  now: number,
): Promise<boolean> {
  let update = tx
    .updateTable('mails')
    .set({ due_at: null, ended_at: now, outcome, answer })
    .where('id', '=', mail.id)
    .where('due_at', 'is not', null);
  if (outcome !== 'kept') update = update.set({ content_encrypted: null });
  if (outcome !== 'sent') update = update.where('tries', '=', mail.tries);
  return (await update.returning('id').executeTakeFirst()) !== undefined;
}

/** When a mail is tried again; undefined when that would be too late. */
export function nextTry(
  { tries, expiresAt }: Pick<ClaimedMail, 'tries' | 'expiresAt'>,
  now: number,
): number | undefined {
  const next = now + (pauses[tries - 1] ?? HOUR);
  return next < expiresAt ? next : undefined;
}

/** Gives a claim back. */
export async function putOffMail(
  db: Db,
  mail: Pick<ClaimedMail, 'id' | 'tries'>,
  dueAt: number,
  answer: string | null,
): Promise<void> {
  await db
    .updateTable('mails')
    .set({ due_at: dueAt, answer })
    .where('id', '=', mail.id)
    .where('tries', '=', mail.tries)
    .where('due_at', 'is not', null)
    .execute();
}

/** How many mails wait, or are being sent. */
export async function countWaiting(db: Db): Promise<number> {
  const row = await db
    .selectFrom('mails')
    .select((mails) => mails.fn.countAll<number>().as('count'))
    .where('due_at', 'is not', null)
    .executeTakeFirstOrThrow();
  return Number(row.count);
}

/** What can be told of a mail: neither to whom nor what it says. */
export type ListedMail = Omit<MailsTable, 'content_encrypted'>;

/** `waiting` or how it ended; decoys are left out. */
export const mailStates = ['waiting', 'sent', 'refused', 'expired', 'kept'] as const;
export type MailState = (typeof mailStates)[number];

/** A page of mails, newest first. */
export function listMails(
  db: Db,
  { state, before, limit }: { state?: MailState | undefined; before?: string | undefined; limit: number },
): Promise<ListedMail[]> {
  let query = db
    .selectFrom('mails')
    .select(['id', 'kind', 'user_id', 'created_at', 'expires_at', 'due_at', 'tries', 'ended_at'])
    .select(['outcome', 'answer'])
    .orderBy('id', 'desc')
    .limit(limit);
  if (state === 'waiting') query = query.where('due_at', 'is not', null);
  else if (state !== undefined) query = query.where('outcome', '=', state);
  else query = query.where((mail) => mail.or([mail('outcome', 'is', null), mail('outcome', '<>', 'decoy')]));
  if (before !== undefined) query = query.where('id', '<', before);
  return query.execute();
}

/**
 * Has a mail tried now that waits for its next try. One that is due within the lease is tried soon by itself, or is being
 * sent at this moment.
 *
 * @returns false when it does not wait for that long.
 */
export async function hastenMail(db: Db, id: string, now: number): Promise<boolean> {
  const row = await db
    .updateTable('mails')
    .set({ due_at: now })
    .where('id', '=', id)
    .where('due_at', '>', now + LEASE)
    .returning('id')
    .executeTakeFirst();
  return row !== undefined;
}

/** Removes mails that were queued more than `age` milliseconds ago. None of them waits any more: a day is the longest. */
export async function forgetOldMails(db: Db, age: number, now: number): Promise<void> {
  await db
    .deleteFrom('mails')
    .where('created_at', '<', now - age)
    .execute();
}
