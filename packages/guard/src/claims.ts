import { base64url } from 'jose';

/** What Usher's access tokens say (RFC 9068). Times are seconds since 1970. No e-mail, name or role: those change. */
export interface Claims {
  aud: string;
  sub: string;
  sid: string;
  exp: number;
  auth_time: number;
  amr: string[];
}

/** The longest token that is looked at. */
const MAX_CHARACTERS = 4_096;
/** No token of Usher lives longer, in seconds; one that claims to was not made by it. */
const LONGEST_LIFETIME = 3_600;
/** How far in the future `iat` and `auth_time` may lie, in seconds: the issuer's clock may be ahead of ours. */
const MAX_SKEW = 60;

const THREE_PARTS = /^[\w-]+\.[\w-]+\.[\w-]+$/;

/** The parts of a token that has the form of one of ours; no part of it is believed yet. */
export function splitToken(token: string): [header: string, payload: string] | undefined {
  if (typeof token !== 'string' || token.length > MAX_CHARACTERS || !THREE_PARTS.test(token))
    return undefined;
  const [header = '', payload = '', signature = ''] = token.split('.');
  return [header, payload, signature].every(isCanonical) ? [header, payload] : undefined;
}

/** Many texts decode to the same bytes (RFC 4648, 3.5); only one of them is what the issuer wrote. */
function isCanonical(part: string): boolean {
  try {
    return base64url.encode(base64url.decode(part)) === part;
  } catch {
    return false;
  }
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * The claims of a token whose signature was verified, if they are what Usher writes for this issuer, whatever the audience.
 * They must be written as JSON is written, to the letter: so a member that comes twice, `1e400`, white space, a byte-order mark
 * and broken UTF-8 are refused, however a parser would read them. Claims that are not known are left alone.
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

/** Ids and names of Usher are plain ASCII without white space. */
const isText = (value: unknown): value is string => typeof value === 'string' && /^[!-~]+$/.test(value);
const isTime = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) > 0;
