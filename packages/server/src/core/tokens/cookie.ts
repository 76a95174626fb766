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

/** A cookie token, and its lifetime in seconds. */
export interface Cookie {
  token: string;
  maxAge: number;
}

/** Creates and reads cookie tokens: HS256 with a key used for nothing else. */
export interface CookieTokens {
  /** @param end The latest end of the session, in milliseconds since 1970; `exp` never exceeds it. */
  make(subject: Subject, now: number, end: number): Cookie;
  /**
   * Issues the successor of a token that was just used: at most one per second and session.
   *
   * @returns undefined if the token was issued in this second, or the session ends within a second.
   */
  slide(claims: Claims, now: number, end: number): Cookie | undefined;
  /** @returns The claims of a token that this installation issued, expired or not. */
  read(token: string): Claims | undefined;
}

/** @param idle How long a cookie token lives without a request, in milliseconds. */
export function cookieTokens(issuer: string, idle: number, key: KeyObject): CookieTokens {
  // Keyed by the whole text, so only a text that was verified before is found; a modified one is verified again.
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
      // A cookie issued before a reauthentication must not replace one issued after it.
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
      // The header is not parsed: it must equal this text, or Usher did not issue the token (RFC 8725, 3.1).
      const [header, payload, signature, ...rest] = token.split('.');
      if (header !== COOKIE_HEADER || !payload || !signature || rest.length > 0) return undefined;
      if (!equalSecrets(signature, mac(key, `${header}.${payload}`))) return undefined;
      const claims = decodeClaims(payload, issuer, [issuer]);
      if (claims) verified.set(token, claims);
      return claims;
    },
  };
}
