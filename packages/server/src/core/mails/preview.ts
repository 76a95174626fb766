import type { KeyObject } from 'node:crypto';
import type { Db } from '../../platform/db/index.ts';
import { isShown } from './kinds.ts';
import { keptMail } from './mailbox.ts';

const HIDDEN = '••••••';

/** What a mail says, without its code and its link: with these an administrator could take the account over. */
export async function previewValues(
  db: Db,
  key: KeyObject,
  id: string,
): Promise<Record<string, string> | undefined> {
  const mail = await keptMail(db, key, id);
  if (!mail) return undefined;
  const values = Object.entries(mail.values).map(([name, value]) => [
    name,
    isShown(name) || value === '' ? value : HIDDEN,
  ]);
  return Object.fromEntries(values);
}
