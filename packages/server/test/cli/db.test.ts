import { copyFileSync, existsSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { describe, expect, inject, it } from 'vitest';
import { openDatabase } from '../../src/platform/db/index.ts';
import { databases, postgres } from '../support/postgres.ts';
import { withStarted } from '../support/with-app.ts';
import { newPlace, run, wordsOf } from './program.ts';

const production = { USHER_ENV: 'production', USHER_PUBLIC_URL: 'https://accounts.example.org' };
const folderOfOurs = join(import.meta.dirname, '../../migrations');
const ours = readdirSync(folderOfOurs).sort();
const textOf = (name: string) => readFileSync(join(folderOfOurs, name), 'utf8');
/** The newest migration that the test can undo: it is the same for both databases. */
const newestName = ours.findLast((name) => !/^-- Only /m.test(textOf(name))) ?? '';
const newest = textOf(newestName);
const newestColumns = [...newest.matchAll(/^ALTER TABLE (\w+) ADD COLUMN (\w+)/gm)].map(
  ([, table = '', column = '']) => ({ table, column }),
);
const newestIndexes = [...newest.matchAll(/^CREATE (?:UNIQUE )?INDEX (\w+)/gm)].map(([, name = '']) => name);
const newestTables = [...newest.matchAll(/^CREATE TABLE (\w+)/gm)].map(([, name = '']) => name);

describe.each(databases)('$name', (kind) => {
  const place = withStarted(
    () => newPlace(kind),
    (it) => it.remove(),
    'test',
  );

  async function read<T>(work: (db: Awaited<ReturnType<typeof openDatabase>>) => Promise<T>): Promise<T> {
    const database = await openDatabase(place.database.url);
    try {
      return await work(database);
    } finally {
      await database.close();
    }
  }
  const exists = () => read((database) => database.exists());
  const usernames = () => read(({ db }) => db.selectFrom('users').select('username').orderBy('id').execute());

  it('makes a database once, and says what it did', async () => {
    const first = await place.usher(['db', 'create']);
    expect(first).toMatchObject({ code: 0, stdout: '' });
    expect(first.stderr).toMatch(
      new RegExp(`^Created the database at \\S+ \\(${ours.length} migrations applied\\)\\.\n$`),
    );
    expect(await exists()).toBe(true);
    const second = await place.usher(['db', 'create']);
    expect(second).toMatchObject({ code: 0, stdout: '' });
    expect(second.stderr).toMatch(/^The database at \S+ already exists and is up to date\.\n$/);
    const names = await read(({ db }) => db.selectFrom('events').select('name').execute());
    expect(names.map(({ name }) => name).sort()).toEqual(['installation_created', 'key_created']);
  });

  it('lists and applies what is pending; a command about users applies nothing in passing', async () => {
    await place.create();
    // As an older release left it.
    await read(({ db }) => {
      const older = db.withTables<{ migrations: { name: string } }>();
      return older.deleteFrom('migrations').where('name', '=', newestName).execute();
    });
    for (const index of newestIndexes) await read(({ db }) => db.schema.dropIndex(index).execute());
    for (const table of newestTables) await read(({ db }) => db.schema.dropTable(table).execute());
    for (const { table, column } of newestColumns)
      await read(({ db }) => db.schema.alterTable(table).dropColumn(column).execute());

    const rejected = await place.usher(['user', 'list']);
    expect(rejected).toMatchObject({ code: 1, stdout: '' });
    expect(rejected.stderr).toContain('has 1 pending migration. Apply it with: usher db migrate');
    const dry = await place.usher(['db', 'migrate', '--dry-run']);
    expect(dry).toMatchObject({ code: 0, stdout: `${newestName}\n` });
    expect(dry.stderr).toContain('1 migration pending');
    const asJson = await place.usher(['db', 'migrate', '--dry-run', '--json']);
    expect(JSON.parse(asJson.stdout)).toEqual({ pending: [newestName] });

    const applied = await place.usher(['db', 'migrate', '--json']);
    expect(applied.code).toBe(0);
    expect(JSON.parse(applied.stdout)).toEqual({ applied: [newestName] });
    const again = await place.usher(['db', 'migrate']);
    expect(again).toMatchObject({ code: 0, stdout: '' });
    expect(again.stderr).toContain('is up to date');
    expect((await place.usher(['user', 'list'])).code).toBe(0);
  });

  it('seeds once: an administrator, five users, and the set-up is done', async () => {
    await place.create();
    const seeded = await place.usher(['db', 'seed', '--json']);
    expect(seeded.code).toBe(0);
    expect(seeded.stderr).toContain('Save the passwords now');
    const { users } = JSON.parse(seeded.stdout) as { users: Record<string, string>[] };
    expect(users.map(({ role }) => role)).toEqual(['admin', 'user', 'user', 'user', 'user', 'user']);
    expect(users[0]).toMatchObject({ username: 'ada', email: 'ada@example.org' });
    expect(new Set(users.map(({ password }) => password)).size).toBe(6);
    expect(seeded.stdout).not.toContain('argon2');
    const setUp = await read(({ db }) =>
      db.selectFrom('installation').select('setup_completed_at').executeTakeFirst(),
    );
    expect(setUp?.setup_completed_at).toBeGreaterThan(0);

    const before = await read(({ db }) => db.selectFrom('users').selectAll().orderBy('id').execute());
    const again = await place.usher(['db', 'seed']);
    expect(again).toMatchObject({ code: 0, stdout: '' });
    expect(again.stderr).toBe(
      'Already seeded: ada, grace, alan, barbara, edsger, frances exist. Nothing was changed.\n',
    );
    expect(await read(({ db }) => db.selectFrom('users').selectAll().orderBy('id').execute())).toEqual(
      before,
    );
  });

  it('seeds nothing beside a user who has one of the names', async () => {
    await place.create();
    await place.usher(['user', 'add', '--username', 'Grace', '--email', 'hopper@example.org']);
    const { code, stdout, stderr } = await place.usher(['db', 'seed']);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toContain('Nothing was changed: other users already have the username or email of grace.');
    expect(await usernames()).toEqual([{ username: 'Grace' }]);
  });

  it('prints what it seeded as a table', async () => {
    await place.create();
    const { stdout } = await place.usher(['db', 'seed']);
    expect(wordsOf(stdout)[0]).toEqual(['USERNAME', 'EMAIL', 'ROLE', 'PASSWORD']);
    expect(wordsOf(stdout)[1]).toEqual([
      'ada',
      'ada@example.org',
      'admin',
      expect.stringMatching(/^([a-z2-9]{4}-){4}[a-z2-9]{4}$/),
    ]);
  });

  it('neither seeds nor drops in production, whatever the answer', async () => {
    await place.create();
    for (const args of [['seed'], ['drop', '--yes']]) {
      const { code, stdout, stderr } = await place.usher(['db', ...args], { env: production });
      expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
      expect(stderr).toContain('USHER_ENV is production');
    }
    expect(await exists()).toBe(true);
    expect(await usernames()).toEqual([]);
  });

  it('drops nothing without --yes where nobody can be asked', async () => {
    await place.create();
    for (const env of [{}, { CI: 'true' }]) {
      const { code, stdout, stderr } = await place.usher(['db', 'drop'], { input: 'yes\n', env });
      expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
      expect(stderr).toContain('--yes');
    }
    expect(await exists()).toBe(true);
    expect((await place.usher(['user', 'list'])).code).toBe(0);
  });

  it('drops with --yes, once, and the database can be made again', async () => {
    await place.create();
    await place.usher(['db', 'seed']);
    const dropped = await place.usher(['db', 'drop', '--yes']);
    expect(dropped).toMatchObject({ code: 0, stdout: '' });
    expect(dropped.stderr).toMatch(/^(Deleted|Dropped) /);
    expect(await exists()).toBe(false);
    const again = await place.usher(['db', 'drop', '--yes']);
    expect(again).toMatchObject({ code: 1, stdout: '' });
    expect(again.stderr).toContain('No database at');
    expect((await place.usher(['db', 'create'])).code).toBe(0);
    expect(await usernames()).toEqual([]);
  });

  it('drops no database that a server is using', async () => {
    await place.create();
    const server = await openDatabase(place.database.url);
    await server.ping();
    const { code, stderr } = await place.usher(['db', 'drop', '--yes']);
    expect([code, stderr]).toEqual([1, 'usher: A server is using this database. Stop it first.\n']);
    expect(await server.exists()).toBe(true);
    await server.close();
    expect((await place.usher(['db', 'drop', '--yes'])).code).toBe(0);
  });

  it('drops no database whose migrations are not ours', async () => {
    await place.create();
    await read(({ db }) => {
      const newer = db.withTables<{ migrations: { name: string; checksum: string; applied_at: number } }>();
      return newer
        .insertInto('migrations')
        .values({ name: '9999-x.sql', checksum: 'x', applied_at: 1 })
        .execute();
    });
    const { code, stderr } = await place.usher(['db', 'drop', '--yes']);
    expect(code).toBe(1);
    expect(stderr).toContain('newer than this version of Usher');
    expect(await exists()).toBe(true);
  });
});

it('makes no database on a server without a secret of its own', async () => {
  const place = await newPlace(postgres);
  const { code, stdout, stderr } = await place.usher(['db', 'create'], { env: { USHER_SECRET: '' } });
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  expect(stderr).toContain('USHER_SECRET is required');
  const listed = await place.usher(['user', 'list']);
  expect(listed.stderr).toContain('No database at 127.0.0.1:');
  expect(listed.stderr).not.toContain('@');
  await place.remove();
});

describe('the secret beside a database file', () => {
  const inFolder = async () => {
    const folder = mkdtempSync(join(inject('folder'), 'cli-'));
    const usher = (line: string, env: Record<string, string> = {}) => run(folder, env, line.split(' '));
    const made = await usher('db create');
    return { folder, usher, made, secret: join(folder, 'usher.key') };
  };

  it('is made with it, which is said, and goes with it', async () => {
    const { folder, usher, made, secret } = await inFolder();
    expect(made.stderr).toContain(`Created ${secret}. Back it up`);
    expect(existsSync(secret)).toBe(true);
    const asked = await usher('db drop');
    expect(asked.stderr).toContain(`also deletes ${secret}`);
    const dropped = await usher('db drop --yes');
    expect(dropped.stderr).toContain(`Deleted ${secret}`);
    expect(readdirSync(folder)).toEqual([]);
  });

  it('is shown by no command', async () => {
    const { usher, secret } = await inFolder();
    const text = readFileSync(secret, 'utf8').trim();
    for (const line of ['config --json', 'key list', 'db drop', 'db create']) {
      const { stdout, stderr } = await usher(line);
      expect(stdout + stderr).not.toContain(text);
    }
  });

  it('stays with the database while a server has it open, and then goes with its state file', async () => {
    const { folder, usher } = await inFolder();
    const server = await openDatabase(`sqlite:${join(folder, 'usher.db')}`);
    await server.ping();
    const files = readdirSync(folder).sort();
    const { code, stderr } = await usher('db drop --yes');
    expect([code, stderr]).toEqual([1, 'usher: A server is using this database. Stop it first.\n']);
    expect(readdirSync(folder).sort()).toEqual(files);
    expect(await server.exists()).toBe(true);
    await server.close();
    expect((await usher('db drop --yes')).code).toBe(0);
    expect(readdirSync(folder)).toEqual([]);
  });

  it('stays when another database in the folder may need it', async () => {
    const { folder, usher, secret } = await inFolder();
    await usher('db create --database sqlite:other.db');
    const dropped = await usher('db drop --yes');
    expect(dropped.stderr).toContain(`Kept ${secret}`);
    expect(readdirSync(folder).sort()).toEqual(['other.db', 'other.state', 'usher.key']);
    expect((await usher('user list --database sqlite:other.db')).code).toBe(0);
  });

  it('stays when a copy of the database lies in the folder', async () => {
    const { folder, usher } = await inFolder();
    copyFileSync(join(folder, 'usher.db'), join(folder, 'backup'));
    await usher('db drop --yes');
    expect(readdirSync(folder).sort()).toEqual(['backup', 'usher.key']);
  });

  it('stays when Usher did not generate it, or does not use it', async () => {
    const { folder, usher, secret } = await inFolder();
    const env = { USHER_SECRET: 'gAc4vLTJMkpvCb5ExDN0ulLWw1Rnp1Yjvv0xnSF2RDI' };
    await usher('db drop --yes', env);
    expect(readdirSync(folder)).toEqual([basename(secret)]);
    writeFileSync(secret, 'chosen by somebody, and used elsewhere too\n', { mode: 0o600 });
    await usher('db create');
    await usher('db drop --yes');
    expect(readdirSync(folder)).toEqual([basename(secret)]);
  });
});
