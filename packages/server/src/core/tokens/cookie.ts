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

/** A cookie token that lasts longer than an hour is accepted only if the settings allow it. In milliseconds. */
const HOUR = 3_600_000;

/** A cookie token, and its lifetime in seconds. */
export interface Cookie {
  token: string;
  maxAge: number;
}

/** Creates and reads cookie tokens: HS256 with a key used for nothing else. */
export interface CookieTokens {
  /** @param until When the token expires, in milliseconds since 1970. */
  make(subject: Subject, now: number, until: number): Cookie;
  /**
   * Issues the successor of a token that was just used: at most one per second and session.
   *
   * @returns undefined if the token was issued in this second, or its successor would expire within a second.
   */
  slide(claims: Claims, now: number, until: number): Cookie | undefined;
  /** @returns The claims of a token that this installation issued, expired or not. */
  read(token: string): Claims | undefined;
}

/** @param longest The maximum lifetime of a cookie token by the settings, in milliseconds. */
export function cookieTokens(issuer: string, longest: number, key: KeyObject): CookieTokens {
  // Keyed by the whole text, so only a text that was verified before is found; a modified one is verified again.
  const verified = new LRUCache<string, Claims>({ max: 20_000 });
  const newest = new LRUCache<string, { second: number; cookie: Cookie }>({ max: 20_000 });

  const make = (subject: Subject, now: number, until: number): Cookie => {
    const claims = claimsFor(subject, issuer, issuer, now, until);
    const signed = `${COOKIE_HEADER}.${encodeClaims(claims)}`;
    const token = `${signed}.${mac(key, signed)}`;
    verified.set(token, claims);
    return { token, maxAge: claims.exp - claims.iat };
  };

  return {
    make,

    slide(claims, now, until) {
      const second = seconds(now);
      if (second <= claims.iat || seconds(until) <= second) return undefined;
      // A cookie issued before a reauthentication must not replace one issued after it.
      const name = `${claims.sid} ${claims.auth_time}`;
      const made = newest.get(name);
      if (made?.second === second) return made.cookie;
      const cookie = make(
        { userId: claims.sub, sessionId: claims.sid, signedInAt: claims.auth_time * 1000, amr: claims.amr },
        now,
        until,
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
      const claims = decodeClaims(payload, issuer, [issuer], seconds(Math.max(longest, HOUR)));
      if (claims) verified.set(token, claims);
      return claims;
    },
  };
}
