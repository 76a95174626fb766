import { base64url, type CryptoKey, importJWK, type JWK } from 'jose';
import type { Clock } from './clock.ts';

/** A key of the issuer. Its tokens start with exactly this header. */
export interface Key {
  header: string;
  algorithm: string;
  publicKey: CryptoKey;
}

/** The issuer's published keys, cached in memory. */
export interface Keys {
  /** The key whose tokens start with this header. If it is unknown, the keys are fetched again, at a limited rate. */
  find(header: string): Promise<Key | undefined>;
  /** Fetches the keys again if they are stale; otherwise it is free. @returns Whether there are usable keys. */
  refresh(): Promise<boolean>;
  /** Changes with every change of the keys. */
  revision(): number;
}

const SECOND = 1_000;
/**
 * How long fetched keys are fresh. The issuer publishes a new key for twice this time before it signs, and tells caches
 * to keep the keys no longer.
 */
const FRESH = 300 * SECOND;
/** While the issuer is unreachable, the last keys are used for the maximum lifetime of a token. */
const USABLE = 3_600 * SECOND;
/**
 * The minimum interval between requests to the issuer, so that invalid tokens cannot cause more; one second while there
 * is no key at all.
 */
const PAUSE = 30 * SECOND;
const FIRST_PAUSE = SECOND;
/** The timeout of a request to the issuer. */
const TIMEOUT = 5 * SECOND;
const MAX_CHARACTERS = 65_536;
const MAX_KEYS = 64;

export function issuerKeys(issuer: string, clock: Clock, fetch: typeof globalThis.fetch): Keys {
  let keys = new Map<string, Key>();
  let fingerprint = '';
  let revision = 0;
  let readAt = Number.NEGATIVE_INFINITY;
  let requestedAt = Number.NEGATIVE_INFINITY;
  let fetching: Promise<void> | undefined;

  const age = (since: number): number => Math.abs(clock.now() - since);

  const fetchKeys = async (): Promise<void> => {
    try {
      const text = await download(`${issuer}/.well-known/jwks.json`, fetch);
      const found = await readKeys(text);
      readAt = clock.now();
      if (text === fingerprint) return;
      keys = found;
      fingerprint = text;
      revision++;
    } catch {
      // The issuer is unreachable or its response is invalid: the known keys stay usable for a while, and
      // they are fetched again later.
    }
  };

  /** Sends one request at a time; concurrent callers share it. */
  const fetchAgain = (): Promise<void> => {
    if (!fetching && age(requestedAt) < (keys.size > 0 ? PAUSE : FIRST_PAUSE)) return Promise.resolve();
    if (!fetching) {
      requestedAt = clock.now();
      fetching = fetchKeys().finally(() => {
        fetching = undefined;
      });
    }
    return fetching;
  };

  return {
    revision: () => revision,
    async refresh() {
      if (age(readAt) >= FRESH) await fetchAgain();
      return age(readAt) < USABLE;
    },
    async find(header) {
      if (!keys.has(header)) await fetchAgain();
      return keys.get(header);
    },
  };
}

async function download(url: string, fetch: typeof globalThis.fetch): Promise<string> {
  const response = await fetch(url, {
    headers: { accept: 'application/json' },
    redirect: 'error',
    signal: AbortSignal.timeout(TIMEOUT),
  });
  if (response.status !== 200) throw new Error(`Unexpected status ${response.status} from ${url}.`);
  const text = await response.text();
  if (text.length > MAX_CHARACTERS) throw new Error(`The response from ${url} is too large.`);
  return text;
}

async function readKeys(text: string): Promise<Map<string, Key>> {
  const { keys }: { keys?: unknown } = JSON.parse(text);
  if (!Array.isArray(keys)) throw new Error('Invalid JWKS.');
  const found = await Promise.all(keys.slice(0, MAX_KEYS).map((jwk: JWK) => readKey(jwk)));
  const usable = found.filter((key) => key !== undefined);
  if (usable.length === 0) throw new Error('The JWKS contains no usable keys.');
  return new Map(usable.map((key) => [key.header, key]));
}

/** The only algorithm allowed for a type of key (RFC 8725, 3.1); keys of other types are ignored. */
async function readKey({ kid, kty, crv, alg, x, y }: JWK): Promise<Key | undefined> {
  const algorithm =
    kty === 'EC' && crv === 'P-256' ? 'ES256' : kty === 'OKP' && crv === 'Ed25519' ? 'EdDSA' : '';
  if (algorithm === '' || alg !== algorithm || typeof kid !== 'string') return undefined;
  try {
    // Only the public members.
    const jwk: JWK = { kty, crv, x, ...(y === undefined ? {} : { y }) } as JWK;
    const publicKey = (await importJWK(jwk, algorithm)) as CryptoKey;
    return { header: encodeHeader({ alg: algorithm, typ: 'at+jwt', kid }), algorithm, publicKey };
  } catch {
    return undefined;
  }
}

/** The header as Usher writes it. Headers of tokens are compared with it and never parsed. */
const encodeHeader = (header: { alg: string; typ: string; kid: string }): string =>
  base64url.encode(new TextEncoder().encode(JSON.stringify(header)));
