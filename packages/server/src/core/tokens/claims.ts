import { newTokenId } from '../../platform/random.ts';

/**
 * What a token says (RFC 7519, RFC 9068). `exp`, `iat` and `auth_time` are seconds since 1970. No e-mail,
 * name or role: those are read when they are needed, because they change.
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

/** Whom a token is for, and by which sign-in. */
export interface Subject {
  userId: string;
  sessionId: string;
  /** Milliseconds since 1970. */
  signedInAt: number;
  amr: string[];
}

/** The longest token that is looked at. */
export const MAX_CHARACTERS = 4_096;

/** No token that Usher makes lives longer (the setting's maximum); one that claims to was not made by it. */
const LONGEST_LIFETIME = 3_600;

/**
 * How far in the future `iat` and `auth_time` may lie, in seconds: the clocks of several processes differ a little. What
 * claims more was not made by any of them.
 */
const CLOCK_SKEW = 60;

/** Milliseconds since 1970 as whole seconds, as tokens count (RFC 7519, NumericDate). */
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

/** The one way in which Usher writes claims. */
export const encodeClaims = (claims: Claims): string =>
  Buffer.from(JSON.stringify(claims)).toString('base64url');

/**
 * The claims of a token whose signature was verified: only if they are, byte for byte, as Usher writes them.
 * That settles at once what lenient parsers let through: members twice, in other order or of another type,
 * `1e400`, a byte-order mark, broken UTF-8, base64url that decodes to the same bytes from another text.
 */
export function decodeClaims(text: string, issuer: string, audiences: readonly string[]): Claims | undefined {
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
    exp - iat <= LONGEST_LIFETIME;
  if (!isSound) return undefined;
  const sound: Claims = { iss, sub, aud, exp, iat, jti, sid, auth_time, amr };
  return encodeClaims(sound) === text ? sound : undefined;
}

/** All that Usher writes here is plain ASCII; what goes on to the database is never a NUL or half a surrogate pair. */
const isText = (value: unknown): value is string => typeof value === 'string' && /^[!-~]+$/.test(value);
const isTime = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) > 0;

/** Whether a token's time has come to an end (RFC 7519, 4.1.4: at `exp`, not after it). No leeway. */
export const hasExpired = ({ exp }: Pick<Claims, 'exp'>, now: number): boolean => now >= exp * 1000;

/** Whether a token says that it was issued, or its user authenticated, later than now by more than `CLOCK_SKEW`. */
export const isFromFuture = ({ iat, auth_time }: Claims, now: number): boolean =>
  Math.max(iat, auth_time) > seconds(now) + CLOCK_SKEW;
