import type { KeyObject } from 'node:crypto';
import type { Selectable } from 'kysely';
import type { Db } from '../../platform/db/index.ts';
import type { MailsTable } from '../../platform/db/tables.ts';
import { type Content, sealWords, unsealContent } from './content.ts';
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
  /** How many of these were before it was last sent again. */
  triesBefore: number;
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

function claimedOf(row: Selectable<MailsTable>, key: KeyObject): ClaimedMail {
  return {
    id: row.id,
    kind: row.kind as MailKind,
    userId: row.user_id,
    createdAt: row.created_at,
    expiresAt: row.expires_at,
    tries: row.tries,
    triesBefore: row.tries_before,
    content: contentOf(row, key),
  };
}

function contentOf(row: Selectable<MailsTable>, key: KeyObject): Content | undefined {
  try {
    return unsealContent(key, row.id, row.content_encrypted ?? '');
  } catch {
    return undefined;
  }
}

export type Outcome = NonNullable<MailsTable['outcome']>;

/** What came of a try. */
export interface Said {
  /** The number that the mail server answered, or the name of what went wrong: it quotes nothing. */
  code: string;
  /** What the mail server said, as it said it; null when none was asked. */
  words: string | null;
}

/** What a try leaves in the row; one that asked no server leaves what the last one said. */
function noteOf(key: KeyObject, { id, kind }: Pick<ClaimedMail, 'id' | 'kind'>, said: Said | null) {
  if (said === null) return {};
  // Nobody is left whose address this may quote, and nobody who could drop it.
  const words = kind === 'account_deleted' ? null : said.words;
  return { answer: said.code, answer_text_encrypted: words === null ? null : sealWords(key, id, words) };
}

/**
 * Ends a mail. What it says is dropped, unless it is kept for the mailbox page, or can still be sent again. That it was
 * sent is noted even when the claim has run out meanwhile: no one tries it again who can know.
 *
 * @returns Whether it ended now: false when it had, or another process has it.
 */
export async function endMail(
  tx: Db,
  key: KeyObject,
  mail: ClaimedMail,
  outcome: Outcome,
  said: Said | null,
  now: number,
): Promise<boolean> {
  let update = tx
    .updateTable('mails')
    .set({ due_at: null, ended_at: now, outcome, ...noteOf(key, mail, said) })
    .where('id', '=', mail.id)
    .where('due_at', 'is not', null);
  if (outcome !== 'kept' && !isWorthKeeping(mail, outcome, now))
    update = update.set({ content_encrypted: null });
  if (outcome !== 'sent') update = update.where('tries', '=', mail.tries);
  return (await update.returning('id').executeTakeFirst()) !== undefined;
}

/** Whether a mail that was not sent can be sent again: of a deleted account nothing is kept. */
const isWorthKeeping = ({ kind, content, expiresAt }: ClaimedMail, outcome: Outcome, now: number): boolean =>
  (outcome === 'refused' || outcome === 'expired') &&
  content !== undefined &&
  kind !== 'account_deleted' &&
  now < expiresAt;

/** When a mail is tried again; undefined when that would be too late. */
export function nextTry(
  { tries, triesBefore, expiresAt }: Pick<ClaimedMail, 'tries' | 'triesBefore' | 'expiresAt'>,
  now: number,
): number | undefined {
  const next = now + (pauses[tries - triesBefore - 1] ?? HOUR);
  return next < expiresAt ? next : undefined;
}

/** Gives a claim back. */
export async function putOffMail(
  db: Db,
  key: KeyObject,
  mail: Pick<ClaimedMail, 'id' | 'kind' | 'tries'>,
  dueAt: number,
  said: Said | null,
): Promise<void> {
  await db
    .updateTable('mails')
    .set({ due_at: dueAt, ...noteOf(key, mail, said) })
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

/**
 * Puts a mail that was refused or given up into the outbox again, for a new round of tries of the same mail. Of two who
 * ask at once one does it: the statement says what must still be true. Its tries count on, because they tell a claim from
 * those before it.
 *
 * @returns Undefined when it has not ended so, or is not worth it any more.
 */
export async function retryMail(tx: Db, id: string, now: number): Promise<RetriedMail | undefined> {
  const row = await tx
    .updateTable('mails')
    .set((mail) => ({ due_at: now, ended_at: null, outcome: null, tries_before: mail.ref('tries') }))
    .where('id', '=', id)
    .where('outcome', 'in', ['refused', 'expired'])
    .where('content_encrypted', 'is not', null)
    .where('expires_at', '>', now)
    .returning(['kind', 'user_id', 'tries'])
    .executeTakeFirst();
  return row && { kind: row.kind as MailKind, userId: row.user_id, tries: row.tries };
}

export type RetriedMail = Pick<ClaimedMail, 'kind' | 'userId' | 'tries'>;

/** So many at a time, so that nobody waits for a long statement. */
const BATCH = 1_000;

/** Drops what mails say that were refused or given up, and are not worth sending any more. */
export async function dropStaleMails(db: Db, now: number): Promise<void> {
  for (;;) {
    const stale = db
      .selectFrom('mails')
      .select('id')
      .where('content_encrypted', 'is not', null)
      .where('due_at', 'is', null)
      .where('outcome', 'in', ['refused', 'expired'])
      .where('expires_at', '<=', now)
      .limit(BATCH);
    const dropped = await db
      .updateTable('mails')
      .set({ content_encrypted: null })
      .where('id', 'in', stale)
      .where('due_at', 'is', null)
      .executeTakeFirst();
    if (dropped.numUpdatedRows < BATCH) return;
  }
}

/**
 * Removes mails that were queued more than `age` milliseconds ago, and those that nobody was to get after `decoyAge`. None
 * of them waits any more: a day is the longest.
 */
export async function forgetOldMails(db: Db, age: number, decoyAge: number, now: number): Promise<void> {
  await db
    .deleteFrom('mails')
    .where('created_at', '<=', now - decoyAge)
    .where((mail) => mail.or([mail('created_at', '<', now - age), mail('outcome', '=', 'decoy')]))
    .execute();
}
