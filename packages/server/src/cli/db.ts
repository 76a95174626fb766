import { existsSync, rmSync } from 'node:fs';
import { basename } from 'node:path';
import type { Command } from 'commander';
import type { Config } from '../config.ts';
import type { World } from '../context.ts';
import { OPERATOR } from '../core/events.ts';
import { queueAdminChange } from '../core/installation.ts';
import { generatePassword, hashPassword } from '../core/passwords.ts';
import { type NewUser, takenNames, type User } from '../core/users.ts';
import { addAccount, settleSetUp } from '../flows/accounts/change-user.ts';
import { checkNewUser } from '../flows/accounts/check-new-user.ts';
import { revokeRestored } from '../flows/installation/restored-database.ts';
import { showUser } from '../flows/shapes/users.ts';
import { openWorld } from '../open-world.ts';
import type { Database, Db } from '../platform/db/index.ts';
import { stateFileOf } from '../platform/state-file.ts';
import { roleOf } from '../user-fields.ts';
import { logOf, migrations, placeOf, refuseMissing, withDatabase, withWorld } from './open.ts';
import { consent, printJson, printLine, printTable, say } from './output.ts';
import { secretFileOf, secretFileToRemove } from './secret-file.ts';
import { settingsOf, withSettings } from './settings.ts';

/** Beside all sessions. */
const ALSO_REVOKED =
  'known browsers and programs, mailed codes and links (except those that take an address back) and the set-up link';

export function addDb(program: Command): void {
  const db = program
    .command('db')
    .description('Make, migrate, fill and remove the database.')
    .addHelpText('after', '\nExample:\n  usher db create');
  withSettings(db.command('create'), ['database'])
    .description('Make the database with all its tables. Does nothing to one that is there and up to date.')
    .addHelpText('after', '\nExample:\n  usher db create')
    .action((_options: unknown, command: Command) => create(settingsOf(command).config));
  withSettings(db.command('migrate'), ['database'])
    .description('Apply the migrations that the database has not had yet, and list them.')
    .option('--dry-run', 'List them only.')
    .option('--json', 'Print JSON.')
    .addHelpText('after', '\nExample:\n  usher db migrate --dry-run')
    .action((options: MigrateOptions, command: Command) => migrate(settingsOf(command).config, options));
  withSettings(db.command('seed'), ['database'])
    .description('Add an administrator and five users to try things out with. Refused in production.')
    .option('--json', 'Print JSON.')
    .addHelpText('after', '\nExample:\n  usher db seed')
    .action(seed);
  withSettings(db.command('restored'), ['database'])
    .description(
      `Say that an older copy of the database was put back: revokes all sessions, ${ALSO_REVOKED}. Asks first.`,
    )
    .option('--yes', 'Do not ask.')
    .option('--json', 'Print JSON.')
    .addHelpText('after', '\nExample:\n  usher db restored --yes')
    .action(restored);
  withSettings(db.command('drop'), ['database'])
    .description('Remove the database and all that it holds. Asks first; refused in production.')
    .option('--yes', 'Do not ask.')
    .addHelpText('after', '\nExample:\n  usher db drop --yes')
    .action((options: { yes?: true }, command: Command) => drop(settingsOf(command).config, options));
}

async function create(config: Config): Promise<void> {
  const before = await withDatabase(config, async (database) => ({
    exists: await database.exists(),
    hasKey: hasSecretFile(database),
  }));
  const { database, migrated, close } = await openWorld(config, { log: logOf(config) });
  await close();
  const place = placeOf(config, database);
  if (!before.exists) say(`Made the database at ${place} (${migrations(migrated.length)} applied).`);
  else if (migrated.length > 0)
    say(`The database at ${place} was there; ${migrations(migrated.length)} applied.`);
  else say(`The database at ${place} is there already, and up to date.`);
  if (database.file && !before.hasKey && hasSecretFile(database))
    say(`Made ${secretFileOf(database.file)}. Keep it: the database cannot be used without it.`);
}

const hasSecretFile = ({ file }: Database): boolean => file !== undefined && existsSync(secretFileOf(file));

interface MigrateOptions {
  dryRun?: true;
  json?: true;
}

async function migrate(config: Config, { dryRun, json }: MigrateOptions): Promise<void> {
  await withDatabase(config, async (database) => {
    await refuseMissing(config, database);
    const names = dryRun ? await database.pending() : await database.migrate();
    if (json) printJson(dryRun ? { pending: names } : { applied: names });
    else for (const name of names) printLine(name);
    const place = placeOf(config, database);
    if (names.length === 0) say(`The database at ${place} is up to date.`);
    else
      say(`${migrations(names.length)} ${dryRun ? 'to apply to' : 'applied to'} the database at ${place}.`);
  });
}

/** The first is the administrator. */
const seedNames = ['ada', 'grace', 'alan', 'barbara', 'edsger', 'frances'];

async function seed({ json }: { json?: true }, command: Command): Promise<void> {
  refuseProduction(settingsOf(command).config, 'seeded');
  await withWorld(command, async (world) => {
    const wishes = seedNames.map((username, index) => ({
      username,
      email: `${username}@example.org`,
      password: generatePassword(),
      role: index === 0 ? ('admin' as const) : ('user' as const),
    }));
    const taken = await takenOf(world.db, await Promise.all(wishes.map((wish) => checkNewUser(wish, world))));
    if (taken.length === wishes.length)
      return say(`Nothing was changed: ${taken.join(', ')} are there already.`);
    if (taken.length > 0)
      throw new Error(
        `Nothing was changed: there are other users with the names or addresses of ${taken.join(', ')}.`,
      );
    const hashed = await Promise.all(
      wishes.map(async (wish) => ({
        ...(await checkNewUser(wish, world)),
        role: wish.role,
        passwordHash: await hashPassword(world.hasher, wish.password, 'background'),
      })),
    );
    const users = await insertSeed(world, hashed);
    const made = users.map((user, index) => ({ user, password: wishes[index]?.password ?? '' }));
    if (json) printJson({ users: made.map(({ user, password }) => ({ ...showUser(user), password })) });
    else
      printTable(
        ['USERNAME', 'E-MAIL', 'ROLE', 'PASSWORD'],
        made.map(({ user, password }) => [user.username, user.email, roleOf(user), password]),
      );
    say(`Added ${users.length} users. The passwords are shown this once: they are stored nowhere.`);
  });
}

/** Those whose name or address an account has. */
async function takenOf(
  db: Db,
  names: Pick<NewUser, 'username' | 'usernameKey' | 'emailKey'>[],
): Promise<string[]> {
  const taken: string[] = [];
  for (const { username, usernameKey, emailKey } of names)
    if ((await takenNames(db, usernameKey, emailKey)).length > 0) taken.push(username);
  return taken;
}

/** All of them or, when a name was taken meanwhile, none. */
async function insertSeed({ db, clock }: Pick<World, 'db' | 'clock'>, newUsers: NewUser[]): Promise<User[]> {
  return db.transaction().execute(async (tx) => {
    const now = clock.now();
    await queueAdminChange(tx);
    const users: User[] = [];
    for (const newUser of newUsers)
      users.push(await addAccount({ tx, actorId: 'operator', origin: OPERATOR, now }, newUser));
    await settleSetUp(tx, now);
    return users;
  });
}

async function restored({ yes, json }: { yes?: true; json?: true }, command: Command): Promise<void> {
  await withWorld(command, async (world, noticed) => {
    const warning = `This revokes all sessions, ${ALSO_REVOKED}.`;
    await consent(yes, warning, 'restored');
    const { sessions } = await revokeRestored(world.db, world.clock.now());
    // Opening it may have noticed the same, and revoked them then.
    const revoked = { sessions: sessions + (noticed?.sessions ?? 0) };
    if (json) printJson(revoked);
    else say(`Revoked all sessions (${revoked.sessions}), ${ALSO_REVOKED}.`);
  });
}

async function drop(config: Config, { yes }: { yes?: true }): Promise<void> {
  refuseProduction(config, 'dropped');
  await withDatabase(config, async (database) => {
    await refuseMissing(config, database);
    // Throws when its migrations are not ours: then it is not ours to remove.
    await database.pending();
    const place = placeOf(config, database);
    const { file } = database;
    const secretFile = file && !config.secret ? secretFileToRemove(file) : undefined;
    const warning = `This removes the database at ${place} and all users in it.${secretFile ? ` It also removes ${secretFile}, without which a backup of it cannot be used.` : ''} It cannot be undone.`;
    await consent(yes, warning, basename(place));
    await database.drop();
    if (secretFile) rmSync(secretFile, { force: true });
    if (file) rmSync(stateFileOf(file), { force: true });
    say(file ? `Removed ${file}.` : `Removed Usher's tables at ${place}; the empty database is still there.`);
    if (secretFile) say(`Removed ${secretFile}, which was the secret of that database alone.`);
    else if (hasSecretFile(database)) say(`Kept ${secretFileOf(file ?? '')}, which other data may need.`);
  });
}

function refuseProduction({ env }: Config, done: string): void {
  if (env === 'production')
    throw new Error(`USHER_ENV is production: a database in production is not ${done}.`);
}
