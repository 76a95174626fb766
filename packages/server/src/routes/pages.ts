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
    summary: 'Where to go',
    query: homeQuery,
    handler: homePage,
  }),
  route({
    ...PAGE,
    path: '/sign-up',
    who: 'anyone',
    summary: 'The form that makes an account',
    query: signUpQuery,
    errors: ['signup_closed'],
    handler: signUpPage,
  }),
  route({
    ...FORM,
    path: '/sign-up',
    who: 'anyone',
    summary: 'Make an account and sign in to it',
    body: signUpForm,
    errors: ['signup_refused', 'signup_taken', 'signup_closed', 'too_many_requests', 'busy'],
    handler: signUpAnswer,
  }),
  route({
    ...PAGE,
    path: '/sign-in',
    who: 'anyone',
    summary: 'The form that signs in',
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
    summary: 'The form that asks for a mail',
    handler: forgotPasswordPage,
  }),
  route({
    ...FORM,
    path: '/forgot-password',
    who: 'anyone',
    summary: 'Mail a code and a link, and take the code',
    body: sendMailBody,
    answers: { 202: undefined },
    errors: ['too_many_requests'],
    handler: forgotPasswordAnswer,
  }),
  route({
    ...PAGE,
    path: '/setup',
    who: 'anyone',
    summary: 'The form for the link that a start prints',
    query: setUpQuery,
    errors: ['setup_done'],
    handler: setUpPage,
  }),
  route({
    ...FORM,
    path: '/setup',
    who: 'anyone',
    summary: 'Open that link, or make the first administrator with it',
    body: setUpForm,
    answers: { 200: undefined, 201: undefined },
    errors: ['setup_done', 'link_invalid', 'signup_refused', 'too_many_requests'],
    handler: setUpAnswer,
  }),
  route({
    ...PAGE,
    path: '/reset-password',
    who: 'anyone',
    summary: 'The form for the code or link of a mail',
    handler: resetPage,
  }),
  route({
    ...FORM,
    path: '/reset-password',
    who: 'anyone',
    summary: 'Open the link of a mail, or set a new password with it or its code',
    body: resetForm,
    answers: { 200: undefined, 303: undefined },
    errors: ['link_invalid', 'code_invalid', 'too_many_requests', 'busy'],
    handler: resetAnswer,
  }),
  route({
    ...PAGE,
    path: '/verify',
    who: 'anyone',
    summary: 'The form for the code or link of a mail',
    handler: verifyPage,
  }),
  route({
    ...FORM,
    path: '/verify',
    who: 'anyone',
    summary: 'Open the link of a mail, or verify an address with it or its code',
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
    summary: 'The form for the link of a mail',
    handler: restorePage,
  }),
  route({
    ...FORM,
    path: '/restore-address',
    who: 'anyone',
    summary: 'Open the link of a mail, or take a change of address back with it',
    body: restoreForm,
    answers: { 200: undefined, 303: undefined },
    errors: ['link_invalid', 'too_many_requests', 'busy', 'conflict'],
    handler: restoreAnswer,
  }),
  route({
    ...PAGE,
    path: '/mailbox',
    who: 'anyone',
    summary: 'The mails that were not sent because there is no mail server; on the machine itself alone',
    errors: ['not_found'],
    handler: mailboxPage,
  }),
  route({
    ...FORM,
    path: '/mailbox',
    who: 'anyone',
    summary: 'Open the mailbox with the link that the server printed',
    body: linkBody,
    errors: ['not_found'],
    handler: mailboxAnswer,
  }),
  route({
    ...PAGE,
    path: '/mailbox/:id',
    who: 'anyone',
    summary: 'One of them',
    params: mailParams,
    errors: ['not_found'],
    handler: mailPage,
  }),
  route({
    ...PAGE,
    path: '/mailbox/:id/html',
    who: 'anyone',
    summary: 'One of them, as HTML for a frame',
    params: mailParams,
    errors: ['not_found'],
    handler: mailHtml,
  }),
  route({
    ...PAGE,
    path: '/assets/:name',
    who: 'anyone',
    summary: 'What pages load: style sheet, scripts, pictures',
    params: assetParams,
    query: assetQuery,
    errors: ['not_found'],
    handler: assetFile,
  }),
];
