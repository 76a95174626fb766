import { type Origin, recordEvent } from '../core/events.ts';
import { parseUsername } from '../core/names.ts';
import { endSessionsOf } from '../core/sessions.ts';
import { demote, disable, enable, promote, type Role, rename, roleOf, type User } from '../core/users.ts';
import { Refusal } from '../errors.ts';
import type { Db } from '../platform/db/index.ts';

/**
 * A change that someone makes to another's account. Its transaction was queued (`queueAdminChange`), so that the last
 * administrator is never taken away by two changes side by side.
 */
export interface Change {
  tx: Db;
  user: User;
  /** Who makes it: a user's id, or `operator`. */
  actorId: string;
  origin: Origin;
  now: number;
}

/** @throws Refusal `invalid_request` for a name that cannot be one, `user_taken` for one that another account has. */
export async function renameUser({ tx, user, actorId, origin, now }: Change, username: string): Promise<User> {
  const parsed = parseUsername(username);
  if (!parsed.ok) throw new Refusal('invalid_request', { fields: [{ field: 'username', ...parsed }] });
  const renamed = await rename(tx, user.id, parsed.username, parsed.key);
  if (renamed === 'taken')
    throw new Refusal('user_taken', {
      fields: [{ field: 'username', code: 'username_taken', message: 'Another account has this user name.' }],
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
export async function setDisabled({ tx, user, actorId, origin, now }: Change, disabled: boolean): Promise<void> {
  if ((user.disabled_at !== null) === disabled) return;
  if (!disabled) {
    await enable(tx, user.id);
    await recordEvent(tx, 'user_enabled', origin, { userId: user.id, actorId }, now);
    return;
  }
  if (!(await disable(tx, user.id, now))) throw new Refusal('last_admin');
  const sessions = await endSessionsOf(tx, user.id, 'disabled', now);
  await recordEvent(tx, 'user_disabled', origin, { userId: user.id, actorId, details: { sessions } }, now);
}
