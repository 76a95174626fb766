import type { KeyObject } from 'node:crypto';
import type { Db } from '../../platform/db/index.ts';
import type { MailsTable } from '../../platform/db/tables.ts';
import { unsealWords } from './content.ts';
import type { MailKind } from './kinds.ts';

/** What can be told of a mail: neither to whom nor what it says. What the server said of it can quote the address. */
export interface ListedMail {
  id: string;
  kind: MailKind;
  userId: string | null;
  createdAt: number;
  /** From here on it is not worth sending. */
  expiresAt: number;
  /** When it is tried next; null once it has ended. */
  dueAt: number | null;
  tries: number;
  /** How many of these were before it was last sent again. */
  triesBefore: number;
  endedAt: number | null;
  outcome: MailsTable['outcome'];
  /** What the mail server answered last, as a number or the name of what went wrong, and in its own words. */
  answer: string | null;
  words: string | null;
  /** Whether what it says is still kept. */
  isKept: boolean;
}

/** `waiting` or how it ended; decoys are left out. */
export const mailStates = ['waiting', 'sent', 'refused', 'expired', 'kept'] as const;
export type MailState = (typeof mailStates)[number];

interface Asked {
  state?: MailState | undefined;
  before?: string | undefined;
  limit: number;
}

/** A page of mails, newest first. */
export async function listMails(
  db: Db,
  key: KeyObject,
  { state, before, limit }: Asked,
): Promise<ListedMail[]> {
  let query = told(db).orderBy('id', 'desc').limit(limit);
  if (state === 'waiting') query = query.where('due_at', 'is not', null);
  else if (state !== undefined) query = query.where('outcome', '=', state);
  if (before !== undefined) query = query.where('id', '<', before);
  return (await query.execute()).map((row) => listedOf(row, key));
}

/** One of them. */
export async function listedMail(db: Db, key: KeyObject, id: string): Promise<ListedMail | undefined> {
  const row = await told(db).where('id', '=', id).executeTakeFirst();
  return row && listedOf(row, key);
}

/** Of every mail but decoys what can be told. */
const told = (db: Db) =>
  db
    .selectFrom('mails')
    .select(['id', 'kind', 'user_id', 'created_at', 'expires_at', 'due_at', 'tries', 'tries_before'])
    .select(['ended_at', 'outcome', 'answer', 'answer_text_encrypted'])
    .select((mail) =>
      mail
        .case()
        .when('content_encrypted', 'is', null)
        .then(mail.lit(0))
        .else(mail.lit(1))
        .end()
        .as('is_kept'),
    )
    .where((mail) => mail.or([mail('outcome', 'is', null), mail('outcome', '<>', 'decoy')]));

type Row = Awaited<ReturnType<ReturnType<typeof told>['execute']>>[number];

const listedOf = (row: Row, key: KeyObject): ListedMail => ({
  id: row.id,
  kind: row.kind as MailKind,
  userId: row.user_id,
  createdAt: row.created_at,
  expiresAt: row.expires_at,
  dueAt: row.due_at,
  tries: row.tries,
  triesBefore: row.tries_before,
  endedAt: row.ended_at,
  outcome: row.outcome,
  answer: row.answer,
  words: unsealWords(key, row.id, row.answer_text_encrypted),
  isKept: row.is_kept === 1,
});
