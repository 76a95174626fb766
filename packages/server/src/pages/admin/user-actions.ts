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
import { type PlainKey, type Text, text } from '../../languages/text.ts';
import { roleOf } from '../../user-fields.ts';

/** An action of an administrator on a user. */
interface UserAction {
  /** The text of the button. */
  label: PlainKey;
  /** The heading of the page that asks for confirmation. */
  title: (username: string) => Text;
  /** What it does, shown before it is performed. */
  means: PlainKey[];
  isDangerous?: true;
  /** Whether it is offered for this user; always, by default. */
  fits?: (user: User) => boolean;
  /** The field that it needs. */
  asks?: 'username';
  /** The notice after it was performed. */
  done: PlainKey;
  /** What it does in a transaction that also makes sure that an administrator remains... */
  make?: (change: Change & { user: User; username: string }) => Promise<unknown>;
  /** ... or in its own transactions, because a rate limit must be recorded even if the action fails. */
  run?: (context: AppContext, user: User, by: ChangedBy) => Promise<unknown>;
}

export const actions = {
  'reset-rate-limits': {
    label: 'admin.unblock_label',
    title: (username) => text('admin.unblock_title', { username }),
    means: ['admin.unblock_means', 'admin.unblock_guesses'],
    done: 'admin.unblock_done',
    make: resetRateLimitsOf,
  },
  rename: {
    label: 'admin.rename_label',
    title: (username) => text('admin.rename_title', { username }),
    means: ['admin.rename_means', 'admin.rename_sessions'],
    asks: 'username',
    done: 'admin.rename_done',
    make: (change) => changeProfile(change, { username: change.username }),
  },
  'send-mail': {
    label: 'admin.reset_label',
    title: (username) => text('admin.reset_title', { username }),
    means: ['admin.reset_means', 'admin.reset_nothing', 'admin.reset_limits'],
    fits: (user) => user.disabled_at === null,
    done: 'admin.reset_done',
    run: (context, user, by) => emailNewPassword(context, user, by),
  },
  logout: {
    label: 'admin.logout_label',
    title: (username) => text('admin.logout_title', { username }),
    means: ['admin.logout_means'],
    done: 'admin.logout_done',
    make: revokeSessions,
  },
  'remove-devices': {
    label: 'admin.devices_label',
    title: (username) => text('admin.devices_title', { username }),
    means: ['admin.devices_means', 'admin.devices_guesses'],
    done: 'admin.devices_done',
    make: removeDevices,
  },
  promote: {
    label: 'admin.promote_label',
    title: (username) => text('admin.promote_title', { username }),
    means: ['admin.promote_means', 'admin.promote_sessions'],
    fits: (user) => roleOf(user) === 'user',
    done: 'admin.promote_done',
    make: (change) => setRole(change, 'admin'),
  },
  demote: {
    label: 'admin.demote_label',
    title: (username) => text('admin.demote_title', { username }),
    means: ['admin.demote_means', 'admin.demote_email'],
    fits: (user) => roleOf(user) === 'admin',
    done: 'admin.demote_done',
    make: (change) => setRole(change, 'user'),
  },
  disable: {
    label: 'admin.disable_label',
    title: (username) => text('admin.disable_title', { username }),
    means: ['admin.disable_means', 'admin.disable_data'],
    isDangerous: true,
    fits: (user) => user.disabled_at === null,
    done: 'admin.disable_done',
    make: (change) => setDisabled(change, true),
  },
  enable: {
    label: 'admin.enable_label',
    title: (username) => text('admin.enable_title', { username }),
    means: ['admin.enable_means'],
    fits: (user) => user.disabled_at !== null,
    done: 'admin.enable_done',
    make: (change) => setDisabled(change, false),
  },
  delete: {
    label: 'admin.delete_label',
    title: (username) => text('admin.delete_title', { username }),
    means: ['admin.delete_means', 'admin.delete_names'],
    isDangerous: true,
    done: 'admin.delete_done',
    make: deleteAccount,
  },
} as const satisfies Record<string, UserAction>;

export type UserActionName = keyof typeof actions;
export const actionNames = Object.keys(actions) as [UserActionName, ...UserActionName[]];
export const actionOf = (name: UserActionName): UserAction => actions[name];

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
