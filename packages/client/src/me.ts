import type { Body, Outcome } from './request.ts';
import type { KeptSession } from './session.ts';

/**
 * One's own account. Every call also gives `unauthenticated` or `invalid_token` where nobody is signed in, and all but `get` and
 * `changePassword` give `password_change_required` while the password is one that was generated or set by somebody else.
 */
export interface MeCalls {
  /** Who is signed in. */
  get(): Outcome<'GET /v1/me'>;
  /**
   * Changes the profile.
   *
   * @returns The user as they are now.
   *
   * Errors: `user_taken`, `too_many_requests`.
   */
  change(body: Body<'PATCH /v1/me'>): Outcome<'PATCH /v1/me'>;
  /**
   * Changes the password. Every other session ends; this one goes on, with the tokens of the answer where it has tokens.
   *
   * Errors: `invalid_credentials` for a current password that is wrong, `too_many_requests`, `busy`, `conflict`.
   */
  changePassword(body: Body<'PUT /v1/me/password'>): Outcome<'PUT /v1/me/password'>;
  /**
   * Gives the password again, so that for five minutes the session may do what needs a fresh sign-in: end other sessions, and
   * what administrators change.
   *
   * Errors: `invalid_credentials` for a password that is wrong, `too_many_requests`, `busy`.
   */
  confirm(body: Body<'POST /v1/me/confirm'>): Outcome<'POST /v1/me/confirm'>;
  /**
   * Asks for another address; it counts once it is proven, and the old one can take it back.
   *
   * @param body The new address, and the current password.
   *
   * Errors: `invalid_credentials`, `too_many_requests`, `busy`.
   */
  changeEmail(body: Body<'POST /v1/me/email'>): Outcome<'POST /v1/me/email'>;
  /**
   * Mails once more what proves the address.
   *
   * Errors: `conflict` for one that is proven, `too_many_requests`, `busy`.
   */
  mailProof(): Outcome<'POST /v1/me/verify-email'>;
  /**
   * Deletes the account, and with it the session.
   *
   * @param body Its own address and password.
   *
   * Errors: `invalid_credentials`, `last_admin`, `too_many_requests`, `busy`.
   */
  delete(body: Body<'DELETE /v1/me'>): Outcome<'DELETE /v1/me'>;
  /** The user, this session, all sessions and recent events. */
  dashboard(): Outcome<'GET /v1/dashboard'>;
  /** The sessions of the user; `current` says which one asks. */
  sessions(): Outcome<'GET /v1/me/sessions'>;
  /**
   * Ends one of the user's sessions.
   *
   * Errors: `not_found`, `too_many_requests`, `fresh_sign_in_required` until `confirm`.
   */
  endSession(id: string): Outcome<'DELETE /v1/me/sessions/{id}'>;
  /**
   * Ends all of the user's sessions but this one.
   *
   * @returns How many there were, in `sessions`.
   *
   * Errors: `too_many_requests`, `fresh_sign_in_required` until `confirm`.
   */
  endOtherSessions(): Outcome<'DELETE /v1/me/sessions'>;
  /** The browsers and programs that the user signed in from before; `current` says which one asks. */
  devices(): Outcome<'GET /v1/me/devices'>;
  /**
   * Removes one of them; its sessions go on.
   *
   * Errors: `not_found`, `too_many_requests`, `fresh_sign_in_required` until `confirm`.
   */
  removeDevice(id: string): Outcome<'DELETE /v1/me/devices/{id}'>;
  /**
   * Everything that is kept about the user.
   *
   * Errors: `export_running` while another one is being made.
   */
  data(): Outcome<'GET /v1/me/data'>;
}

export const meCalls = ({ signedIn, keep, end }: KeptSession): MeCalls => ({
  get: () => signedIn('GET /v1/me', {}),
  change: (body) => signedIn('PATCH /v1/me', { body }),
  async changePassword(body) {
    const result = await signedIn('PUT /v1/me/password', { body });
    const { access_token, refresh_token, token_type, expires_in } = result.data ?? {};
    if (access_token && refresh_token && token_type && expires_in)
      await keep({ access_token, refresh_token, token_type, expires_in });
    return result;
  },
  confirm: (body) => signedIn('POST /v1/me/confirm', { body }),
  changeEmail: (body) => signedIn('POST /v1/me/email', { body }),
  mailProof: () => signedIn('POST /v1/me/verify-email', {}),
  async delete(body) {
    const result = await signedIn('DELETE /v1/me', { body });
    if (result.data) await end();
    return result;
  },
  dashboard: () => signedIn('GET /v1/dashboard', {}),
  sessions: () => signedIn('GET /v1/me/sessions', {}),
  endSession: (id) => signedIn('DELETE /v1/me/sessions/{id}', { path: { id } }),
  endOtherSessions: () => signedIn('DELETE /v1/me/sessions', {}),
  devices: () => signedIn('GET /v1/me/devices', {}),
  removeDevice: (id) => signedIn('DELETE /v1/me/devices/{id}', { path: { id } }),
  data: () => signedIn('GET /v1/me/data', {}),
});
