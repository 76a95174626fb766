import { base64url } from 'jose';

/**
 * The claims of Usher's access tokens (RFC 9068). Times are seconds since 1970. There is no email, name or role,
 * because those change.
 */
export interface Claims {
  aud: string;
  sub: string;
  sid: string;
  exp: number;
  auth_time: number;
  amr: string[];
}

/** Longer tokens are rejected unread. */
const MAX_CHARACTERS = 4_096;
/** In seconds. Usher issues no token with a longer lifetime, so one that claims it is not Usher's. */
const LONGEST_LIFETIME = 3_600;
/** How far `iat` and `auth_time` may be in the future, in seconds: the issuer's clock may be ahead of ours. */
const MAX_SKEW = 60;

const THREE_PARTS = /^[\w-]+\.[\w-]+\.[\w-]+$/;

/** Splits a token that has the form of an Usher token; nothing is verified yet. */
export function splitToken(token: string): [header: string, payload: string] | undefined {
  if (typeof token !== 'string' || token.length > MAX_CHARACTERS || !THREE_PARTS.test(token))
    return undefined;
  const [header = '', payload = '', signature = ''] = token.split('.');
  return [header, payload, signature].every(isCanonical) ? [header, payload] : undefined;
}

/** Several base64url texts decode to the same bytes (RFC 4648, 3.5); only the canonical one comes from the issuer. */
function isCanonical(part: string): boolean {
  try {
    return base64url.encode(base64url.decode(part)) === part;
  } catch {
    return false;
  }
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * Reads the claims of a token whose signature is verified, and checks that they are Usher's for this issuer, whatever
 * the audience. The JSON must be byte for byte what `JSON.stringify` writes: so duplicate members, `1e400`, white
 * space, a byte-order mark and invalid UTF-8 are rejected, however a parser would read them. Unknown claims are
 * ignored.
 */
export function readClaims(payload: string, issuer: string, now: number): Claims | undefined {
  let said: Record<string, unknown>;
  try {
    const text = utf8.decode(base64url.decode(payload));
    said = JSON.parse(text);
    if (JSON.stringify(said) !== text) return undefined;
  } catch {
    return undefined;
  }
  const { iss, aud, sub, sid, jti, exp, iat, auth_time, amr } = said ?? {};
  const isSound =
    iss === issuer &&
    typeof aud === 'string' &&
    isText(sub) &&
    isText(sid) &&
    isText(jti) &&
    isTime(exp) &&
    isTime(iat) &&
    isTime(auth_time) &&
    Array.isArray(amr) &&
    amr.every(isText) &&
    exp > iat &&
    exp - iat <= LONGEST_LIFETIME &&
    Math.max(iat, auth_time) * 1000 <= now + MAX_SKEW * 1000;
  return isSound ? { aud, sub, sid, exp, auth_time, amr } : undefined;
}

/** Usher's IDs and names are ASCII without white space. */
const isText = (value: unknown): value is string => typeof value === 'string' && /^[!-~]+$/.test(value);
const isTime = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) > 0;
