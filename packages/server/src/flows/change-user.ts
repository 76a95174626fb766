import { endOutrankedLinks } from '../core/codes/restore-links.ts';
import { endFlowsOf } from '../core/codes.ts';
import { removeDevicesOf } from '../core/devices.ts';
import { type Origin, recordEvent } from '../core/events.ts';
import { finishSetUp } from '../core/installation.ts';
import { accountLimits, liftLimits } from '../core/limits.ts';
import { forgetMailsOf } from '../core/mails.ts';
import { parseUsername } from '../core/names.ts';
import { endSessionsOf } from '../core/sessions.ts';
import {
  countAdmins,
  deleteUser,
  demote,
  disable,
  enable,
  holdSignIns,
  insertUser,
  type NewUser,
  promote,
  type Role,
  rename,
  roleOf,
  setPassword,
  type User,
} from '../core/users.ts';
import type { World } from '../edge/world.ts';
import { Refusal } from '../errors.ts';
import type { Db } from '../platform/db/index.ts';
import { takenRefusal } from './check-new-user.ts';

/**
 * A change that someone makes to another's account. Its transaction was queued (`queueAdminChange`), so that the last
 * administrator is never taken away by two changes side by side.
 */
export interface Change {
  tx: Db;
  user: Pick<User, 'id' | 'username' | 'admin_since' | 'disabled_at'>;
  /** Who makes it: a user's id, or `operator`. */
  actorId: string;
  origin: Origin;
  now: number;
}

/** @throws Refusal `invalid_request` for a name that cannot be one, `user_taken` for one that another account has. */
export async function renameUser(
  { tx, user, actorId, origin, now }: Change,
  username: string,
): Promise<User> {
  const parsed = parseUsername(username);
  if (!parsed.ok) throw new Refusal('invalid_request', { fields: [{ field: 'username', ...parsed }] });
  const renamed = await rename(tx, user.id, parsed.username, parsed.key);
  if (renamed === 'taken')
    throw new Refusal('user_taken', {
      fields: [{ field: 'username', code: 'username_taken', message: 'This username is taken.' }],
    });
  if (!renamed) throw new Refusal('not_found');
  await recordEvent(tx, 'user_changed', origin, { userId: user.id, actorId }, now);
  return renamed;
}

/** Promotes or demotes; does nothing if the user has the role. @throws Refusal `last_admin` */
export async function setRole({ tx, user, actorId, origin, now }: Change, role: Role): Promise<void> {
  if (roleOf(user) === role) return;
  if (role === 'admin') await promote(tx, user.id, now);
  else if (!(await demote(tx, user.id))) throw new Refusal('last_admin');
  const name = role === 'admin' ? 'user_promoted' : 'user_demoted';
  await recordEvent(tx, name, origin, { userId: user.id, actorId }, now);
}

/**
 * Disables, which ends all sessions, or enables, which revives none; does nothing if the user is so already.
 *
 * @throws Refusal `last_admin`
 */
export async function setDisabled(
  { tx, user, actorId, origin, now }: Change,
  disabled: boolean,
): Promise<void> {
  if ((user.disabled_at !== null) === disabled) return;
  if (!disabled) {
    await enable(tx, user.id);
    await recordEvent(tx, 'user_enabled', origin, { userId: user.id, actorId }, now);
    return;
  }
  if (!(await disable(tx, user.id, now))) throw new Refusal('last_admin');
  const sessions = await endSessionsOf(tx, user.id, 'disabled', now);
  await endFlowsOf(tx, user.id, now);
  await recordEvent(tx, 'user_disabled', origin, { userId: user.id, actorId, details: { sessions } }, now);
}

/** Makes an account for someone else. @throws Refusal `signup_taken` */
export async function addAccount(
  { tx, actorId, origin, now }: Omit<Change, 'user'>,
  newUser: NewUser,
): Promise<User> {
  const made = await insertUser(tx, newUser, now);
  if ('taken' in made) throw takenRefusal(made.taken);
  const about = { userId: made.user.id, actorId, details: { role: newUser.role } };
  await recordEvent(tx, 'user_created', origin, about, now);
  return made.user;
}

/** Deletes the account with all that belongs to it. @throws Refusal `last_admin` */
export async function deleteAccount(
  { keys }: Pick<World, 'keys'>,
  { tx, user, actorId, origin, now }: Change,
): Promise<void> {
  if (!(await deleteUser(tx, user.id))) throw new Refusal('last_admin');
  await forgetMailsOf(tx, user.id);
  // Nobody's right password clears these any more.
  await liftLimits(tx, keys.limits, accountLimits(user.id));
  await recordEvent(tx, 'user_deleted', origin, { userId: user.id, actorId }, now);
}

/** Ends all sessions of the user, also those that begin at this moment. @returns How many were open. */
export async function endSessions({ tx, user, actorId, origin, now }: Change): Promise<number> {
  await holdSignIns(tx, user.id);
  const sessions = await endSessionsOf(tx, user.id, 'ended_by_admin', now);
  await endFlowsOf(tx, user.id, now, ['change_email']);
  await endOutrankedLinks(tx, user.id, now);
  await recordEvent(
    tx,
    'signed_out_everywhere',
    origin,
    { userId: user.id, actorId, details: { sessions } },
    now,
  );
  return sessions;
}

/** Removes all known browsers and programs of the user, also those of a sign-in at this moment. @returns How many there were. */
export async function removeDevices({ tx, user, actorId, origin, now }: Change): Promise<number> {
  await holdSignIns(tx, user.id);
  const devices = await removeDevicesOf(tx, user.id);
  await recordEvent(tx, 'device_removed', origin, { userId: user.id, actorId, details: { devices } }, now);
  return devices;
}

/** Gives the user another password, to be changed at the next sign-in, which ends all sessions. @returns How many were open. */
export async function givePassword(
  { tx, user, actorId, origin, now }: Change,
  passwordHash: string,
): Promise<number> {
  await setPassword(tx, user.id, passwordHash, now);
  const sessions = await endSessionsOf(tx, user.id, 'password_changed', now);
  await endFlowsOf(tx, user.id, now);
  await endOutrankedLinks(tx, user.id, now);
  await recordEvent(tx, 'password_changed', origin, { userId: user.id, actorId, details: { sessions } }, now);
  return sessions;
}

/**
 * Marks the set-up as done if there is an enabled administrator by now, so that the set-up link makes no second one.
 * For those who can make the first one without the link.
 */
export async function settleSetUp(tx: Db, now: number): Promise<void> {
  if ((await countAdmins(tx)) > 0) await finishSetUp(tx, now);
}
