import type { KeyObject } from 'node:crypto';
import type { Db } from '../../platform/db/index.ts';
import { unsealContent } from './content.ts';
import type { MailKind } from './kinds.ts';

/** A mail that waits or is kept, as the mailbox page and `usher mail` show it. */
export interface KeptMail {
  id: string;
  kind: MailKind;
  to: string;
  values: Record<string, string>;
  createdAt: number;
}

/** The newest mails that can still be read, newest first, without decoys. */
export async function keptMails(db: Db, key: KeyObject, most: number): Promise<KeptMail[]> {
  const rows = await db
    .selectFrom('mails')
    .select(['id', 'kind', 'content_encrypted', 'created_at'])
    .where('content_encrypted', 'is not', null)
    .orderBy('id', 'desc')
    .limit(most)
    .execute();
  return rows.map((row) => keptOf(row, key)).filter((mail) => mail !== undefined);
}

export async function keptMail(db: Db, key: KeyObject, id: string): Promise<KeptMail | undefined> {
  const row = await db
    .selectFrom('mails')
    .select(['id', 'kind', 'content_encrypted', 'created_at'])
    .where('id', '=', id)
    .executeTakeFirst();
  return row && keptOf(row, key);
}

interface Row {
  id: string;
  kind: string;
  content_encrypted: string | null;
  created_at: number;
}

function keptOf(row: Row, key: KeyObject): KeptMail | undefined {
  if (row.content_encrypted === null) return undefined;
  const { to, values } = unsealContent(key, row.id, row.content_encrypted);
  if (to === null) return undefined;
  return { id: row.id, kind: row.kind as MailKind, to, values, createdAt: row.created_at };
}
