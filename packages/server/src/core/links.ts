import { createHash, type KeyObject } from 'node:crypto';
import type { Db } from '../platform/db/index.ts';
import { newId } from '../platform/random.ts';
import { mac } from '../platform/secrets.ts';

export type LinkPurpose = 'setup';

/** The secret has 256 bits, so a plain hash hides it (ASVS 6.5.2). */
const hashOf = (purpose: LinkPurpose, secret: string): string =>
  createHash('sha256').update(`${purpose}\n${secret}`).digest('base64url');

/** The secret of a link follows from its id and a key that is not in the database: a copy of the database has no secret. */
const secretOf = (key: KeyObject, purpose: LinkPurpose, id: string): string => mac(key, `${purpose}\n${id}`);

/**
 * Makes a link's secret; older links of the same purpose stop working.
 *
 * @param lifetime Milliseconds.
 * @returns The secret, which is stored nowhere.
 */
export async function makeLink(
  tx: Db,
  key: KeyObject,
  purpose: LinkPurpose,
  lifetime: number,
  now: number,
): Promise<string> {
  await tx
    .updateTable('links')
    .set({ used_at: now })
    .where('purpose', '=', purpose)
    .where('used_at', 'is', null)
    .execute();
  const id = newId();
  const secret = secretOf(key, purpose, id);
  await tx
    .insertInto('links')
    .values({
      id,
      purpose,
      secret_hash: hashOf(purpose, secret),
      created_at: now,
      expires_at: now + lifetime,
      used_at: null,
    })
    .execute();
  return secret;
}

/**
 * The secret of the link of a purpose that is valid now.
 *
 * @param least For how many milliseconds more it has to be valid.
 * @returns undefined when there is none.
 */
export async function findLink(
  db: Db,
  key: KeyObject,
  purpose: LinkPurpose,
  least: number,
  now: number,
): Promise<string | undefined> {
  const row = await db
    .selectFrom('links')
    .select('id')
    .where('purpose', '=', purpose)
    .where('used_at', 'is', null)
    .where('expires_at', '>', now + least)
    .executeTakeFirst();
  return row && secretOf(key, purpose, row.id);
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
