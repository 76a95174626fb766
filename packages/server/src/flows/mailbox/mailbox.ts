import type { AppContext } from '../../context.ts';
import { type StoredEmail, storedEmail, storedEmails } from '../../core/emails/mailbox.ts';

/** The emails stored for the mailbox page, newest first. */
export const readMailbox = (
  { db, keys }: Pick<AppContext, 'db' | 'keys'>,
  most: number,
): Promise<StoredEmail[]> => storedEmails(db, keys.emails, most);

export const readKeptEmail = (
  { db, keys }: Pick<AppContext, 'db' | 'keys'>,
  id: string,
): Promise<StoredEmail | undefined> => storedEmail(db, keys.emails, id);
