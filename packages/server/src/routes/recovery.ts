import { z } from 'zod';
import type { Route } from '../edge/route.ts';
import { route } from '../edge/route.ts';
import { restoreEmail, restoreEmailBody } from '../flows/addresses/restore.ts';
import { verifyEmail, verifyEmailBody } from '../flows/addresses/verify.ts';
import { resetPassword, resetPasswordBody } from '../flows/recovery/reset-password.ts';
import { MAIL_ON_ITS_WAY, sendMail, sendMailBody } from '../flows/recovery/send-mail.ts';
import { saying } from '../flows/shapes/messages.ts';
import { userShape } from '../flows/shapes/users.ts';

/** Forgotten passwords, and the verification of addresses. */
export const recoveryRoutes: readonly Route[] = [
  ...['/v1/send-mail', '/v1/send-mail/'].map((path) =>
    route({
      method: 'POST',
      path,
      who: 'anyone',
      summary: 'Request a password reset email',
      body: sendMailBody,
      anyCase: true,
      ...(path.endsWith('/') ? { isPage: true } : {}),
      answers: { 202: saying(MAIL_ON_ITS_WAY) },
      errors: ['too_many_requests'],
      handler: sendMail,
    }),
  ),
  route({
    method: 'POST',
    path: '/v1/reset-password',
    who: 'anyone',
    summary: 'Set a new password with a mailed code or link; every session ends',
    body: resetPasswordBody,
    answers: { 200: saying('Password changed.').extend({ password: z.string().optional() }) },
    errors: ['code_invalid', 'link_invalid', 'too_many_requests', 'busy'],
    handler: resetPassword,
  }),
  route({
    method: 'POST',
    path: '/v1/verify-email',
    who: 'anyone',
    summary: 'Verify an email address',
    body: verifyEmailBody,
    answers: {
      200: z.object({ message: z.enum(['Email verified.', 'Email changed.']), user: userShape }),
      201: saying('user created!').extend({ user: userShape }),
    },
    errors: [
      'code_invalid',
      'link_invalid',
      'password_needed',
      'signup_refused',
      'signup_taken',
      'unauthenticated',
      'too_many_requests',
      'busy',
    ],
    handler: verifyEmail,
  }),
  route({
    method: 'POST',
    path: '/v1/restore-email',
    who: 'anyone',
    summary: 'Undo an email change',
    body: restoreEmailBody,
    answers: { 200: saying('Email restored.').extend({ password: z.string().optional() }) },
    errors: ['link_invalid', 'too_many_requests', 'conflict', 'busy'],
    handler: restoreEmail,
  }),
];
