import type { KeyObject } from 'node:crypto';
import type { Db } from '../../platform/db/index.ts';
import { unsealContent } from './content.ts';
import type { EmailKind } from './kinds.ts';

/** A waiting or stored email, as shown by the mailbox page and `usher email`. */
export interface StoredEmail {
  id: string;
  kind: EmailKind;
  to: string;
  values: Record<string, string>;
  createdAt: number;
}

/** The newest emails whose content is still stored, newest first, without decoys. */
export async function storedEmails(db: Db, key: KeyObject, most: number): Promise<StoredEmail[]> {
  const rows = await db
    .selectFrom('emails')
    .select(['id', 'kind', 'content_encrypted', 'created_at'])
    .where('content_encrypted', 'is not', null)
    .orderBy('id', 'desc')
    .limit(most)
    .execute();
  return rows.map((row) => storedOf(row, key)).filter((email) => email !== undefined);
}

export async function storedEmail(db: Db, key: KeyObject, id: string): Promise<StoredEmail | undefined> {
  const row = await db
    .selectFrom('emails')
    .select(['id', 'kind', 'content_encrypted', 'created_at'])
    .where('id', '=', id)
    .executeTakeFirst();
  return row && storedOf(row, key);
}

interface Row {
  id: string;
  kind: string;
  content_encrypted: string | null;
  created_at: number;
}

function storedOf(row: Row, key: KeyObject): StoredEmail | undefined {
  if (row.content_encrypted === null) return undefined;
  const { to, values } = unsealContent(key, row.id, row.content_encrypted);
  if (to === null) return undefined;
  return { id: row.id, kind: row.kind as EmailKind, to, values, createdAt: row.created_at };
}
