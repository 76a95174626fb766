import { unsealContent } from '../../src/core/emails/content.ts';
import { openDatabase } from '../../src/platform/db/index.ts';
import { deriveKeys } from '../../src/platform/secrets.ts';
import type { TestApp } from './app.ts';
import { secretOf } from './form.ts';
import type { TestDatabase } from './postgres.ts';

/** An email as it lies in the outbox. */
export interface QueuedEmail {
  kind: string;
  to: string | null;
  values: Record<string, string>;
}

/** Every email that was queued, oldest first; decoys too. */
export async function queuedEmails(
  app: Pick<TestApp, 'secret'>,
  database: Pick<TestDatabase, 'url'>,
): Promise<QueuedEmail[]> {
  const { db, close } = await openDatabase(database.url);
  try {
    const rows = await db.selectFrom('emails').selectAll().orderBy('created_at').orderBy('id').execute();
    const { emails: key } = deriveKeys(app.secret);
    return rows.map(({ id, kind, content_encrypted: sealed }) =>
      // What a decoy held is dropped as soon as a job has seen it.
      sealed === null ? { kind, to: null, values: {} } : { kind, ...unsealContent(key, id, sealed) },
    );
  } finally {
    await close();
  }
}

/** The newest email of a kind to an address. */
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

/** What the link of an email carries. */
export const tokenOf = (link = ''): string => secretOf(link);

/** A code that an email does not carry, of as many digits. */
export const anotherThan = (code = ''): string =>
  (code.startsWith('0') ? '1' : '0').padEnd(code.length, '0').slice(0, code.length);
