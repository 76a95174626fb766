import type { AppContext } from '../../context.ts';
import type { User } from '../../core/users.ts';
import type { ChangedBy } from '../../flows/accounts/actor.ts';
import { changeAccount, getUser } from '../../flows/accounts/change-account.ts';
import {
  type Change,
  deleteAccount,
  removeDevices,
  revokeSessions,
  setDisabled,
  setRole,
} from '../../flows/accounts/change-user.ts';
import { changeProfile } from '../../flows/accounts/profile.ts';
import { emailNewPassword } from '../../flows/emails/send-password-reset.ts';
import { resetRateLimitsOf } from '../../flows/limits/user-rate-limits.ts';
import type { SignedInCall } from '../../http/route.ts';
import { roleOf } from '../../user-fields.ts';

/** An action of an administrator on a user. */
interface UserAction {
  /** The text of the button. */
  label: string;
  /** The heading of the page that asks for confirmation, with the user's name as `{username}`. */
  title: string;
  /** What it does, shown before it is performed. */
  effects: string[];
  isDangerous?: true;
  /** Whether it is offered for this user; always, by default. */
  isAvailable?: (user: User) => boolean;
  /** The field that it needs. */
  field?: 'username';
  /** The notice after it was performed. */
  done: string;
  /** What it does in a transaction that also makes sure that an administrator remains... */
  make?: (change: Change & { user: User; username: string }) => Promise<unknown>;
  /** ... or in its own transactions, because a rate limit must be recorded even if the action fails. */
  run?: (context: AppContext, user: User, by: ChangedBy) => Promise<unknown>;
}

export const actions = {
  'reset-rate-limits': {
    label: 'Unblock (reset rate limits)',
    title: 'Unblock {username}?',
    effects: [
      'Clears failed-attempt counters, so the user can try again immediately.',
      'Anyone guessing this password also gets fresh attempts.',
    ],
    done: 'User unblocked.',
    make: resetRateLimitsOf,
  },
  rename: {
    label: 'Change username',
    title: 'Change the username of {username}?',
    effects: [
      'The user signs in with the new username or their email. The old username becomes available to others.',
      'Existing sessions stay active. The user isn’t notified.',
    ],
    field: 'username',
    done: 'Username changed.',
    make: (change) => changeProfile(change, { username: change.username }),
  },
  'send-mail': {
    label: 'Send password reset email',
    title: 'Send a password reset email to {username}?',
    effects: [
      'Sends a reset link and code to the user’s email. You won’t see either.',
      'Nothing changes until the user resets the password; then all their sessions end.',
      'Counts toward the limits for password reset emails: six per hour for one email, three of them from one IP range.',
    ],
    isAvailable: (user) => user.disabled_at === null,
    done: 'Password reset email sent. Its code expires in a few minutes, its link in an hour.',
    run: (context, user, by) => emailNewPassword(context, user, by),
  },
  logout: {
    label: 'Sign out everywhere',
    title: 'Sign {username} out everywhere?',
    effects: ['Signs the user out on all devices immediately. They can sign in again.'],
    done: 'Signed out on all devices.',
    make: revokeSessions,
  },
  'remove-devices': {
    label: 'Remove known devices',
    title: 'Remove the known devices of {username}?',
    effects: [
      'The user’s devices are unknown until the next sign-in. Existing sessions stay active.',
      'While someone is guessing this password, the user may have to wait, or reset the password by email.',
    ],
    done: 'Known devices removed.',
    make: removeDevices,
  },
  promote: {
    label: 'Make admin',
    title: 'Make {username} an admin?',
    effects: [
      'Admins can view and change every account and use this console.',
      'Admin sessions last up to four hours. The user is notified by email.',
    ],
    isAvailable: (user) => roleOf(user) === 'user',
    done: 'User is now an admin.',
    make: (change) => setRole(change, 'admin'),
  },
  demote: {
    label: 'Remove admin role',
    title: 'Remove the admin role from {username}?',
    effects: [
      'The user loses access to this console immediately. The account is otherwise unchanged.',
      'The user is notified by email.',
    ],
    isAvailable: (user) => roleOf(user) === 'admin',
    done: 'Admin role removed.',
    make: (change) => setRole(change, 'user'),
  },
  disable: {
    label: 'Disable user',
    title: 'Disable user {username}?',
    effects: [
      'Signs the user out everywhere and blocks sign-in.',
      'No data is deleted. You can re-enable the user at any time.',
    ],
    isDangerous: true,
    isAvailable: (user) => user.disabled_at === null,
    done: 'User disabled.',
    make: (change) => setDisabled(change, true),
  },
  enable: {
    label: 'Enable user',
    title: 'Enable user {username}?',
    effects: ['The user can sign in again with the same password. Previous sessions aren’t restored.'],
    isAvailable: (user) => user.disabled_at !== null,
    done: 'User enabled.',
    make: (change) => setDisabled(change, false),
  },
  delete: {
    label: 'Delete user',
    title: 'Delete user {username}?',
    effects: [
      'Permanently deletes the account and its data. This can’t be undone.',
      'The username and email become available to others.',
    ],
    isDangerous: true,
    done: 'User deleted.',
    make: deleteAccount,
  },
} as const satisfies Record<string, UserAction>;

export type UserActionName = keyof typeof actions;
export const actionNames = Object.keys(actions) as [UserActionName, ...UserActionName[]];
export const actionOf = (name: UserActionName): UserAction => actions[name];

/** The heading of the page that asks for confirmation. */
export const actionTitle = (name: UserActionName, { username }: User): string =>
  actionOf(name).title.replace('{username}', () => username);

/** @throws HttpError if the action fails. */
export async function perform(
  context: AppContext,
  call: SignedInCall<{ username?: string | undefined }, unknown, unknown>,
  name: UserActionName,
  id: string,
): Promise<void> {
  const { make, run } = actionOf(name);
  const by = { actor: call.activeSession, client: call.client };
  if (run) return void (await run(context, await getUser(context.db, id), by));
  await changeAccount(
    context,
    by,
    (tx) => getUser(tx, id),
    async (change) => make?.({ ...change, username: call.body.username ?? '' }),
  );
}
