import { failed, good, type Result } from './error.ts';
import type { KeptSession } from './session.ts';
import { notSignedIn } from './tokens.ts';

/** Services of your own that accept Usher's tokens, such as those behind `@usher/guard`. */
export interface ServiceCalls {
  /**
   * The access token for a service of your own, good for at least half a minute.
   *
   * Errors: `unauthenticated` without a session; always with a cookie, whose session has no such token. Those of a renewal,
   * such as `network_error`.
   */
  accessToken(): Promise<Result<string>>;
  /**
   * Calls a service of your own with the access token, if there is a session; otherwise like `fetch`.
   *
   * @throws TypeError as `fetch` does when nobody can be reached; UsherError when the token cannot be renewed.
   *
   * @example
   * export const hello = async () => (await usher.fetch('http://localhost:3000/api/hello')).json();
   */
  fetch(input: string | URL | Request, init?: RequestInit): Promise<Response>;
}

/** @param fetch What really sends. */
export const serviceCalls = (session: KeptSession, fetch: typeof globalThis.fetch): ServiceCalls => ({
  async accessToken() {
    const { data: token, error } = await session.token();
    if (error) return failed(error);
    return token === null ? failed(notSignedIn()) : good(token);
  },
  async fetch(input, init = {}) {
    const call = new Request(input, init);
    const { data: token, error } = await session.token();
    if (error) throw error;
    if (token !== null) call.headers.set('authorization', `Bearer ${token}`);
    return fetch(call);
  },
});
