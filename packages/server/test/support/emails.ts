import { unsealContent } from '../../src/core/emails/content.ts';
import { openDatabase } from '../../src/platform/db/index.ts';
import { deriveKeys } from '../../src/platform/secrets.ts';
import type { TestApp } from './app.ts';
import { secretOf } from './form.ts';
import type { TestDatabase } from './postgres.ts';

/** An email as stored in the outbox. */
export interface QueuedEmail {
  kind: string;
  to: string | null;
  values: Record<string, string>;
}

/** All queued emails, oldest first, including decoys. */
export async function queuedEmails(
  app: Pick<TestApp, 'secret'>,
  database: Pick<TestDatabase, 'url'>,
): Promise<QueuedEmail[]> {
  const { db, close } = await openDatabase(database.url);
  try {
    const rows = await db.selectFrom('emails').selectAll().orderBy('created_at').orderBy('id').execute();
    const { emails: key } = deriveKeys(app.secret);
    return rows.map(({ id, kind, content_encrypted: sealed }) =>
      // The content of a decoy is removed as soon as a job has processed it.
      sealed === null ? { kind, to: null, values: {} } : { kind, ...unsealContent(key, id, sealed) },
    );
  } finally {
    await close();
  }
}

/** The newest email of a kind to a recipient. */
export async function lastEmail(
  app: Pick<TestApp, 'secret'>,
  database: Pick<TestDatabase, 'url'>,
  to: string,
  kind = 'reset_password',
): Promise<Record<string, string>> {
  const emails = (await queuedEmails(app, database)).filter(
    (email) => email.to === to && email.kind === kind,
  );
  const last = emails.at(-1);
  if (!last) throw new Error(`There is no ${kind} mail to ${to}.`);
  return last.values;
}

/** The token of an email's link. */
export const tokenOf = (link = ''): string => secretOf(link);

/** A wrong code with the same number of digits. */
export const anotherThan = (code = ''): string =>
  (code.startsWith('0') ? '1' : '0').padEnd(code.length, '0').slice(0, code.length);
