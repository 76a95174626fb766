import { createHmac, type KeyObject, webcrypto } from 'node:crypto';
import type { CryptoKey } from 'jose';
import { type Keyring, openKeyring, type SigningKey } from '../../src/core/keys.ts';
import type { Claims } from '../../src/core/tokens/claims.ts';
import { type Db, openDatabase } from '../../src/platform/db/index.ts';
import { deriveKeys, type Keys } from '../../src/platform/secrets.ts';
import { type Reply, send, startApp, type TestApp } from './app.ts';
import type { TestDatabase } from './postgres.ts';

/** The real keys and database of an installation, with which a test creates what only the installation could. */
export interface Inside {
  db: Db;
  keys: Keys;
  keyring: Keyring;
  /** Makes a user an administrator, as an operator would. */
  promote(userId: string): Promise<void>;
  close(): Promise<void>;
}

export async function openInside(app: TestApp, { url }: Pick<TestDatabase, 'url'>): Promise<Inside> {
  const database = await openDatabase(url);
  const { db } = database;
  const keys = deriveKeys(app.secret);
  return {
    db,
    keys,
    keyring: await openKeyring(db, keys.wrap, app.clock),
    async promote(id) {
      await db.updateTable('users').set({ admin_since: app.clock.now() }).where('id', '=', id).execute();
    },
    close: () => database.close(),
  };
}

/**
 * Starts another process of the same installation as `app`, as far as a single process can stand for two; its `url` is
 * the same.
 */
export async function startTwin(app: TestApp, database: Pick<TestDatabase, 'url'>): Promise<TestApp> {
  const twin = await startApp(database, { publicUrl: app.url, secret: app.secret, clock: app.clock });
  return { ...twin, url: app.url };
}

/** Sends to one of several processes of an installation, which all share the host name in its `url`. */
export const sendTo = (
  app: TestApp,
  method: string,
  path: string,
  body?: unknown,
  { headers, from = newIp() }: { headers?: Record<string, string>; from?: string } = {},
): Promise<Reply> =>
  send(app, method, path, body, { from, headers: { host: new URL(app.url).host, ...headers } });

export type Credential = { cookie: string } | { bearer: string } | { refresh: string };

/** The headers of a request from one of our own pages. */
export const pageHeaders = (app: TestApp) => ({ origin: app.url, 'sec-fetch-site': 'same-origin' });

/** Sends with a credential: as one of our pages for a cookie, otherwise as an API client. */
export function sendAs(
  app: TestApp,
  credential: Exclude<Credential, { refresh: string }>,
  method: string,
  path: string,
  body?: unknown,
): Promise<Reply> {
  const headers =
    'cookie' in credential
      ? { ...pageHeaders(app), cookie: `usher=${credential.cookie}` }
      : { authorization: `Bearer ${credential.bearer}` };
  return sendTo(app, method, path, body, { headers });
}

/** Uses a credential where it belongs: at `/v1/me`, or at `/v1/refresh`, which consumes it. */
export const present = (app: TestApp, credential: Credential): Promise<Reply> =>
  'refresh' in credential
    ? sendTo(app, 'POST', '/v1/refresh', { refresh_token: credential.refresh })
    : sendAs(app, credential, 'GET', '/v1/me');

let addresses = 0;

/** An IP that no rate limit has counted yet. */
export function newIp(): string {
  const n = ++addresses;
  return `10.${(n >> 16) & 255}.${(n >> 8) & 255}.${n & 255}`;
}

/** Encodes a part of a JWT: bytes and strings unchanged, everything else as JSON. */
export const part = (value: unknown): string =>
  (Buffer.isBuffer(value)
    ? value
    : Buffer.from(typeof value === 'string' ? value : JSON.stringify(value))
  ).toString('base64url');

/** The claims of a token, unverified. */
export const claimsOf = (token: string): Claims =>
  JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString());

export const COOKIE_HEADER = { alg: 'HS256', typ: 'usher-cookie+jwt' };

export const accessHeader = ({ id, algorithm }: Pick<SigningKey, 'id' | 'algorithm'>) => ({
  alg: algorithm,
  typ: 'at+jwt',
  kid: id,
});

/** Forges a token with any content under a shared secret; with the real key and header, it is a valid cookie token. */
export function forgeMac(
  key: KeyObject | string | Buffer,
  payload: unknown,
  header: unknown = COOKIE_HEADER,
): string {
  const signed = `${part(header)}.${part(payload)}`;
  return `${signed}.${createHmac('sha256', key).update(signed).digest('base64url')}`;
}

/** Forges a token with any content under a private key; with a real key and its header, it is a valid access token. */
export async function forgeSigned(key: CryptoKey, payload: unknown, header: unknown): Promise<string> {
  const signed = `${part(header)}.${part(payload)}`;
  const algorithm = { name: key.algorithm.name, hash: 'SHA-256', saltLength: 32 };
  const signature = await webcrypto.subtle.sign(algorithm, key, Buffer.from(signed));
  return `${signed}.${part(Buffer.from(signature))}`;
}
