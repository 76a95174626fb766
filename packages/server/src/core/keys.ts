import type { KeyObject } from 'node:crypto';
import { type CryptoKey, exportJWK, generateKeyPair, importJWK, type JWK } from 'jose';
import type { Clock } from '../platform/clock.ts';
import type { Db } from '../platform/db/index.ts';
import type { KeysTable } from '../platform/db/tables.ts';
import { newId } from '../platform/random.ts';
import { seal, unseal } from '../platform/secrets.ts';

const MINUTE = 60_000;

/** How long a key is published before it signs: twice as long as verifiers may cache the JWKS. */
const PUBLISH_AHEAD = 10 * MINUTE;
/** How long it stays published after it last signed: the maximum lifetime of a token, plus some clock skew. */
const PUBLISH_AFTER = 65 * MINUTE;
/** The lifetime of a signing key until the next one is created, in milliseconds. */
export const KEY_LIFETIME = 90 * 24 * 60 * MINUTE;
/** The minimum time between reloads caused by tokens with an unknown key. */
const REFRESH_PAUSE = 5_000;

export interface SigningKey {
  id: string;
  algorithm: string;
  privateKey: CryptoKey;
  publicKey: CryptoKey;
  /** Only the public members, as in the JWKS (RFC 7517). */
  publicJwk: JWK;
  signsFrom: number;
  publishedUntil: number | null;
}

/** The signing keys, in memory. */
export interface Keyring {
  signer(now: number): SigningKey;
  published(now: number): SigningKey[];
  revision(): number;
  reload(): Promise<void>;
  refresh(): Promise<void>;
}

/** Loads the signing keys. @throws Error if a key cannot be decrypted: it was encrypted with another secret. */
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
  // Reloads run one after the other: keys read before a rotation must not replace those read after it.
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
 * Creates the first signing key if there is none. The caller's transaction is serialized (`serializeKeyChanges`), so
 * only one of several processes that start at once creates it.
 *
 * @returns The key's id; undefined if there already was one.
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
 * Creates the next key. Normally it is published for a while before it signs, and the old one stays published until its
 * last token has expired. If the old key may have leaked (`leaked`), the new one signs at once and tokens signed with
 * the old ones are rejected. Each process does so once it has reloaded the keys: the one that rotates at once
 * (`flows/keys/rotate-key`), others every second.
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

/** The public metadata of the keys, never the private part. */
export async function listKeys(db: Db): Promise<Omit<KeysTable, 'private_jwk_encrypted' | 'public_jwk'>[]> {
  return db
    .selectFrom('keys')
    .select(['id', 'algorithm', 'created_at', 'signs_from', 'published_until'])
    .orderBy('signs_from', 'desc')
    .execute();
}

/** `next` will sign, `signing` does, `published` only verifies tokens that it signed, `gone` verifies nothing. */
export type KeyState = 'next' | 'signing' | 'published' | 'gone';

/**
 * Adds the states to the keys from `listKeys`, which are newest first: the first key that may sign is the one that
 * does.
 */
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
  // The public key is derived from the private one, which is authenticated; the row's own copy is not trusted.
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

/** The age of the newest key, in milliseconds. */
export async function newestKeyAge(db: Db, now: number): Promise<number> {
  const row = await db
    .selectFrom('keys')
    .select('created_at')
    .orderBy('created_at', 'desc')
    .limit(1)
    .executeTakeFirst();
  return row ? now - row.created_at : Number.POSITIVE_INFINITY;
}
