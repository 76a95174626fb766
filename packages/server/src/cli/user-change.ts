import type { Command } from 'commander';
import type { World } from '../context.ts';
import { OPERATOR } from '../core/events.ts';
import { generatePassword, hashPassword } from '../core/passwords.ts';
import type { User } from '../core/users.ts';
import { changeAccount } from '../flows/accounts/change-account.ts';
import {
  type Change,
  deleteAccount,
  endSessions,
  givePassword,
  removeDevices,
  setDisabled,
  setRole,
  settleSetUp,
} from '../flows/accounts/change-user.ts';
import { mailNewPassword } from '../flows/emails/mail-new-password.ts';
import { liftLimitsOf } from '../flows/limits/user-limits.ts';
import { weaknessOf } from '../flows/passwords/new-password.ts';
import { showUser } from '../flows/shapes/users.ts';
import type { Db } from '../platform/db/index.ts';
import { roleOf } from '../user-fields.ts';
import { withWorld } from './open.ts';
import { consent, printJson, printLine, readPassword, say } from './output.ts';
import { getAgain, getUser } from './user-named.ts';

/** Makes a change, and answers what to say of it. */
type Make = (change: Change & { user: User }, world: World) => Promise<string>;

/** The changes of a command each that need nothing but a name. */
export const changes: Record<string, { help: string; make: Make }> = {
  promote: {
    help: 'Make a user an administrator.',
    make: async (change) => {
      await setRole(change, 'admin');
      const already = roleOf(change.user) === 'admin' ? ' already' : '';
      return `${change.user.username} is an administrator${already}.`;
    },
  },
  demote: {
    help: 'Make an administrator a user; never the last one.',
    make: async (change) => {
      await setRole(change, 'user');
      const now = roleOf(change.user) === 'admin' ? ' any more' : '';
      return `${change.user.username} is no administrator${now}.`;
    },
  },
  disable: {
    help: 'Let a user sign in no more, and end all sessions; never the last administrator.',
    make: async (change) => {
      await setDisabled(change, true);
      if (change.user.disabled_at !== null) return `${change.user.username} is disabled already.`;
      return `${change.user.username} is disabled, and signed out everywhere.`;
    },
  },
  enable: {
    help: 'Let a disabled user sign in again.',
    make: async (change) => {
      await setDisabled(change, false);
      const already = change.user.disabled_at === null ? ' already' : '';
      return `${change.user.username} is enabled${already}.`;
    },
  },
  'lift-limits': {
    help: 'Let a user try again at once who is made to wait after too many wrong attempts.',
    make: async (change, world) => {
      const lifted = await liftLimitsOf(change.tx, world, change);
      if (lifted === 0) return `No limit had counted anything about ${change.user.username}.`;
      return `${change.user.username} can try again at once (${lifted} ${lifted === 1 ? 'limit' : 'limits'} lifted).`;
    },
  },
  'remove-devices': {
    help: 'Remove all known browsers and programs of a user; sessions go on.',
    make: async (change) => `Removed ${removed(await removeDevices(change))} of ${change.user.username}.`,
  },
  logout: {
    help: 'End all sessions of a user.',
    make: async (change) =>
      `${change.user.username} is signed out everywhere${ended(await endSessions(change))}.`,
  },
};

const removed = (devices: number): string => `${devices} known ${devices === 1 ? 'device' : 'devices'}`;

const ended = (sessions: number): string => ` (${sessions} ${sessions === 1 ? 'session' : 'sessions'} ended)`;

export async function change(command: Command, name: string, make: Make): Promise<void> {
  say(
    await withWorld(command, (world) =>
      changeUser(
        world,
        (tx) => getUser(tx, name),
        (one) => make(one, world),
      ),
    ),
  );
}

const changeUser = <T>(
  world: World,
  find: (tx: Db) => Promise<User>,
  make: (change: Change & { user: User }) => Promise<T>,
): Promise<T> =>
  changeAccount(world, { actorId: 'operator', origin: OPERATOR }, find, async (change) => {
    const made = await make(change);
    await settleSetUp(change.tx, change.now);
    return made;
  });

export async function remove(name: string, { yes }: { yes?: true }, command: Command): Promise<void> {
  await withWorld(command, async (world) => {
    const user = await getUser(world.db, name);
    const { username, email } = user;
    const warning = `This deletes ${username} (${email}) with all that belongs to the account. It cannot be undone.`;
    await consent(yes, warning, username);
    await changeUser(
      world,
      (tx) => getAgain(tx, user),
      (change) => deleteAccount(world, change),
    );
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
  await withWorld(command, async (world) => {
    const user = await getUser(world.db, name);
    const weakness = given === undefined ? undefined : await weaknessOf(world, given, user);
    if (weakness) throw new Error(weakness.message);
    const password = given ?? generatePassword();
    const passwordHash = await hashPassword(world.hasher, password, 'background');
    const again = (tx: Db) => getAgain(tx, user);
    const sessions = await changeUser(world, again, async (change) => {
      // Wrong guesses at the old password are no reason to make the owner wait with the new one.
      await liftLimitsOf(change.tx, world, change);
      return givePassword(change, passwordHash);
    });
    const generated = given === undefined ? { password } : {};
    if (json) printJson({ user: showUser(user), sessions_ended: sessions, ...generated });
    else if (given === undefined) printLine(password);
    const once = given === undefined ? ' It is shown this once: it is stored nowhere.' : '';
    const change = ' It must be changed at the first sign-in.';
    say(
      `${user.username} has a new password, and is signed out everywhere${ended(sessions)}.${once}${change}`,
    );
  });
}

export async function sendMail(name: string, _options: unknown, command: Command): Promise<void> {
  await withWorld(command, async (world) => {
    const user = await getUser(world.db, name);
    await mailNewPassword(world, user, { actorId: 'operator', origin: OPERATOR });
    const { username, email } = user;
    say(
      `A mail for ${username} is in the outbox; a running server sends it to ${email} within a second or two.`,
    );
  });
}
