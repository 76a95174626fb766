import type { KeyObject } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import { equalSecrets, mac } from '../../platform/secrets.ts';
import {
  type Claims,
  claimsFor,
  decodeClaims,
  encodeClaims,
  MAX_CHARACTERS,
  type Subject,
  seconds,
} from './claims.ts';

const COOKIE_HEADER = Buffer.from('{"alg":"HS256","typ":"usher-cookie+jwt"}').toString('base64url');

/** A cookie token, and how many seconds it lives. */
export interface Cookie {
  token: string;
  maxAge: number;
}

/** Makes and reads cookie tokens: HS256 under a key that only this purpose has. */
export interface CookieTokens {
  /** @param end When the session ends at the latest, in milliseconds since 1970; `exp` is never beyond it. */
  make(subject: Subject, now: number, end: number): Cookie;
  /**
   * The token that follows one that was just used: at most one a second for a session.
   *
   * @returns undefined when the one that came was made in this second, or the session's end is a second away.
   */
  slide(claims: Claims, now: number, end: number): Cookie | undefined;
  /** @returns The claims of a token that this installation made, expired or not. */
  read(token: string): Claims | undefined;
}

/** @param idle Milliseconds without a request after which a cookie token ends. */
export function cookieTokens(issuer: string, idle: number, key: KeyObject): CookieTokens {
  // Keyed by the whole text, so that only a text that was verified before is found; a mutant is verified anew.
  const verified = new LRUCache<string, Claims>({ max: 20_000 });
  const newest = new LRUCache<string, { second: number; cookie: Cookie }>({ max: 20_000 });

  const make = (subject: Subject, now: number, end: number): Cookie => {
    const claims = claimsFor(subject, issuer, issuer, now, Math.min(now + idle, end));
    const signed = `${COOKIE_HEADER}.${encodeClaims(claims)}`;
    const token = `${signed}.${mac(key, signed)}`;
    verified.set(token, claims);
    return { token, maxAge: claims.exp - claims.iat };
  };

  return {
    make,

    slide(claims, now, end) {
      const second = seconds(now);
      if (second <= claims.iat || seconds(end) <= second) return undefined;
      // A cookie from before the password was confirmed again must not follow one from after it.
      const name = `${claims.sid} ${claims.auth_time}`;
      const made = newest.get(name);
      if (made?.second === second) return made.cookie;
      const cookie = make(
        { userId: claims.sub, sessionId: claims.sid, signedInAt: claims.auth_time * 1000, amr: claims.amr },
        now,
        end,
      );
      newest.set(name, { second, cookie });
      return cookie;
    },

    read(token) {
      if (token.length > MAX_CHARACTERS) return undefined;
      const known = verified.get(token);
      if (known) return known;
      // The header is not parsed: it is this one text, or the token is not ours (RFC 8725, 3.1).
      const [header, payload, signature, ...rest] = token.split('.');
      if (header !== COOKIE_HEADER || !payload || !signature || rest.length > 0) return undefined;
      if (!equalSecrets(signature, mac(key, `${header}.${payload}`))) return undefined;
      const claims = decodeClaims(payload, issuer, [issuer]);
      if (claims) verified.set(token, claims);
      return claims;
    },
  };
}
