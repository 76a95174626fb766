import type { Route } from '../edge/route.ts';
import { route } from '../edge/route.ts';
import { saying } from '../flows/shapes/messages.ts';
import { tokenPairShape } from '../flows/shapes/sessions.ts';
import { userShape } from '../flows/shapes/users.ts';
import { login, loginBody, signIn, signInBody } from '../flows/sign-in/password.ts';
import { logout, logoutEverywhere } from '../flows/sign-out/sign-out.ts';
import { checkPassword, checkPasswordBody, passwordAdviceShape } from '../flows/sign-up/check-password.ts';
import { SIGN_UP_MAILED, signUp, signUpBody } from '../flows/sign-up/sign-up.ts';
import { refresh, refreshBody } from '../flows/tokens/refresh.ts';
import { serviceToken, serviceTokenBody } from '../flows/tokens/service-token.ts';

const loggedOut = saying('logout successful!');

/** Signing up, in and out, and tokens. */
export const signInRoutes: readonly Route[] = [
  route({
    method: 'POST',
    path: '/v1/signup',
    who: 'anyone',
    summary: 'Sign up',
    body: signUpBody,
    anyCase: true,
    answers: { 201: saying('user created!').extend({ user: userShape }), 202: saying(SIGN_UP_MAILED) },
    errors: ['signup_refused', 'signup_taken', 'signup_closed', 'too_many_requests', 'busy'],
    handler: signUp,
  }),
  route({
    method: 'POST',
    path: '/v1/check-password',
    who: 'anyone',
    summary: 'Check password strength',
    body: checkPasswordBody,
    answers: { 200: passwordAdviceShape },
    errors: [],
    handler: checkPassword,
  }),
  route({
    method: 'POST',
    path: '/v1/signin',
    who: 'anyone',
    summary: 'Sign in (session cookie)',
    body: signInBody,
    anyCase: true,
    answers: { 200: saying('login successful!').extend({ user: userShape }) },
    errors: ['invalid_credentials', 'too_many_requests', 'busy'],
    handler: signIn,
  }),
  route({
    method: 'POST',
    path: '/v1/login',
    who: 'anyone',
    summary: 'Sign in (access and refresh tokens)',
    body: loginBody,
    anyCase: true,
    optionalBody: true,
    answers: { 200: tokenPairShape },
    errors: [
      'invalid_credentials',
      'password_change_required',
      'ambiguous_credentials',
      'too_many_requests',
      'busy',
    ],
    handler: login,
  }),
  route({
    method: 'POST',
    path: '/v1/refresh',
    who: 'anyone',
    summary: 'Refresh tokens',
    body: refreshBody,
    answers: { 200: tokenPairShape },
    errors: ['invalid_token', 'password_change_required', 'too_many_requests'],
    handler: refresh,
  }),
  route({
    method: 'POST',
    path: '/v1/token',
    who: 'session',
    summary: 'Get an access token for a service',
    body: serviceTokenBody,
    answers: { 200: tokenPairShape.omit({ refresh_token: true }) },
    errors: [],
    handler: serviceToken,
  }),
  route({
    method: 'POST',
    path: '/v1/logout',
    who: 'leaving',
    summary: 'Sign out',
    answers: { 200: loggedOut },
    errors: ['invalid_token'],
    handler: logout,
  }),
  route({
    method: 'POST',
    path: '/v1/logout-everywhere',
    who: 'session',
    beforePasswordChange: true,
    needsFreshSignIn: true,
    summary: 'Sign out everywhere',
    answers: { 200: loggedOut },
    errors: [],
    handler: logoutEverywhere,
  }),
];
