import { z } from 'zod';
import type { Route } from '../edge/route.ts';
import { route } from '../edge/route.ts';
import { confirm, confirmBody } from '../flows/account/confirm.ts';
import { downloadMyData, myDataShape } from '../flows/account/data.ts';
import { deviceParams, listDevices, removeOneDevice } from '../flows/account/devices.ts';
import { changeMe, changeMeBody, dashboard, deleteMe, deleteMeBody, showMe } from '../flows/account/me.ts';
import { changePassword, changePasswordBody } from '../flows/account/password.ts';
import {
  endAllOtherSessions,
  endOneSession,
  listSessions,
  sessionParams,
} from '../flows/account/sessions.ts';
import {
  CHANGE_MAILED,
  changeEmail,
  changeEmailBody,
  mailProof,
  PROOF_MAILED,
} from '../flows/addresses/change.ts';
import { eventShape } from '../flows/shapes/events.ts';
import { saying } from '../flows/shapes/messages.ts';
import { deviceShape, sessionShape, tokenPairShape } from '../flows/shapes/sessions.ts';
import { userShape } from '../flows/shapes/users.ts';

const userAnswer = z.object({ user: userShape });

/** One's own account. */
export const accountRoutes: readonly Route[] = [
  route({
    method: 'GET',
    path: '/v1/dashboard',
    who: 'session',
    summary: 'Get the account overview',
    answers: {
      200: z.object({
        user: userShape,
        session: sessionShape,
        sessions: z.array(sessionShape),
        events: z.array(eventShape),
      }),
    },
    errors: [],
    handler: dashboard,
  }),
  route({
    method: 'GET',
    path: '/v1/me',
    who: 'session',
    beforePasswordChange: true,
    summary: 'Get the current user',
    answers: { 200: userAnswer },
    errors: [],
    handler: showMe,
  }),
  route({
    method: 'PATCH',
    path: '/v1/me',
    who: 'session',
    summary: 'Update the current user',
    body: changeMeBody,
    answers: { 200: userAnswer },
    errors: ['user_taken', 'too_many_requests'],
    limit: 'profileChanges',
    handler: changeMe,
  }),
  route({
    method: 'DELETE',
    path: '/v1/me',
    who: 'session',
    summary: 'Delete the current user',
    body: deleteMeBody,
    anyCase: true,
    answers: { 200: saying('delete successful!') },
    errors: ['invalid_credentials', 'last_admin', 'too_many_requests', 'busy'],
    handler: deleteMe,
  }),
  route({
    method: 'PUT',
    path: '/v1/me/password',
    who: 'session',
    beforePasswordChange: true,
    summary: 'Change password',
    body: changePasswordBody,
    answers: { 200: saying('Password changed.').extend(tokenPairShape.partial().shape) },
    errors: ['invalid_credentials', 'too_many_requests', 'busy', 'conflict'],
    handler: changePassword,
  }),
  route({
    method: 'POST',
    path: '/v1/me/confirm',
    who: 'session',
    summary: 'Confirm the password',
    body: confirmBody,
    answers: { 200: saying('Password confirmed.') },
    errors: ['invalid_credentials', 'too_many_requests', 'busy'],
    handler: confirm,
  }),
  route({
    method: 'POST',
    path: '/v1/me/email',
    who: 'session',
    summary: 'Request an email change',
    body: changeEmailBody,
    answers: { 202: saying(CHANGE_MAILED) },
    errors: ['invalid_credentials', 'too_many_requests', 'busy'],
    handler: changeEmail,
  }),
  route({
    method: 'POST',
    path: '/v1/me/verify-email',
    who: 'session',
    summary: 'Resend the verification email',
    answers: { 202: saying(PROOF_MAILED) },
    errors: ['conflict', 'too_many_requests', 'busy'],
    handler: mailProof,
  }),
  route({
    method: 'GET',
    path: '/v1/me/sessions',
    who: 'session',
    summary: 'List sessions',
    answers: { 200: z.object({ sessions: z.array(sessionShape), next_cursor: z.null() }) },
    errors: [],
    handler: listSessions,
  }),
  route({
    method: 'DELETE',
    path: '/v1/me/sessions/:id',
    who: 'session',
    needsFreshSignIn: true,
    summary: 'Revoke a session',
    params: sessionParams,
    answers: { 200: saying('Session revoked.') },
    errors: ['not_found', 'too_many_requests'],
    limit: 'sessionChanges',
    handler: endOneSession,
  }),
  route({
    method: 'DELETE',
    path: '/v1/me/sessions',
    who: 'session',
    needsFreshSignIn: true,
    summary: 'Revoke all other sessions',
    answers: { 200: saying('Other sessions revoked.').extend({ sessions: z.int() }) },
    errors: ['too_many_requests'],
    limit: 'sessionChanges',
    handler: endAllOtherSessions,
  }),
  route({
    method: 'GET',
    path: '/v1/me/devices',
    who: 'session',
    summary: 'List recognized devices',
    answers: { 200: z.object({ devices: z.array(deviceShape), next_cursor: z.null() }) },
    errors: [],
    handler: listDevices,
  }),
  route({
    method: 'DELETE',
    path: '/v1/me/devices/:id',
    who: 'session',
    needsFreshSignIn: true,
    summary: 'Remove a known device',
    params: deviceParams,
    answers: { 200: saying('Device removed.') },
    errors: ['not_found', 'too_many_requests'],
    limit: 'sessionChanges',
    handler: removeOneDevice,
  }),
  route({
    method: 'GET',
    path: '/v1/me/data',
    who: 'session',
    summary: 'Export the current user’s data',
    answers: { 200: myDataShape },
    errors: ['export_running'],
    handler: downloadMyData,
  }),
];
