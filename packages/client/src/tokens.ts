import type { TokenPair } from './api.ts';
import type { Clock } from './clock.ts';
import { failed, good, type Result, UsherError } from './error.ts';
import type { TokenStorage } from './storage.ts';

/** A pair of tokens, and when the access token expires by our own clock, in milliseconds since 1970. */
interface StoredTokens {
  access: string;
  refresh: string;
  expiresAt: number;
}

/** The token pair of a bearer session, refreshed before it expires. */
export interface TokenStore {
  /** The access token, refreshed if it is about to expire. @returns null without a session. */
  access(): Promise<Result<string | null>>;
  /** The replacement for a rejected access token. @returns null if the session has ended. */
  refresh(rejected: string): Promise<Result<string | null>>;
  store(pair: TokenPair): Promise<void>;
  clear(): Promise<void>;
}

/** An access token that expires within this time is refreshed first; in milliseconds. */
const AHEAD = 30_000;

interface TokenDependencies {
  storage: TokenStorage;
  clock: Clock;
  /** The name of the lock that tabs with the same storage share. */
  lock: string;
  requestTokens(token: string): Promise<Result<TokenPair>>;
  onRefreshed(): void;
  onEnd(): void;
}

export function createTokenStore({
  storage,
  clock,
  lock,
  requestTokens,
  onRefreshed,
  onEnd,
}: TokenDependencies): TokenStore {
  let refreshing: Promise<Result<string | null>> | undefined;

  const store = async (pair: TokenPair): Promise<void> => {
    const expiresAt = clock.now() + pair.expires_in * 1000;
    const stored: StoredTokens = { access: pair.access_token, refresh: pair.refresh_token, expiresAt };
    await storage.write(JSON.stringify(stored));
  };

  /**
   * Runs inside the lock: uses tokens that another tab has refreshed meanwhile, so that no refresh token is sent twice.
   */
  const refreshLocked = async (stale: string): Promise<Result<string | null>> => {
    const stored = await readStored(storage);
    if (!stored) return good(null);
    if (stored.access !== stale) return good(stored.access);
    const { data, error } = await requestTokens(stored.refresh);
    if (data) {
      await store(data);
      onRefreshed();
      return good(data.access_token);
    }
    if (error.code !== 'invalid_token') return failed(error);
    await storage.write(null);
    onEnd();
    return good(null);
  };

  /** Refreshes once at a time, here and across tabs. */
  const refresh = (stale: string): Promise<Result<string | null>> => {
    refreshing ??= exclusively(lock, () => refreshLocked(stale)).finally(() => {
      refreshing = undefined;
    });
    return refreshing;
  };

  return {
    async access() {
      const stored = await readStored(storage);
      if (!stored || clock.now() < stored.expiresAt - AHEAD) return good(stored?.access ?? null);
      const refreshed = await refresh(stored.access);
      // The refresh starts early: if it fails, the current token can be used until it expires.
      const isGoodStill = refreshed.error && clock.now() < stored.expiresAt;
      return isGoodStill ? good(stored.access) : refreshed;
    },
    refresh,
    store,
    clear: async () => storage.write(null),
  };
}

/** @returns undefined if nothing is stored, or something else. */
async function readStored(storage: TokenStorage): Promise<StoredTokens | undefined> {
  try {
    const stored: Partial<StoredTokens> = JSON.parse((await storage.read()) ?? 'null') ?? {};
    const { access, refresh, expiresAt } = stored;
    return typeof access === 'string' && typeof refresh === 'string' && typeof expiresAt === 'number'
      ? { access, refresh, expiresAt }
      : undefined;
  } catch {
    return undefined;
  }
}

interface Locks {
  request<T>(name: string, act: () => Promise<T>): Promise<T>;
}

/**
 * Serializes tabs with Web Locks, where available. Without them, two tabs may refresh at once: the server gives both the
 * same successor, and within three seconds does not count that as a retry.
 */
function exclusively<T>(name: string, act: () => Promise<T>): Promise<T> {
  const { navigator }: { navigator?: { locks?: Locks } } = globalThis as object;
  return navigator?.locks ? navigator.locks.request(name, act) : act();
}

/** The error if there is no session to refresh. */
export const notSignedIn = (): UsherError =>
  new UsherError('unauthenticated', 'You need to sign in to continue.', { status: 401 });
