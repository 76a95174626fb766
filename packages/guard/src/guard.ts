import { compactVerify } from 'jose';
import { type Claims, readClaims, splitToken } from './claims.ts';
import { type Clock, systemClock } from './clock.ts';
import { GuardError } from './error.ts';
import { issuerKeys, type Key } from './keys.ts';
import { fetchRole, type Role } from './role.ts';

export interface GuardOptions {
  /** The issuer's URL, exactly as in `USHER_PUBLIC_URL`: `https://accounts.example.org`. */
  issuer: string;
  /** The service that the tokens must be for, one of the issuer's `USHER_AUDIENCES`; defaults to `services`. */
  audience?: string;
  /**
   * Checks at every request whether a session has ended. If it throws, the request is rejected with `unavailable`
   * (503): the guard fails closed.
   */
  isRevoked?: (sessionId: string) => boolean | Promise<boolean>;
  /** For tests. */
  clock?: Clock;
  /** Replaces `fetch`, e.g. for a proxy. */
  fetch?: typeof globalThis.fetch;
}

/** What a route requires in addition to a valid token. */
export interface Needs {
  /**
   * The role that the user must have now. Tokens contain no role, because roles change: the guard asks the issuer at
   * every request, whose response also says whether the session has ended.
   */
  role?: Role;
  /**
   * How long ago the user may have signed in, in seconds. For sensitive actions that a stranger at an unlocked screen
   * must not be able to perform.
   */
  maxAge?: number;
}

/** The verified caller. */
export interface Auth {
  /** The user's ID at Usher. It never changes and is never reused. */
  readonly userId: string;
  /** The ID of the session. */
  readonly sessionId: string;
  /** When the user signed in, in milliseconds since 1970. */
  readonly signedInAt: number;
  /** The authentication methods, as in `amr` (RFC 8176): `pwd` for a password. */
  readonly methods: readonly string[];
  /** When the token expires, in milliseconds since 1970. */
  readonly expiresAt: number;
}

export interface Guard {
  /**
   * Verifies a token.
   *
   * @returns Who the token was issued to.
   * @throws GuardError `invalid_token`, `insufficient_user_authentication`, `insufficient_scope`, `unavailable`.
   */
  verify(token: string, needs?: Needs): Promise<Auth>;
  /** Verifies the token in an Authorization header. @throws GuardError also `unauthenticated` if it contains none. */
  authenticate(authorization: string | null | undefined, needs?: Needs): Promise<Auth>;
}

/** The size of the cache of verified tokens. */
const MAX_TOKENS = 10_000;

/** The b64token of RFC 6750, 2.1, after a case-insensitive scheme and one space. */
const BEARER = /^bearer ([\w\-.~+/]+=*)$/i;

/**
 * Creates a guard, which verifies the access tokens of one issuer. One guard serves a whole service: it caches the
 * issuer's keys and verified tokens.
 *
 * @throws Error if the issuer or the audience is invalid.
 *
 * @example
 * const guard = createGuard({ issuer: 'http://localhost:4000' });
 * const { userId, sessionId } = await guard.verify(token);
 */
export function createGuard(options: GuardOptions): Guard {
  const { isRevoked, clock = systemClock, fetch = globalThis.fetch } = options;
  const issuer = checkIssuer(options.issuer);
  const audience = checkAudience(options.audience ?? 'services', issuer);
  const keys = issuerKeys(issuer, clock, fetch);
  // Keyed by the whole token: only an identical token is found; any variant is verified anew.
  const verified = new Map<string, Auth>();
  let revision = keys.revision();

  const verifyAnew = async (token: string): Promise<Auth> => {
    const revisionBefore = revision;
    const [header, payload] = splitToken(token) ?? reject('invalid_token');
    const key = (await keys.find(header)) ?? reject('invalid_token');
    if (!(await isSignedBy(key, token))) reject('invalid_token');
    const claims = readClaims(payload, issuer, clock.now()) ?? reject('invalid_token');
    if (claims.aud !== audience) rejectOtherAudience(claims, audience, clock.now());
    const auth = callerOf(claims);
    // Not cached if the keys have changed meanwhile: this key may have been withdrawn.
    if (revisionBefore === keys.revision()) remember(verified, token, auth);
    return auth;
  };

  const verify = async (token: string, needs: Needs = {}): Promise<Auth> => {
    if (!(await keys.refresh())) reject('unavailable');
    if (revision !== keys.revision()) {
      // A key may have been withdrawn, which invalidates the tokens that it signed.
      verified.clear();
      revision = keys.revision();
    }
    const auth = verified.get(token) ?? (await verifyAnew(token));
    if (clock.now() >= auth.expiresAt) {
      verified.delete(token);
      reject('invalid_token');
    }
    if (isRevoked && (await hasEnded(isRevoked, auth.sessionId))) reject('invalid_token');
    if (needs.maxAge !== undefined && clock.now() > auth.signedInAt + needs.maxAge * 1000)
      throw new GuardError('insufficient_user_authentication', { maxAge: needs.maxAge });
    if (needs.role !== undefined) await requireRole(needs.role, auth, token);
    return auth;
  };

  const requireRole = async (role: Role, auth: Auth, token: string): Promise<void> => {
    const user = await fetchRole(issuer, token, fetch);
    if (user.id !== auth.userId) reject('invalid_token');
    if (user.role !== role) reject('insufficient_scope');
  };

  return {
    verify,
    async authenticate(authorization, needs) {
      if (!authorization || !/^bearer(?: |$)/i.test(authorization)) return reject('unauthenticated');
      const token = BEARER.exec(authorization)?.[1] ?? reject('invalid_token');
      return verify(token, needs);
    },
  };
}

function remember(verified: Map<string, Auth>, token: string, auth: Auth): void {
  // The oldest entry is likely the first to expire.
  if (verified.size >= MAX_TOKENS) verified.delete(verified.keys().next().value ?? '');
  verified.set(token, auth);
}

function reject(code: GuardError['code']): never {
  throw new GuardError(code);
}

/** Rejects a valid token with another audience, with a message for the developer who sent the wrong one. */
function rejectOtherAudience({ exp }: Claims, audience: string, now: number): never {
  if (now >= exp * 1000) reject('invalid_token');
  throw new GuardError('invalid_token', {
    message: `This token is for another audience. Get one for \`${audience}\` from POST /v1/token.`,
  });
}

/** With plain http, an attacker on the network could substitute the keys; only loopback has no network in between. */
function checkIssuer(issuer: string): string {
  const url = URL.canParse(issuer) ? new URL(issuer) : undefined;
  if (!url || url.origin !== issuer)
    throw new Error(
      `Invalid issuer: expected an origin without a path, e.g. https://accounts.example.org; got "${issuer}".`,
    );
  const isHere = ['localhost', '127.0.0.1', '[::1]'].includes(url.hostname);
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && isHere))
    throw new Error(`The issuer must use https (except on localhost): "${issuer}".`);
  return issuer;
}

/** A token for Usher itself gives full access to the user's account, so a service must not ask users for one. */
function checkAudience(audience: string, issuer: string): string {
  if (audience === issuer)
    throw new Error(
      `Invalid audience: "${audience}" is Usher itself. Use one of USHER_AUDIENCES, e.g. services.`,
    );
  return audience;
}

async function isSignedBy({ publicKey, algorithm }: Key, token: string): Promise<boolean> {
  try {
    await compactVerify(token, publicKey, { algorithms: [algorithm] });
    return true;
  } catch {
    return false;
  }
}

/** Frozen, because all requests with the same token share the object. */
const callerOf = ({ sub, sid, auth_time, amr, exp }: Claims): Auth =>
  Object.freeze({
    userId: sub,
    sessionId: sid,
    signedInAt: auth_time * 1000,
    methods: Object.freeze(amr),
    expiresAt: exp * 1000,
  });

async function hasEnded(
  isRevoked: NonNullable<GuardOptions['isRevoked']>,
  sessionId: string,
): Promise<boolean> {
  try {
    return await isRevoked(sessionId);
  } catch (cause) {
    throw new GuardError('unavailable', { cause });
  }
}

/** Returns a given guard, or creates one from options. */
export const guardOf = (given: Guard | GuardOptions): Guard =>
  'verify' in given ? given : createGuard(given);
