import { sendMailBody } from '../flows/recovery/send-mail.ts';
import type { Route } from '../http/route.ts';
import { route } from '../http/route.ts';
import { assetFile, assetParams, assetQuery, favicon } from '../pages/assets.ts';
import { forgotPasswordPage, forgotPasswordSubmit } from '../pages/forgot-password.tsx';
import { homePage, homeQuery } from '../pages/home.tsx';
import { invitationForm, invitationPage, invitationSubmit } from '../pages/invitation.tsx';
import { linkBody } from '../pages/link-form.tsx';
import {
  mailboxEmailHtml,
  mailboxEmailPage,
  mailboxEmailParams,
  mailboxPage,
  mailboxSubmit,
} from '../pages/mailbox.tsx';
import { resetForm, resetPage, resetSubmit } from '../pages/reset-password.tsx';
import { restoreForm, restorePage, restoreSubmit } from '../pages/restore-email.tsx';
import { setUpForm, setUpPage, setUpQuery, setUpSubmit } from '../pages/setup.tsx';
import { signInForm, signInPage, signInQuery, signInSubmit } from '../pages/sign-in.tsx';
import { signOutSubmit } from '../pages/sign-out.ts';
import { signUpForm, signUpPage, signUpQuery, signUpSubmit } from '../pages/sign-up.tsx';
import { verifyForm, verifyPage, verifySubmit } from '../pages/verify.tsx';
import { FORM, LINK_FORM, PAGE } from './kinds.ts';

/** Pages that anyone may open, and their assets. */
export const pageRoutes: readonly Route[] = [
  route({
    ...PAGE,
    path: '/',
    access: 'public',
    summary: 'Home page',
    query: homeQuery,
    handler: homePage,
  }),
  route({
    ...PAGE,
    path: '/sign-up',
    access: 'public',
    summary: 'Sign-up page',
    query: signUpQuery,
    errors: ['signup_disabled'],
    handler: signUpPage,
  }),
  route({
    ...FORM,
    path: '/sign-up',
    access: 'public',
    summary: 'Sign up',
    body: signUpForm,
    errors: ['signup_rejected', 'user_exists', 'signup_disabled', 'too_many_requests', 'busy'],
    handler: signUpSubmit,
  }),
  route({
    ...PAGE,
    path: '/sign-in',
    access: 'public',
    summary: 'Sign-in page',
    query: signInQuery,
    handler: signInPage,
  }),
  route({
    ...FORM,
    path: '/sign-in',
    access: 'public',
    summary: 'Sign in',
    body: signInForm,
    errors: ['invalid_credentials', 'too_many_requests', 'busy'],
    handler: signInSubmit,
  }),
  route({
    ...FORM,
    path: '/sign-out',
    access: 'optional',
    summary: 'Sign out',
    errors: ['invalid_token'],
    handler: signOutSubmit,
  }),
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
    path: '/setup',
    access: 'public',
    summary: 'Setup page',
    query: setUpQuery,
    errors: ['setup_completed'],
    handler: setUpPage,
  }),
  route({
    ...FORM,
    path: '/setup',
    access: 'public',
    summary: 'Open the setup link, or create the first administrator',
    body: setUpForm,
    responses: { 200: undefined, 201: undefined },
    errors: ['setup_completed', 'invalid_link', 'signup_rejected', 'too_many_requests'],
    handler: setUpSubmit,
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
  route({
    ...PAGE,
    path: '/invitation',
    access: 'public',
    summary: 'Invitation page',
    handler: invitationPage,
  }),
  route({
    ...LINK_FORM,
    path: '/invitation',
    access: 'public',
    summary: 'Open an invitation, or accept it',
    body: invitationForm,
    errors: ['invalid_link', 'signup_rejected', 'user_exists', 'too_many_requests', 'busy'],
    handler: invitationSubmit,
  }),
  route({
    ...PAGE,
    path: '/mailbox',
    access: 'public',
    summary: 'Development mailbox (localhost only)',
    errors: ['not_found'],
    handler: mailboxPage,
  }),
  route({
    ...FORM,
    path: '/mailbox',
    access: 'public',
    summary: 'Open the mailbox link from the server log',
    body: linkBody,
    errors: ['not_found'],
    handler: mailboxSubmit,
  }),
  route({
    ...PAGE,
    path: '/mailbox/:id',
    access: 'public',
    summary: 'Email in the mailbox',
    params: mailboxEmailParams,
    errors: ['not_found'],
    handler: mailboxEmailPage,
  }),
  route({
    ...PAGE,
    path: '/mailbox/:id/html',
    access: 'public',
    summary: 'Email as HTML',
    params: mailboxEmailParams,
    errors: ['not_found'],
    handler: mailboxEmailHtml,
  }),
  route({
    ...PAGE,
    path: '/assets/:name',
    access: 'public',
    summary: 'Static assets',
    params: assetParams,
    query: assetQuery,
    errors: ['not_found'],
    handler: assetFile,
  }),
  route({
    ...PAGE,
    path: '/favicon.ico',
    access: 'public',
    summary: 'Icon of the site',
    handler: favicon,
  }),
];
