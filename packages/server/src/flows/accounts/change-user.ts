import type { AppContext } from '../../context.ts';
import { removeDevicesOf } from '../../core/devices.ts';
import { deleteEmailsOf } from '../../core/emails.ts';
import { type ClientInfo, recordEvent } from '../../core/events.ts';
import { markSetUpCompleted } from '../../core/installation.ts';
import { accountRateLimits, resetRateLimits } from '../../core/rate-limits.ts';
import { revokeSessionsOf } from '../../core/sessions.ts';
import {
  countAdmins,
  deleteUser,
  demote,
  disable,
  enable,
  insertUser,
  lockSignIns,
  type NewUser,
  promote,
  setPassword,
  type User,
} from '../../core/users.ts';
import { endInvitationsBy } from '../../core/verifications/invitations.ts';
import { endVerificationsOf } from '../../core/verifications.ts';
import { HttpError } from '../../errors.ts';
import type { Db } from '../../platform/db/index.ts';
import { type Role, roleOf } from '../../user-fields.ts';
import { sendSecurityNotice } from '../emails/security-notices.ts';
import { takenError } from './check-new-user.ts';

/**
 * A change to another user's account. Its transaction holds the lock of `serializeAdminChanges`, so that concurrent
 * changes never remove the last administrator.
 */
export interface Change {
  context: AppContext;
  tx: Db;
  user: Pick<User, 'id' | 'username' | 'email' | 'locale' | 'time_zone' | 'admin_since' | 'disabled_at'>;
  /** Who makes it: a user's id, or `operator`. */
  actorId: string;
  client: ClientInfo;
  now: number;
}

/**
 * Promotes or demotes a user and notifies them; does nothing if the user already has the role.
 *
 * @throws HttpError `last_admin`
 */
export async function setRole(change: Change, role: Role): Promise<void> {
  const { tx, user, actorId, client, now } = change;
  if (roleOf(user) === role) return;
  if (role === 'admin') await promote(tx, user.id, now);
  else if (!(await demote(tx, user.id))) throw new HttpError('last_admin');
  if (role === 'user') await endInvitationsBy(tx, user.id, now);
  const name = role === 'admin' ? 'user_promoted' : 'user_demoted';
  await recordEvent(tx, name, client, { userId: user.id, actorId }, now);
  await sendSecurityNotice(change, role === 'admin' ? 'admin_role_granted' : 'admin_role_removed');
}

/**
 * Disables a user, which revokes all sessions, or enables one, which restores none. Does nothing if the user is already
 * in that state.
 *
 * @throws HttpError `last_admin`
 */
export async function setDisabled(
  { tx, user, actorId, client, now }: Change,
  disabled: boolean,
): Promise<void> {
  if ((user.disabled_at !== null) === disabled) return;
  if (!disabled) {
    await enable(tx, user.id);
    await recordEvent(tx, 'user_enabled', client, { userId: user.id, actorId }, now);
    return;
  }
  if (!(await disable(tx, user.id, now))) throw new HttpError('last_admin');
  const sessions = await revokeSessionsOf(tx, user.id, 'disabled', now);
  await endVerificationsOf(tx, user.id, 'disable', now);
  await recordEvent(tx, 'user_disabled', client, { userId: user.id, actorId, details: { sessions } }, now);
}

/**
 * Creates an account for another person.
 *
 * @throws HttpError `user_exists`
 */
export async function addAccount(
  { tx, actorId, client, now }: Omit<Change, 'user'>,
  newUser: NewUser,
): Promise<User> {
  const made = await insertUser(tx, newUser, now);
  if ('taken' in made) throw takenError(made.taken);
  const about = { userId: made.user.id, actorId, details: { role: newUser.role } };
  await recordEvent(tx, 'user_created', client, about, now);
  return made.user;
}

/**
 * Deletes the account and everything that belongs to it.
 *
 * @throws HttpError `last_admin`
 */
export async function deleteAccount({ context, tx, user, actorId, client, now }: Change): Promise<void> {
  if (!(await deleteUser(tx, user.id))) throw new HttpError('last_admin');
  await deleteEmailsOf(tx, user.id);
  // No correct password will reset these rate limits anymore.
  await resetRateLimits(tx, context.keys.rateLimits, accountRateLimits(user.id));
  await recordEvent(tx, 'user_deleted', client, { userId: user.id, actorId }, now);
}

/**
 * Revokes all sessions of the user, including any that a concurrent sign-in starts.
 *
 * @returns How many were active.
 */
export async function revokeSessions({ tx, user, actorId, client, now }: Change): Promise<number> {
  await lockSignIns(tx, user.id);
  const sessions = await revokeSessionsOf(tx, user.id, 'revoked_by_admin', now);
  await endVerificationsOf(tx, user.id, 'sign_out_everywhere', now);
  await recordEvent(
    tx,
    'signed_out_everywhere',
    client,
    { userId: user.id, actorId, details: { sessions } },
    now,
  );
  return sessions;
}

/**
 * Removes all known devices of the user, including any that a concurrent sign-in adds.
 *
 * @returns How many there were.
 */
export async function removeDevices({ tx, user, actorId, client, now }: Change): Promise<number> {
  await lockSignIns(tx, user.id);
  const devices = await removeDevicesOf(tx, user.id);
  await recordEvent(tx, 'device_removed', client, { userId: user.id, actorId, details: { devices } }, now);
  return devices;
}

/**
 * Sets a temporary password, which the user must change at the next sign-in, and revokes all sessions.
 *
 * @returns How many sessions were active.
 */
export async function givePassword(
  { tx, user, actorId, client, now }: Change,
  passwordHash: string,
): Promise<number> {
  await setPassword(tx, user.id, passwordHash, now);
  const sessions = await revokeSessionsOf(tx, user.id, 'password_changed', now);
  await endVerificationsOf(tx, user.id, 'password_change', now);
  await recordEvent(tx, 'password_changed', client, { userId: user.id, actorId, details: { sessions } }, now);
  return sessions;
}

/**
 * Marks the setup as completed if there is an enabled administrator, so that the setup link cannot create a second one.
 * For callers that can create the first administrator without the link.
 */
export async function completeSetUp(tx: Db, now: number): Promise<void> {
  if ((await countAdmins(tx)) > 0) await markSetUpCompleted(tx, now);
}
