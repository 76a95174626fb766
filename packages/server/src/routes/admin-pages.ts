import type { Route } from '../edge/route.ts';
import { route } from '../edge/route.ts';
import { eventsPage, exportEvents } from '../pages/admin/events.tsx';
import { eventsQuery } from '../pages/admin/events-query.ts';
import { followEvents, followQuery } from '../pages/admin/events-stream.ts';
import { keysPage, keysQuery, rotateAnswer, rotateForm, rotatePage } from '../pages/admin/keys.tsx';
import { oneMailHtml, oneMailPage, oneMailParams, oneMailQuery } from '../pages/admin/mail.tsx';
import { mailsAnswer, mailsForm } from '../pages/admin/mail-acts.tsx';
import { mailsPage, mailsQuery } from '../pages/admin/mails.tsx';
import { overviewPage as consolePage, overviewQuery as consoleQuery } from '../pages/admin/overview.tsx';
import { settingsPage } from '../pages/admin/settings.tsx';
import {
  actAnswer,
  actForm,
  actPage,
  actParams,
  userPage,
  userPageParams,
  userPageQuery,
} from '../pages/admin/user.tsx';
import { usersPage, usersQuery } from '../pages/admin/users.tsx';
import { FORM, PAGE } from './kinds.ts';

/** The pages of administrators. */
export const adminPageRoutes: readonly Route[] = [
  route({
    ...PAGE,
    path: '/admin',
    who: 'admin',
    summary: 'Admin overview',
    query: consoleQuery,
    handler: consolePage,
  }),
  route({
    ...PAGE,
    path: '/admin/users',
    who: 'admin',
    summary: 'User list',
    query: usersQuery,
    handler: usersPage,
  }),
  route({
    ...PAGE,
    path: '/admin/users/:id',
    who: 'admin',
    summary: 'User details',
    params: userPageParams,
    query: userPageQuery,
    errors: ['not_found'],
    handler: userPage,
  }),
  route({
    ...PAGE,
    path: '/admin/users/:id/:act',
    who: 'admin',
    summary: 'Confirm an action',
    params: actParams,
    errors: ['not_found'],
    handler: actPage,
  }),
  route({
    ...FORM,
    path: '/admin/users/:id/:act',
    who: 'admin',
    needsFreshSignIn: true,
    summary: 'Perform an action',
    params: actParams,
    body: actForm,
    errors: [
      'invalid_credentials',
      'too_many_requests',
      'busy',
      'not_found',
      'user_taken',
      'last_admin',
      'conflict',
    ],
    limit: 'adminChanges',
    handler: actAnswer,
  }),
  route({
    ...PAGE,
    path: '/admin/events',
    who: 'admin',
    summary: 'Audit log',
    query: eventsQuery,
    handler: eventsPage,
  }),
  route({
    ...PAGE,
    path: '/admin/events.jsonl',
    who: 'admin',
    summary: 'Export the audit log',
    query: eventsQuery,
    errors: ['export_running'],
    handler: exportEvents,
  }),
  route({
    ...PAGE,
    path: '/admin/events/stream',
    who: 'admin',
    summary: 'Live audit log (server-sent events)',
    isQuiet: true,
    query: followQuery,
    errors: ['busy', 'stopping'],
    handler: followEvents,
  }),
  route({
    ...PAGE,
    path: '/admin/mails',
    who: 'admin',
    summary: 'Email log',
    query: mailsQuery,
    handler: mailsPage,
  }),
  route({
    ...FORM,
    path: '/admin/mails',
    who: 'admin',
    needsFreshSignIn: true,
    summary: 'Retry or resend an email',
    body: mailsForm,
    errors: ['invalid_credentials', 'too_many_requests', 'busy', 'not_found'],
    limit: 'adminChanges',
    handler: mailsAnswer,
  }),
  route({
    ...PAGE,
    path: '/admin/mails/:id',
    who: 'admin',
    summary: 'Email details and preview',
    params: oneMailParams,
    query: oneMailQuery,
    errors: ['not_found'],
    handler: oneMailPage,
  }),
  route({
    ...PAGE,
    path: '/admin/mails/:id/html',
    who: 'admin',
    summary: 'Email preview (HTML, redacted)',
    params: oneMailParams,
    errors: ['not_found'],
    handler: oneMailHtml,
  }),
  route({
    ...PAGE,
    path: '/admin/keys',
    who: 'admin',
    summary: 'Signing keys',
    query: keysQuery,
    handler: keysPage,
  }),
  route({
    ...PAGE,
    path: '/admin/keys/rotate',
    who: 'admin',
    summary: 'Confirm key rotation',
    handler: rotatePage,
  }),
  route({
    ...FORM,
    path: '/admin/keys/rotate',
    who: 'admin',
    needsFreshSignIn: true,
    summary: 'Rotate the key',
    body: rotateForm,
    errors: ['invalid_credentials', 'too_many_requests', 'busy'],
    limit: 'keyRotations',
    handler: rotateAnswer,
  }),
  route({
    ...PAGE,
    path: '/admin/settings',
    who: 'admin',
    summary: 'Current settings',
    handler: settingsPage,
  }),
];
