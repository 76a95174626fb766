import { type Change, createChanges } from './changes.ts';
import { type Clock, systemClock } from './clock.ts';
import { type MeCalls, meCalls } from './me.ts';
import type { CallResult, Query } from './request.ts';
import { type ServiceCalls, serviceCalls } from './services.ts';
import { createSession } from './session.ts';
import { type SignInCalls, signInCalls } from './sign-in.ts';
import { memoryStorage, type TokenStorage } from './storage.ts';
import { type UsersCalls, usersCalls } from './users.ts';
import { type MailedCalls, mailedCalls } from './verification.ts';

/** The server, and how its session is stored. */
export interface ClientOptions {
  /** Usher's public URL, such as `https://accounts.example.org`. */
  url: string;
  /**
   * How the session is stored: `cookie` in a browser, in a cookie that scripts cannot read; `bearer` in a program, or
   * where the cookie is not sent, as tokens in `storage`. By default `cookie` if there is a document, otherwise
   * `bearer`.
   */
  session?: 'cookie' | 'bearer';
  /** Stores the tokens of a `bearer` session; in memory by default. Tabs with the same storage share one session. */
  storage?: TokenStorage;
  /** Replaces `fetch`, e.g. for a proxy. */
  fetch?: typeof globalThis.fetch;
  /** For tests. */
  clock?: Clock;
}

/**
 * The client that `createClient` returns. Every call resolves to `{ data, error }`. In addition to its own errors, any
 * call may return `network_error`, `unexpected_answer`, `invalid_request` with a reason for each field, `internal`,
 * `unavailable` and `stopping`.
 */
export interface Client extends SignInCalls, MailedCalls, ServiceCalls {
  me: MeCalls;
  users: UsersCalls;
  /**
   * Lists audit events, newest first; for administrators.
   *
   * @param query `user`, `name`, `request`, `since` and `until` filter; `cursor` is the `next_cursor` from the previous
   * page.
   * @returns The events, and a `next_cursor` that is null on the last page.
   *
   * Errors: `forbidden`.
   */
  events(query?: Query<'GET /v1/events'>): CallResult<'GET /v1/events'>;
  /**
   * Gets statistics: current values, and counts by hour or day; for administrators.
   *
   * @param query `span` is the time range; a week by default.
   *
   * Errors: `forbidden`.
   */
  stats(query?: Query<'GET /v1/stats'>): CallResult<'GET /v1/stats'>;
  /**
   * Reports changes of the session, also from other tabs that share it.
   *
   * @returns A function that removes the listener.
   */
  onChange(listener: (change: Change) => void): () => void;
  /** Stops listening to other tabs. */
  close(): void;
}

/**
 * Creates a client of one Usher server. Expected errors are returned, not thrown.
 *
 * @throws Error if `url` is not the URL of a server.
 *
 * @example
 * const usher = createClient({ url: 'http://localhost:4000' });
 */
export function createClient(options: ClientOptions): Client {
  const { storage, clock = systemClock } = options;
  const url = originOf(options.url);
  const kind = options.session ?? ('document' in globalThis ? 'cookie' : 'bearer');
  const fetch: typeof globalThis.fetch = options.fetch ?? ((...call) => globalThis.fetch(...call));
  const isShared = kind === 'cookie' || storage !== undefined;
  const changes = createChanges(isShared ? `usher ${url}` : undefined);
  const session = createSession({
    kind,
    // The server rejects requests with both credentials.
    sender: { url, fetch, credentials: kind === 'cookie' ? 'include' : 'omit' },
    storage: storage ?? memoryStorage(),
    clock,
    changes,
  });
  return {
    ...signInCalls(session),
    ...mailedCalls(session),
    ...serviceCalls(session, { url, fetch, clock, onChange: changes.listen }),
    me: meCalls(session),
    users: usersCalls(session),
    events: (query = {}) => session.signedIn('GET /v1/events', { query }),
    stats: (query = {}) => session.signedIn('GET /v1/stats', { query }),
    onChange: changes.listen,
    close: changes.close,
  };
}

function originOf(url: string): string {
  if (!URL.canParse(url) || !/^https?:\/\/[^/]+\/?$/.test(url))
    throw new Error(
      `Invalid url: expected Usher’s base URL, e.g. https://accounts.example.org; got "${url}".`,
    );
  return new URL(url).origin;
}
