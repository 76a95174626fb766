import type { World } from '../../context.ts';
import { type KeptMail, keptMail, keptMails } from '../../core/mails/mailbox.ts';

/** The mails that are kept on this machine, newest first. */
export const readMailbox = ({ db, keys }: Pick<World, 'db' | 'keys'>, most: number): Promise<KeptMail[]> =>
  keptMails(db, keys.mail, most);

export const readKeptMail = (
  { db, keys }: Pick<World, 'db' | 'keys'>,
  id: string,
): Promise<KeptMail | undefined> => keptMail(db, keys.mail, id);
