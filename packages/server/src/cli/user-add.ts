import type { Command } from 'commander';
import type { World } from '../context.ts';
import { OPERATOR } from '../core/events.ts';
import { queueAdminChange } from '../core/installation.ts';
import { parseEmail, parseUsername } from '../core/names.ts';
import { generatePassword, hashPassword } from '../core/passwords.ts';
import { addAccount, settleSetUp } from '../flows/accounts/change-user.ts';
import { checkNewUser } from '../flows/accounts/check-new-user.ts';
import { weaknessOf } from '../flows/passwords/new-password.ts';
import { showUser } from '../flows/shapes/users.ts';
import type { Role } from '../user-fields.ts';
import { withWorld } from './open.ts';
import {
  askPassword,
  askText,
  askYes,
  canAsk,
  Misuse,
  printJson,
  printRecord,
  readPassword,
  say,
} from './output.ts';
import { membersOf } from './user-named.ts';

interface AddOptions {
  username?: string;
  email?: string;
  admin?: true;
  passwordStdin?: true;
  json?: true;
}

interface Wish {
  username: string;
  email: string;
  role: Role;
  password: string;
  /** Whether nobody knows the password yet. */
  generated: boolean;
}

export async function add(options: AddOptions, command: Command): Promise<void> {
  if ((options.username === undefined || options.email === undefined) && !canAsk())
    throw new Misuse('Not running in a terminal: pass --username and --email.');
  await withWorld(command, async (world) => {
    const { db, clock, hasher } = world;
    const wish = await complete(options, world);
    const names = await checkNewUser(wish, world);
    const passwordHash = await hashPassword(hasher, wish.password, 'background');
    const user = await db.transaction().execute(async (tx) => {
      const now = clock.now();
      await queueAdminChange(tx);
      const by = { tx, actorId: 'operator', origin: OPERATOR, now };
      const made = await addAccount(by, {
        ...names,
        passwordHash,
        role: wish.role,
        mustChangePassword: true,
      });
      await settleSetUp(tx, now);
      return made;
    });
    const password = wish.generated ? { password: wish.password } : {};
    if (options.json) printJson({ user: showUser(user), ...password });
    else printRecord({ ...membersOf(user), ...password });
    say(
      `Created ${user.username}.${wish.generated ? ' Save the password now; it won’t be shown again.' : ''} The user must change it when signing in.`,
    );
  });
}

/** Asks for what the flags leave open: for everything when they leave everything open. */
async function complete({ username, email, admin, passwordStdin }: AddOptions, world: World): Promise<Wish> {
  const nothingGiven = username === undefined && email === undefined && !admin && !passwordStdin;
  const name = username ?? (await askText('Username', (answer) => faultOf(parseUsername(answer))));
  const address = email ?? (await askText('Email', (answer) => faultOf(parseEmail(answer))));
  const role =
    admin || (nothingGiven && (await askYes('Make this user an administrator?'))) ? 'admin' : 'user';
  let password = '';
  if (passwordStdin) password = await readPassword();
  else if (nothingGiven) password = await askNewPassword(world, { username: name, email: address });
  const generated = password === '';
  return {
    username: name,
    email: address,
    role,
    password: generated ? generatePassword() : password,
    generated,
  };
}

const faultOf = (parsed: { ok: true } | { ok: false; message: string }) =>
  parsed.ok ? undefined : parsed.message;

/** Asks until there is one that may be set. @returns An empty text where one is to be generated. */
async function askNewPassword(world: World, about: { username: string; email: string }): Promise<string> {
  for (;;) {
    const password = await askPassword('Password (leave empty to generate one)');
    const weakness = password === '' ? undefined : await weaknessOf(world, password, about);
    if (!weakness) return password;
    say(weakness.message);
  }
}
