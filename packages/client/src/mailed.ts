import type { Body, Outcome } from './request.ts';
import type { KeptSession } from './session.ts';

/** Asking for a mail, and answering one with its code or link. */
export interface MailedCalls {
  /**
   * Mails a code and a link to someone who forgot the password.
   *
   * @returns A message, the same whether there is such an account.
   *
   * Errors: `too_many_requests`.
   */
  sendMail(body: Body<'POST /v1/send-mail'>): Outcome<'POST /v1/send-mail'>;
  /**
   * Sets a new password with a mailed code or link; every session of the account has ended then.
   *
   * @param body Either `email` and `code`, or the `token` of the link; and the new `password`.
   * @returns The new `password`, once, where none was given.
   *
   * Errors: `code_invalid`, `link_invalid`, `too_many_requests`, `busy`.
   */
  resetPassword(body: Body<'POST /v1/reset-password'>): Outcome<'POST /v1/reset-password'>;
  /**
   * Proves an address: finishes a sign-up or a change of address. A sign-up that this finishes is signed in by cookie; with
   * tokens, sign in afterwards.
   *
   * @param body Either `email` and `code`, or the `token` of the link; `password` where the sign-up was begun elsewhere.
   * @returns The user, and in `message` what was finished.
   *
   * Errors: `code_invalid`, `link_invalid`, `password_needed`, `signup_refused`, `signup_taken`, `unauthenticated` for a change
   * that somebody else asked for, `too_many_requests`, `busy`.
   */
  verifyEmail(body: Body<'POST /v1/verify-email'>): Outcome<'POST /v1/verify-email'>;
  /**
   * Takes a change of address back, with the link that the old address got; every session of the account has ended then.
   *
   * @param body The `token` of the link, and a new `password`.
   * @returns The new `password`, once, where none was given.
   *
   * Errors: `link_invalid`, `too_many_requests`, `conflict`, `busy`.
   */
  restoreEmail(body: Body<'POST /v1/restore-email'>): Outcome<'POST /v1/restore-email'>;
}

export const mailedCalls = (session: KeptSession): MailedCalls => ({
  sendMail: (body) => session.anyone('POST /v1/send-mail', { body }),
  resetPassword: (body) => session.anyone('POST /v1/reset-password', { body }),
  async verifyEmail(body) {
    // A change of address is finished by whoever asked for it; a sign-up needs no token.
    const { data: token } = await session.token();
    const result = await session.anyone('POST /v1/verify-email', { body }, token);
    if (session.kind === 'cookie' && result.data?.message === 'user created!') await session.begin();
    return result;
  },
  restoreEmail: (body) => session.anyone('POST /v1/restore-email', { body }),
});
