import { z } from 'zod';
import type { AppContext } from '../../context.ts';
import { devicesOf } from '../../core/devices.ts';
import { serializeAdminChanges } from '../../core/installation.ts';
import { generatePassword, hashPassword } from '../../core/passwords.ts';
import type { User } from '../../core/users.ts';
import type { RouteResponse, SignedInCall } from '../../http/route.ts';
import { text } from '../../languages/text.ts';
import { profileColumns } from '../../user-fields.ts';
import { checkActor } from '../accounts/actor.ts';
import { changeAccount, getUser } from '../accounts/change-account.ts';
import { addAccount, type Change, deleteAccount, setDisabled, setRole } from '../accounts/change-user.ts';
import { checkNewUser } from '../accounts/check-new-user.ts';
import { changeProfile, profileShape } from '../accounts/profile.ts';
import { emailNewPassword } from '../emails/send-password-reset.ts';
import { limitsOf } from '../limits/user-rate-limits.ts';
import { forUser } from '../passwords/hash-requester.ts';
import { showRateLimit } from '../shapes/limits.ts';
import { showDevice } from '../shapes/sessions.ts';
import { showUser } from '../shapes/users.ts';
import { findUsers } from './find-users.ts';
import { showUserCursor, userCursor } from './user-cursor.ts';

const LARGEST_PAGE = 100;

export const userParams = z.strictObject({ id: z.uuid('Invalid user ID') });
type ById = z.infer<typeof userParams>;

export const listUsersQuery = z.strictObject({
  search: z
    .string()
    .max(254)
    .optional()
    .describe(
      'Part of a username, email or display name (with one or two characters: its start), or a full user ID',
    ),
  role: z.enum(['user', 'admin']).optional(),
  disabled: z.enum(['true', 'false']).optional(),
  cursor: userCursor.optional().describe('`next_cursor` from the previous page'),
  limit: z.coerce.number().int().min(1).max(LARGEST_PAGE).default(50),
});

/** A page of users, oldest first. A page of search results may be shorter than requested. */
export async function showUsers(
  context: AppContext,
  { query }: SignedInCall<undefined, z.infer<typeof listUsersQuery>>,
): Promise<RouteResponse> {
  const { search, role, disabled, cursor, limit } = query;
  const { users, next } = await findUsers(context, {
    search,
    role,
    disabled: disabled === undefined ? undefined : disabled === 'true',
    after: cursor,
    limit,
  });
  return { status: 200, body: { users: users.map(showUser), next_cursor: showUserCursor(next) } };
}

export const createUserBody = z.strictObject({
  username: z.string(),
  email: z.string(),
  password: z
    .string()
    .optional()
    .describe('Generated and returned once if omitted. The user must change it at the first sign-in.'),
  display_name: z.string().optional(),
  locale: z.string().optional().describe('The language of the account: a tag of RFC 5646'),
  role: z.enum(['user', 'admin']).default('user'),
});

/** Creates an account for another person. */
export async function createUser(
  context: AppContext,
  call: SignedInCall<z.infer<typeof createUserBody>>,
): Promise<RouteResponse> {
  const { user, generated } = await makeUser(context, call);
  return {
    status: 201,
    body: { message: 'user created!', user: showUser(user), ...(generated ? { password: generated } : {}) },
  };
}

/**
 * Creates an account with a temporary password, which the user must change at the first sign-in.
 *
 * @returns The user, and the password if it was generated.
 * @throws HttpError `signup_rejected`, `user_exists`, `busy`; `invalid_token` and `forbidden` as `checkActor` does.
 */
export async function makeUser(
  context: AppContext,
  { body, activeSession, client }: SignedInCall<z.infer<typeof createUserBody>>,
): Promise<{ user: User; generated: string | undefined }> {
  const { db, clock, hasher } = context;
  const actorId = activeSession.user.id;
  const generated = body.password === undefined ? generatePassword() : undefined;
  const password = body.password ?? generated ?? '';
  const names = await checkNewUser({ ...body, password }, context);
  const passwordHash = await hashPassword(hasher, password, forUser(client, actorId));
  const newUser = { ...names, passwordHash, role: body.role, mustChangePassword: true };
  const user = await db.transaction().execute(async (tx) => {
    await serializeAdminChanges(tx);
    // Hashing takes time.
    await checkActor(tx, activeSession);
    return addAccount({ context, tx, actorId, client, now: clock.now() }, newUser);
  });
  return { user, generated };
}

export async function showOneUser(
  { db }: Pick<AppContext, 'db'>,
  { params }: SignedInCall<undefined, undefined, ById>,
): Promise<RouteResponse> {
  return { status: 200, body: { user: showUser(await getUser(db, params.id)) } };
}

export const changeUserBody = z
  .strictObject({
    ...profileShape,
    role: z.enum(['user', 'admin']).optional(),
    disabled: z.boolean().optional(),
  })
  .refine((body) => Object.keys(body).length > 0, {
    params: { text: text('field.one_of', { fields: [...profileColumns, 'role', 'disabled'].join(', ') }) },
  })
  .describe('At least one field is required.');

/** Renames, promotes, demotes, disables or enables a user; applies all requested changes or none. */
export async function changeUser(
  context: AppContext,
  call: SignedInCall<z.infer<typeof changeUserBody>, undefined, ById>,
): Promise<RouteResponse> {
  const { role, disabled, ...profile } = call.body;
  const changed = await changeById(context, call, async (change) => {
    if (Object.keys(profile).length > 0) await changeProfile(change, profile);
    if (role !== undefined) await setRole(change, role);
    if (disabled !== undefined) await setDisabled(change, disabled);
    return getUser(change.tx, change.user.id);
  });
  return { status: 200, body: { user: showUser(changed) } };
}

/** Deletes an account and everything that belongs to it; never that of the last administrator. */
export async function removeUser(
  context: AppContext,
  call: SignedInCall<undefined, undefined, ById>,
): Promise<RouteResponse> {
  await changeById(context, call, deleteAccount);
  return { status: 200, body: { message: 'delete successful!' } };
}

/** Lists the known devices of a user. */
export async function showUserDevices(
  { db, clock }: Pick<AppContext, 'db' | 'clock'>,
  { params }: SignedInCall<undefined, undefined, ById>,
): Promise<RouteResponse> {
  const { id } = await getUser(db, params.id);
  const devices = await devicesOf(db, id, clock.now());
  return {
    status: 200,
    body: { devices: devices.map((one) => showDevice(one, undefined)), next_cursor: null },
  };
}

export const USER_EMAIL_SENT = 'Password reset email sent.';

/** Emails a user a code and a link to reset the password. */
export async function emailUser(
  context: AppContext,
  { params, activeSession, client }: SignedInCall<undefined, undefined, ById>,
): Promise<RouteResponse> {
  await emailNewPassword(context, await getUser(context.db, params.id), {
    actor: activeSession,
    client,
  });
  return { status: 202, body: { message: USER_EMAIL_SENT } };
}

/** Lists the rate limits of a user: why the user has to wait, and for how long. */
export async function showUserRateLimits(
  context: AppContext,
  { params }: SignedInCall<undefined, undefined, ById>,
): Promise<RouteResponse> {
  const limits = await limitsOf(context, await getUser(context.db, params.id));
  return { status: 200, body: { limits: limits.map(showRateLimit), next_cursor: null } };
}

/** Changes the user in the path. @throws HttpError `not_found`, and as `make` does. */
const changeById = <T>(
  context: AppContext,
  { params, activeSession, client }: SignedInCall<unknown, unknown, ById>,
  make: (change: Change & { user: User }) => Promise<T>,
): Promise<T> =>
  changeAccount(context, { actor: activeSession, client }, (tx) => getUser(tx, params.id), make);
