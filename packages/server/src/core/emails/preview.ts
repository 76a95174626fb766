import type { KeyObject } from 'node:crypto';
import type { Db } from '../../platform/db/index.ts';
import { isShown } from './kinds.ts';
import { storedEmail } from './mailbox.ts';

const HIDDEN = '••••••';

/** An email's values without its code and link: an administrator could take over the account with them. */
export async function previewValues(
  db: Db,
  key: KeyObject,
  id: string,
): Promise<Record<string, string> | undefined> {
  const email = await storedEmail(db, key, id);
  if (!email) return undefined;
  const values = Object.entries(email.values).map(([name, value]) => [
    name,
    isShown(name) || value === '' ? value : HIDDEN,
  ]);
  return Object.fromEntries(values);
}
