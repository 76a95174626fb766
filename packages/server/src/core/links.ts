import { createHash } from 'node:crypto';
import type { Db } from '../platform/db/index.ts';
import { newId, newSecret } from '../platform/random.ts';

export type LinkPurpose = 'setup';

/** The secret has 256 bits, so a plain hash hides it (ASVS 6.5.2). */
const hashOf = (purpose: LinkPurpose, secret: string): string =>
  createHash('sha256').update(`${purpose}\n${secret}`).digest('base64url');

/**
 * Makes a link's secret; older links of the same purpose stop working.
 *
 * @param lifetime Milliseconds.
 * @returns The secret, which is stored nowhere.
 */
export async function makeLink(tx: Db, purpose: LinkPurpose, lifetime: number, now: number): Promise<string> {
  await tx
    .updateTable('links')
    .set({ used_at: now })
    .where('purpose', '=', purpose)
    .where('used_at', 'is', null)
    .execute();
  const secret = newSecret();
  await tx
    .insertInto('links')
    .values({
      id: newId(),
      purpose,
      secret_hash: hashOf(purpose, secret),
      created_at: now,
      expires_at: now + lifetime,
      used_at: null,
    })
    .execute();
  return secret;
}

/** Whether the link would be accepted now. Changes nothing: opening a link never does. */
export async function isLinkGood(
  db: Db,
  purpose: LinkPurpose,
  secret: string,
  now: number,
): Promise<boolean> {
  const row = await db
    .selectFrom('links')
    .select('id')
    .where('secret_hash', '=', hashOf(purpose, secret))
    .where('used_at', 'is', null)
    .where('expires_at', '>', now)
    .executeTakeFirst();
  return row !== undefined;
}

/** Uses the link up. @returns false when it is not good (any more): of many at once, one gets true. */
export async function useLink(tx: Db, purpose: LinkPurpose, secret: string, now: number): Promise<boolean> {
  const row = await tx
    .updateTable('links')
    .set({ used_at: now })
    .where('secret_hash', '=', hashOf(purpose, secret))
    .where('used_at', 'is', null)
    .where('expires_at', '>', now)
    .returning('id')
    .executeTakeFirst();
  return row !== undefined;
}

/** Ends all links. */
export async function endEveryLink(tx: Db, now: number): Promise<void> {
  await tx.updateTable('links').set({ used_at: now }).where('used_at', 'is', null).execute();
}

/** Removes links that ended more than `age` milliseconds ago. */
export async function forgetOldLinks(db: Db, age: number, now: number): Promise<void> {
  await db
    .deleteFrom('links')
    .where('expires_at', '<', now - age)
    .execute();
}
