import type { Route } from '../edge/route.ts';
import { route } from '../edge/route.ts';
import { downloadMyData } from '../flows/account/data.ts';
import { changeMeBody, deleteMeBody } from '../flows/account/me.ts';
import { activityPage, activityQuery } from '../pages/dashboard/activity.tsx';
import { addressAnswer, addressForm, addressPage, addressQuery } from '../pages/dashboard/address.tsx';
import { dataPage, deleteAnswer, deletePage } from '../pages/dashboard/data.tsx';
import { overviewPage, overviewQuery } from '../pages/dashboard/overview.tsx';
import { profileAnswer, profilePage, profileQuery } from '../pages/dashboard/profile.tsx';
import { securityAnswer, securityForm, securityPage, securityQuery } from '../pages/dashboard/security.tsx';
import { sessionsAnswer, sessionsForm, sessionsPage, sessionsQuery } from '../pages/dashboard/sessions.tsx';
import { FORM, PAGE } from './kinds.ts';

/** The pages of one's own account. */
export const accountPageRoutes: readonly Route[] = [
  route({
    ...PAGE,
    path: '/dashboard',
    who: 'session',
    summary: 'Account overview',
    query: overviewQuery,
    handler: overviewPage,
  }),
  route({
    ...PAGE,
    path: '/dashboard/profile',
    who: 'session',
    summary: 'Profile page',
    query: profileQuery,
    handler: profilePage,
  }),
  route({
    ...FORM,
    path: '/dashboard/profile',
    who: 'session',
    summary: 'Update profile',
    body: changeMeBody,
    errors: ['user_taken', 'too_many_requests'],
    limit: 'profileChanges',
    handler: profileAnswer,
  }),
  route({
    ...PAGE,
    path: '/dashboard/security',
    who: 'session',
    beforePasswordChange: true,
    summary: 'Security page',
    query: securityQuery,
    handler: securityPage,
  }),
  route({
    ...FORM,
    path: '/dashboard/security',
    who: 'session',
    beforePasswordChange: true,
    summary: 'Change password',
    body: securityForm,
    errors: ['invalid_credentials', 'too_many_requests', 'busy', 'conflict'],
    handler: securityAnswer,
  }),
  route({
    ...PAGE,
    path: '/dashboard/address',
    who: 'session',
    summary: 'Email page',
    query: addressQuery,
    handler: addressPage,
  }),
  route({
    ...FORM,
    path: '/dashboard/address',
    who: 'session',
    summary: 'Send verification, or request an email change',
    body: addressForm,
    errors: ['invalid_credentials', 'too_many_requests', 'busy', 'conflict'],
    handler: addressAnswer,
  }),
  route({
    ...PAGE,
    path: '/dashboard/sessions',
    who: 'session',
    summary: 'Devices page',
    query: sessionsQuery,
    handler: sessionsPage,
  }),
  route({
    ...FORM,
    path: '/dashboard/sessions',
    who: 'session',
    needsFreshSignIn: true,
    summary: 'Sign out one or all other devices',
    body: sessionsForm,
    errors: ['invalid_credentials', 'too_many_requests', 'busy'],
    limit: 'sessionChanges',
    handler: sessionsAnswer,
  }),
  route({
    ...PAGE,
    path: '/dashboard/activity',
    who: 'session',
    summary: 'Activity page',
    query: activityQuery,
    handler: activityPage,
  }),
  route({
    ...PAGE,
    path: '/dashboard/data',
    who: 'session',
    summary: 'Data & privacy page',
    handler: dataPage,
  }),
  route({
    ...PAGE,
    path: '/dashboard/data.json',
    who: 'session',
    summary: 'Download data',
    errors: ['export_running'],
    handler: downloadMyData,
  }),
  route({
    ...PAGE,
    path: '/dashboard/delete',
    who: 'session',
    summary: 'Delete-account page',
    handler: deletePage,
  }),
  route({
    ...FORM,
    path: '/dashboard/delete',
    who: 'session',
    summary: 'Delete account',
    body: deleteMeBody,
    errors: ['invalid_credentials', 'last_admin', 'too_many_requests', 'busy'],
    handler: deleteAnswer,
  }),
];
