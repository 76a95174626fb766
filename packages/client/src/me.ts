import type { Body, CallResult } from './request.ts';
import type { ClientSession } from './session.ts';

/**
 * The account of the current user. Every call can also return `unauthenticated` or `invalid_token` if no one is signed
 * in. All except `get` and `changePassword` return `password_change_required` if the password was generated or set by
 * someone else.
 */
export interface MeCalls {
  /** Gets the current user. */
  get(): CallResult<'GET /v1/me'>;
  /**
   * Updates the current user.
   *
   * @returns The updated user.
   *
   * Errors: `identifier_taken`, `too_many_requests`.
   */
  change(body: Body<'PATCH /v1/me'>): CallResult<'PATCH /v1/me'>;
  /**
   * Changes the password and revokes all other sessions. A bearer session continues with the new tokens of the
   * response.
   *
   * Errors: `invalid_credentials` for an incorrect current password, `too_many_requests`, `busy`, `conflict`.
   */
  changePassword(body: Body<'PUT /v1/me/password'>): CallResult<'PUT /v1/me/password'>;
  /**
   * Confirms the password. For five minutes the session may then do what requires a fresh sign-in: revoke other
   * sessions and make changes as an administrator.
   *
   * Errors: `invalid_credentials` for an incorrect password, `too_many_requests`, `busy`.
   */
  confirm(body: Body<'POST /v1/me/confirm'>): CallResult<'POST /v1/me/confirm'>;
  /**
   * Requests an email change. It takes effect when the new email is verified; the old email receives a link that undoes
   * it.
   *
   * @param body The new email and the current password.
   *
   * Errors: `invalid_credentials`, `too_many_requests`, `busy`.
   */
  changeEmail(body: Body<'POST /v1/me/email'>): CallResult<'POST /v1/me/email'>;
  /**
   * Resends the verification email.
   *
   * Errors: `conflict` if the email is already verified, `too_many_requests`, `busy`.
   */
  resendVerification(): CallResult<'POST /v1/me/verify-email'>;
  /**
   * Deletes the account and its sessions.
   *
   * @param body The email and password of the account.
   *
   * Errors: `invalid_credentials`, `last_admin`, `too_many_requests`, `busy`.
   */
  delete(body: Body<'DELETE /v1/me'>): CallResult<'DELETE /v1/me'>;
  /** Gets the account overview: the user, the current session, all sessions and recent events. */
  dashboard(): CallResult<'GET /v1/dashboard'>;
  /** Lists the sessions of the user; `current` marks the one of this request. */
  sessions(): CallResult<'GET /v1/me/sessions'>;
  /**
   * Names the device of a session, for the user alone. An empty name removes it.
   *
   * Errors: `not_found`, `conflict` if the device is no longer known, `too_many_requests`, `reauthentication_required`
   * until `confirm`.
   */
  nameSession(id: string, body: Body<'PATCH /v1/me/sessions/{id}'>): CallResult<'PATCH /v1/me/sessions/{id}'>;
  /**
   * Revokes a session of the user.
   *
   * Errors: `not_found`, `too_many_requests`, `reauthentication_required` until `confirm`.
   */
  revokeSession(id: string): CallResult<'DELETE /v1/me/sessions/{id}'>;
  /**
   * Revokes all other sessions of the user.
   *
   * @returns The number of revoked sessions, in `sessions`.
   *
   * Errors: `too_many_requests`, `reauthentication_required` until `confirm`.
   */
  revokeOtherSessions(): CallResult<'DELETE /v1/me/sessions'>;
  /** Lists the known devices of the user; `current` marks the one of this request. */
  devices(): CallResult<'GET /v1/me/devices'>;
  /**
   * Names a known device, for the user alone. An empty name removes it.
   *
   * Errors: `not_found`, `too_many_requests`, `reauthentication_required` until `confirm`.
   */
  nameDevice(id: string, body: Body<'PATCH /v1/me/devices/{id}'>): CallResult<'PATCH /v1/me/devices/{id}'>;
  /**
   * Removes a known device. Its sessions stay active.
   *
   * Errors: `not_found`, `too_many_requests`, `reauthentication_required` until `confirm`.
   */
  removeDevice(id: string): CallResult<'DELETE /v1/me/devices/{id}'>;
  /**
   * Exports the data of the current user.
   *
   * Errors: `export_in_progress` while another export runs.
   */
  data(): CallResult<'GET /v1/me/data'>;
}

export const meCalls = ({ signedIn, storeTokens, end }: ClientSession): MeCalls => ({
  get: () => signedIn('GET /v1/me', {}),
  change: (body) => signedIn('PATCH /v1/me', { body }),
  async changePassword(body) {
    const result = await signedIn('PUT /v1/me/password', { body });
    const { access_token, refresh_token, token_type, expires_in } = result.data ?? {};
    if (access_token && refresh_token && token_type && expires_in)
      await storeTokens({ access_token, refresh_token, token_type, expires_in });
    return result;
  },
  confirm: (body) => signedIn('POST /v1/me/confirm', { body }),
  changeEmail: (body) => signedIn('POST /v1/me/email', { body }),
  resendVerification: () => signedIn('POST /v1/me/verify-email', {}),
  async delete(body) {
    const result = await signedIn('DELETE /v1/me', { body });
    if (result.data) await end();
    return result;
  },
  dashboard: () => signedIn('GET /v1/dashboard', {}),
  sessions: () => signedIn('GET /v1/me/sessions', {}),
  nameSession: (id, body) => signedIn('PATCH /v1/me/sessions/{id}', { path: { id }, body }),
  revokeSession: (id) => signedIn('DELETE /v1/me/sessions/{id}', { path: { id } }),
  revokeOtherSessions: () => signedIn('DELETE /v1/me/sessions', {}),
  devices: () => signedIn('GET /v1/me/devices', {}),
  nameDevice: (id, body) => signedIn('PATCH /v1/me/devices/{id}', { path: { id }, body }),
  removeDevice: (id) => signedIn('DELETE /v1/me/devices/{id}', { path: { id } }),
  data: () => signedIn('GET /v1/me/data', {}),
});
