import type { Calls, TokenPair } from './api.ts';
import type { Change, Changes } from './changes.ts';
import type { Clock } from './clock.ts';
import { failed, good, type Result } from './error.ts';
import { type CallResult, type Input, type ResponseBody, request, type Sender } from './request.ts';
import type { TokenStorage } from './storage.ts';
import { createTokenStore, notSignedIn, type TokenStore } from './tokens.ts';

/** The session of the current user, and the calls made with it. */
export interface ClientSession {
  kind: 'cookie' | 'bearer';
  /** A call that requires no session; a given token is sent along. */
  anyone<Name extends keyof Calls>(name: Name, input: Input<Name>, token?: string | null): CallResult<Name>;
  /** A call that requires a session: sent with the cookie, or with a token that is refreshed as needed. */
  signedIn<Name extends keyof Calls>(name: Name, input: Input<Name>): CallResult<Name>;
  /** The access token, refreshed if it is about to expire. @returns null without a session, and always with a cookie. */
  token(): Promise<Result<string | null>>;
  /** @param pair The tokens from the sign-in; undefined with a cookie. */
  start(pair?: TokenPair): Promise<void>;
  /** Stores new tokens of the same session. */
  storeTokens(pair: TokenPair): Promise<void>;
  /** Ends the session because the user signed out. */
  end(): Promise<void>;
}

interface SessionDependencies {
  kind: 'cookie' | 'bearer';
  sender: Sender;
  storage: TokenStorage;
  clock: Clock;
  changes: Changes;
}

export function createSession({ kind, sender, storage, clock, changes }: SessionDependencies): ClientSession {
  const presence = followPresence(changes);
  const tokens = createTokenStore({
    storage,
    clock,
    lock: `usher ${sender.url}`,
    requestTokens: (token) => request(sender, 'POST /v1/refresh', { body: { refresh_token: token } }),
    onRefreshed: () => presence.emit('token_refreshed'),
    onEnd: () => presence.emit('session_expired'),
  });
  return {
    kind,
    anyone: (name, input, token) => request(sender, name, input, token ?? undefined),
    async signedIn(name, input) {
      const result = await (kind === 'cookie'
        ? request(sender, name, input)
        : callByToken(sender, tokens, name, input));
      presence.update(result);
      return result;
    },
    token: async () => (kind === 'cookie' ? good(null) : tokens.access()),
    async start(pair) {
      if (pair) await tokens.store(pair);
      presence.emit('signed_in');
    },
    storeTokens: tokens.store,
    async end() {
      await tokens.clear();
      presence.emit('signed_out');
    },
  };
}

/** Sends a call with the access token. If the server rejects it as invalid, refreshes it and resends the call, once. */
async function callByToken<Name extends keyof Calls>(
  sender: Sender,
  tokens: TokenStore,
  name: Name,
  input: Input<Name>,
): CallResult<Name> {
  const { data: token, error } = await tokens.access();
  if (error) return failed(error);
  if (token === null) return failed(notSignedIn());
  const result = await request(sender, name, input, token);
  if (result.error?.code !== 'invalid_token') return result;
  const refreshed = await tokens.refresh(token);
  if (refreshed.error) return failed(refreshed.error);
  return refreshed.data === null ? result : request(sender, name, input, refreshed.data);
}

/** Whether an error says that there is no session, or that it has ended. */
export const isOver = ({ error }: Result<unknown>): boolean =>
  error?.code === 'invalid_token' || error?.code === 'unauthenticated';

interface Presence {
  emit(change: Change): void;
  /** Reports what a response reveals about the session, if that is new. */
  update(result: Result<ResponseBody<keyof Calls>>): void;
}

/** Tracks whether there is a session, so that its end is reported once, and only if there was one. */
function followPresence(changes: Changes): Presence {
  let isSignedIn = false;
  const remember = (change: Change): void => {
    isSignedIn = change === 'signed_in' || change === 'token_refreshed';
  };
  const emit = (change: Change): void => {
    remember(change);
    changes.emit(change);
  };
  changes.listen(remember);
  return {
    emit,
    update(result) {
      if (result.data) isSignedIn = true;
      if (isSignedIn && isOver(result)) emit('session_expired');
    },
  };
}
