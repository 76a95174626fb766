import type { Route } from '../http/route.ts';
import { route } from '../http/route.ts';
import { assetFile, assetParams, assetQuery, favicon } from '../pages/assets.ts';
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
import { setUpForm, setUpPage, setUpQuery, setUpSubmit } from '../pages/setup.tsx';
import { FORM, LINK_FORM, PAGE } from './kinds.ts';

/** Pages that anyone may open and that belong to no area of the API, and the assets of all pages. */
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
