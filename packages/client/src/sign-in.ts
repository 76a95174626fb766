import type { User } from './api.ts';
import { failed, good, type Result } from './error.ts';
import type { Body, CallResult } from './request.ts';
import { type ClientSession, isOver } from './session.ts';

/** Sign-up, sign-in and sign-out. */
export interface SignInCalls {
  /**
   * Checks the strength of a new password. Nothing is stored.
   *
   * @returns `strength`, of which `weak` is rejected, and a message that explains it.
   */
  checkPassword(body: Body<'POST /v1/check-password'>): CallResult<'POST /v1/check-password'>;
  /**
   * Signs up and signs in. If the server verifies emails first, this only sends the verification email.
   *
   * @returns The user, or only a message if the email has to be verified first.
   *
   * Errors: `signup_rejected` and `user_exists` with a reason for each field, `signup_disabled`, `too_many_requests`,
   * `busy`.
   */
  signUp(body: Body<'POST /v1/signup'>): CallResult<'POST /v1/signup'>;
  /**
   * Signs in. The client drops its previous session, which stays active on the server.
   *
   * @param body The password, and `email`, `username` or `login`, which takes either. With `keep_signed_in`, a cookie
   * lasts as long as the server's `USHER_KEEP_SIGNED_IN` says; tokens last as long without it.
   * @returns The user.
   *
   * Errors: `invalid_credentials`, whatever was incorrect, `too_many_requests`, `busy`.
   */
  signIn(body: Body<'POST /v1/signin'>): Promise<Result<{ user: User }>>;
  /**
   * Signs out. It succeeds if the session has already ended; on an error the session stays active.
   *
   * @param how `everywhere` signs the user out of all sessions.
   *
   * Errors: `reauthentication_required` for `everywhere` if the password was last entered more than five minutes ago.
   */
  signOut(how?: { everywhere?: boolean }): CallResult<'POST /v1/logout'>;
}

export function signInCalls(session: ClientSession): SignInCalls {
  const signIn = (body: Body<'POST /v1/signin'>): Promise<Result<{ user: User }>> =>
    session.kind === 'cookie' ? signInByCookie(session, body) : signInByToken(session, body);
  return {
    checkPassword: (body) => session.anyone('POST /v1/check-password', { body }),
    async signUp(body) {
      const made = await session.anyone('POST /v1/signup', { body });
      // If the server verifies emails first, there is no account yet.
      if (made.error || !('user' in made.data)) return made;
      if (session.kind === 'cookie') await session.start();
      else {
        const { error } = await signIn({ email: body.email, password: body.password });
        if (error) return failed(error);
      }
      return made;
    },
    signIn,
    async signOut({ everywhere = false } = {}) {
      const name = everywhere ? 'POST /v1/logout-everywhere' : 'POST /v1/logout';
      const { data: token, error } = await session.token();
      if (error) return failed(error);
      const result = await session.anyone(name, {}, token);
      if (result.error && !isOver(result)) return result;
      await session.end();
      return good({ message: 'logout successful!' });
    },
  };
}

async function signInByCookie(session: ClientSession, body: Body<'POST /v1/signin'>) {
  const { data, error } = await session.anyone('POST /v1/signin', { body });
  if (error) return failed(error);
  await session.start();
  return good({ user: data.user });
}

async function signInByToken(
  session: ClientSession,
  { keep_signed_in: _, ...body }: Body<'POST /v1/signin'>,
) {
  const { data, error } = await session.anyone('POST /v1/login', { body });
  if (error) return failed(error);
  await session.start(data);
  return session.signedIn('GET /v1/me', {});
}
