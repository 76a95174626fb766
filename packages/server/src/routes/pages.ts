import type { Route } from '../edge/route.ts';
import { route } from '../edge/route.ts';
import { sendMailBody } from '../flows/recovery/send-mail.ts';
import { assetFile, assetParams, assetQuery } from '../pages/assets.ts';
import { forgotPasswordAnswer, forgotPasswordPage } from '../pages/forgot-password.tsx';
import { homePage, homeQuery } from '../pages/home.tsx';
import { linkBody } from '../pages/link-form.tsx';
import { mailboxAnswer, mailboxPage, mailHtml, mailPage, mailParams } from '../pages/mailbox.tsx';
import { resetAnswer, resetForm, resetPage } from '../pages/reset-password.tsx';
import { restoreAnswer, restoreForm, restorePage } from '../pages/restore-address.tsx';
import { setUpAnswer, setUpForm, setUpPage, setUpQuery } from '../pages/setup.tsx';
import { signInAnswer, signInForm, signInPage, signInQuery } from '../pages/sign-in.tsx';
import { signOutAnswer } from '../pages/sign-out.ts';
import { signUpAnswer, signUpForm, signUpPage, signUpQuery } from '../pages/sign-up.tsx';
import { verifyAnswer, verifyForm, verifyPage } from '../pages/verify.tsx';
import { FORM, PAGE } from './kinds.ts';

/** Pages that anyone may open, and what they load. */
export const pageRoutes: readonly Route[] = [
  route({
    ...PAGE,
    path: '/',
    who: 'anyone',
    summary: 'Home page',
    query: homeQuery,
    handler: homePage,
  }),
  route({
    ...PAGE,
    path: '/sign-up',
    who: 'anyone',
    summary: 'Sign-up page',
    query: signUpQuery,
    errors: ['signup_closed'],
    handler: signUpPage,
  }),
  route({
    ...FORM,
    path: '/sign-up',
    who: 'anyone',
    summary: 'Sign up',
    body: signUpForm,
    errors: ['signup_refused', 'signup_taken', 'signup_closed', 'too_many_requests', 'busy'],
    handler: signUpAnswer,
  }),
  route({
    ...PAGE,
    path: '/sign-in',
    who: 'anyone',
    summary: 'Sign-in page',
    query: signInQuery,
    handler: signInPage,
  }),
  route({
    ...FORM,
    path: '/sign-in',
    who: 'anyone',
    summary: 'Sign in',
    body: signInForm,
    errors: ['invalid_credentials', 'too_many_requests', 'busy'],
    handler: signInAnswer,
  }),
  route({
    ...FORM,
    path: '/sign-out',
    who: 'leaving',
    summary: 'Sign out',
    errors: ['invalid_token'],
    handler: signOutAnswer,
  }),
  route({
    ...PAGE,
    path: '/forgot-password',
    who: 'anyone',
    summary: 'Forgot-password page',
    handler: forgotPasswordPage,
  }),
  route({
    ...FORM,
    path: '/forgot-password',
    who: 'anyone',
    summary: 'Send the reset email and show the code form',
    body: sendMailBody,
    answers: { 202: undefined },
    errors: ['too_many_requests'],
    handler: forgotPasswordAnswer,
  }),
  route({
    ...PAGE,
    path: '/setup',
    who: 'anyone',
    summary: 'Setup page',
    query: setUpQuery,
    errors: ['setup_done'],
    handler: setUpPage,
  }),
  route({
    ...FORM,
    path: '/setup',
    who: 'anyone',
    summary: 'Open the setup link, or create the first administrator',
    body: setUpForm,
    answers: { 200: undefined, 201: undefined },
    errors: ['setup_done', 'link_invalid', 'signup_refused', 'too_many_requests'],
    handler: setUpAnswer,
  }),
  route({
    ...PAGE,
    path: '/reset-password',
    who: 'anyone',
    summary: 'Reset-password page',
    handler: resetPage,
  }),
  route({
    ...FORM,
    path: '/reset-password',
    who: 'anyone',
    summary: 'Open an email link, or reset the password',
    body: resetForm,
    answers: { 200: undefined, 303: undefined },
    errors: ['link_invalid', 'code_invalid', 'too_many_requests', 'busy'],
    handler: resetAnswer,
  }),
  route({
    ...PAGE,
    path: '/verify',
    who: 'anyone',
    summary: 'Verify-email page',
    handler: verifyPage,
  }),
  route({
    ...FORM,
    path: '/verify',
    who: 'anyone',
    summary: 'Open an email link, or verify the email',
    body: verifyForm,
    answers: { 200: undefined, 303: undefined },
    errors: [
      'link_invalid',
      'code_invalid',
      'password_needed',
      'signup_refused',
      'signup_taken',
      'too_many_requests',
      'busy',
    ],
    handler: verifyAnswer,
  }),
  route({
    ...PAGE,
    path: '/restore-address',
    who: 'anyone',
    summary: 'Undo-email-change page',
    handler: restorePage,
  }),
  route({
    ...FORM,
    path: '/restore-address',
    who: 'anyone',
    summary: 'Open an email link, or undo the email change',
    body: restoreForm,
    answers: { 200: undefined, 303: undefined },
    errors: ['link_invalid', 'too_many_requests', 'busy', 'conflict'],
    handler: restoreAnswer,
  }),
  route({
    ...PAGE,
    path: '/mailbox',
    who: 'anyone',
    summary: 'Development mailbox (localhost only)',
    errors: ['not_found'],
    handler: mailboxPage,
  }),
  route({
    ...FORM,
    path: '/mailbox',
    who: 'anyone',
    summary: 'Open the mailbox link from the server log',
    body: linkBody,
    errors: ['not_found'],
    handler: mailboxAnswer,
  }),
  route({
    ...PAGE,
    path: '/mailbox/:id',
    who: 'anyone',
    summary: 'Email in the mailbox',
    params: mailParams,
    errors: ['not_found'],
    handler: mailPage,
  }),
  route({
    ...PAGE,
    path: '/mailbox/:id/html',
    who: 'anyone',
    summary: 'Email as HTML',
    params: mailParams,
    errors: ['not_found'],
    handler: mailHtml,
  }),
  route({
    ...PAGE,
    path: '/assets/:name',
    who: 'anyone',
    summary: 'Static assets',
    params: assetParams,
    query: assetQuery,
    errors: ['not_found'],
    handler: assetFile,
  }),
];
