import type { Command } from 'commander';
import type { AppContext } from '../context.ts';
import { OPERATOR } from '../core/events.ts';
import { generatePassword, hashPassword } from '../core/passwords.ts';
import type { User } from '../core/users.ts';
import { changeAccount } from '../flows/accounts/change-account.ts';
import {
  type Change,
  completeSetUp,
  deleteAccount,
  givePassword,
  setDisabled,
  setRole,
} from '../flows/accounts/change-user.ts';
import { type UserAct, userActs } from '../flows/admin/user-acts.ts';
import { emailNewPassword } from '../flows/emails/send-password-reset.ts';
import { resetRateLimitsOf } from '../flows/limits/user-rate-limits.ts';
import { weaknessOf } from '../flows/passwords/new-password.ts';
import { showUser } from '../flows/shapes/users.ts';
import { english } from '../languages/translator.ts';
import type { Db } from '../platform/db/index.ts';
import { roleOf } from '../user-fields.ts';
import { withContext } from './open.ts';
import { consent, printJson, printLine, readPassword, say } from './output.ts';
import { getAgain, getUser } from './user-named.ts';

/** Makes a change and returns the message about it. */
type Make = (change: Change & { user: User }) => Promise<string>;

const commandOf = ({ make, command }: UserAct): { help: string; make: Make } => ({
  help: command.help,
  make: async (change) => command.done(change.user, await make(change)),
});

/** The commands that need nothing but a user. */
export const changes: Record<string, { help: string; make: Make }> = {
  promote: {
    help: 'Grant the admin role.',
    make: async (change) => {
      await setRole(change, 'admin');
      const when = roleOf(change.user) === 'admin' ? 'already' : 'now';
      return `${change.user.username} is ${when} an administrator.`;
    },
  },
  demote: {
    help: 'Remove the admin role (not from the last administrator).',
    make: async (change) => {
      await setRole(change, 'user');
      const not = roleOf(change.user) === 'admin' ? 'no longer' : 'not';
      return `${change.user.username} is ${not} an administrator.`;
    },
  },
  disable: {
    help: 'Disable a user and sign them out everywhere (not the last administrator).',
    make: async (change) => {
      await setDisabled(change, true);
      if (change.user.disabled_at !== null) return `${change.user.username} is already disabled.`;
      return `${change.user.username} has been disabled and signed out everywhere.`;
    },
  },
  enable: {
    help: 'Re-enable a disabled user.',
    make: async (change) => {
      await setDisabled(change, false);
      const how = change.user.disabled_at === null ? 'is already' : 'has been';
      return `${change.user.username} ${how} enabled.`;
    },
  },
  ...Object.fromEntries(Object.entries(userActs).map(([name, act]) => [name, commandOf(act)])),
};

const ended = (sessions: number): string => `${sessions} ${sessions === 1 ? 'session' : 'sessions'} ended`;

export async function change(command: Command, name: string, make: Make): Promise<void> {
  say(await withContext(command, (context) => changeUser(context, (tx) => getUser(tx, name), make)));
}

const changeUser = <T>(
  context: AppContext,
  find: (tx: Db) => Promise<User>,
  make: (change: Change & { user: User }) => Promise<T>,
): Promise<T> =>
  changeAccount(context, { actor: 'operator', client: OPERATOR }, find, async (change) => {
    const made = await make(change);
    await completeSetUp(change.tx, change.now);
    return made;
  });

export async function remove(name: string, { yes }: { yes?: true }, command: Command): Promise<void> {
  await withContext(command, async (context) => {
    const user = await getUser(context.db, name);
    const { username, email } = user;
    const warning = `This permanently deletes ${username} (${email}) and all their data.`;
    await consent(yes, warning, username);
    await changeUser(context, (tx) => getAgain(tx, user), deleteAccount);
    say(`Deleted ${username} (${email}).`);
  });
}

interface ResetOptions {
  passwordStdin?: true;
  json?: true;
}

export async function resetPassword(
  name: string,
  { passwordStdin, json }: ResetOptions,
  command: Command,
): Promise<void> {
  const given = passwordStdin ? await readPassword() : undefined;
  await withContext(command, async (context) => {
    const user = await getUser(context.db, name);
    const weakness = given === undefined ? undefined : await weaknessOf(context, given, user);
    if (weakness) throw new Error(`password: ${english(weakness.message)}`);
    const password = given ?? generatePassword();
    const passwordHash = await hashPassword(context.hasher, password, 'background');
    const again = (tx: Db) => getAgain(tx, user);
    const sessions = await changeUser(context, again, async (change) => {
      const sessionsEnded = await givePassword(change, passwordHash);
      // Failed attempts with the old password must not block the user with the new one.
      await resetRateLimitsOf(change);
      return sessionsEnded;
    });
    const generated = given === undefined ? { password } : {};
    if (json) printJson({ user: showUser(user), sessions_ended: sessions, ...generated });
    else if (given === undefined) printLine(password);
    const once = given === undefined ? ' Save the password now; it won’t be shown again.' : '';
    const change = ' The user must change it when signing in.';
    say(`Password for ${user.username} reset; ${ended(sessions)}.${once}${change}`);
  });
}

export async function sendMail(name: string, _options: unknown, command: Command): Promise<void> {
  await withContext(command, async (context) => {
    const user = await getUser(context.db, name);
    await emailNewPassword(context, user, { actor: 'operator', client: OPERATOR });
    say(`Queued a password reset email to ${user.email}. A running server sends it within seconds.`);
  });
}
