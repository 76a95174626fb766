import { type Command, InvalidArgumentError, Option } from 'commander';
import { devicesOf } from '../core/devices.ts';
import { listEvents } from '../core/events.ts';
import { browserOf } from '../core/mails/browser.ts';
import { sessionsOf } from '../core/sessions.ts';
import { listUsers } from '../core/users/list.ts';
import { showUserCursor, userCursor } from '../flows/admin/user-cursor.ts';
import { normalSearch } from '../flows/admin/users.ts';
import { showDevice, showEvent, showLimit, showSession, showUser } from '../flows/shapes.ts';
import { limitsOf } from '../flows/user-limits.ts';
import { withWorld } from './open.ts';
import { minuteOf, printJson, printLine, printRecord, printTable, say } from './output.ts';
import { withSettings } from './settings.ts';
import { add } from './user-add.ts';
import { change, changes, remove, resetPassword, sendMail } from './user-change.ts';
import { exportAll } from './user-export.ts';
import { importUsers } from './user-import.ts';
import { getUser, membersOf } from './user-named.ts';

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
    .description('List users, oldest first; of a search by name.')
    .option('--search <text>', 'Those whose name or e-mail address begins so.')
    .option('--admins', 'Administrators only.')
    .option('--disabled', 'Disabled users only.')
    .option('--limit <number>', `How many, at most ${LARGEST_PAGE}.`, toLimit, 50)
    .option('--cursor <text>', 'Where the page before ended, as it said.', toCursor)
    .option('--json', JSON_HELP)
    .addHelpText('after', '\nExample:\n  usher user list --search ada --json')
    .action(list);
  addOf(
    user,
    'show',
    'Show a user, the limits that count, the open sessions, the known devices and the newest events.',
  )
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
  addOf(user, 'send-mail', 'Mail a user a code and a link to choose a new password.').action(sendMail);
  addImportAndExport(user);
}

function addImportAndExport(user: Command): void {
  const format = () =>
    new Option('--format <kind>', 'Where the name does not tell.').choices(['csv', 'jsonl']);
  withSettings(user.command('import'), ['database'])
    .description('Bring users along from another program, with the passwords that they have.')
    .argument('<file>', 'CSV, JSON lines, or the address of a database with ?table=NAME.')
    .option('--dry-run', 'Change nothing; say row by row what would happen.')
    .addOption(format())
    .option('--column <field=name...>', 'What a column is, where its name does not tell.')
    .option('--admins', 'Let rows be administrators that say so.')
    .option('--reset-refused', 'Import users whose hash is refused without a password; they set one by mail.')
    .option('--firebase <file>', 'The password hash parameters of the Firebase project.')
    .option('--report <file>', 'Write what was not imported, and why (CSV or JSON lines, by its name).')
    .option('--map <file>', 'Write the old and the new id of every user that has an account now (CSV).')
    .option('--json', 'Print the totals as JSON; in a dry run behind a line of JSON for each row.')
    .addHelpText(
      'after',
      '\nExamples:\n  usher user import users.csv --dry-run\n  usher user import users.csv --dry-run --json | grep refuse\n  usher user import users.jsonl --column username=name --report refused.csv\n  usher user import users.csv --map ids.csv',
    )
    .action(importUsers);
  withSettings(user.command('export'), ['database'])
    .description('Write all users, so that they can be imported elsewhere.')
    .argument('[file]', 'Where to; standard output unless told.')
    .addOption(format())
    .option('--with-hashes', 'Also the password hashes. Asks first.')
    .option('--yes', 'Do not ask.')
    .addHelpText(
      'after',
      '\nExamples:\n  usher user export users.csv\n  usher user export users.jsonl --with-hashes --yes',
    )
    .action(exportAll);
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

function toCursor(text: string): string {
  const cursor = userCursor.safeParse(text);
  if (cursor.success) return cursor.data;
  throw new InvalidArgumentError('It takes what the page before ended with.');
}

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
  const page = await withWorld(command, ({ db }) =>
    listUsers(db, {
      search: normalSearch(search),
      role: admins ? 'admin' : undefined,
      disabled,
      after: cursor,
      limit,
    }),
  );
  const next = showUserCursor(page.next);
  if (json) return printJson({ users: page.users.map(showUser), next_cursor: next });
  if (page.users.length === 0) return say('There are no such users.');
  const rows = page.users.map((user) => Object.values(membersOf(user)));
  printTable(['USERNAME', 'E-MAIL', 'ROLE', 'STATE', 'CREATED (UTC)', 'ID'], rows);
  if (next) say(`There are more: --cursor ${next}`);
}

async function show(name: string, { json }: { json?: true }, command: Command): Promise<void> {
  const { user, limits, sessions, devices, events } = await withWorld(command, async (world) => {
    const { db, clock } = world;
    const user = await getUser(db, name);
    const limits = (await limitsOf(world, user)).map(showLimit);
    const sessions = await sessionsOf(db, user, clock.now());
    const devices = await devicesOf(db, user.id, clock.now());
    return {
      user,
      limits,
      sessions,
      devices,
      events: await listEvents(db, { userId: user.id, limit: EVENTS_SHOWN }),
    };
  });
  if (json)
    return printJson({
      user: showUser(user),
      limits,
      sessions: sessions.map((session) => {
        const { current: _, ...shown } = showSession(session, '');
        return shown;
      }),
      devices: devices.map((device) => {
        const { current: _, ...shown } = showDevice(device, undefined);
        return shown;
      }),
      events: events.map(showEvent),
    });
  const lastSeen = sessions[0] ? `, last seen ${minuteOf(sessions[0].last_seen_at)}` : '';
  const password = user.password_change_required_at === null ? {} : { password: 'must be changed' };
  printRecord({ ...membersOf(user), ...password, sessions: `${sessions.length} open${lastSeen}` });
  if (limits.length > 0) printLimits(limits);
  if (devices.length > 0) {
    printLine('');
    printTable(
      ['KNOWN DEVICE', 'FROM', 'LAST SIGN-IN (UTC)', 'SINCE (UTC)'],
      devices.map((device) => [
        browserOf(device.user_agent) || 'Unknown device',
        device.ip,
        minuteOf(device.last_used_at),
        minuteOf(device.created_at),
      ]),
    );
  }
  if (events.length === 0) return;
  printLine('');
  printTable(
    ['WHEN (UTC)', 'EVENT', 'FROM'],
    events.map((event) => [minuteOf(event.at), event.name, event.ip ?? '']),
  );
}

function printLimits(limits: ReturnType<typeof showLimit>[]): void {
  printLine('');
  printTable(
    ['LIMIT', 'COUNTED', 'REACHED', 'UNTIL (UTC)', 'WHY'],
    limits.map(({ limit, count, most, reached, until, why, from }) => [
      limit,
      `${count} of ${most}`,
      reached ? 'yes' : 'no',
      until ? minuteOf(Date.parse(until)) : '',
      from ? `${why} Here: ${from}` : why,
    ]),
  );
}
