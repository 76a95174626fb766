import { CompactSign, type CryptoKey, compactVerify } from 'jose';
import { LRUCache } from 'lru-cache';
import {
  type Claims,
  claimsFor,
  decodeClaims,
  encodeClaims,
  MAX_CHARACTERS,
  type Subject,
} from './claims.ts';

/** The maximum lifetime of an access token, in seconds: that of the setting. */
const LONGEST_LIFETIME = 3_600;

/** The keys, as tokens need them (implemented by `core/keys`). */
export interface TokenKey {
  id: string;
  algorithm: string;
  privateKey: CryptoKey;
  publicKey: CryptoKey;
}

export interface TokenKeys {
  /** The key that currently signs. */
  signer(now: number): TokenKey;
  /** The keys whose tokens are currently accepted. */
  published(now: number): TokenKey[];
  /** Changes whenever the set of keys changes. */
  revision(): number;
  /** Reloads the keys, unless that was done a moment ago: another process may have created one. */
  refresh(): Promise<void>;
}

export interface AccessTokenSettings {
  /** Also the audience of tokens for Usher itself. */
  issuer: string;
  /** The services that tokens can be issued for, besides Usher itself. */
  serviceAudiences: readonly string[];
  /** Milliseconds. */
  lifetime: number;
}

type Read = (token: string, now: number) => Promise<Claims | undefined>;

/** Creates and reads access tokens, signed for services that have only the public keys (RFC 9068). */
export interface AccessTokens {
  /**
   * @param audience The issuer for Usher itself, or a service.
   * @param end The latest end of the session, in milliseconds since 1970; `exp` never exceeds it.
   */
  make(
    subject: Subject,
    audience: string,
    now: number,
    end: number,
  ): Promise<{ token: string; expiresIn: number }>;
  /** @returns The claims of a token that this installation issued for itself, expired or not. */
  read: Read;
  /**
   * @returns The claims of a token that this installation issued for a service, expired or not. Usher never accepts it
   * as a credential.
   */
  readForService: Read;
}

export function accessTokens(
  { issuer, serviceAudiences, lifetime }: AccessTokenSettings,
  keys: TokenKeys,
): AccessTokens {
  return {
    async make(subject, audience, now, end) {
      const key = keys.signer(now);
      const claims = claimsFor(subject, issuer, audience, now, Math.min(now + lifetime, end));
      const token = await new CompactSign(Buffer.from(encodeClaims(claims), 'base64url'))
        .setProtectedHeader(headerOf(key))
        .sign(key.privateKey);
      return { token, expiresIn: claims.exp - claims.iat };
    },

    // Each reader has its own cache, so a token verified by one is not accepted by the other.
    read: reader(issuer, [issuer], keys, 20_000),
    readForService: reader(issuer, serviceAudiences, keys, 2_000),
  };
}

/** @param most The maximum number of cached tokens. */
function reader(issuer: string, audiences: readonly string[], keys: TokenKeys, most: number): Read {
  // Keyed by the whole text, so only a text that was verified before is found; a modified one is verified again.
  const verified = new LRUCache<string, Claims>({ max: most });
  let revision = keys.revision();

  /** A token's header is not parsed: it must equal, byte for byte, the header of one of the keys. */
  const keyOf = (header: string, now: number): TokenKey | undefined =>
    keys.published(now).find((key) => encodeHeader(key) === header);

  return async (token, now) => {
    if (token.length > MAX_CHARACTERS) return undefined;
    if (revision !== keys.revision()) {
      verified.clear();
      revision = keys.revision();
    }
    const known = verified.get(token);
    if (known) return known;

    const [header, payload, signature, ...rest] = token.split('.');
    if (!header || !payload || !signature || rest.length > 0) return undefined;
    if (!isCanonical(signature)) return undefined;
    let key = keyOf(header, now);
    if (!key) {
      await keys.refresh();
      key = keyOf(header, now);
    }
    if (!key) return undefined;
    const checkedWith = keys.revision();
    const claims = (await isSignedBy(key, token))
      ? decodeClaims(payload, issuer, audiences, LONGEST_LIFETIME)
      : undefined;
    // The key may have been withdrawn meanwhile: tokens that it signed are then no longer cached or accepted.
    if (checkedWith !== keys.revision()) return keyOf(header, now) ? claims : undefined;
    if (claims) verified.set(token, claims);
    return claims;
  };
}

const headerOf = ({ id, algorithm }: TokenKey) => ({ alg: algorithm, typ: 'at+jwt', kid: id });

const encodeHeader = (key: TokenKey): string =>
  Buffer.from(JSON.stringify(headerOf(key))).toString('base64url');

/** Many texts decode to the same bytes (RFC 4648, 3.5); only one of them is what Usher encodes. */
const isCanonical = (text: string): boolean => Buffer.from(text, 'base64url').toString('base64url') === text;

async function isSignedBy(key: TokenKey, token: string): Promise<boolean> {
  try {
    await compactVerify(token, key.publicKey, { algorithms: [key.algorithm] });
    return true;
  } catch {
    return false;
  }
}
