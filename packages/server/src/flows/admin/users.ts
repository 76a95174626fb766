import { z } from 'zod';
import { devicesOf } from '../../core/devices.ts';
import { queueAdminChange } from '../../core/installation.ts';
import { generatePassword, hashPassword } from '../../core/passwords.ts';
import { listUsers } from '../../core/users/list.ts';
import { findById, type User } from '../../core/users.ts';
import type { Answer, SignedInCall } from '../../edge/route.ts';
import type { World } from '../../edge/world.ts';
import { Refusal } from '../../errors.ts';
import type { Db } from '../../platform/db/index.ts';
import {
  addAccount,
  type Change,
  deleteAccount,
  endSessions,
  removeDevices,
  renameUser,
  setDisabled,
  setRole,
} from '../change-user.ts';
import { checkNewUser } from '../check-new-user.ts';
import { forUser } from '../hash-requester.ts';
import { mailNewPassword } from '../mail-new-password.ts';
import { showDevice, showLimit, showUser } from '../shapes.ts';
import { liftLimitsOf, limitsOf } from '../user-limits.ts';
import { showUserCursor, userCursor } from './user-cursor.ts';

const LARGEST_PAGE = 100;

export const userParams = z.strictObject({ id: z.uuid('Invalid user ID') });
type ById = z.infer<typeof userParams>;

export const listUsersQuery = z.strictObject({
  search: z
    .string()
    .max(254)
    .optional()
    .describe('The beginning of a user name or e-mail address, or a whole id'),
  role: z.enum(['user', 'admin']).optional(),
  disabled: z.enum(['true', 'false']).optional(),
  cursor: userCursor.optional().describe('`next_cursor` of the page before'),
  limit: z.coerce.number().int().min(1).max(LARGEST_PAGE).default(50),
});

/** A page of users, oldest first; of a search by the names that it found, and perhaps shorter than asked. */
export async function showUsers(
  { db }: World,
  { query }: SignedInCall<undefined, z.infer<typeof listUsersQuery>>,
): Promise<Answer> {
  const { search, role, disabled, cursor, limit } = query;
  const { users, next } = await listUsers(db, {
    search: normalSearch(search),
    role,
    disabled: disabled === undefined ? undefined : disabled === 'true',
    after: cursor,
    limit,
  });
  return { status: 200, body: { users: users.map(showUser), next_cursor: showUserCursor(next) } };
}

/** What is searched for, as names are stored to be compared. */
export const normalSearch = (search: string | undefined): string | undefined =>
  search?.trim().normalize('NFKC').toLowerCase() || undefined;

export const createUserBody = z.strictObject({
  username: z.string(),
  email: z.string(),
  password: z
    .string()
    .optional()
    .describe(
      'Generated, and answered once, if none is given. The user must change it at the first sign-in.',
    ),
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
  { db }: World,
  { params }: SignedInCall<undefined, undefined, ById>,
): Promise<Answer> {
  return { status: 200, body: { user: showUser(await getUser(db, params.id)) } };
}

export const changeUserBody = z
  .strictObject({
    username: z.string().optional(),
    role: z.enum(['user', 'admin']).optional(),
    disabled: z.boolean().optional(),
  })
  .refine((body) => Object.keys(body).length > 0, {
    message: 'Provide at least one of "username", "role" or "disabled"',
  })
  .describe('At least one of these.');

/** Renames, promotes, demotes, disables and enables; all of what is asked or nothing. */
export async function changeUser(
  { db, clock }: World,
  { params, body, live, origin }: SignedInCall<z.infer<typeof changeUserBody>, undefined, ById>,
): Promise<Answer> {
  const changed = await db.transaction().execute(async (tx) => {
    await queueAdminChange(tx);
    const user = await getUser(tx, params.id);
    const change: Change = { tx, user, actorId: live.user.id, origin, now: clock.now() };
    if (body.username !== undefined) await renameUser(change, body.username);
    if (body.role !== undefined) await setRole(change, body.role);
    if (body.disabled !== undefined) await setDisabled(change, body.disabled);
    return getUser(tx, params.id);
  });
  return { status: 200, body: { user: showUser(changed) } };
}

/** Deletes an account and all that belongs to it; never that of the last administrator. */
export async function removeUser(
  world: World,
  { params, live, origin }: SignedInCall<undefined, undefined, ById>,
): Promise<Answer> {
  const { db, clock } = world;
  await db.transaction().execute(async (tx) => {
    await queueAdminChange(tx);
    const user = await getUser(tx, params.id);
    await deleteAccount(world, { tx, user, actorId: live.user.id, origin, now: clock.now() });
  });
  return { status: 200, body: { message: 'delete successful!' } };
}

/** Ends all sessions of a user. */
export async function endUserSessions(
  { db, clock }: World,
  { params, live, origin }: SignedInCall<undefined, undefined, ById>,
): Promise<Answer> {
  await db.transaction().execute(async (tx) => {
    const user = await getUser(tx, params.id);
    await endSessions({ tx, user, actorId: live.user.id, origin, now: clock.now() });
  });
  return { status: 200, body: { message: 'logout successful!' } };
}

/** The browsers and programs that a user signed in from before. */
export async function showUserDevices(
  { db, clock }: World,
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
  { db, clock }: World,
  { params, live, origin }: SignedInCall<undefined, undefined, ById>,
): Promise<Answer> {
  const devices = await db.transaction().execute(async (tx) => {
    const user = await getUser(tx, params.id);
    return removeDevices({ tx, user, actorId: live.user.id, origin, now: clock.now() });
  });
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
  { params, live, origin }: SignedInCall<undefined, undefined, ById>,
): Promise<Answer> {
  await world.db.transaction().execute(async (tx) => {
    const user = await getUser(tx, params.id);
    await liftLimitsOf(tx, world, { user, actorId: live.user.id, origin, now: world.clock.now() });
  });
  return { status: 200, body: { message: 'Rate limits reset.' } };
}

/** @throws Refusal `not_found` */
export async function getUser(db: Db, id: string): Promise<User> {
  const user = await findById(db, id);
  if (!user) throw new Refusal('not_found', { message: 'User not found.' });
  return user;
}
