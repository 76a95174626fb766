import type { Change } from './changes.ts';
import type { Clock } from './clock.ts';
import { failed, good, type Result } from './error.ts';
import type { Body, CallResult } from './request.ts';
import type { KeptSession } from './session.ts';

/** Services of your own that accept Usher's tokens, such as those behind `@usher-auth/guard`. */
export interface ServiceCalls {
  /**
   * The access token for a service of your own, good for at least half a minute. It is kept in memory and renewed as needed,
   * whether the session is a cookie or a pair of tokens. It opens nothing at Usher.
   *
   * @param body `audience` is the service, one of `USHER_AUDIENCES`; the default one unless told.
   *
   * Errors: `unauthenticated` without a session, those of a renewal, such as `network_error`.
   */
  token(body?: Body<'POST /v1/token'>): Promise<Result<string>>;
  /**
   * Calls a service of your own with a token for it, if there is a session; otherwise like `fetch`. What is on Usher's own
   * origin is called with the session itself. When a service answers 401 because the token is not valid, Usher is asked whether
   * there still is a session; if not, listeners hear `session_expired`.
   *
   * @param init As for `fetch`, and `audience`, the service that the token is for.
   *
   * @throws TypeError as `fetch` does when nobody can be reached; UsherError when there should be a token but none can be had.
   *
   * @example
   * export const hello = async () => (await usher.fetch('http://localhost:3000/api/hello')).json();
   */
  fetch(input: string | URL | Request, init?: RequestInit & { audience?: string }): Promise<Response>;
  /**
   * For a service without a guard: whether the session of a token that it was sent is still active, and the role of its user.
   */
  introspect(body: Body<'POST /v1/introspect'>): CallResult<'POST /v1/introspect'>;
}

interface ServiceDependencies {
  /** Usher's own origin. */
  url: string;
  /** What really sends. */
  fetch: typeof globalThis.fetch;
  clock: Clock;
  /** Tells of another session, or none. */
  onChange(listener: (change: Change) => void): unknown;
}

/** A token that ends in less than this is not handed out; in milliseconds. */
const AHEAD = 30_000;

export function serviceCalls(
  session: KeptSession,
  { url, fetch, clock, onChange }: ServiceDependencies,
): ServiceCalls {
  // By audience. Another session has other tokens: what was on its way for the one before is kept where nobody looks.
  let kept = new Map<string | undefined, { token: string; until: number }>();
  onChange((change) => {
    if (change !== 'renewed') kept = new Map();
  });

  const token: ServiceCalls['token'] = async (body = {}) => {
    const tokens = kept;
    const known = tokens.get(body.audience);
    if (known && clock.now() < known.until - AHEAD) return good(known.token);
    const { data, error } = await session.signedIn('POST /v1/token', { body });
    if (error) return failed(error);
    tokens.set(body.audience, {
      token: data.access_token,
      until: clock.now() + data.expires_in * 1000,
    });
    return good(data.access_token);
  };

  /** What goes with a call: at Usher itself what the session is, elsewhere a token for the service. */
  const credentialFor = async (call: Request, audience: string | undefined): Promise<string | null> => {
    const result =
      new URL(call.url).origin === url ? await session.token() : await token(audience ? { audience } : {});
    if (result.data !== null || !result.error) return result.data;
    if (result.error.code === 'unauthenticated' || result.error.code === 'invalid_token') return null;
    throw result.error;
  };

  /**
   * A service that rejects a token may know that the session was revoked. Usher is asked for the next token, once for each that was
   * rejected: if there is no session any more, listeners hear `session_expired`. A failure to ask says nothing.
   */
  const checkSession = async (response: Response, rejected: string, audience: string | undefined) => {
    if (kept.get(audience)?.token !== rejected) return;
    // A newer sign-in may be what is missing: the next call gets a token that says so.
    kept.delete(audience);
    if (!mayRejectToken(response.headers.get('www-authenticate'))) return;
    await token(audience ? { audience } : {});
  };

  return {
    token,
    async fetch(input, { audience, ...init } = {}) {
      const call = new Request(input, init);
      const credential = await credentialFor(call, audience);
      if (credential !== null) call.headers.set('authorization', `Bearer ${credential}`);
      const response = await fetch(call);
      if (response.status === 401 && credential !== null) await checkSession(response, credential, audience);
      return response;
    },
    introspect: (body) => session.anyone('POST /v1/introspect', { body }),
  };
}

// Whether a 401 says that the token is not valid (RFC 6750, 3.1), as that of a guard does. On another origin a page does not see
// the header unless the service exposes it; then it may have been said.
const mayRejectToken = (challenge: string | null): boolean =>
  challenge === null || /^Bearer\b.*\berror="invalid_token"/i.test(challenge);
