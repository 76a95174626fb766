import type { User } from './api.ts';
import { failed, good, type Result } from './error.ts';
import type { Body, Outcome } from './request.ts';
import { isOver, type KeptSession } from './session.ts';

/** Beginning and ending a session. */
export interface SignInCalls {
  /**
   * What a new password would be told, before it is set; nothing is kept.
   *
   * @returns `strength`, of which `weak` would be refused, and a sentence that says why.
   */
  checkPassword(body: Body<'POST /v1/check-password'>): Outcome<'POST /v1/check-password'>;
  /**
   * Makes an account and signs in to it; where addresses are proven first, only asks for the mail that does so.
   *
   * @returns The user, or nothing but a message where a mail has to be answered first.
   *
   * Errors: `signup_refused` and `signup_taken` with a reason for each field, `signup_closed`, `too_many_requests`, `busy`.
   */
  signUp(body: Body<'POST /v1/signup'>): Outcome<'POST /v1/signup'>;
  /**
   * Begins a session; another one that this client had is forgotten, but does not end.
   *
   * @param body A password, and `email`, `username` or `login`, which takes either.
   * @returns Who signed in.
   *
   * Errors: `invalid_credentials`, whatever was wrong, `too_many_requests`, `busy`.
   */
  signIn(body: Body<'POST /v1/signin'>): Promise<Result<{ user: User }>>;
  /**
   * Ends the session; one that is over already has ended. When it fails, the session goes on.
   *
   * @param how `everywhere` ends every session of the user.
   *
   * Errors: `fresh_sign_in_required` for `everywhere`, when the password was given more than five minutes ago.
   */
  signOut(how?: { everywhere?: boolean }): Outcome<'POST /v1/logout'>;
}

export function signInCalls(session: KeptSession): SignInCalls {
  const signIn = (body: Body<'POST /v1/signin'>): Promise<Result<{ user: User }>> =>
    session.kind === 'cookie' ? signInByCookie(session, body) : signInByToken(session, body);
  return {
    checkPassword: (body) => session.anyone('POST /v1/check-password', { body }),
    async signUp(body) {
      const made = await session.anyone('POST /v1/signup', { body });
      // Where addresses are proven first, there is no account yet.
      if (made.error || !('user' in made.data)) return made;
      if (session.kind === 'cookie') await session.begin();
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

async function signInByCookie(session: KeptSession, body: Body<'POST /v1/signin'>) {
  const { data, error } = await session.anyone('POST /v1/signin', { body });
  if (error) return failed(error);
  await session.begin();
  return good({ user: data.user });
}

async function signInByToken(session: KeptSession, body: Body<'POST /v1/signin'>) {
  const { data, error } = await session.anyone('POST /v1/login', { body });
  if (error) return failed(error);
  await session.begin(data);
  return session.signedIn('GET /v1/me', {});
}
