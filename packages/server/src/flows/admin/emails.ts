import type { AppContext } from '../../context.ts';
import { sampleValues } from '../../core/emails/kinds.ts';
import { type EmailState, type ListedEmail, listEmails, listedEmail } from '../../core/emails/listed.ts';
import { sendEmailNow } from '../../core/emails/outbox.ts';
import { previewValues } from '../../core/emails/preview.ts';
import type { RenderedEmail } from '../../core/emails/render.ts';
import { usernamesOf } from '../../core/users.ts';
import { HttpError } from '../../errors.ts';
import { text } from '../../languages/text.ts';
import { type ChangedBy, checkActor } from '../accounts/actor.ts';

export { emailLabels } from '../../core/emails/kinds.ts';
export { emailStates } from '../../core/emails/listed.ts';

interface EmailPage {
  emails: ListedEmail[];
  next: string | null;
  /** The usernames of the recipients, by id. */
  names: ReadonlyMap<string, string>;
}

/** Lists the emails with their delivery state, newest first. */
export async function readEmails(
  { db, keys }: Pick<AppContext, 'db' | 'keys'>,
  { limit, ...query }: { state: EmailState | undefined; before: string | undefined; limit: number },
): Promise<EmailPage> {
  const found = await listEmails(db, keys.emails, { ...query, limit: limit + 1 });
  const emails = found.slice(0, limit);
  const next = found.length > limit ? (emails.at(-1)?.id ?? null) : null;
  return { emails, next, names: await readersOf(db, emails) };
}

/** Reads the delivery state and a preview of an email. @throws HttpError `not_found` */
export async function readEmail(
  context: Pick<AppContext, 'db' | 'keys' | 'clock' | 'publicUrl' | 'renderEmail'>,
  id: string,
): Promise<{ email: ListedEmail; names: ReadonlyMap<string, string>; preview: Preview }> {
  const { db, keys } = context;
  const email = await listedEmail(db, keys.emails, id);
  if (!email) throw new HttpError('not_found', { text: text('error.email_not_found') });
  return { email, names: await readersOf(db, [email]), preview: await preview(context, email) };
}

/**
 * Retries a waiting email immediately.
 *
 * @returns false when it is not waiting.
 * @throws HttpError `invalid_token` and `forbidden` as `checkActor` does.
 */
export const tryEmailNow = (
  { db, clock }: Pick<AppContext, 'db' | 'clock'>,
  id: string,
  { actor }: Pick<ChangedBy, 'actor'>,
): Promise<boolean> =>
  db.transaction().execute(async (tx) => {
    await checkActor(tx, actor);
    return sendEmailNow(tx, id, clock.now());
  });

type Preview = RenderedEmail & { isOwn: boolean };

/**
 * Renders the email as its recipient sees it, without its secrets; with sample values once its own have been deleted.
 */
async function preview(
  { db, keys, clock, publicUrl, renderEmail }: Parameters<typeof readEmail>[0],
  { id, kind }: ListedEmail,
): Promise<Preview> {
  const own = await previewValues(db, keys.emails, id);
  const values = own ?? sampleValues(publicUrl, clock.now());
  return { ...renderEmail(kind, values), isOwn: own !== undefined };
}

const readersOf = (db: AppContext['db'], emails: readonly ListedEmail[]) =>
  usernamesOf(
    db,
    emails.flatMap(({ userId }) => userId ?? []),
  );
