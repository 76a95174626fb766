import type { Body, CallResult } from './request.ts';
import type { ClientSession } from './session.ts';

/** Password reset, email verification, undoing an email change, and invitations. */
export interface MailedCalls {
  /**
   * Requests a password reset email.
   *
   * @returns A message, which is the same whether or not the account exists.
   *
   * Errors: `too_many_requests`.
   */
  sendMail(body: Body<'POST /v1/send-mail'>): CallResult<'POST /v1/send-mail'>;
  /**
   * Resets the password with the code or link from the email, and revokes all sessions.
   *
   * @param body Either `email` and `code`, or `token` from the link; and the new `password`.
   * @returns The generated `password` if none was provided. It is returned once.
   *
   * Errors: `invalid_code`, `invalid_link`, `too_many_requests`, `busy`.
   */
  resetPassword(body: Body<'POST /v1/reset-password'>): CallResult<'POST /v1/reset-password'>;
  /**
   * Verifies an email address, which finishes a sign-up or an email change. A finished sign-up is signed in by cookie;
   * with tokens, sign in afterwards.
   *
   * @param body Either `email` and `code`, or `token` from the link; `password` if the sign-up started in another
   * browser.
   * @returns The user, and in `message` what was finished.
   *
   * Errors: `invalid_code`, `invalid_link`, `password_required`, `signup_rejected`, `user_exists`, `unauthenticated`
   * for a change that another user requested, `too_many_requests`, `busy`.
   */
  verifyEmail(body: Body<'POST /v1/verify-email'>): CallResult<'POST /v1/verify-email'>;
  /**
   * Accepts an invitation: creates the account with a password of the invited person's own. They are signed in by
   * cookie; with tokens, sign in afterwards.
   *
   * @param body `token` from the link, and a `password`; a `username` if the invitation's was taken meanwhile.
   * @returns The user.
   *
   * Errors: `invalid_link`, `signup_rejected`, `user_exists` for a username that was taken, `too_many_requests`, `busy`.
   */
  acceptInvitation(body: Body<'POST /v1/accept-invitation'>): CallResult<'POST /v1/accept-invitation'>;
  /**
   * Undoes an email change with the link that the old email received, and revokes all sessions.
   *
   * @param body `token` from the link, and a new `password`.
   * @returns The generated `password` if none was provided. It is returned once.
   *
   * Errors: `invalid_link`, `too_many_requests`, `conflict`, `busy`.
   */
  restoreEmail(body: Body<'POST /v1/restore-email'>): CallResult<'POST /v1/restore-email'>;
}

export const mailedCalls = (session: ClientSession): MailedCalls => ({
  sendMail: (body) => session.anyone('POST /v1/send-mail', { body }),
  resetPassword: (body) => session.anyone('POST /v1/reset-password', { body }),
  async verifyEmail(body) {
    // The user who requested an email change must complete it; a sign-up needs no token.
    const { data: token } = await session.token();
    const result = await session.anyone('POST /v1/verify-email', { body }, token);
    if (session.kind === 'cookie' && result.data?.message === 'user created!') await session.start();
    return result;
  },
  async acceptInvitation(body) {
    const result = await session.anyone('POST /v1/accept-invitation', { body });
    if (session.kind === 'cookie' && result.data) await session.start();
    return result;
  },
  restoreEmail: (body) => session.anyone('POST /v1/restore-email', { body }),
});
