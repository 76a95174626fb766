import { z } from 'zod';
import { confirm, confirmBody } from '../flows/account/confirm.ts';
import { downloadMyData, myDataShape } from '../flows/account/data.ts';
import { deviceNameBody, renameDevice, renameSession } from '../flows/account/device-names.ts';
import { deviceParams, listDevices, removeOneDevice } from '../flows/account/devices.ts';
import { changeMe, changeMeBody, dashboard, deleteMe, deleteMeBody, showMe } from '../flows/account/me.ts';
import { changePassword, changePasswordBody } from '../flows/account/password.ts';
import {
  listSessions,
  revokeAllOtherSessions,
  revokeOneSession,
  sessionParams,
} from '../flows/account/sessions.ts';
import {
  changeEmail,
  changeEmailBody,
  EMAIL_CHANGE_REQUESTED,
  resendVerification,
  VERIFICATION_EMAIL_SENT,
} from '../flows/email/change.ts';
import { eventShape } from '../flows/shapes/events.ts';
import { saying } from '../flows/shapes/messages.ts';
import { deviceShape, sessionShape, tokenPairShape } from '../flows/shapes/sessions.ts';
import { userShape } from '../flows/shapes/users.ts';
import type { Route } from '../http/route.ts';
import { route } from '../http/route.ts';

const userAnswer = z.object({ user: userShape });

/** The API of the user's own account. */
export const accountRoutes: readonly Route[] = [
  route({
    method: 'GET',
    path: '/v1/dashboard',
    access: 'user',
    summary: 'Get the account overview',
    responses: {
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
    access: 'user',
    allowedBeforePasswordChange: true,
    summary: 'Get the current user',
    responses: { 200: userAnswer },
    errors: [],
    handler: showMe,
  }),
  route({
    method: 'PATCH',
    path: '/v1/me',
    access: 'user',
    summary: 'Update the current user',
    body: changeMeBody,
    responses: { 200: userAnswer },
    errors: ['identifier_taken', 'too_many_requests'],
    limit: 'profile_changes_per_account',
    handler: changeMe,
  }),
  route({
    method: 'DELETE',
    path: '/v1/me',
    access: 'user',
    summary: 'Delete the current user',
    body: deleteMeBody,
    anyCase: true,
    responses: { 200: saying('delete successful!') },
    errors: ['invalid_credentials', 'last_admin', 'too_many_requests', 'busy'],
    handler: deleteMe,
  }),
  route({
    method: 'PUT',
    path: '/v1/me/password',
    access: 'user',
    allowedBeforePasswordChange: true,
    summary: 'Change password',
    body: changePasswordBody,
    responses: { 200: saying('Password changed.').extend(tokenPairShape.partial().shape) },
    errors: ['invalid_credentials', 'too_many_requests', 'busy', 'conflict'],
    handler: changePassword,
  }),
  route({
    method: 'POST',
    path: '/v1/me/confirm',
    access: 'user',
    summary: 'Confirm the password',
    body: confirmBody,
    responses: { 200: saying('Password confirmed.') },
    errors: ['invalid_credentials', 'too_many_requests', 'busy'],
    handler: confirm,
  }),
  route({
    method: 'POST',
    path: '/v1/me/email',
    access: 'user',
    summary: 'Request an email change',
    body: changeEmailBody,
    responses: { 202: saying(EMAIL_CHANGE_REQUESTED) },
    errors: ['invalid_credentials', 'too_many_requests', 'busy'],
    handler: changeEmail,
  }),
  route({
    method: 'POST',
    path: '/v1/me/verify-email',
    access: 'user',
    summary: 'Resend the verification email',
    responses: { 202: saying(VERIFICATION_EMAIL_SENT) },
    errors: ['conflict', 'too_many_requests', 'busy'],
    handler: resendVerification,
  }),
  route({
    method: 'GET',
    path: '/v1/me/sessions',
    access: 'user',
    summary: 'List sessions',
    responses: { 200: z.object({ sessions: z.array(sessionShape), next_cursor: z.null() }) },
    errors: [],
    handler: listSessions,
  }),
  route({
    method: 'PATCH',
    path: '/v1/me/sessions/:id',
    access: 'user',
    requiresReauthentication: true,
    summary: 'Name the device of a session',
    params: sessionParams,
    body: deviceNameBody,
    responses: { 200: z.object({ session: sessionShape }) },
    errors: ['not_found', 'conflict', 'too_many_requests'],
    limit: 'device_names_per_account',
    handler: renameSession,
  }),
  route({
    method: 'DELETE',
    path: '/v1/me/sessions/:id',
    access: 'user',
    requiresReauthentication: true,
    summary: 'Revoke a session',
    params: sessionParams,
    responses: { 200: saying('Session revoked.') },
    errors: ['not_found', 'too_many_requests'],
    limit: 'session_revocations_per_account',
    handler: revokeOneSession,
  }),
  route({
    method: 'DELETE',
    path: '/v1/me/sessions',
    access: 'user',
    requiresReauthentication: true,
    summary: 'Revoke all other sessions',
    responses: { 200: saying('Other sessions revoked.').extend({ sessions: z.int() }) },
    errors: ['too_many_requests'],
    limit: 'session_revocations_per_account',
    handler: revokeAllOtherSessions,
  }),
  route({
    method: 'GET',
    path: '/v1/me/devices',
    access: 'user',
    summary: 'List known devices',
    responses: { 200: z.object({ devices: z.array(deviceShape), next_cursor: z.null() }) },
    errors: [],
    handler: listDevices,
  }),
  route({
    method: 'PATCH',
    path: '/v1/me/devices/:id',
    access: 'user',
    requiresReauthentication: true,
    summary: 'Name a known device',
    params: deviceParams,
    body: deviceNameBody,
    responses: { 200: z.object({ device: deviceShape }) },
    errors: ['not_found', 'too_many_requests'],
    limit: 'device_names_per_account',
    handler: renameDevice,
  }),
  route({
    method: 'DELETE',
    path: '/v1/me/devices/:id',
    access: 'user',
    requiresReauthentication: true,
    summary: 'Remove a known device',
    params: deviceParams,
    responses: { 200: saying('Device removed.') },
    errors: ['not_found', 'too_many_requests'],
    limit: 'session_revocations_per_account',
    handler: removeOneDevice,
  }),
  route({
    method: 'GET',
    path: '/v1/me/data',
    access: 'user',
    summary: 'Export the current user’s data',
    responses: { 200: myDataShape },
    errors: ['export_in_progress'],
    handler: downloadMyData,
  }),
];
