import type { TokenPair } from './api.ts';
import type { Clock } from './clock.ts';
import { failed, good, type Result, UsherError } from './error.ts';
import type { TokenStorage } from './storage.ts';

/** A pair of tokens, and when the access token expires by our own clock, in milliseconds since 1970. */
interface Kept {
  access: string;
  refresh: string;
  until: number;
}

/** The token pair of a bearer session, renewed before it expires. */
export interface Tokens {
  /** The access token, renewed if it is about to expire. @returns null without a session. */
  access(): Promise<Result<string | null>>;
  /** The replacement for a rejected access token. @returns null if the session has ended. */
  renew(rejected: string): Promise<Result<string | null>>;
  keep(pair: TokenPair): Promise<void>;
  drop(): Promise<void>;
}

/** An access token that expires within this time is renewed first; in milliseconds. */
const AHEAD = 30_000;

interface TokenDependencies {
  storage: TokenStorage;
  clock: Clock;
  /** The name of the lock that tabs with the same storage share. */
  lock: string;
  refresh(token: string): Promise<Result<TokenPair>>;
  onRenewed(): void;
  onEnd(): void;
}

export function keepTokens({ storage, clock, lock, refresh, onRenewed, onEnd }: TokenDependencies): Tokens {
  let renewing: Promise<Result<string | null>> | undefined;

  const keep = async (pair: TokenPair): Promise<void> => {
    const until = clock.now() + pair.expires_in * 1000;
    const kept: Kept = { access: pair.access_token, refresh: pair.refresh_token, until };
    await storage.write(JSON.stringify(kept));
  };

  /**
   * Runs inside the lock: uses tokens that another tab has renewed meanwhile, so that no refresh token is sent twice.
   */
  const renewLocked = async (stale: string): Promise<Result<string | null>> => {
    const kept = await readKept(storage);
    if (!kept) return good(null);
    if (kept.access !== stale) return good(kept.access);
    const { data, error } = await refresh(kept.refresh);
    if (data) {
      await keep(data);
      onRenewed();
      return good(data.access_token);
    }
    if (error.code !== 'invalid_token') return failed(error);
    await storage.write(null);
    onEnd();
    return good(null);
  };

  /** Renews once at a time, here and across tabs. */
  const renew = (stale: string): Promise<Result<string | null>> => {
    renewing ??= exclusively(lock, () => renewLocked(stale)).finally(() => {
      renewing = undefined;
    });
    return renewing;
  };

  return {
    async access() {
      const kept = await readKept(storage);
      if (!kept || clock.now() < kept.until - AHEAD) return good(kept?.access ?? null);
      const renewed = await renew(kept.access);
      // Renewal starts early: if it fails, the current token can be used until it expires.
      const isGoodStill = renewed.error && clock.now() < kept.until;
      return isGoodStill ? good(kept.access) : renewed;
    },
    renew,
    keep,
    drop: async () => storage.write(null),
  };
}

/** @returns undefined if nothing is stored, or something else. */
async function readKept(storage: TokenStorage): Promise<Kept | undefined> {
  try {
    const kept: Partial<Kept> = JSON.parse((await storage.read()) ?? 'null') ?? {};
    const { access, refresh, until } = kept;
    return typeof access === 'string' && typeof refresh === 'string' && typeof until === 'number'
      ? { access, refresh, until }
      : undefined;
  } catch {
    return undefined;
  }
}

interface Locks {
  request<T>(name: string, act: () => Promise<T>): Promise<T>;
}

/**
 * Serializes tabs with Web Locks, where available. Without them, two tabs may renew at once: the server gives both the
 * same successor, and within three seconds does not count that as a retry.
 */
function exclusively<T>(name: string, act: () => Promise<T>): Promise<T> {
  const { navigator }: { navigator?: { locks?: Locks } } = globalThis as object;
  return navigator?.locks ? navigator.locks.request(name, act) : act();
}

/** The error if there is no session to renew. */
export const notSignedIn = (): UsherError =>
  new UsherError('unauthenticated', 'You need to sign in to continue.', { status: 401 });
