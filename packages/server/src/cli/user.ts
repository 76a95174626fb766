import { type Command, InvalidArgumentError, Option } from 'commander';
import { devicesOf } from '../core/devices.ts';
import { browserOf } from '../core/emails/browser.ts';
import { listEvents } from '../core/events.ts';
import { sessionsOf } from '../core/sessions.ts';
import { findUsers } from '../flows/admin/find-users.ts';
import { showUserCursor, userCursor } from '../flows/admin/user-cursor.ts';
import { limitsOf } from '../flows/limits/user-rate-limits.ts';
import { showEvent } from '../flows/shapes/events.ts';
import { showRateLimit } from '../flows/shapes/limits.ts';
import { showDevice, showSession } from '../flows/shapes/sessions.ts';
import { showUser } from '../flows/shapes/users.ts';
import { english } from '../languages/translator.ts';
import { withContext } from './open.ts';
import { minuteOf, printJson, printLine, printRecord, printTable, say } from './output.ts';
import { withSettings } from './settings.ts';
import { add } from './user-add.ts';
import { change, changes, remove, resetPassword, sendMail } from './user-change.ts';
import { exportAll } from './user-export.ts';
import { importUsers } from './user-import.ts';
import { addInvitations } from './user-invite.ts';
import { getUser, membersOf, userHeads } from './user-named.ts';

const LARGEST_PAGE = 1_000;
const EVENTS_SHOWN = 10;
const JSON_HELP = 'Output as JSON.';
const STDIN_HELP = 'Read the password from stdin. If omitted, a password is generated and shown once.';

export function addUser(program: Command): void {
  const user = program
    .command('user')
    .description('Manage users.')
    .addHelpText('after', '\nExample:\n  usher user list --admins');
  withSettings(user.command('add'), ['database'])
    .description('Create a user. Prompts for missing values in a terminal.')
    .option('--username <name>', 'Username.')
    .option('--email <address>', 'Email address.')
    .option('--display-name <name>', 'Display name.')
    .option('--locale <tag>', 'Language tag, such as de.')
    .option('--admin', 'Give the user the admin role.')
    .option('--password-stdin', STDIN_HELP)
    .option('--json', JSON_HELP)
    .addHelpText('after', '\nExample:\n  usher user add --username ada --email ada@example.org --admin')
    .action(add);
  withSettings(user.command('list'), ['database'])
    .description('List users, oldest first.')
    .option(
      '--search <text>',
      'Filter by part of the username, email or display name (its start, if shorter than three characters), or by user ID.',
    )
    .option('--admins', 'Only administrators.')
    .option('--disabled', 'Only disabled users.')
    .option('--limit <number>', `Maximum number of results (up to ${LARGEST_PAGE}).`, toLimit, 50)
    .option('--cursor <text>', 'Continue from this cursor.', toCursor)
    .option('--json', JSON_HELP)
    .addHelpText('after', '\nExample:\n  usher user list --search ada --json')
    .action(list);
  addOf(user, 'show', 'Show a user’s details, rate limits, sessions, known devices and recent events.')
    .option('--json', JSON_HELP)
    .action(show);
  for (const [name, { help, make }] of Object.entries(changes))
    addOf(user, name, help).action((who: string, _options: unknown, command: Command) =>
      change(command, who, make),
    );
  addOf(user, 'delete', 'Delete a user and all their data.')
    .option('--yes', 'Skip confirmation.')
    .action(remove);
  addOf(user, 'reset-password', 'Set a new password for a user and sign them out everywhere.')
    .option('--password-stdin', STDIN_HELP)
    .option('--json', JSON_HELP)
    .action(resetPassword);
  addOf(user, 'send-mail', 'Send a password reset email.').action(sendMail);
  addInvitations(user);
  addImportAndExport(user);
}

function addImportAndExport(user: Command): void {
  const format = () =>
    new Option('--format <kind>', 'File format, if not clear from the file name.').choices(['csv', 'jsonl']);
  withSettings(user.command('import'), ['database'])
    .description('Import users and their password hashes from another system.')
    .argument('<file>', 'CSV file, JSON Lines file, or database URL with ?table=NAME.')
    .option('--dry-run', 'Preview the result of each row without importing.')
    .addOption(format())
    .option('--column <field=name...>', 'Map a field to a column name.')
    .option('--admins', 'Allow importing administrators.')
    .option(
      '--reset-rejected',
      'Import users with unsupported hashes without a password; they reset it by email.',
    )
    .option('--firebase <file>', 'File with the Firebase password hash parameters.')
    .option('--report <file>', 'Write skipped rows and reasons to a .csv or .jsonl file.')
    .option('--map <file>', 'Write the old and new ID of every user who has an account now (CSV).')
    .option('--json', 'Output totals as JSON; with --dry-run, also one JSON line per row.')
    .addHelpText(
      'after',
      '\nExamples:\n  usher user import users.csv --dry-run\n  usher user import users.csv --dry-run --json | grep reject\n  usher user import users.jsonl --column username=name --report rejected.csv\n  usher user import users.csv --map ids.csv',
    )
    .action(importUsers);
  withSettings(user.command('export'), ['database'])
    .description('Export all users.')
    .argument('[file]', 'Output file (default: stdout).')
    .addOption(format())
    .option('--with-hashes', 'Include password hashes. Asks for confirmation.')
    .option('--yes', 'Skip confirmation.')
    .addHelpText(
      'after',
      '\nExamples:\n  usher user export users.csv\n  usher user export users.jsonl --with-hashes --yes',
    )
    .action(exportAll);
}

/** Adds a command about one user. */
function addOf(user: Command, name: string, help: string): Command {
  return withSettings(user.command(name), ['database'])
    .description(help)
    .argument('<name>', 'Username, email or user ID.')
    .addHelpText('after', `\nExample:\n  usher user ${name} ada`);
}

function toLimit(text: string): number {
  const limit = Number(text);
  if (/^\d+$/.test(text) && limit >= 1 && limit <= LARGEST_PAGE) return limit;
  throw new InvalidArgumentError(`Expected a whole number from 1 to ${LARGEST_PAGE}.`);
}

function toCursor(text: string): string {
  const cursor = userCursor.safeParse(text);
  if (cursor.success) return cursor.data;
  throw new InvalidArgumentError('Expected a cursor from a previous page.');
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
  const page = await withContext(command, (context) =>
    findUsers(context, {
      search,
      role: admins ? 'admin' : undefined,
      disabled,
      after: cursor,
      limit,
    }),
  );
  const next = showUserCursor(page.next);
  if (json) return printJson({ users: page.users.map(showUser), next_cursor: next });
  if (page.users.length === 0) return say('No users found.');
  const rows = page.users.map((user) => Object.values(membersOf(user)));
  printTable(userHeads, rows);
  if (next) say(`More results: --cursor ${next}`);
}

async function show(name: string, { json }: { json?: true }, command: Command): Promise<void> {
  const { user, limits, sessions, devices, events } = await withContext(command, async (context) => {
    const { db, clock } = context;
    const user = await getUser(db, name);
    const limits = (await limitsOf(context, user)).map(showRateLimit);
    const sessions = await sessionsOf(context, user, clock.now());
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
      ['KNOWN DEVICE', 'IP', 'LAST SIGN-IN (UTC)', 'SINCE (UTC)'],
      devices.map((device) => [
        device.name ?? (browserOf(device.user_agent, english) || 'Unknown device'),
        device.ip,
        minuteOf(device.last_used_at),
        minuteOf(device.created_at),
      ]),
    );
  }
  if (events.length === 0) return;
  printLine('');
  printTable(
    ['WHEN (UTC)', 'EVENT', 'IP'],
    events.map((event) => [minuteOf(event.at), event.name, event.ip ?? '']),
  );
}

function printLimits(limits: ReturnType<typeof showRateLimit>[]): void {
  printLine('');
  printTable(
    ['LIMIT', 'ATTEMPTS', 'BLOCKED', 'UNTIL (UTC)', 'DESCRIPTION'],
    limits.map(({ limit, count, max: most, exceeded: reached, until, description, from }) => [
      limit,
      `${count} of ${most}`,
      reached ? 'yes' : 'no',
      until ? minuteOf(Date.parse(until)) : '',
      from ? `${description} Range: ${from}` : description,
    ]),
  );
}
