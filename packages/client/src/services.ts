import type { Change } from './changes.ts';
import type { Clock } from './clock.ts';
import { failed, good, type Result } from './error.ts';
import type { Body, CallResult } from './request.ts';
import type { ClientSession } from './session.ts';

/** Your own services that accept Usher's access tokens, such as those with `@usher-auth/guard`. */
export interface ServiceCalls {
  /**
   * Gets an access token for one of your services, valid for at least 30 more seconds. It is cached in memory and
   * refreshed as needed, for cookie and bearer sessions. Usher itself does not accept it.
   *
   * @param body `audience` is the service, one of `USHER_AUDIENCES`; the default audience if omitted.
   *
   * Errors: `unauthenticated` without a session, and those of a refresh, such as `network_error`.
   */
  token(body?: Body<'POST /v1/token'>): Promise<Result<string>>;
  /**
   * Calls one of your services, with an access token for it if there is a session; otherwise like `fetch`. Requests to
   * Usher's own origin use the session itself. If a service responds with 401 because the token is invalid, the client
   * checks whether the session is still active; if not, listeners receive `session_expired`.
   *
   * @param init As for `fetch`, plus `audience`, the service that the token is for.
   *
   * @throws TypeError like `fetch` if the service cannot be reached; UsherError if there is a session but no token
   * could be obtained.
   *
   * @example
   * export const hello = async () => (await usher.fetch('http://localhost:3000/api/hello')).json();
   */
  fetch(input: string | URL | Request, init?: RequestInit & { audience?: string }): Promise<Response>;
  /**
   * For a service without a guard: checks whether the session of a received token is still active, and gets the role of
   * its user.
   */
  introspect(body: Body<'POST /v1/introspect'>): CallResult<'POST /v1/introspect'>;
}

interface ServiceDependencies {
  /** Usher's own origin. */
  url: string;
  /** Sends the requests. */
  fetch: typeof globalThis.fetch;
  clock: Clock;
  /** Reports that the session changed. */
  onChange(listener: (change: Change) => void): unknown;
}

/** A token that expires within this time is not handed out; in milliseconds. */
const AHEAD = 30_000;

export function serviceCalls(
  session: ClientSession,
  { url, fetch, clock, onChange }: ServiceDependencies,
): ServiceCalls {
  // By audience. A change of session replaces the map, so a pending request of the previous session stores its token in
  // the old one, which is never read.
  let cache = new Map<string | undefined, { token: string; expiresAt: number }>();
  onChange((change) => {
    if (change !== 'token_refreshed') cache = new Map();
  });

  const token: ServiceCalls['token'] = async (body = {}) => {
    const tokens = cache;
    const known = tokens.get(body.audience);
    if (known && clock.now() < known.expiresAt - AHEAD) return good(known.token);
    const { data, error } = await session.signedIn('POST /v1/token', { body });
    if (error) return failed(error);
    tokens.set(body.audience, {
      token: data.access_token,
      expiresAt: clock.now() + data.expires_in * 1000,
    });
    return good(data.access_token);
  };

  /** The credential of a request: the session for Usher itself, otherwise a token for the service. */
  const credentialFor = async (call: Request, audience: string | undefined): Promise<string | null> => {
    const result =
      new URL(call.url).origin === url ? await session.token() : await token(audience ? { audience } : {});
    if (result.data !== null || !result.error) return result.data;
    if (result.error.code === 'unauthenticated' || result.error.code === 'invalid_token') return null;
    throw result.error;
  };

  /**
   * A service that rejects a token may know that the session was revoked. The client asks Usher for a new token, once
   * for each rejected one: if the session has ended, listeners receive `session_expired`. If Usher cannot be reached,
   * nothing is reported.
   */
  const checkSession = async (response: Response, rejected: string, audience: string | undefined) => {
    if (cache.get(audience)?.token !== rejected) return;
    // The service may require a more recent sign-in: the next call gets a new token with the latest `auth_time`.
    cache.delete(audience);
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

// Whether a 401 says that the token is invalid (RFC 6750, 3.1), as a guard's does. On another origin the header is
// hidden unless the service exposes it; then the token may have been rejected.
const mayRejectToken = (challenge: string | null): boolean =>
  challenge === null || /^Bearer\b.*\berror="invalid_token"/i.test(challenge);
