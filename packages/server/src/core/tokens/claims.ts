import { newTokenId } from '../../platform/random.ts';

/**
 * The claims of a token (RFC 7519, RFC 9068). `exp`, `iat` and `auth_time` are in seconds since 1970. There is no
 * email, name or role: these change, so they are read when needed.
 */
export interface Claims {
  iss: string;
  sub: string;
  aud: string;
  exp: number;
  iat: number;
  jti: string;
  sid: string;
  auth_time: number;
  amr: string[];
}

/** The user and session that a token is for. */
export interface Subject {
  userId: string;
  sessionId: string;
  /** Milliseconds since 1970. */
  signedInAt: number;
  amr: string[];
}

/** The maximum length of a token; longer ones are rejected unread. */
export const MAX_CHARACTERS = 4_096;

/**
 * How far in the future `iat` and `auth_time` may be, in seconds, because the clocks of several processes differ
 * slightly. Usher did not issue a token that exceeds it.
 */
const CLOCK_SKEW = 60;

/** Milliseconds since 1970 as whole seconds (RFC 7519, NumericDate). */
export const seconds = (milliseconds: number): number => Math.floor(milliseconds / 1000);

/** @param until Milliseconds since 1970. */
export function claimsFor(
  subject: Subject,
  issuer: string,
  audience: string,
  now: number,
  until: number,
): Claims {
  return {
    iss: issuer,
    sub: subject.userId,
    aud: audience,
    exp: seconds(until),
    iat: seconds(now),
    jti: newTokenId(),
    sid: subject.sessionId,
    auth_time: seconds(subject.signedInAt),
    amr: subject.amr,
  };
}

/** The only encoding of claims that Usher issues. */
export const encodeClaims = (claims: Claims): string =>
  Buffer.from(JSON.stringify(claims)).toString('base64url');

/**
 * Decodes the claims of a token with a verified signature, only if they are, byte for byte, as Usher encodes them. This
 * rules out what lenient parsers accept: duplicate members, another order or type, `1e400`, a byte-order mark, invalid
 * UTF-8, alternative base64url spellings of the same bytes.
 *
 * @param longest The maximum lifetime of such a token, in seconds. Usher did not issue one with a longer one.
 */
export function decodeClaims(
  text: string,
  issuer: string,
  audiences: readonly string[],
  longest: number,
): Claims | undefined {
  let claims: Partial<Claims>;
  try {
    claims = JSON.parse(Buffer.from(text, 'base64url').toString()) as Partial<Claims>;
  } catch {
    return undefined;
  }
  const { iss, sub, aud, exp, iat, jti, sid, auth_time, amr } = claims ?? {};
  const isSound =
    iss === issuer &&
    isText(aud) &&
    audiences.includes(aud) &&
    isText(sub) &&
    isText(jti) &&
    isText(sid) &&
    isTime(exp) &&
    isTime(iat) &&
    isTime(auth_time) &&
    Array.isArray(amr) &&
    amr.every(isText) &&
    exp > iat &&
    exp - iat <= longest;
  if (!isSound) return undefined;
  const sound: Claims = { iss, sub, aud, exp, iat, jti, sid, auth_time, amr };
  return encodeClaims(sound) === text ? sound : undefined;
}

/** Usher writes only plain ASCII here. No NUL or lone surrogate may reach the database. */
const isText = (value: unknown): value is string => typeof value === 'string' && /^[!-~]+$/.test(value);
const isTime = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) > 0;

/** Whether a token has expired (RFC 7519, 4.1.4: at `exp`, not after it). There is no leeway. */
export const hasExpired = ({ exp }: Pick<Claims, 'exp'>, now: number): boolean => now >= exp * 1000;

/** Whether a token's `iat` or `auth_time` is more than `CLOCK_SKEW` in the future. */
export const isFromFuture = ({ iat, auth_time }: Claims, now: number): boolean =>
  Math.max(iat, auth_time) > seconds(now) + CLOCK_SKEW;
