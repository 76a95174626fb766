import type { KeyObject } from 'node:crypto';
import type { Db } from '../../platform/db/index.ts';
import { ORIGIN_VALUES } from './kinds.ts';
import { keptMail } from './mailbox.ts';

/** What stands in a mail and lets nobody act for its reader. Whatever is not named here is hidden, also what is yet to come. */
const SHOWN: ReadonlySet<string> = new Set([
  'username',
  'new_email',
  'minutes',
  'link_minutes',
  'days',
  'outranked_days',
  'when',
  ...ORIGIN_VALUES,
]);
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
    SHOWN.has(name) || value === '' ? value : HIDDEN,
  ]);
  return Object.fromEntries(values);
}
