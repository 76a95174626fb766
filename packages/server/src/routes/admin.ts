import { z } from 'zod';
import { listEventsQuery, showEvents } from '../flows/admin/events.ts';
import { showStats, statsQuery, statsShape } from '../flows/admin/stats.ts';
import { doAct, shapeOf, userActs } from '../flows/admin/user-acts.ts';
import {
  changeUser,
  changeUserBody,
  createUser,
  createUserBody,
  emailUser,
  listUsersQuery,
  removeUser,
  showOneUser,
  showUserDevices,
  showUserRateLimits,
  showUsers,
  USER_EMAIL_SENT,
  userParams,
} from '../flows/admin/users.ts';
import { recordedEventShape } from '../flows/shapes/events.ts';
import { rateLimitShape } from '../flows/shapes/limits.ts';
import { saying } from '../flows/shapes/messages.ts';
import { deviceShape } from '../flows/shapes/sessions.ts';
import { userShape } from '../flows/shapes/users.ts';
import type { Route } from '../http/route.ts';
import { route } from '../http/route.ts';

const userAnswer = z.object({ user: userShape });

const actRoutes = Object.values(userActs).map((act) =>
  route({
    method: act.api.method,
    path: act.api.path,
    access: 'admin',
    requiresReauthentication: true,
    summary: act.api.summary,
    params: userParams,
    responses: { 200: shapeOf(act.api) },
    errors: ['not_found', 'too_many_requests'],
    limit: 'admin_changes_per_account',
    handler: doAct(act),
  }),
);

/** The API for administrators: users, events and statistics. */
export const adminRoutes: readonly Route[] = [
  route({
    method: 'GET',
    path: '/v1/users',
    access: 'admin',
    summary: 'List and search users',
    query: listUsersQuery,
    responses: { 200: z.object({ users: z.array(userShape), next_cursor: z.string().nullable() }) },
    errors: [],
    handler: showUsers,
  }),
  route({
    method: 'POST',
    path: '/v1/users',
    access: 'admin',
    requiresReauthentication: true,
    summary: 'Create a user',
    body: createUserBody,
    responses: { 201: saying('user created!').extend({ user: userShape, password: z.string().optional() }) },
    errors: ['signup_rejected', 'user_exists', 'busy', 'too_many_requests'],
    limit: 'admin_changes_per_account',
    handler: createUser,
  }),
  route({
    method: 'GET',
    path: '/v1/users/:id',
    access: 'admin',
    summary: 'Get a user',
    params: userParams,
    responses: { 200: userAnswer },
    errors: ['not_found'],
    handler: showOneUser,
  }),
  route({
    method: 'PATCH',
    path: '/v1/users/:id',
    access: 'admin',
    requiresReauthentication: true,
    summary: 'Update a user',
    params: userParams,
    body: changeUserBody,
    responses: { 200: userAnswer },
    errors: ['not_found', 'identifier_taken', 'last_admin', 'too_many_requests'],
    limit: 'admin_changes_per_account',
    handler: changeUser,
  }),
  route({
    method: 'DELETE',
    path: '/v1/users/:id',
    access: 'admin',
    requiresReauthentication: true,
    summary: 'Delete a user',
    params: userParams,
    responses: { 200: saying('delete successful!') },
    errors: ['not_found', 'last_admin', 'too_many_requests'],
    limit: 'admin_changes_per_account',
    handler: removeUser,
  }),
  route({
    method: 'POST',
    path: '/v1/users/:id/send-mail',
    access: 'admin',
    requiresReauthentication: true,
    summary: 'Send a password reset email',
    params: userParams,
    responses: { 202: saying(USER_EMAIL_SENT) },
    errors: ['not_found', 'conflict', 'too_many_requests', 'busy'],
    limit: 'admin_changes_per_account',
    handler: emailUser,
  }),
  route({
    method: 'GET',
    path: '/v1/users/:id/devices',
    access: 'admin',
    summary: 'List a user’s known devices',
    params: userParams,
    responses: { 200: z.object({ devices: z.array(deviceShape), next_cursor: z.null() }) },
    errors: ['not_found'],
    handler: showUserDevices,
  }),
  route({
    method: 'GET',
    path: '/v1/users/:id/limits',
    access: 'admin',
    summary: 'Get a user’s rate limits',
    params: userParams,
    responses: { 200: z.object({ limits: z.array(rateLimitShape), next_cursor: z.null() }) },
    errors: ['not_found'],
    handler: showUserRateLimits,
  }),
  ...actRoutes,
  route({
    method: 'GET',
    path: '/v1/events',
    access: 'admin',
    summary: 'List audit events',
    query: listEventsQuery,
    responses: { 200: z.object({ events: z.array(recordedEventShape), next_cursor: z.uuid().nullable() }) },
    errors: [],
    handler: showEvents,
  }),
  route({
    method: 'GET',
    path: '/v1/stats',
    access: 'admin',
    summary: 'Get statistics',
    query: statsQuery,
    responses: { 200: statsShape },
    errors: [],
    handler: showStats,
  }),
];
