import { existsSync, rmSync } from 'node:fs';
import { basename } from 'node:path';
import type { Command } from 'commander';
import type { Config } from '../config.ts';
import type { AppContext } from '../context.ts';
import { OPERATOR } from '../core/events.ts';
import { serializeAdminChanges } from '../core/installation.ts';
import { generatePassword, hashPassword } from '../core/passwords.ts';
import { type NewUser, takenIdentifiers, type User } from '../core/users.ts';
import { addAccount, completeSetUp } from '../flows/accounts/change-user.ts';
import { checkNewUser } from '../flows/accounts/check-new-user.ts';
import { revokeRestored } from '../flows/installation/restored-database.ts';
import { showUser } from '../flows/shapes/users.ts';
import { openContext } from '../open-context.ts';
import type { Database, Db } from '../platform/db/index.ts';
import { stateFileOf } from '../platform/state-file.ts';
import { roleOf } from '../user-fields.ts';
import { logOf, migrations, placeOf, rejectMissing, withContext, withDatabase } from './open.ts';
import { consent, printJson, printLine, printTable, say } from './output.ts';
import { secretFileOf, secretFileToRemove } from './secret-file.ts';
import { settingsOf, withSettings } from './settings.ts';

/** What is revoked in addition to all sessions. */
const ALSO_REVOKED =
  'known browsers and API clients, email codes and links (except those that undo an email change) and the setup link';

export function addDb(program: Command): void {
  const db = program
    .command('db')
    .description('Create, migrate, seed and drop the database.')
    .addHelpText('after', '\nExample:\n  usher db create');
  withSettings(db.command('create'), ['database'])
    .description('Create the database and its tables. Does nothing if it’s up to date.')
    .addHelpText('after', '\nExample:\n  usher db create')
    .action((_options: unknown, command: Command) => create(settingsOf(command).config));
  withSettings(db.command('migrate'), ['database'])
    .description('Apply pending migrations and list them.')
    .option('--dry-run', 'List pending migrations without applying them.')
    .option('--json', 'Output as JSON.')
    .addHelpText('after', '\nExample:\n  usher db migrate --dry-run')
    .action((options: MigrateOptions, command: Command) => migrate(settingsOf(command).config, options));
  withSettings(db.command('seed'), ['database'])
    .description('Add sample data: one administrator and five users. Not allowed in production.')
    .option('--json', 'Output as JSON.')
    .addHelpText('after', '\nExample:\n  usher db seed')
    .action(seed);
  withSettings(db.command('restored'), ['database'])
    .description(`After you restore a backup: revoke all sessions, ${ALSO_REVOKED}. Asks for confirmation.`)
    .option('--yes', 'Skip confirmation.')
    .option('--json', 'Output as JSON.')
    .addHelpText('after', '\nExample:\n  usher db restored --yes')
    .action(restored);
  withSettings(db.command('drop'), ['database'])
    .description('Delete the database and all its data. Asks for confirmation; not allowed in production.')
    .option('--yes', 'Skip confirmation.')
    .addHelpText('after', '\nExample:\n  usher db drop --yes')
    .action((options: { yes?: true }, command: Command) => drop(settingsOf(command).config, options));
}

async function create(config: Config): Promise<void> {
  const before = await withDatabase(config, async (database) => ({
    exists: await database.exists(),
    hasKey: hasSecretFile(database),
  }));
  const { database, migrated, close } = await openContext(config, { log: logOf(config) });
  await close();
  const place = placeOf(config, database);
  if (!before.exists) say(`Created the database at ${place} (${migrations(migrated.length)} applied).`);
  else if (migrated.length > 0)
    say(`The database at ${place} already exists; ${migrations(migrated.length)} applied.`);
  else say(`The database at ${place} already exists and is up to date.`);
  if (database.file && !before.hasKey && hasSecretFile(database))
    say(`Created ${secretFileOf(database.file)}. Back it up: the database can’t be used without it.`);
}

const hasSecretFile = ({ file }: Database): boolean => file !== undefined && existsSync(secretFileOf(file));

interface MigrateOptions {
  dryRun?: true;
  json?: true;
}

async function migrate(config: Config, { dryRun, json }: MigrateOptions): Promise<void> {
  await withDatabase(config, async (database) => {
    await rejectMissing(config, database);
    const names = dryRun ? await database.pending() : await database.migrate();
    if (json) printJson(dryRun ? { pending: names } : { applied: names });
    else for (const name of names) printLine(name);
    const place = placeOf(config, database);
    if (names.length === 0) say(`The database at ${place} is up to date.`);
    else
      say(`${migrations(names.length)} ${dryRun ? 'pending for' : 'applied to'} the database at ${place}.`);
  });
}

/** The first one is the administrator. */
const seedNames = ['ada', 'grace', 'alan', 'barbara', 'edsger', 'frances'];

async function seed({ json }: { json?: true }, command: Command): Promise<void> {
  rejectProduction(settingsOf(command).config, 'seed');
  await withContext(command, async (context) => {
    const pendingUsers = seedNames.map((username, index) => ({
      username,
      email: `${username}@example.org`,
      password: generatePassword(),
      role: index === 0 ? ('admin' as const) : ('user' as const),
    }));
    const taken = await takenOf(
      context.db,
      await Promise.all(pendingUsers.map((pendingUser) => checkNewUser(pendingUser, context))),
    );
    if (taken.length === pendingUsers.length)
      return say(`Already seeded: ${taken.join(', ')} exist. Nothing was changed.`);
    if (taken.length > 0)
      throw new Error(
        `Nothing was changed: other users already have the username or email of ${taken.join(', ')}.`,
      );
    const hashed = await Promise.all(
      pendingUsers.map(async (pendingUser) => ({
        ...(await checkNewUser(pendingUser, context)),
        role: pendingUser.role,
        passwordHash: await hashPassword(context.hasher, pendingUser.password, 'background'),
      })),
    );
    const users = await insertSeed(context, hashed);
    const made = users.map((user, index) => ({ user, password: pendingUsers[index]?.password ?? '' }));
    if (json) printJson({ users: made.map(({ user, password }) => ({ ...showUser(user), password })) });
    else
      printTable(
        ['USERNAME', 'EMAIL', 'ROLE', 'PASSWORD'],
        made.map(({ user, password }) => [user.username, user.email, roleOf(user), password]),
      );
    say(`Created ${users.length} users. Save the passwords now; they won’t be shown again.`);
  });
}

/** The seed users whose username or email is already taken. */
async function takenOf(
  db: Db,
  names: Pick<NewUser, 'username' | 'usernameKey' | 'emailKey'>[],
): Promise<string[]> {
  const taken: string[] = [];
  for (const { username, usernameKey, emailKey } of names)
    if ((await takenIdentifiers(db, usernameKey, emailKey)).length > 0) taken.push(username);
  return taken;
}

/** Inserts all of them, or none if an identifier was taken in the meantime. */
async function insertSeed(context: AppContext, newUsers: NewUser[]): Promise<User[]> {
  const { db, clock } = context;
  return db.transaction().execute(async (tx) => {
    const now = clock.now();
    await serializeAdminChanges(tx);
    const users: User[] = [];
    for (const newUser of newUsers)
      users.push(await addAccount({ context, tx, actorId: 'operator', client: OPERATOR, now }, newUser));
    await completeSetUp(tx, now);
    return users;
  });
}

async function restored({ yes, json }: { yes?: true; json?: true }, command: Command): Promise<void> {
  await withContext(command, async (context, noticed) => {
    const warning = `This revokes all sessions, ${ALSO_REVOKED}.`;
    await consent(yes, warning, 'restored');
    const { sessions } = await revokeRestored(context.db, context.clock.now());
    // Opening the database may have detected the restore and revoked them already.
    const revoked = { sessions: sessions + (noticed?.sessions ?? 0) };
    if (json) printJson(revoked);
    else say(`Revoked all sessions (${revoked.sessions}), ${ALSO_REVOKED}.`);
  });
}

async function drop(config: Config, { yes }: { yes?: true }): Promise<void> {
  rejectProduction(config, 'drop');
  await withDatabase(config, async (database) => {
    await rejectMissing(config, database);
    // Throws if the migrations are not ours: then the database is not ours to delete.
    await database.pending();
    const place = placeOf(config, database);
    const { file } = database;
    const secretFile = file && !config.secret ? secretFileToRemove(file) : undefined;
    const warning = `This deletes the database at ${place} and all its users.${secretFile ? ` It also deletes ${secretFile}; backups of this database can’t be used without it.` : ''} This can’t be undone.`;
    await consent(yes, warning, basename(place));
    await database.drop();
    if (secretFile) rmSync(secretFile, { force: true });
    if (file) rmSync(stateFileOf(file), { force: true });
    say(file ? `Deleted ${file}.` : `Dropped Usher’s tables at ${place}. The empty database remains.`);
    if (secretFile) say(`Deleted ${secretFile} (used only by that database).`);
    else if (hasSecretFile(database)) say(`Kept ${secretFileOf(file ?? '')}; other data may depend on it.`);
  });
}

function rejectProduction({ env }: Config, command: string): void {
  if (env === 'production')
    throw new Error(`usher db ${command} isn’t allowed when USHER_ENV is production.`);
}
