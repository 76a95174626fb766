import type { Body, CallResult, Query } from './request.ts';
import type { ClientSession } from './session.ts';

/**
 * User management, for administrators. Every call returns `forbidden` to other users. Calls that change something
 * return `reauthentication_required` if the password was last entered more than five minutes ago; `me.confirm` confirms
 * it.
 */
export interface UsersCalls {
  /**
   * Lists users, oldest first.
   *
   * @param query `search` is part of a username, email or display name, or a full user ID; `cursor` the `next_cursor` from the
   * previous page.
   * @returns The users, and a `next_cursor` that is null on the last page.
   */
  list(query?: Query<'GET /v1/users'>): CallResult<'GET /v1/users'>;
  /**
   * Creates a user.
   *
   * @returns The user, and the generated `password` if none was provided. It is returned once.
   *
   * Errors: `signup_rejected` and `user_exists` with a reason for each field, `busy`, `too_many_requests`.
   */
  create(body: Body<'POST /v1/users'>): CallResult<'POST /v1/users'>;
  /**
   * Invites a person by email. They choose a password with the link, and get their account then.
   *
   * @returns The invitation.
   *
   * Errors: `signup_rejected` and `user_exists` with a reason for each field, `conflict` without a mail server,
   * `too_many_requests`.
   */
  invite(body: Body<'POST /v1/invitations'>): CallResult<'POST /v1/invitations'>;
  /**
   * Lists the open invitations, newest first.
   *
   * @param query `cursor` is the `next_cursor` from the previous page.
   * @returns The invitations, and a `next_cursor` that is null on the last page.
   */
  invitations(query?: Query<'GET /v1/invitations'>): CallResult<'GET /v1/invitations'>;
  /**
   * Sends an invitation again, with a new link. The earlier link ends.
   *
   * @returns The new invitation, which has another ID.
   *
   * Errors: `not_found`, `user_exists`, `conflict` without a mail server, `too_many_requests`.
   */
  resendInvitation(id: string): CallResult<'POST /v1/invitations/{id}/resend'>;
  /**
   * Revokes an invitation: its link no longer works.
   *
   * Errors: `not_found`, `too_many_requests`.
   */
  revokeInvitation(id: string): CallResult<'DELETE /v1/invitations/{id}'>;
  /**
   * Gets a user.
   *
   * Errors: `not_found`.
   */
  get(id: string): CallResult<'GET /v1/users/{id}'>;
  /**
   * Updates a user. Either all changes are made or none.
   *
   * @returns The updated user.
   *
   * Errors: `not_found`, `identifier_taken`, `last_admin`, `too_many_requests`.
   */
  change(id: string, body: Body<'PATCH /v1/users/{id}'>): CallResult<'PATCH /v1/users/{id}'>;
  /**
   * Deletes a user and all their data.
   *
   * Errors: `not_found`, `last_admin`, `too_many_requests`.
   */
  delete(id: string): CallResult<'DELETE /v1/users/{id}'>;
  /**
   * Signs a user out everywhere.
   *
   * Errors: `not_found`, `too_many_requests`.
   */
  signOut(id: string): CallResult<'POST /v1/users/{id}/logout-everywhere'>;
  /**
   * Sends a password reset email to a user.
   *
   * Errors: `not_found`, `conflict` for a disabled account or without a mail server, `too_many_requests`, `busy`.
   */
  sendMail(id: string): CallResult<'POST /v1/users/{id}/send-mail'>;
  /**
   * Lists the known devices of a user.
   *
   * Errors: `not_found`.
   */
  devices(id: string): CallResult<'GET /v1/users/{id}/devices'>;
  /**
   * Removes all known devices of a user. Sessions stay active.
   *
   * @returns The number of removed devices, in `devices`.
   *
   * Errors: `not_found`, `too_many_requests`, `reauthentication_required` until `confirm`.
   */
  removeDevices(id: string): CallResult<'DELETE /v1/users/{id}/devices'>;
  /**
   * Gets the rate limits of a user: what they counted, and until when they block.
   *
   * Errors: `not_found`.
   */
  limits(id: string): CallResult<'GET /v1/users/{id}/limits'>;
  /**
   * Resets the rate limits of a user, who can try again immediately.
   *
   * Errors: `not_found`, `too_many_requests`.
   */
  resetRateLimits(id: string): CallResult<'DELETE /v1/users/{id}/limits'>;
}

export const usersCalls = ({ signedIn }: ClientSession): UsersCalls => ({
  list: (query = {}) => signedIn('GET /v1/users', { query }),
  create: (body) => signedIn('POST /v1/users', { body }),
  invite: (body) => signedIn('POST /v1/invitations', { body }),
  invitations: (query = {}) => signedIn('GET /v1/invitations', { query }),
  resendInvitation: (id) => signedIn('POST /v1/invitations/{id}/resend', { path: { id } }),
  revokeInvitation: (id) => signedIn('DELETE /v1/invitations/{id}', { path: { id } }),
  get: (id) => signedIn('GET /v1/users/{id}', { path: { id } }),
  change: (id, body) => signedIn('PATCH /v1/users/{id}', { path: { id }, body }),
  delete: (id) => signedIn('DELETE /v1/users/{id}', { path: { id } }),
  signOut: (id) => signedIn('POST /v1/users/{id}/logout-everywhere', { path: { id } }),
  sendMail: (id) => signedIn('POST /v1/users/{id}/send-mail', { path: { id } }),
  devices: (id) => signedIn('GET /v1/users/{id}/devices', { path: { id } }),
  removeDevices: (id) => signedIn('DELETE /v1/users/{id}/devices', { path: { id } }),
  limits: (id) => signedIn('GET /v1/users/{id}/limits', { path: { id } }),
  resetRateLimits: (id) => signedIn('DELETE /v1/users/{id}/limits', { path: { id } }),
});
