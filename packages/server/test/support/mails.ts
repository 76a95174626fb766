import { unsealContent } from '../../src/core/mails/content.ts';
import { openDatabase } from '../../src/platform/db/index.ts';
import { deriveKeys } from '../../src/platform/secrets.ts';
import type { TestApp } from './app.ts';
import { secretOf } from './form.ts';
import type { TestDatabase } from './postgres.ts';

/** A mail as it lies in the outbox. */
export interface QueuedMail {
  kind: string;
  to: string | null;
  values: Record<string, string>;
}

/** Every mail that was queued, oldest first; decoys too. */
export async function queuedMails(
  app: Pick<TestApp, 'secret'>,
  database: Pick<TestDatabase, 'url'>,
): Promise<QueuedMail[]> {
  const { db, close } = await openDatabase(database.url);
  try {
    const rows = await db.selectFrom('mails').selectAll().orderBy('created_at').orderBy('id').execute();
    const { mail: key } = deriveKeys(app.secret);
    return rows.map(({ id, kind, content_encrypted: sealed }) =>
      // What a decoy held is dropped as soon as a job has seen it.
      sealed === null ? { kind, to: null, values: {} } : { kind, ...unsealContent(key, id, sealed) },
    );
  } finally {
    await close();
  }
}

/** The newest mail of a kind to an address. */
export async function lastMail(
  app: Pick<TestApp, 'secret'>,
  database: Pick<TestDatabase, 'url'>,
  to: string,
  kind = 'reset_password',
): Promise<Record<string, string>> {
  const mails = (await queuedMails(app, database)).filter((mail) => mail.to === to && mail.kind === kind);
  const last = mails.at(-1);
  if (!last) throw new Error(`There is no ${kind} mail to ${to}.`);
  return last.values;
}

/** What the link of a mail carries. */
export const tokenOf = (link = ''): string => secretOf(link);

/** A code that a mail does not carry, of as many digits. */
export const anotherThan = (code = ''): string =>
  (code.startsWith('0') ? '1' : '0').padEnd(code.length, '0').slice(0, code.length);
