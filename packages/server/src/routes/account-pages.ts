import { downloadMyData } from '../flows/account/data.ts';
import { changeMeBody, deleteMeBody } from '../flows/account/me.ts';
import type { Route } from '../http/route.ts';
import { route } from '../http/route.ts';
import { activityPage, activityQuery } from '../pages/dashboard/activity.tsx';
import { dataPage, deletePage, deleteSubmit } from '../pages/dashboard/data.tsx';
import { addressSubmit, emailForm, emailPage, emailQuery } from '../pages/dashboard/email.tsx';
import { overviewPage, overviewQuery } from '../pages/dashboard/overview.tsx';
import { profilePage, profileQuery, profileSubmit } from '../pages/dashboard/profile.tsx';
import {
  securityForm,
  securityPage,
  securityQuery,
  securitySubmit,
  wellKnownChangePassword,
} from '../pages/dashboard/security.tsx';
import { sessionsForm, sessionsPage, sessionsQuery, sessionsSubmit } from '../pages/dashboard/sessions.tsx';
import { FORM, PAGE } from './kinds.ts';

/** Pages of the user's own account. */
export const accountPageRoutes: readonly Route[] = [
  route({
    ...PAGE,
    path: '/dashboard',
    access: 'user',
    summary: 'Account overview',
    query: overviewQuery,
    handler: overviewPage,
  }),
  route({
    ...PAGE,
    path: '/dashboard/profile',
    access: 'user',
    summary: 'Profile page',
    query: profileQuery,
    handler: profilePage,
  }),
  route({
    ...FORM,
    path: '/dashboard/profile',
    access: 'user',
    summary: 'Update profile',
    body: changeMeBody,
    errors: ['identifier_taken', 'too_many_requests'],
    limit: 'profile_changes_per_account',
    handler: profileSubmit,
  }),
  route({
    ...PAGE,
    path: '/dashboard/security',
    access: 'user',
    allowedBeforePasswordChange: true,
    summary: 'Security page',
    query: securityQuery,
    handler: securityPage,
  }),
  route({
    ...FORM,
    path: '/dashboard/security',
    access: 'user',
    allowedBeforePasswordChange: true,
    summary: 'Change password',
    body: securityForm,
    errors: ['invalid_credentials', 'too_many_requests', 'busy', 'conflict'],
    handler: securitySubmit,
  }),
  route({
    ...PAGE,
    path: '/.well-known/change-password',
    access: 'public',
    summary: 'Where to change a password',
    handler: wellKnownChangePassword,
  }),
  route({
    ...PAGE,
    path: '/dashboard/email',
    access: 'user',
    summary: 'Email page',
    query: emailQuery,
    handler: emailPage,
  }),
  route({
    ...FORM,
    path: '/dashboard/email',
    access: 'user',
    summary: 'Send verification, or request an email change',
    body: emailForm,
    errors: ['invalid_credentials', 'too_many_requests', 'busy', 'conflict'],
    handler: addressSubmit,
  }),
  route({
    ...PAGE,
    path: '/dashboard/sessions',
    access: 'user',
    summary: 'Devices page',
    query: sessionsQuery,
    handler: sessionsPage,
  }),
  route({
    ...FORM,
    path: '/dashboard/sessions',
    access: 'user',
    requiresReauthentication: true,
    summary: 'Sign out devices, or name or remove a known device',
    body: sessionsForm,
    errors: ['invalid_credentials', 'too_many_requests', 'busy'],
    limit: 'session_revocations_per_account',
    handler: sessionsSubmit,
  }),
  route({
    ...PAGE,
    path: '/dashboard/activity',
    access: 'user',
    summary: 'Activity page',
    query: activityQuery,
    handler: activityPage,
  }),
  route({
    ...PAGE,
    path: '/dashboard/data',
    access: 'user',
    summary: 'Data & privacy page',
    handler: dataPage,
  }),
  route({
    ...PAGE,
    path: '/dashboard/data.json',
    access: 'user',
    summary: 'Download data',
    errors: ['export_in_progress'],
    handler: downloadMyData,
  }),
  route({
    ...PAGE,
    path: '/dashboard/delete',
    access: 'user',
    summary: 'Delete-account page',
    handler: deletePage,
  }),
  route({
    ...FORM,
    path: '/dashboard/delete',
    access: 'user',
    summary: 'Delete account',
    body: deleteMeBody,
    errors: ['invalid_credentials', 'last_admin', 'too_many_requests', 'busy'],
    handler: deleteSubmit,
  }),
];
