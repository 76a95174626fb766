import type { Route } from '../http/route.ts';
import { route } from '../http/route.ts';
import { bulkForm, bulkPage, bulkQuery, bulkSubmit } from '../pages/admin/bulk.tsx';
import { oneEmailHtml, oneEmailPage, oneEmailParams, oneEmailQuery } from '../pages/admin/email.tsx';
import { emailsForm, emailsSubmit } from '../pages/admin/email-actions.tsx';
import { emailsPage, emailsQuery } from '../pages/admin/emails.tsx';
import { eventsPage } from '../pages/admin/events.tsx';
import { eventsQuery } from '../pages/admin/events-query.ts';
import { followEvents, followQuery } from '../pages/admin/events-stream.ts';
import { exportEventList } from '../pages/admin/export-events.ts';
import { exportUserList } from '../pages/admin/export-users.ts';
import { healthPage } from '../pages/admin/health.tsx';
import {
  invitationsForm,
  invitationsPage,
  invitationsQuery,
  invitationsSubmit,
} from '../pages/admin/invitations.tsx';
import { keysPage, keysQuery, rotateForm, rotatePage, rotateSubmit } from '../pages/admin/keys.tsx';
import { newUserForm, newUserPage, newUserSubmit } from '../pages/admin/new-user.tsx';
import { overviewPage as adminPage, overviewQuery as adminQuery } from '../pages/admin/overview.tsx';
import { settingsPage } from '../pages/admin/settings.tsx';
import {
  actionForm,
  actionPage,
  actionParams,
  actionSubmit,
  userPage,
  userPageParams,
  userPageQuery,
} from '../pages/admin/user.tsx';
import { usersPage } from '../pages/admin/users.tsx';
import { exportUsersQuery, usersQuery } from '../pages/admin/users-query.ts';
import { FORM, PAGE } from './kinds.ts';

/** Pages of the admin console. */
export const adminPageRoutes: readonly Route[] = [
  route({
    ...PAGE,
    path: '/admin',
    access: 'admin',
    summary: 'Admin overview',
    query: adminQuery,
    handler: adminPage,
  }),
  route({
    ...PAGE,
    path: '/admin/users',
    access: 'admin',
    summary: 'User list',
    query: usersQuery,
    handler: usersPage,
  }),
  // Before the path with an ID, which this would be otherwise.
  route({
    ...PAGE,
    path: '/admin/users/new',
    access: 'admin',
    summary: 'Form that creates a user',
    handler: newUserPage,
  }),
  route({
    ...FORM,
    path: '/admin/users/new',
    access: 'admin',
    requiresReauthentication: true,
    summary: 'Invite or create a user',
    // The page that shows a temporary password is no redirect.
    responses: { 200: undefined, 303: undefined },
    body: newUserForm,
    errors: [
      'invalid_credentials',
      'signup_rejected',
      'user_exists',
      'conflict',
      'too_many_requests',
      'busy',
    ],
    limit: 'admin_changes_per_account',
    handler: newUserSubmit,
  }),
  route({
    ...PAGE,
    path: '/admin/invitations',
    access: 'admin',
    summary: 'Open invitations',
    query: invitationsQuery,
    handler: invitationsPage,
  }),
  route({
    ...FORM,
    path: '/admin/invitations',
    access: 'admin',
    requiresReauthentication: true,
    summary: 'Resend or revoke an invitation',
    body: invitationsForm,
    errors: ['invalid_credentials', 'not_found', 'user_exists', 'conflict', 'too_many_requests', 'busy'],
    limit: 'admin_changes_per_account',
    handler: invitationsSubmit,
  }),
  ...(['csv', 'jsonl'] as const).map((format) =>
    route({
      ...PAGE,
      path: `/admin/users.${format}`,
      access: 'admin',
      summary: `Export the users of a list (${format.toUpperCase()})`,
      query: exportUsersQuery,
      errors: ['export_in_progress'],
      handler: exportUserList(format),
    }),
  ),
  route({
    ...PAGE,
    path: '/admin/bulk',
    access: 'admin',
    summary: 'Confirm an action on selected users',
    query: bulkQuery,
    handler: bulkPage,
  }),
  route({
    ...FORM,
    path: '/admin/bulk',
    access: 'admin',
    requiresReauthentication: true,
    summary: 'Perform an action on selected users',
    body: bulkForm,
    errors: ['invalid_credentials', 'too_many_requests', 'busy'],
    limit: 'admin_changes_per_account',
    handler: bulkSubmit,
  }),
  route({
    ...PAGE,
    path: '/admin/users/:id',
    access: 'admin',
    summary: 'User details',
    params: userPageParams,
    query: userPageQuery,
    errors: ['not_found'],
    handler: userPage,
  }),
  route({
    ...PAGE,
    path: '/admin/users/:id/:action',
    access: 'admin',
    summary: 'Confirm an action',
    params: actionParams,
    errors: ['not_found'],
    handler: actionPage,
  }),
  route({
    ...FORM,
    path: '/admin/users/:id/:action',
    access: 'admin',
    requiresReauthentication: true,
    summary: 'Perform an action',
    params: actionParams,
    body: actionForm,
    errors: [
      'invalid_credentials',
      'too_many_requests',
      'busy',
      'not_found',
      'identifier_taken',
      'last_admin',
      'conflict',
    ],
    limit: 'admin_changes_per_account',
    handler: actionSubmit,
  }),
  route({
    ...PAGE,
    path: '/admin/events',
    access: 'admin',
    summary: 'Audit log',
    query: eventsQuery,
    handler: eventsPage,
  }),
  ...(['csv', 'jsonl'] as const).map((format) =>
    route({
      ...PAGE,
      path: `/admin/events.${format}`,
      access: 'admin',
      summary: `Export the audit log (${format.toUpperCase()})`,
      query: eventsQuery,
      errors: ['export_in_progress'],
      handler: exportEventList(format),
    }),
  ),
  route({
    ...PAGE,
    path: '/admin/events/stream',
    access: 'admin',
    summary: 'Live audit log (server-sent events)',
    extendsSession: false,
    query: followQuery,
    errors: ['busy', 'stopping'],
    handler: followEvents,
  }),
  route({
    ...PAGE,
    path: '/admin/emails',
    access: 'admin',
    summary: 'Email log',
    query: emailsQuery,
    handler: emailsPage,
  }),
  route({
    ...FORM,
    path: '/admin/emails',
    access: 'admin',
    requiresReauthentication: true,
    summary: 'Retry or resend an email',
    body: emailsForm,
    errors: ['invalid_credentials', 'too_many_requests', 'busy', 'not_found'],
    limit: 'admin_changes_per_account',
    handler: emailsSubmit,
  }),
  route({
    ...PAGE,
    path: '/admin/emails/:id',
    access: 'admin',
    summary: 'Email details and preview',
    params: oneEmailParams,
    query: oneEmailQuery,
    errors: ['not_found'],
    handler: oneEmailPage,
  }),
  route({
    ...PAGE,
    path: '/admin/emails/:id/html',
    access: 'admin',
    summary: 'Email preview (HTML, redacted)',
    params: oneEmailParams,
    errors: ['not_found'],
    handler: oneEmailHtml,
  }),
  route({
    ...PAGE,
    path: '/admin/keys',
    access: 'admin',
    summary: 'Signing keys',
    query: keysQuery,
    handler: keysPage,
  }),
  route({
    ...PAGE,
    path: '/admin/keys/rotate',
    access: 'admin',
    summary: 'Confirm key rotation',
    handler: (context, call) => rotatePage(context, call),
  }),
  route({
    ...FORM,
    path: '/admin/keys/rotate',
    access: 'admin',
    requiresReauthentication: true,
    summary: 'Rotate the key',
    body: rotateForm,
    errors: ['invalid_credentials', 'too_many_requests', 'busy'],
    limit: 'key_rotations_per_account',
    handler: rotateSubmit,
  }),
  route({
    ...PAGE,
    path: '/admin/health',
    access: 'admin',
    summary: 'Health of the server',
    handler: healthPage,
  }),
  route({
    ...PAGE,
    path: '/admin/settings',
    access: 'admin',
    summary: 'Current settings',
    handler: settingsPage,
  }),
];
