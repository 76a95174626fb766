import { z } from 'zod';
import { restoreEmail, restoreEmailBody } from '../flows/email/restore.ts';
import { verifyEmail, verifyEmailBody } from '../flows/email/verify.ts';
import { acceptInvitation, acceptInvitationBody } from '../flows/invitations/accept-invitation.ts';
import { resetPassword, resetPasswordBody } from '../flows/recovery/reset-password.ts';
import { RECOVERY_EMAIL_SENT, sendMail, sendMailBody } from '../flows/recovery/send-mail.ts';
import { saying } from '../flows/shapes/messages.ts';
import { userShape } from '../flows/shapes/users.ts';
import type { Route } from '../http/route.ts';
import { route } from '../http/route.ts';
import { forgotPasswordPage, forgotPasswordSubmit } from '../pages/forgot-password.tsx';
import { resetForm, resetPage, resetSubmit } from '../pages/reset-password.tsx';
import { restoreForm, restorePage, restoreSubmit } from '../pages/restore-email.tsx';
import { verifyForm, verifyPage, verifySubmit } from '../pages/verify.tsx';
import { FORM, LINK_FORM, PAGE } from './kinds.ts';

/** Password reset and email verification, with the pages. */
export const recoveryRoutes: readonly Route[] = [
  ...['/v1/send-mail', '/v1/send-mail/'].map((path) =>
    route({
      method: 'POST',
      path,
      access: 'public',
      summary: 'Request a password reset email',
      body: sendMailBody,
      anyCase: true,
      ...(path.endsWith('/') ? { isPage: true } : {}),
      responses: { 202: saying(RECOVERY_EMAIL_SENT) },
      errors: ['too_many_requests'],
      handler: sendMail,
    }),
  ),
  route({
    method: 'POST',
    path: '/v1/reset-password',
    access: 'public',
    summary: 'Set a new password with a mailed code or link; every session ends',
    body: resetPasswordBody,
    responses: { 200: saying('Password changed.').extend({ password: z.string().optional() }) },
    errors: ['invalid_code', 'invalid_link', 'too_many_requests', 'busy'],
    handler: resetPassword,
  }),
  route({
    method: 'POST',
    path: '/v1/verify-email',
    access: 'public',
    summary: 'Verify an email address',
    body: verifyEmailBody,
    responses: {
      200: z.object({ message: z.enum(['Email verified.', 'Email changed.']), user: userShape }),
      201: saying('user created!').extend({ user: userShape }),
    },
    errors: [
      'invalid_code',
      'invalid_link',
      'password_required',
      'signup_rejected',
      'user_exists',
      'unauthenticated',
      'too_many_requests',
      'busy',
    ],
    handler: verifyEmail,
  }),
  route({
    method: 'POST',
    path: '/v1/accept-invitation',
    access: 'public',
    summary: 'Accept an invitation',
    body: acceptInvitationBody,
    responses: { 201: saying('user created!').extend({ user: userShape }) },
    errors: ['invalid_link', 'signup_rejected', 'user_exists', 'too_many_requests', 'busy'],
    handler: acceptInvitation,
  }),
  route({
    method: 'POST',
    path: '/v1/restore-email',
    access: 'public',
    summary: 'Undo an email change',
    body: restoreEmailBody,
    responses: { 200: saying('Email restored.').extend({ password: z.string().optional() }) },
    errors: ['invalid_link', 'too_many_requests', 'conflict', 'busy'],
    handler: restoreEmail,
  }),

  // The pages.
  route({
    ...PAGE,
    path: '/forgot-password',
    access: 'public',
    summary: 'Forgot-password page',
    handler: forgotPasswordPage,
  }),
  route({
    ...FORM,
    path: '/forgot-password',
    access: 'public',
    summary: 'Send the reset email and show the code form',
    body: sendMailBody,
    responses: { 202: undefined },
    errors: ['too_many_requests'],
    handler: forgotPasswordSubmit,
  }),
  route({
    ...PAGE,
    path: '/reset-password',
    access: 'public',
    summary: 'Reset-password page',
    handler: resetPage,
  }),
  route({
    ...LINK_FORM,
    path: '/reset-password',
    access: 'public',
    summary: 'Open an email link, or reset the password',
    body: resetForm,
    errors: ['invalid_link', 'invalid_code', 'too_many_requests', 'busy'],
    handler: resetSubmit,
  }),
  route({
    ...PAGE,
    path: '/verify',
    access: 'public',
    summary: 'Verify-email page',
    handler: verifyPage,
  }),
  route({
    ...LINK_FORM,
    path: '/verify',
    access: 'public',
    summary: 'Open an email link, or verify the email',
    body: verifyForm,
    errors: [
      'invalid_link',
      'invalid_code',
      'password_required',
      'signup_rejected',
      'user_exists',
      'too_many_requests',
      'busy',
    ],
    handler: verifySubmit,
  }),
  route({
    ...PAGE,
    path: '/restore-email',
    access: 'public',
    summary: 'Undo-email-change page',
    handler: restorePage,
  }),
  route({
    ...LINK_FORM,
    path: '/restore-email',
    access: 'public',
    summary: 'Open an email link, or undo the email change',
    body: restoreForm,
    errors: ['invalid_link', 'too_many_requests', 'busy', 'conflict'],
    handler: restoreSubmit,
  }),
];
