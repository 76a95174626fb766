import type { KeyObject } from 'node:crypto';
import { type CryptoKey, exportJWK, generateKeyPair, importJWK, type JWK } from 'jose';
import type { Clock } from '../platform/clock.ts';
import type { Db } from '../platform/db/index.ts';
import type { KeysTable } from '../platform/db/tables.ts';
import { newId } from '../platform/random.ts';
import { seal, unseal } from '../platform/secrets.ts';

const MINUTE = 60_000;

/** A key is published this long before it signs: twice as long as verifiers may cache the JWKS. */
const PUBLISH_AHEAD = 10 * MINUTE;
/** And this long after it signed last: the longest life of a token, and some for clocks that differ. */
const PUBLISH_AFTER = 65 * MINUTE;
/** Keys are read again at most this often because of a token whose key is unknown. */
const REFRESH_PAUSE = 5_000;

export interface SigningKey {
  id: string;
  algorithm: string;
  privateKey: CryptoKey;
  publicKey: CryptoKey;
  /** The public members alone, as the JWKS shows them (RFC 7517). */
  publicJwk: JWK;
  signsFrom: number;
  publishedUntil: number | null;
}

/** The signing keys in memory. */
export interface Keyring {
  signer(now: number): SigningKey;
  published(now: number): SigningKey[];
  revision(): number;
  reload(): Promise<void>;
  refresh(): Promise<void>;
}

/** Loads the signing keys. @throws When a key cannot be decrypted: the secret is not the one it was made with. */
export async function openKeyring(db: Db, wrap: KeyObject, clock: Clock): Promise<Keyring> {
  let keys: SigningKey[] = [];
  let fingerprint = '';
  let revision = 0;
  let readAt = 0;

  const read = async (): Promise<void> => {
    readAt = clock.now();
    const rows = await db.selectFrom('keys').selectAll().orderBy('signs_from', 'desc').execute();
    const seen = JSON.stringify(rows.map((row) => [row.id, row.signs_from, row.published_until]));
    if (seen === fingerprint) return;
    keys = await Promise.all(rows.map((row) => unwrapKey(row, wrap)));
    fingerprint = seen;
    revision++;
  };
  let reading: Promise<void> = Promise.resolve();
  // One after the other: what was read before a rotation must not be put in place after what was read behind it.
  const reload = (): Promise<void> => {
    const done = reading.then(read);
    reading = done.catch(() => {});
    return done;
  };

  await reload();
  return {
    signer(now) {
      const key = keys.find((one) => one.signsFrom <= now && isPublished(one, now));
      if (!key) throw new Error('No signing key is active.');
      return key;
    },
    published: (now) => keys.filter((key) => isPublished(key, now)),
    revision: () => revision,
    reload,
    async refresh() {
      if (Math.abs(clock.now() - readAt) >= REFRESH_PAUSE) await reload();
    },
  };
}

const isPublished = (key: SigningKey, now: number): boolean =>
  key.publishedUntil === null || now < key.publishedUntil;

/**
 * Makes the first signing key if there is none. The caller's transaction is queued (`serializeKeyChanges`), so that
 * of several processes that start at once one makes it.
 *
 * @returns The key's id, or undefined when there was one.
 */
export async function makeFirstKey(
  tx: Db,
  wrap: KeyObject,
  algorithm: string,
  now: number,
): Promise<string | undefined> {
  const any = await tx.selectFrom('keys').select('id').executeTakeFirst();
  return any ? undefined : insertKey(tx, wrap, algorithm, now, now);
}

/**
 * Makes the key that follows the one in use. Normally it is published for a while before it signs, and the
 * old one stays published until its last token has run out. When the old one may have leaked (`leaked`), the
 * new one signs at once and what the old ones signed is rejected: by each process once it has read the keys again, which
 * the one that rotates does at once (`flows/keys/rotate-key`), and others every second.
 */
export async function rotateKey(
  tx: Db,
  wrap: KeyObject,
  algorithm: string,
  leaked: boolean,
  now: number,
): Promise<{ id: string; signsFrom: number }> {
  const signsFrom = leaked ? now : now + PUBLISH_AHEAD;
  await tx
    .updateTable('keys')
    .set({ published_until: leaked ? now : signsFrom + PUBLISH_AFTER })
    .where((old) => old.or([old('published_until', 'is', null), old('published_until', '>', now)]))
    .execute();
  return { id: await insertKey(tx, wrap, algorithm, signsFrom, now), signsFrom };
}

/** What can be told of the keys: never the private part. */
export async function listKeys(db: Db): Promise<Omit<KeysTable, 'private_jwk_encrypted' | 'public_jwk'>[]> {
  return db
    .selectFrom('keys')
    .select(['id', 'algorithm', 'created_at', 'signs_from', 'published_until'])
    .orderBy('signs_from', 'desc')
    .execute();
}

/** `next` will sign, `signing` does, `published` only checks what it signed, `gone` checks nothing any more. */
export type KeyState = 'next' | 'signing' | 'published' | 'gone';

/** The states of the keys that `listKeys` gave: newest first, so that the first that may sign is the one that does. */
export function stateKeys<Key extends Pick<KeysTable, 'signs_from' | 'published_until'>>(
  keys: readonly Key[],
  now: number,
): (Key & { state: KeyState })[] {
  const isGone = (key: Key) => key.published_until !== null && key.published_until <= now;
  const signer = keys.find((key) => key.signs_from <= now && !isGone(key));
  return keys.map((key) => {
    if (isGone(key)) return { ...key, state: 'gone' };
    if (key === signer) return { ...key, state: 'signing' };
    return { ...key, state: key.signs_from > now ? 'next' : 'published' };
  });
}

const placeOf = (id: string): string => `keys/${id}`;

async function insertKey(
  tx: Db,
  wrap: KeyObject,
  algorithm: string,
  signsFrom: number,
  now: number,
): Promise<string> {
  const { publicKey, privateKey } = await generateKeyPair(algorithm, { extractable: true });
  const id = newId();
  await tx
    .insertInto('keys')
    .values({
      id,
      algorithm,
      public_jwk: JSON.stringify(await exportJWK(publicKey)),
      private_jwk_encrypted: seal(wrap, placeOf(id), JSON.stringify(await exportJWK(privateKey))),
      created_at: now,
      signs_from: signsFrom,
      published_until: null,
    })
    .execute();
  return id;
}

async function unwrapKey(row: KeysTable, wrap: KeyObject): Promise<SigningKey> {
  const privateJwk = JSON.parse(unseal(wrap, placeOf(row.id), row.private_jwk_encrypted)) as JWK;
  // The row's own public key is not trusted: it is derived from the private one, which is authenticated.
  const { d: _private, ...publicJwk } = privateJwk;
  return {
    id: row.id,
    algorithm: row.algorithm,
    privateKey: (await importJWK(privateJwk, row.algorithm)) as CryptoKey,
    publicKey: (await importJWK(publicJwk, row.algorithm)) as CryptoKey,
    publicJwk: { ...publicJwk, kid: row.id, alg: row.algorithm, use: 'sig' },
    signsFrom: row.signs_from,
    publishedUntil: row.published_until,
  };
}

/** How long ago the newest key was made, in milliseconds. */
export async function newestKeyAge(db: Db, now: number): Promise<number> {
  const row = await db
    .selectFrom('keys')
    .select('created_at')
    .orderBy('created_at', 'desc')
    .limit(1)
    .executeTakeFirst();
  return row ? now - row.created_at : Number.POSITIVE_INFINITY;
}
