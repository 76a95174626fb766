import { z } from 'zod';
import type { World } from '../../context.ts';
import { devicesOf } from '../../core/devices.ts';
import { generatePassword, hashPassword } from '../../core/passwords.ts';
import type { User } from '../../core/users.ts';
import type { Answer, SignedInCall } from '../../edge/route.ts';
import { profileColumns } from '../../user-fields.ts';
import { changeAccount, getUser } from '../accounts/change-account.ts';
import {
  addAccount,
  type Change,
  deleteAccount,
  endSessions,
  removeDevices,
  setDisabled,
  setRole,
} from '../accounts/change-user.ts';
import { checkNewUser } from '../accounts/check-new-user.ts';
import { changeProfile, profileShape } from '../accounts/profile.ts';
import { mailNewPassword } from '../emails/mail-new-password.ts';
import { liftLimitsOf, limitsOf } from '../limits/user-limits.ts';
import { forUser } from '../passwords/hash-requester.ts';
import { showLimit } from '../shapes/limits.ts';
import { showDevice } from '../shapes/sessions.ts';
import { showUser } from '../shapes/users.ts';
import { findUsers } from './find-users.ts';
import { showUserCursor, userCursor } from './user-cursor.ts';

const LARGEST_PAGE = 100;

export const userParams = z.strictObject({ id: z.uuid('Invalid user ID') });
type ById = z.infer<typeof userParams>;

export const listUsersQuery = z.strictObject({
  search: z.string().max(254).optional().describe('Start of a username or email, or a full user ID'),
  role: z.enum(['user', 'admin']).optional(),
  disabled: z.enum(['true', 'false']).optional(),
  cursor: userCursor.optional().describe('`next_cursor` from the previous page'),
  limit: z.coerce.number().int().min(1).max(LARGEST_PAGE).default(50),
});

/** A page of users, oldest first; of a search by the names that it found, and perhaps shorter than asked. */
export async function showUsers(
  world: World,
  { query }: SignedInCall<undefined, z.infer<typeof listUsersQuery>>,
): Promise<Answer> {
  const { search, role, disabled, cursor, limit } = query;
  const { users, next } = await findUsers(world, {
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
  role: z.enum(['user', 'admin']).default('user'),
});

/** Makes an account for someone else. */
export async function createUser(
  world: World,
  { body, live, origin }: SignedInCall<z.infer<typeof createUserBody>>,
): Promise<Answer> {
  const { db, clock, hasher } = world;
  const generated = body.password === undefined ? generatePassword() : undefined;
  const password = body.password ?? generated ?? '';
  const names = await checkNewUser({ ...body, password }, world);
  const passwordHash = await hashPassword(hasher, password, forUser(origin, live.user.id));
  const newUser = { ...names, passwordHash, role: body.role, mustChangePassword: true };
  const user = await db
    .transaction()
    .execute((tx) => addAccount({ tx, actorId: live.user.id, origin, now: clock.now() }, newUser));
  return {
    status: 201,
    body: { message: 'user created!', user: showUser(user), ...(generated ? { password: generated } : {}) },
  };
}

export async function showOneUser(
  { db }: Pick<World, 'db'>,
  { params }: SignedInCall<undefined, undefined, ById>,
): Promise<Answer> {
  return { status: 200, body: { user: showUser(await getUser(db, params.id)) } };
}

export const changeUserBody = z
  .strictObject({
    ...profileShape,
    role: z.enum(['user', 'admin']).optional(),
    disabled: z.boolean().optional(),
  })
  .refine((body) => Object.keys(body).length > 0, {
    message: `Provide at least one of ${profileColumns
      .map((field) => `"${field}", `)
      .join('')
      .slice(0, -2)}, "role" and "disabled"`,
  })
  .describe('At least one field is required.');

/** Renames, promotes, demotes, disables and enables; all of what is asked or nothing. */
export async function changeUser(
  world: World,
  call: SignedInCall<z.infer<typeof changeUserBody>, undefined, ById>,
): Promise<Answer> {
  const { role, disabled, ...profile } = call.body;
  const changed = await changeById(world, call, async (change) => {
    if (Object.keys(profile).length > 0) await changeProfile(change, profile);
    if (role !== undefined) await setRole(change, role);
    if (disabled !== undefined) await setDisabled(change, disabled);
    return getUser(change.tx, change.user.id);
  });
  return { status: 200, body: { user: showUser(changed) } };
}

/** Deletes an account and all that belongs to it; never that of the last administrator. */
export async function removeUser(
  world: World,
  call: SignedInCall<undefined, undefined, ById>,
): Promise<Answer> {
  await changeById(world, call, (change) => deleteAccount(world, change));
  return { status: 200, body: { message: 'delete successful!' } };
}

/** Ends all sessions of a user. */
export async function endUserSessions(
  world: World,
  call: SignedInCall<undefined, undefined, ById>,
): Promise<Answer> {
  await changeById(world, call, endSessions);
  return { status: 200, body: { message: 'logout successful!' } };
}

/** The browsers and programs that a user signed in from before. */
export async function showUserDevices(
  { db, clock }: Pick<World, 'db' | 'clock'>,
  { params }: SignedInCall<undefined, undefined, ById>,
): Promise<Answer> {
  const { id } = await getUser(db, params.id);
  const devices = await devicesOf(db, id, clock.now());
  return {
    status: 200,
    body: { devices: devices.map((one) => showDevice(one, undefined)), next_cursor: null },
  };
}

/** Removes all of them: the user's own browsers then count as strangers' until the next sign-in. */
export async function removeUserDevices(
  world: World,
  call: SignedInCall<undefined, undefined, ById>,
): Promise<Answer> {
  const devices = await changeById(world, call, removeDevices);
  return { status: 200, body: { message: 'Devices removed.', devices } };
}

export const MAIL_TO_USER = 'Password reset email sent.';

/** Mails a user a code and a link, to choose a new password with. */
export async function mailUser(
  world: World,
  { params, live, origin }: SignedInCall<undefined, undefined, ById>,
): Promise<Answer> {
  await mailNewPassword(world, await getUser(world.db, params.id), { actorId: live.user.id, origin });
  return { status: 202, body: { message: MAIL_TO_USER } };
}

/** Why a user is made to wait, and how long. */
export async function showUserLimits(
  world: World,
  { params }: SignedInCall<undefined, undefined, ById>,
): Promise<Answer> {
  const limits = await limitsOf(world, await getUser(world.db, params.id));
  return { status: 200, body: { limits: limits.map(showLimit), next_cursor: null } };
}

/** Lets a user try again at once. */
export async function liftUserLimits(
  world: World,
  call: SignedInCall<undefined, undefined, ById>,
): Promise<Answer> {
  await changeById(world, call, (change) => liftLimitsOf(change.tx, world, change));
  return { status: 200, body: { message: 'Rate limits reset.' } };
}

/** Changes the user whom the path names. @throws Refusal `not_found`, and as `make` does. */
const changeById = <T>(
  world: World,
  { params, live, origin }: SignedInCall<unknown, unknown, ById>,
  make: (change: Change & { user: User }) => Promise<T>,
): Promise<T> =>
  changeAccount(world, { actorId: live.user.id, origin }, (tx) => getUser(tx, params.id), make);
