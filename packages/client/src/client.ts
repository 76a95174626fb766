import type { Calls, User } from './api.ts';
import { type Change, tellChanges } from './changes.ts';
import { type Clock, systemClock } from './clock.ts';
import { failed, good, type Result } from './error.ts';
import { type Answer, type Input, request, type Sender } from './request.ts';
import { memoryStorage, type TokenStorage } from './storage.ts';
import { keepTokens, notSignedIn } from './tokens.ts';

export interface ClientOptions {
  /** Usher's address, such as `https://accounts.example.org`. */
  url: string;
  /**
   * How the session is kept: `cookie` in a browser, by Usher itself and out of reach of scripts; `bearer` in a program, or
   * where the cookie cannot go, by this client. Unless told, `cookie` where there is a document, `bearer` elsewhere.
   */
  session?: 'cookie' | 'bearer';
  /** Where tokens are kept; in memory unless told. Tabs with one storage share one session. */
  storage?: TokenStorage;
  /** For a network that needs a way of its own. */
  fetch?: typeof globalThis.fetch;
  /** For tests. */
  clock?: Clock;
}

type Body<Name extends keyof Calls> = Calls[Name] extends { body?: infer B } ? NonNullable<B> : never;
type Query<Name extends keyof Calls> = Calls[Name] extends { query?: infer Q } ? NonNullable<Q> : never;
type Outcome<Name extends keyof Calls> = Promise<Result<Answer<Name>>>;

export type Client = ReturnType<typeof createClient>;

/**
 * A client of one Usher. Every method gives `{ data, error }` and throws for nothing that can be expected.
 *
 * @example
 * const usher = createClient({ url: 'http://localhost:4000' });
 */
export function createClient(options: ClientOptions) {
  const { storage, clock = systemClock } = options;
  const url = checkUrl(options.url);
  const session = options.session ?? ('document' in globalThis ? 'cookie' : 'bearer');
  const sender: Sender = {
    url,
    fetch: options.fetch ?? ((...call) => globalThis.fetch(...call)),
    // Both credentials at once are refused.
    credentials: session === 'cookie' ? 'include' : 'omit',
  };
  const isShared = session === 'cookie' || storage !== undefined;
  const changes = tellChanges(isShared ? `usher ${url}` : undefined);
  /** Whether there was a session when we last heard of it. */
  let isSignedIn = false;
  const note = (change: Change): void => {
    isSignedIn = change === 'signed_in' || change === 'renewed';
  };
  changes.listen(note);
  const tell = (change: Change): void => {
    note(change);
    changes.tell(change);
  };
  const tokens = keepTokens({
    storage: storage ?? memoryStorage(),
    clock,
    lock: `usher ${url}`,
    refresh: (token) => request(sender, 'POST /v1/refresh', { body: { refresh_token: token } }),
    onRenewed: () => tell('renewed'),
    onEnd: () => tell('session_ended'),
  });

  const anyone = <Name extends keyof Calls>(name: Name, input: Input<Name>): Outcome<Name> =>
    request(sender, name, input);

  /** A call by whoever is signed in: with the cookie, or with a token that is renewed as needed. */
  const signedIn = async <Name extends keyof Calls>(name: Name, input: Input<Name>): Outcome<Name> => {
    const result = session === 'cookie' ? await anyone(name, input) : await withToken(name, input);
    if (result.data) isSignedIn = true;
    const hasEnded = result.error?.code === 'invalid_token' || result.error?.code === 'unauthenticated';
    if (hasEnded && isSignedIn) tell('session_ended');
    return result;
  };

  const withToken = async <Name extends keyof Calls>(name: Name, input: Input<Name>): Outcome<Name> => {
    const { data: token, error } = await tokens.access();
    if (error) return failed(error);
    if (token === null) return failed(notSignedIn());
    const result = await request(sender, name, input, token);
    if (result.error?.code !== 'invalid_token') return result;
    const renewed = await tokens.renew(token);
    if (renewed.error) return failed(renewed.error);
    return renewed.data === null ? result : request(sender, name, input, renewed.data);
  };

  const signIn = async (body: Body<'POST /v1/signin'>): Promise<Result<{ user: User }>> => {
    if (session === 'cookie') {
      const { data, error } = await anyone('POST /v1/signin', { body });
      if (error) return failed(error);
      tell('signed_in');
      return good({ user: data.user });
    }
    const { data, error } = await anyone('POST /v1/login', { body });
    if (error) return failed(error);
    await tokens.keep(data);
    tell('signed_in');
    return signedIn('GET /v1/me', {});
  };

  const signUp = async (body: Body<'POST /v1/signup'>): Outcome<'POST /v1/signup'> => {
    const made = await anyone('POST /v1/signup', { body });
    // Where addresses are proven first, there is no account yet.
    if (made.error || !('user' in made.data)) return made;
    if (session === 'cookie') tell('signed_in');
    else {
      const { error } = await signIn({ email: body.email, password: body.password });
      if (error) return failed(error);
    }
    return made;
  };

  /** Ends the session; one that is over already has ended. When it fails, the session goes on. */
  const signOut = async ({ everywhere = false } = {}): Outcome<'POST /v1/logout'> => {
    const name = everywhere ? 'POST /v1/logout-everywhere' : 'POST /v1/logout';
    const token = session === 'bearer' ? await tokens.access() : good(null);
    if (token.error) return failed(token.error);
    const result = await request(sender, name, {}, token.data ?? undefined);
    const isOver = result.error?.code === 'invalid_token' || result.error?.code === 'unauthenticated';
    if (result.error && !isOver) return result;
    await leave();
    return good({ message: 'logout successful!' });
  };

  const leave = async (): Promise<void> => {
    await tokens.drop();
    tell('signed_out');
  };

  /** Proves an address. A sign-up that this finishes is signed in by cookie; with tokens, sign in afterwards. */
  const verifyEmail = async (body: Body<'POST /v1/verify-email'>): Outcome<'POST /v1/verify-email'> => {
    // A change of address is finished by whoever asked for it.
    const token = session === 'bearer' ? await tokens.access() : good(null);
    const result = await request(sender, 'POST /v1/verify-email', { body }, token.data ?? undefined);
    if (session === 'cookie' && result.data?.message === 'user created!') tell('signed_in');
    return result;
  };

  const users = {
    list: (query: Query<'GET /v1/users'> = {}) => signedIn('GET /v1/users', { query }),
    create: (body: Body<'POST /v1/users'>) => signedIn('POST /v1/users', { body }),
    get: (id: string) => signedIn('GET /v1/users/{id}', { path: { id } }),
    change: (id: string, body: Body<'PATCH /v1/users/{id}'>) =>
      signedIn('PATCH /v1/users/{id}', { path: { id }, body }),
    delete: (id: string) => signedIn('DELETE /v1/users/{id}', { path: { id } }),
    signOut: (id: string) => signedIn('POST /v1/users/{id}/logout-everywhere', { path: { id } }),
    /** Why a user is made to wait. */
    limits: (id: string) => signedIn('GET /v1/users/{id}/limits', { path: { id } }),
    liftLimits: (id: string) => signedIn('DELETE /v1/users/{id}/limits', { path: { id } }),
  };

  const me = {
    get: () => signedIn('GET /v1/me', {}),
    change: (body: Body<'PATCH /v1/me'>) => signedIn('PATCH /v1/me', { body }),
    /** Every other session ends; this one goes on. */
    async changePassword(body: Body<'PUT /v1/me/password'>): Outcome<'PUT /v1/me/password'> {
      const result = await signedIn('PUT /v1/me/password', { body });
      const { access_token, refresh_token, token_type, expires_in } = result.data ?? {};
      if (access_token && refresh_token && token_type && expires_in)
        await tokens.keep({ access_token, refresh_token, token_type, expires_in });
      return result;
    },
    /** Asks for another address; it counts once it is proven. */
    changeEmail: (body: Body<'POST /v1/me/email'>) => signedIn('POST /v1/me/email', { body }),
    /** Mails once more what proves the address. */
    mailProof: () => signedIn('POST /v1/me/verify-email', {}),
    async delete(body: Body<'DELETE /v1/me'>): Outcome<'DELETE /v1/me'> {
      const result = await signedIn('DELETE /v1/me', { body });
      if (result.data) await leave();
      return result;
    },
    dashboard: () => signedIn('GET /v1/dashboard', {}),
    sessions: () => signedIn('GET /v1/me/sessions', {}),
    endSession: (id: string) => signedIn('DELETE /v1/me/sessions/{id}', { path: { id } }),
  };

  /**
   * The access token for a service of your own, good for at least half a minute.
   *
   * @returns `unauthenticated` without a session; always with a cookie, whose session has no such token.
   */
  const accessToken = async (): Promise<Result<string>> => {
    const { data, error } = session === 'cookie' ? good(null) : await tokens.access();
    if (error) return failed(error);
    return data === null ? failed(notSignedIn()) : good(data);
  };

  /**
   * Calls a service of your own with the access token, if there is a session; otherwise like `fetch`, which also throws
   * when nobody can be reached.
   */
  const authorizedFetch = async (
    input: string | URL | Request,
    init: RequestInit = {},
  ): Promise<Response> => {
    const call = new Request(input, init);
    const { data: token, error } = session === 'cookie' ? good(null) : await tokens.access();
    if (error) throw error;
    if (token !== null) call.headers.set('authorization', `Bearer ${token}`);
    return sender.fetch(call);
  };

  return {
    signUp,
    signIn,
    signOut,
    /** Mails a code and a link to someone who forgot the password; answers the same whether there is such an account. */
    sendMail: (body: Body<'POST /v1/send-mail'>) => anyone('POST /v1/send-mail', { body }),
    /** Sets a new password with the code or the link; every session of the account has ended then. */
    resetPassword: (body: Body<'POST /v1/reset-password'>) => anyone('POST /v1/reset-password', { body }),
    verifyEmail,
    /** Takes a change of address back, with the link that the old address got. */
    restoreEmail: (body: Body<'POST /v1/restore-email'>) => anyone('POST /v1/restore-email', { body }),
    me,
    /** For administrators. */
    users,
    /** The audit record, for administrators. */
    events: (query: Query<'GET /v1/events'> = {}) => signedIn('GET /v1/events', { query }),
    accessToken,
    fetch: authorizedFetch,
    /** Tells what becomes of the session, also in other tabs that share it. @returns What ends the telling. */
    onChange: changes.listen,
    /** Listens to other tabs no more. */
    close: changes.close,
  };
}

/** @throws Error for what is no address of a server. */
function checkUrl(url: string): string {
  if (!URL.canParse(url) || !/^https?:\/\/[^/]+\/?$/.test(url))
    throw new Error(
      `The url must be Usher's address, such as https://accounts.example.org; "${url}" is not.`,
    );
  return new URL(url).origin;
}
