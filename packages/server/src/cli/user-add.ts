import type { Command } from 'commander';
import type { AppContext } from '../context.ts';
import { OPERATOR } from '../core/events.ts';
import { parseEmail, parseUsername } from '../core/identifiers.ts';
import { serializeAdminChanges } from '../core/installation.ts';
import { generatePassword, hashPassword } from '../core/passwords.ts';
import { addAccount, completeSetUp } from '../flows/accounts/change-user.ts';
import { checkNewUser } from '../flows/accounts/check-new-user.ts';
import { weaknessOf } from '../flows/passwords/new-password.ts';
import { showUser } from '../flows/shapes/users.ts';
import type { Text } from '../languages/text.ts';
import { english } from '../languages/translator.ts';
import type { Role } from '../user-fields.ts';
import { withContext } from './open.ts';
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
  displayName?: string;
  locale?: string;
  json?: true;
}

interface NewUserInput {
  username: string;
  email: string;
  display_name: string | undefined;
  locale: string | undefined;
  role: Role;
  password: string;
  /** Whether the password was generated, so that no one knows it yet. */
  generated: boolean;
}

export async function add(options: AddOptions, command: Command): Promise<void> {
  if ((options.username === undefined || options.email === undefined) && !canAsk())
    throw new Misuse('Not running in a terminal: pass --username and --email.');
  await withContext(command, async (context) => {
    const { db, clock, hasher } = context;
    const input = await complete(options, context);
    const names = await checkNewUser(input, context);
    const passwordHash = await hashPassword(hasher, input.password, 'background');
    const user = await db.transaction().execute(async (tx) => {
      const now = clock.now();
      await serializeAdminChanges(tx);
      const by = { context, tx, actorId: 'operator', client: OPERATOR, now };
      const made = await addAccount(by, {
        ...names,
        passwordHash,
        role: input.role,
        mustChangePassword: true,
      });
      await completeSetUp(tx, now);
      return made;
    });
    const password = input.generated ? { password: input.password } : {};
    if (options.json) printJson({ user: showUser(user), ...password });
    else printRecord({ ...membersOf(user), ...password });
    say(
      `Created ${user.username}.${input.generated ? ' Save the password now; it won’t be shown again.' : ''} The user must change it when signing in.`,
    );
  });
}

/** Asks for the values that the flags leave open: for all of them if there are no flags. */
async function complete(
  { username, email, admin, passwordStdin, displayName, locale }: AddOptions,
  context: AppContext,
): Promise<NewUserInput> {
  const nothingGiven = username === undefined && email === undefined && !admin && !passwordStdin;
  const name = username ?? (await askText('Username', (answer) => faultOf(parseUsername(answer))));
  const address = email ?? (await askText('Email', (answer) => faultOf(parseEmail(answer))));
  const role =
    admin || (nothingGiven && (await askYes('Make this user an administrator?'))) ? 'admin' : 'user';
  let password = '';
  if (passwordStdin) password = await readPassword();
  else if (nothingGiven) password = await askNewPassword(context, { username: name, email: address });
  const generated = password === '';
  return {
    username: name,
    email: address,
    display_name: displayName,
    locale,
    role,
    password: generated ? generatePassword() : password,
    generated,
  };
}

const faultOf = (parsed: { ok: true } | { ok: false; message: Text }) =>
  parsed.ok ? undefined : english(parsed.message);

/** Asks until the password is acceptable. @returns An empty string to have one generated. */
async function askNewPassword(
  context: AppContext,
  about: { username: string; email: string },
): Promise<string> {
  for (;;) {
    const password = await askPassword('Password (leave empty to generate one)');
    const weakness = password === '' ? undefined : await weaknessOf(context, password, about);
    if (!weakness) return password;
    say(english(weakness.message));
  }
}
