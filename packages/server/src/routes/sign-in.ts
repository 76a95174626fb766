import { saying } from '../flows/shapes/messages.ts';
import { tokenPairShape } from '../flows/shapes/sessions.ts';
import { userShape } from '../flows/shapes/users.ts';
import { login, loginBody, signIn, signInBody } from '../flows/sign-in/password.ts';
import { logout, logoutEverywhere } from '../flows/sign-out/sign-out.ts';
import { checkPassword, checkPasswordBody, passwordAdviceShape } from '../flows/sign-up/check-password.ts';
import { SIGN_UP_EMAIL_SENT, signUp, signUpBody } from '../flows/sign-up/sign-up.ts';
import { refresh, refreshBody } from '../flows/tokens/refresh.ts';
import { serviceToken, serviceTokenBody } from '../flows/tokens/service-token.ts';
import type { Route } from '../http/route.ts';
import { route } from '../http/route.ts';
import { signInForm, signInPage, signInQuery, signInSubmit } from '../pages/sign-in.tsx';
import { signOutSubmit } from '../pages/sign-out.ts';
import { signUpForm, signUpPage, signUpQuery, signUpSubmit } from '../pages/sign-up.tsx';
import { FORM, PAGE } from './kinds.ts';

const loggedOut = saying('logout successful!');

/** Sign-up, sign-in, sign-out and tokens, with the pages. */
export const signInRoutes: readonly Route[] = [
  route({
    method: 'POST',
    path: '/v1/signup',
    access: 'public',
    summary: 'Sign up',
    body: signUpBody,
    anyCase: true,
    responses: { 201: saying('user created!').extend({ user: userShape }), 202: saying(SIGN_UP_EMAIL_SENT) },
    errors: ['signup_rejected', 'user_exists', 'signup_disabled', 'too_many_requests', 'busy'],
    handler: signUp,
  }),
  route({
    method: 'POST',
    path: '/v1/check-password',
    access: 'public',
    summary: 'Check password strength',
    body: checkPasswordBody,
    responses: { 200: passwordAdviceShape },
    errors: [],
    handler: checkPassword,
  }),
  route({
    method: 'POST',
    path: '/v1/signin',
    access: 'public',
    summary: 'Sign in (session cookie)',
    body: signInBody,
    anyCase: true,
    responses: { 200: saying('login successful!').extend({ user: userShape }) },
    errors: ['invalid_credentials', 'too_many_requests', 'busy'],
    handler: signIn,
  }),
  route({
    method: 'POST',
    path: '/v1/login',
    access: 'public',
    summary: 'Sign in (access and refresh tokens)',
    body: loginBody,
    anyCase: true,
    optionalBody: true,
    responses: { 200: tokenPairShape },
    errors: [
      'invalid_credentials',
      'password_change_required',
      'multiple_credentials',
      'too_many_requests',
      'busy',
    ],
    handler: login,
  }),
  route({
    method: 'POST',
    path: '/v1/refresh',
    access: 'public',
    summary: 'Refresh tokens',
    body: refreshBody,
    responses: { 200: tokenPairShape },
    errors: ['invalid_token', 'password_change_required', 'too_many_requests'],
    handler: refresh,
  }),
  route({
    method: 'POST',
    path: '/v1/token',
    access: 'user',
    summary: 'Get an access token for a service',
    body: serviceTokenBody,
    responses: { 200: tokenPairShape.omit({ refresh_token: true }) },
    errors: [],
    handler: serviceToken,
  }),
  route({
    method: 'POST',
    path: '/v1/logout',
    access: 'optional',
    summary: 'Sign out',
    responses: { 200: loggedOut },
    errors: ['invalid_token'],
    handler: logout,
  }),
  route({
    method: 'POST',
    path: '/v1/logout-everywhere',
    access: 'user',
    allowedBeforePasswordChange: true,
    requiresReauthentication: true,
    summary: 'Sign out everywhere',
    responses: { 200: loggedOut },
    errors: [],
    handler: logoutEverywhere,
  }),

  // The pages.
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
];
