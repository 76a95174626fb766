import { type Command, InvalidArgumentError } from 'commander';
import type { Config } from '../config.ts';
import { eventsOf, OPERATOR } from '../core/events.ts';
import { queueAdminChange } from '../core/installation.ts';
import { clearAttempts } from '../core/limits.ts';
import { parseEmail, parseUsername } from '../core/names.ts';
import { checkPolicy, generatePassword, hashPassword } from '../core/passwords.ts';
import { sessionsOf } from '../core/sessions.ts';
import { findById, findByName, listUsers, type Role, roleOf, type User } from '../core/users.ts';
import type { World } from '../edge/world.ts';
import { Refusal } from '../errors.ts';
import {
  addAccount,
  type Change,
  deleteAccount,
  endSessions,
  givePassword,
  setDisabled,
  setRole,
  settleSetUp,
} from '../flows/change-user.ts';
import { checkNewUser } from '../flows/check-new-user.ts';
import { showEvent, showSession, showUser } from '../flows/shapes.ts';
import type { Db } from '../platform/db/index.ts';
import { withWorld } from './open.ts';
import {
  askPassword,
  askText,
  askYes,
  canAsk,
  consent,
  Misuse,
  minuteOf,
  printable,
  printJson,
  printLine,
  printRecord,
  printTable,
  readPassword,
  say,
} from './output.ts';
import { withSettings } from './settings.ts';

const LARGEST_PAGE = 1_000;
const EVENTS_SHOWN = 10;
const JSON_HELP = 'Print JSON.';
const STDIN_HELP = 'Read the password from standard input; without it one is generated and printed once.';

export function addUser(program: Command): void {
  const user = program
    .command('user')
    .description('Add, list and change users.')
    .addHelpText('after', '\nExample:\n  usher user list --admins');
  withSettings(user.command('add'), ['database'])
    .description('Add a user. Asks for what is not given, at a terminal.')
    .option('--username <name>', 'The name that the user goes by.')
    .option('--email <address>', 'The e-mail address.')
    .option('--admin', 'Make the user an administrator.')
    .option('--password-stdin', STDIN_HELP)
    .option('--json', JSON_HELP)
    .addHelpText('after', '\nExample:\n  usher user add --username ada --email ada@example.org --admin')
    .action(add);
  withSettings(user.command('list'), ['database'])
    .description('List users, oldest first.')
    .option('--search <text>', 'Those whose name or e-mail address begins so.')
    .option('--admins', 'Administrators only.')
    .option('--disabled', 'Disabled users only.')
    .option('--limit <number>', `How many, at most ${LARGEST_PAGE}.`, toLimit, 50)
    .option('--cursor <id>', 'Those after this one: what the page before ended with.', toId)
    .option('--json', JSON_HELP)
    .addHelpText('after', '\nExample:\n  usher user list --search ada --json')
    .action(list);
  addOf(user, 'show', 'Show a user, the open sessions and the newest events.')
    .option('--json', JSON_HELP)
    .action(show);
  for (const [name, { help, make }] of Object.entries(changes))
    addOf(user, name, help).action((who: string, _options: unknown, command: Command) =>
      change(command, who, make),
    );
  addOf(user, 'delete', 'Delete a user and all that belongs to the account.')
    .option('--yes', 'Do not ask.')
    .action(remove);
  addOf(user, 'reset-password', 'Give a user another password, which ends all sessions.')
    .option('--password-stdin', STDIN_HELP)
    .option('--json', JSON_HELP)
    .action(resetPassword);
}

/** A command about one user. */
function addOf(user: Command, name: string, help: string): Command {
  return withSettings(user.command(name), ['database'])
    .description(help)
    .argument('<name>', 'The username, the e-mail address or the id.')
    .addHelpText('after', `\nExample:\n  usher user ${name} ada`);
}

function toLimit(text: string): number {
  const limit = Number(text);
  if (/^\d+$/.test(text) && limit >= 1 && limit <= LARGEST_PAGE) return limit;
  throw new InvalidArgumentError(`It takes a whole number from 1 to ${LARGEST_PAGE}.`);
}

function toId(text: string): string {
  if (isId(text)) return text.toLowerCase();
  throw new InvalidArgumentError('It takes the id of a user.');
}

const isId = (text: string): boolean => /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text);

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

async function add(options: AddOptions, command: Command): Promise<void> {
  if ((options.username === undefined || options.email === undefined) && !canAsk())
    throw new Misuse('Nobody can be asked here: give --username and --email.');
  await withWorld(command, async ({ db, clock, config, hasher }) => {
    const wish = await complete(options, config);
    const names = checkNewUser(wish, config);
    const passwordHash = await hashPassword(hasher, wish.password);
    const user = await db.transaction().execute(async (tx) => {
      const now = clock.now();
      await queueAdminChange(tx);
      const by = { tx, actorId: 'operator', origin: OPERATOR, now };
      const made = await addAccount(by, { ...names, passwordHash, role: wish.role });
      await settleSetUp(tx, now);
      return made;
    });
    const password = wish.generated ? { password: wish.password } : {};
    if (options.json) printJson({ user: showUser(user), ...password });
    else printRecord({ ...membersOf(user), ...password });
    say(
      `Added ${user.username}.${wish.generated ? ' The password is shown this once: it is stored nowhere.' : ''}`,
    );
  });
}

/** Asks for what the flags leave open: for everything when they leave everything open. */
async function complete(
  { username, email, admin, passwordStdin }: AddOptions,
  config: Config,
): Promise<Wish> {
  const nothingGiven = username === undefined && email === undefined && !admin && !passwordStdin;
  const name = username ?? (await askText('Username', (answer) => faultOf(parseUsername(answer))));
  const address = email ?? (await askText('E-mail address', (answer) => faultOf(parseEmail(answer))));
  const role = admin || (nothingGiven && (await askYes('An administrator?'))) ? 'admin' : 'user';
  const fault = (answer: string) =>
    answer === '' ? undefined : weaknessOf(answer, { username: name, email: address }, config);
  let password = '';
  if (passwordStdin) password = await readPassword();
  else if (nothingGiven)
    password = await askPassword('Password (leave it empty to have one generated)', fault);
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

const weaknessOf = (
  password: string,
  who: Pick<User, 'username' | 'email'>,
  config: Config,
): string | undefined => {
  const { username, email } = who;
  return checkPolicy(password, { username, email, service: config.serviceName }, config.passwordMin)?.message;
};

interface ListOptions {
  search?: string;
  admins?: true;
  disabled?: true;
  limit: number;
  cursor?: string;
  json?: true;
}

async function list(
  { search, admins, disabled, limit, cursor, json }: ListOptions,
  command: Command,
): Promise<void> {
  const found = await withWorld(command, ({ db }) =>
    listUsers(db, {
      search: search?.trim().normalize('NFKC').toLowerCase() || undefined,
      role: admins ? 'admin' : undefined,
      disabled,
      after: cursor,
      limit: limit + 1,
    }),
  );
  const page = found.slice(0, limit);
  const next = found.length > limit ? (page.at(-1)?.id ?? null) : null;
  if (json) return printJson({ users: page.map(showUser), next_cursor: next });
  if (page.length === 0) return say('There are no such users.');
  const rows = page.map((user) => Object.values(membersOf(user)));
  printTable(['USERNAME', 'E-MAIL', 'ROLE', 'STATE', 'CREATED (UTC)', 'ID'], rows);
  if (next) say(`There are more: --cursor ${next}`);
}

const membersOf = (user: User) => ({
  username: user.username,
  email: user.email,
  role: roleOf(user),
  state: user.disabled_at === null ? 'enabled' : 'disabled',
  created: minuteOf(user.created_at),
  id: user.id,
});

async function show(name: string, { json }: { json?: true }, command: Command): Promise<void> {
  const { user, sessions, events } = await withWorld(command, async ({ db, clock }) => {
    const user = await getUser(db, name);
    const sessions = await sessionsOf(db, user, clock.now());
    return { user, sessions, events: await eventsOf(db, user.id, EVENTS_SHOWN) };
  });
  if (json)
    return printJson({
      user: showUser(user),
      sessions: sessions.map((session) => {
        const { current: _, ...shown } = showSession(session, '');
        return shown;
      }),
      events: events.map(showEvent),
    });
  const lastSeen = sessions[0] ? `, last seen ${minuteOf(sessions[0].last_seen_at)}` : '';
  printRecord({ ...membersOf(user), sessions: `${sessions.length} open${lastSeen}` });
  if (events.length === 0) return;
  printLine('');
  printTable(
    ['WHEN (UTC)', 'EVENT', 'FROM'],
    events.map((event) => [minuteOf(event.at), event.name, event.ip ?? '']),
  );
}

/** Makes a change, and answers what to say of it. */
type Make = (change: Change) => Promise<string>;

/** The changes of a command each that need nothing but a name. */
const changes: Record<string, { help: string; make: Make }> = {
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
      const already = roleOf(change.user) === 'user' ? ' was and' : '';
      return `${change.user.username}${already} is no administrator.`;
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
  logout: {
    help: 'End all sessions of a user.',
    make: async (change) =>
      `${change.user.username} is signed out everywhere${ended(await endSessions(change))}.`,
  },
};

const ended = (sessions: number): string => ` (${sessions} ${sessions === 1 ? 'session' : 'sessions'} ended)`;

async function change(command: Command, name: string, make: Make): Promise<void> {
  say(await withWorld(command, (world) => changeUser(world, name, make)));
}

async function changeUser<T>(
  { db, clock }: World,
  name: string,
  make: (change: Change) => Promise<T>,
): Promise<T> {
  return db.transaction().execute(async (tx) => {
    await queueAdminChange(tx);
    const user = await getUser(tx, name);
    const now = clock.now();
    const made = await make({ tx, user, actorId: 'operator', origin: OPERATOR, now });
    await settleSetUp(tx, now);
    return made;
  });
}

async function remove(name: string, { yes }: { yes?: true }, command: Command): Promise<void> {
  await withWorld(command, async (world) => {
    const { id, username, email } = await getUser(world.db, name);
    const warning = `This deletes ${username} (${email}) with all that belongs to the account. It cannot be undone.`;
    await consent(yes, warning, username);
    await changeUser(world, id, deleteAccount);
    say(`Deleted ${username} (${email}).`);
  });
}

interface ResetOptions {
  passwordStdin?: true;
  json?: true;
}

async function resetPassword(
  name: string,
  { passwordStdin, json }: ResetOptions,
  command: Command,
): Promise<void> {
  const given = passwordStdin ? await readPassword() : undefined;
  await withWorld(command, async (world) => {
    const user = await getUser(world.db, name);
    const weakness = given === undefined ? undefined : weaknessOf(given, user, world.config);
    if (weakness !== undefined) throw new Error(weakness);
    const password = given ?? generatePassword();
    const passwordHash = await hashPassword(world.hasher, password);
    const sessions = await changeUser(world, user.id, async (change) => {
      // Wrong guesses at the old password are no reason to make the owner wait with the new one.
      await clearAttempts(change.tx, world.keys.limits, 'password', user.id);
      return givePassword(change, passwordHash);
    });
    const generated = given === undefined ? { password } : {};
    if (json) printJson({ user: showUser(user), sessions_ended: sessions, ...generated });
    else if (given === undefined) printLine(password);
    const once = given === undefined ? ' It is shown this once: it is stored nowhere.' : '';
    say(`${user.username} has a new password, and is signed out everywhere${ended(sessions)}.${once}`);
  });
}

/** An id goes before a username of the same letters: ids are given out by us, usernames are chosen. */
async function getUser(db: Db, name: string): Promise<User> {
  const user =
    (isId(name) ? await findById(db, name.toLowerCase()) : undefined) ?? (await findNamed(db, name));
  if (!user) throw new Refusal('not_found', { message: `There is no user called ${printable(name)}.` });
  return user;
}

async function findNamed(db: Db, name: string): Promise<User | undefined> {
  const kind = name.includes('@') ? 'email' : 'username';
  const parsed = kind === 'email' ? parseEmail(name) : parseUsername(name);
  return parsed.ok ? findByName(db, kind, parsed.key) : undefined;
}
