import { compactVerify } from 'jose';
import { type Claims, readClaims, splitToken } from './claims.ts';
import { type Clock, systemClock } from './clock.ts';
import { GuardError } from './error.ts';
import { issuerKeys, type Key } from './keys.ts';
import { askRole, type Role } from './role.ts';

export interface GuardOptions {
  /** Usher's address, as `USHER_PUBLIC_URL` says it: `https://accounts.example.org`. */
  issuer: string;
  /** The service that the tokens are for, one of `USHER_AUDIENCES` there; `services` unless told. */
  audience?: string;
  /**
   * Whether a session has ended, asked at every request. A source that fails refuses (503): nobody is let in because
   * something is broken.
   */
  isRevoked?: (sessionId: string) => boolean | Promise<boolean>;
  /** For tests. */
  clock?: Clock;
  /** For a network that needs a way of its own, such as a proxy. */
  fetch?: typeof globalThis.fetch;
}

/** What a route needs beside a good token. */
export interface Needs {
  /**
   * A role that the user must have at this moment. Tokens hold none, because roles change: the issuer is asked at every
   * request, and its answer also knows whether the session has ended.
   */
  role?: Role;
  /** How many seconds ago the user may have signed in, for what must not be done by whoever finds a screen unlocked. */
  maxAge?: number;
}

/** Who calls. */
export interface Auth {
  /** The user's id at Usher: it never changes, and nobody else gets it. */
  readonly userId: string;
  /** The id of the session, that is of one sign-in. */
  readonly sessionId: string;
  /** When the user signed in, in milliseconds since 1970. */
  readonly signedInAt: number;
  /** How, as `amr` says (RFC 8176): `pwd` for a password. */
  readonly methods: readonly string[];
  /** When the token ends, in milliseconds since 1970. */
  readonly expiresAt: number;
}

export interface Guard {
  /**
   * Who holds a token.
   *
   * @throws GuardError `invalid_token`, `insufficient_user_authentication`, `insufficient_scope`, `unavailable`.
   */
  verify(token: string, needs?: Needs): Promise<Auth>;
  /** The same for an Authorization header. @throws GuardError also `unauthenticated`, when there is no token in it. */
  authenticate(authorization: string | null | undefined, needs?: Needs): Promise<Auth>;
}

/** How many verified tokens are remembered. */
const MAX_TOKENS = 10_000;

/** b64token of RFC 6750 section 2.1, after the scheme in any letter case and one space. */
const BEARER = /^bearer ([\w\-.~+/]+=*)$/i;

/**
 * Checks the access tokens of one issuer. One guard serves a whole service: it holds the issuer's keys and what it has
 * verified already.
 *
 * @throws Error, at once, for an issuer that cannot be one, or an audience that is not a service.
 * @example
 * const guard = createGuard({ issuer: 'http://localhost:4000' });
 * const { userId, sessionId } = await guard.verify(token);
 */
export function createGuard(options: GuardOptions): Guard {
  const { isRevoked, clock = systemClock, fetch = globalThis.fetch } = options;
  const issuer = checkIssuer(options.issuer);
  const audience = checkAudience(options.audience ?? 'services', issuer);
  const keys = issuerKeys(issuer, clock, fetch);
  // Keyed by the whole text: only a text that was verified before is found, a mutant is verified anew.
  const verified = new Map<string, Auth>();
  let revision = keys.revision();

  const remember = (token: string, auth: Auth): void => {
    // The oldest is the first to run out.
    if (verified.size >= MAX_TOKENS) verified.delete(verified.keys().next().value ?? '');
    verified.set(token, auth);
  };

  const verifyAnew = async (token: string): Promise<Auth> => {
    const began = revision;
    const [header, payload] = splitToken(token) ?? refuse('invalid_token');
    const key = (await keys.find(header)) ?? refuse('invalid_token');
    if (!(await isSignedBy(key, token))) refuse('invalid_token');
    const claims = readClaims(payload, issuer, clock.now()) ?? refuse('invalid_token');
    if (claims.aud !== audience) rejectOther(claims, audience, clock.now());
    const auth = callerOf(claims);
    // Not if the keys changed meanwhile: this one may be among those that were withdrawn.
    if (began === keys.revision()) remember(token, auth);
    return auth;
  };

  const verify = async (token: string, needs: Needs = {}): Promise<Auth> => {
    if (!(await keys.renew())) refuse('unavailable');
    if (revision !== keys.revision()) {
      // A key may have been withdrawn, and with it what it signed.
      verified.clear();
      revision = keys.revision();
    }
    const auth = verified.get(token) ?? (await verifyAnew(token));
    if (clock.now() >= auth.expiresAt) {
      verified.delete(token);
      refuse('invalid_token');
    }
    if (isRevoked && (await hasEnded(isRevoked, auth.sessionId))) refuse('invalid_token');
    if (needs.maxAge !== undefined && clock.now() > auth.signedInAt + needs.maxAge * 1000)
      throw new GuardError('insufficient_user_authentication', { maxAge: needs.maxAge });
    if (needs.role !== undefined) await requireRole(needs.role, auth, token);
    return auth;
  };

  const requireRole = async (role: Role, auth: Auth, token: string): Promise<void> => {
    const user = await askRole(issuer, token, fetch);
    if (user.id !== auth.userId) refuse('invalid_token');
    if (user.role !== role) refuse('insufficient_scope');
  };

  return {
    verify,
    async authenticate(authorization, needs) {
      if (!authorization || !/^bearer(?: |$)/i.test(authorization)) return refuse('unauthenticated');
      const token = BEARER.exec(authorization)?.[1] ?? refuse('invalid_token');
      return verify(token, needs);
    },
  };
}

function refuse(code: GuardError['code']): never {
  throw new GuardError(code);
}

/** Says what a good token is not for, to whoever sent the wrong one of their tokens. */
function rejectOther({ exp }: Claims, audience: string, now: number): never {
  if (now >= exp * 1000) refuse('invalid_token');
  throw new GuardError('invalid_token', {
    message: `This token is for another audience. Get one for \`${audience}\` from POST /v1/token.`,
  });
}

/** Over plain http anybody on the way could hand out keys of their own; only the machine itself has no way in between. */
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

/** A token for Usher itself can do there what its user can: whoever sent it to a service would have given that away. */
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

/** Frozen, because everybody who sends the same token is handed the same one. */
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

/** A guard as it is, or a new one from options. */
export const guardOf = (given: Guard | GuardOptions): Guard =>
  'verify' in given ? given : createGuard(given);
