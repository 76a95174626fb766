import type { Body, Outcome, Query } from './request.ts';
import type { KeptSession } from './session.ts';

/**
 * The accounts of others, for administrators. Every call gives `forbidden` to whoever is none. What changes something gives
 * `fresh_sign_in_required` when the password was given more than five minutes ago; `me.confirm` gives it again.
 */
export interface UsersCalls {
  /**
   * A page of users, oldest first; what a search finds stands by name.
   *
   * @param query `search` is how a user name or an address begins, or a whole id; `cursor` the `next_cursor` of the page
   * before.
   * @returns The users, and a `next_cursor` that is null on the last page.
   */
  list(query?: Query<'GET /v1/users'>): Outcome<'GET /v1/users'>;
  /**
   * Makes an account for someone else.
   *
   * @returns The user, and the `password`, once, where none was given.
   *
   * Errors: `signup_refused` and `signup_taken` with a reason for each field, `busy`, `too_many_requests`.
   */
  create(body: Body<'POST /v1/users'>): Outcome<'POST /v1/users'>;
  /**
   * One user.
   *
   * Errors: `not_found`.
   */
  get(id: string): Outcome<'GET /v1/users/{id}'>;
  /**
   * Renames, promotes, demotes, disables or enables a user: all that is asked for, or nothing.
   *
   * @returns The user as they are now.
   *
   * Errors: `not_found`, `user_taken`, `last_admin`, `too_many_requests`.
   */
  change(id: string, body: Body<'PATCH /v1/users/{id}'>): Outcome<'PATCH /v1/users/{id}'>;
  /**
   * Deletes a user and all that belongs to them.
   *
   * Errors: `not_found`, `last_admin`, `too_many_requests`.
   */
  delete(id: string): Outcome<'DELETE /v1/users/{id}'>;
  /**
   * Ends all sessions of a user.
   *
   * Errors: `not_found`, `too_many_requests`.
   */
  signOut(id: string): Outcome<'POST /v1/users/{id}/logout-everywhere'>;
  /**
   * Mails a user a code and a link, to choose a new password with.
   *
   * Errors: `not_found`, `conflict` for a disabled account or without a mail server, `too_many_requests`, `busy`.
   */
  sendMail(id: string): Outcome<'POST /v1/users/{id}/send-mail'>;
  /**
   * The browsers and programs that a user signed in from before.
   *
   * Errors: `not_found`.
   */
  devices(id: string): Outcome<'GET /v1/users/{id}/devices'>;
  /**
   * Removes them all; sessions go on.
   *
   * @returns How many there were, in `devices`.
   *
   * Errors: `not_found`, `too_many_requests`, `fresh_sign_in_required` until `confirm`.
   */
  removeDevices(id: string): Outcome<'DELETE /v1/users/{id}/devices'>;
  /**
   * Why a user is made to wait, and how long.
   *
   * Errors: `not_found`.
   */
  limits(id: string): Outcome<'GET /v1/users/{id}/limits'>;
  /**
   * Lets a user try again at once.
   *
   * Errors: `not_found`, `too_many_requests`.
   */
  liftLimits(id: string): Outcome<'DELETE /v1/users/{id}/limits'>;
}

export const usersCalls = ({ signedIn }: KeptSession): UsersCalls => ({
  list: (query = {}) => signedIn('GET /v1/users', { query }),
  create: (body) => signedIn('POST /v1/users', { body }),
  get: (id) => signedIn('GET /v1/users/{id}', { path: { id } }),
  change: (id, body) => signedIn('PATCH /v1/users/{id}', { path: { id }, body }),
  delete: (id) => signedIn('DELETE /v1/users/{id}', { path: { id } }),
  signOut: (id) => signedIn('POST /v1/users/{id}/logout-everywhere', { path: { id } }),
  sendMail: (id) => signedIn('POST /v1/users/{id}/send-mail', { path: { id } }),
  devices: (id) => signedIn('GET /v1/users/{id}/devices', { path: { id } }),
  removeDevices: (id) => signedIn('DELETE /v1/users/{id}/devices', { path: { id } }),
  limits: (id) => signedIn('GET /v1/users/{id}/limits', { path: { id } }),
  liftLimits: (id) => signedIn('DELETE /v1/users/{id}/limits', { path: { id } }),
});
