import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { sql } from 'kysely';
import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest';
import { type Database, isUnavailable, openDatabase } from '../../src/platform/db/index.ts';
import { openPool } from '../../src/platform/db/postgres-pool.ts';
import { readUrl } from '../../src/platform/db/postgres-url.ts';
import { rejectOldSqlite } from '../../src/platform/db/sqlite-file.ts';
import { defaultTimeouts } from '../../src/platform/db/timeouts.ts';
import { postgres } from '../support/postgres.ts';
import { withDatabase } from '../support/with-app.ts';

const refusal = (url: string): Promise<string> =>
  openDatabase(url).then(
    () => 'opened',
    (error) => String(error),
  );
/** How it failed. What waits for ever instead is ended by the bound of the test. */
async function failure(work: Promise<unknown>): Promise<{ error: Error; unavailable: boolean }> {
  const error = await work.then(
    () => new Error('it did not fail'),
    (error: Error) => error,
  );
  return { error, unavailable: isUnavailable(error) };
}

describe('a URL', () => {
  it('of another kind is rejected with what to write instead', async () => {
    for (const url of ['', 'usher.db', 'mysql://root:hunter2@db/usher', 'postgres:hunter2', 'C:\\usher.db']) {
      const said = await refusal(url);
      expect(said).toContain('postgres://USER:PASSWORD@HOST:PORT/NAME');
    }
  });

  it('never has its password shown', async () => {
    for (const url of [
      'mysql://root:hunter2@db/usher',
      'root:hunter2@db/usher',
      'postgres://root:hunter2@db:port/usher',
      'postgres://root:hunter#2@db/usher',
      'postgres://root:hunter2@db/usher?pool_max=many',
      'postgres://root:hunter2@db/usher?prepare=perhaps',
      'postgres://root:%hunter2%@db/usher',
    ]) {
      expect(await refusal(url)).not.toContain('hunter');
    }
    const database = await openDatabase('postgres://root:hunter2@127.0.0.1:1/usher');
    const { error } = await failure(database.ping());
    expect(`${error.stack} ${JSON.stringify(error)} ${error.cause}`).not.toContain('hunter');
    expect(error.message).toContain('127.0.0.1:1');
  });

  it('with a TLS mode or file that is not there is rejected by its name, on this machine too', async () => {
    for (const host of ['127.0.0.1', 'db.example.org']) {
      const url = `postgres://root:hunter2@${host}/usher`;
      for (const query of ['sslmode=allow', 'sslmode=', 'sslmode=verify-full&sslmode=full']) {
        const said = await refusal(`${url}?${query}`);
        expect(said).toContain('sslmode');
        expect(said).toContain('one of: disable, prefer, require, verify-ca, verify-full, no-verify.');
        expect(said).not.toContain('hunter');
      }
      for (const name of ['sslrootcert', 'sslcert', 'sslkey']) {
        const said = await refusal(`${url}?sslmode=verify-full&${name}=/nofile`);
        expect(said).toContain(`Couldn’t read /nofile (${name} in the database URL)`);
        expect(said).not.toContain('hunter');
      }
    }
  });

  it('has our own parameters taken out of it', () => {
    expect(readUrl('postgresql://u:p@db/usher?pool_max=7&sslmode=require&prepare=false')).toEqual({
      url: 'postgresql://u:p@db/usher?sslmode=verify-full',
      database: 'usher',
      server: 'db:5432',
      poolMax: 7,
      prepare: false,
    });
  });
});

describe('SQLite', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(inject('folder'), 'open-'));
  });

  it('keeps its files to its user, whatever the umask', async () => {
    const umask = process.umask(0);
    try {
      const database = await openDatabase(`sqlite:${folder}/usher.db`);
      expect(database.file).toBe(join(folder, 'usher.db'));
      expect(readdirSync(folder)).toEqual([]);
      await database.create();
      expect(statSync(database.file as string).mode & 0o777).toBe(0o600);
      await database.migrate();
      const files = readdirSync(folder).map((name) => [name, statSync(join(folder, name)).mode & 0o777]);
      expect(files).toEqual([
        ['usher.db', 0o600],
        ['usher.db-shm', 0o600],
        ['usher.db-wal', 0o600],
      ]);
      await database.close();
      expect(readdirSync(folder)).toEqual(['usher.db']);
    } finally {
      process.umask(umask);
    }
  });

  it('L4: rejects a file that others can open, and says how to close it', async () => {
    const file = join(folder, 'usher.db');
    writeFileSync(file, '');
    for (const mode of [0o640, 0o604, 0o660, 0o666]) {
      chmodSync(file, mode);
      expect(await refusal(`sqlite:${file}`)).toContain(`chmod 600 ${file}`);
    }
    chmodSync(file, 0o600);
    writeFileSync(`${file}-wal`, '', { mode: 0o644 });
    expect(await refusal(`sqlite:${file}`)).toContain(`chmod 600 ${file}-wal`);
  });

  it('rejects a place where there can be no file', async () => {
    mkdirSync(join(folder, 'directory'));
    expect(await refusal(`sqlite:${folder}/missing/usher.db`)).toContain(`mkdir -p ${folder}/missing`);
    expect(await refusal(`sqlite:${folder}/directory`)).toContain('is a directory');
    expect(await refusal('sqlite:')).toContain('sqlite:usher.db');
    expect(await refusal('sqlite::memory:')).toContain('needs a file path');
    expect(await refusal('sqlite://usher.db')).toContain('without "//"');
  });

  it('makes no database of a mistyped path', async () => {
    const database = await openDatabase(`sqlite:${folder}/usher.bd`);
    const { error } = await failure(database.ping());
    expect(error.message).toContain('No database at');
    expect(existsSync(database.file as string)).toBe(false);
    await database.create();
    await database.ping();
    await database.close();
  });

  it('says which file it is that is no database', async () => {
    const file = join(folder, 'usher.db');
    writeFileSync(file, 'Dear diary, today I was mistaken for a database. '.repeat(50), { mode: 0o600 });
    const database = await openDatabase(`sqlite:${file}`);
    const { error, unavailable } = await failure(database.ping());
    expect(error.message).toContain(`Couldn’t open the database ${file}`);
    expect(unavailable).toBe(true);
  });

  it('writes ahead, leaves it to us to force commits to disk, and checks foreign keys', async () => {
    const database = await openDatabase(`sqlite:${folder}/usher.db`);
    await database.migrate();
    const pragma = async (name: string) =>
      Object.values((await sql.raw<object>(`PRAGMA ${name}`).execute(database.db)).rows[0] ?? {});
    expect(await pragma('journal_mode')).toEqual(['wal']);
    expect(await pragma('synchronous')).toEqual([1]);
    expect(await pragma('foreign_keys')).toEqual([1]);
    await database.close();
  });

  it('is removed with all its files', async () => {
    const database = await openDatabase(`sqlite:${folder}/usher.db`);
    await database.migrate();
    await database.drop();
    expect(readdirSync(folder)).toEqual([]);
    await database.close();
  });

  it('must be new enough', () => {
    for (const version of ['3.51.3', '3.52.0', '4.0.0']) expect(() => rejectOldSqlite(version)).not.toThrow();
    for (const version of ['3.51.2', '3.50.9', '2.99.99'])
      expect(() => rejectOldSqlite(version)).toThrow(/3\.51\.3 or later/);
  });
});

describe('PostgreSQL', () => {
  const home = withDatabase(postgres.create, 'test');
  const opened: Database[] = [];
  async function open(parameters = '', url = home.url): Promise<Database> {
    const database = await openDatabase(url + parameters);
    opened.push(database);
    return database;
  }
  afterEach(async () => {
    await Promise.all(opened.splice(0).map((database) => database.close()));
  });
  const write = (database: Database, key: string) =>
    database.db
      .insertInto('rate_limits')
      .values({ key, count: 0, blocked_until: 0, expires_at: 0, rejected: 0 })
      .execute();

  it('is unavailable in bounded time when nothing listens, and when nothing answers', async () => {
    const closed = await open('', 'postgres://u:p@127.0.0.1:1/usher');
    const rejected = await failure(closed.ping());
    expect(rejected).toMatchObject({ unavailable: true });
    const silent = createServer();
    const { port } = await listening(silent);
    const mute = await open('', `postgres://u:p@127.0.0.1:${port}/usher`);
    for (const failed of await Promise.all([failure(mute.ping()), failure(mute.exists())])) {
      expect(failed).toMatchObject({ unavailable: true });
    }
    silent.close();
  });

  it('is unavailable to a wrong password and without its database, which then does not exist', async () => {
    const stranger = await failure((await open('', home.url.replace(/:[^:@]+@/, ':wrong@'))).ping());
    expect(stranger.unavailable).toBe(true);
    const missing = await open('', `${home.url}_missing`);
    expect(await failure(missing.ping())).toMatchObject({ unavailable: true });
    expect(await missing.exists()).toBe(false);
    expect(await missing.pending()).not.toEqual([]);
  });

  it('is created where it is missing, by whoever comes first', async () => {
    const url = `${home.url}_made`;
    const both = [await open('', url), await open('', url)];
    await Promise.all(both.map((database) => database.create()));
    await both[0]?.create();
    await both[1]?.migrate();
    expect(await both[0]?.exists()).toBe(true);
    const name = new URL(url).pathname.slice(1);
    await Promise.all(both.map((database) => database.close()));
    await sql`DROP DATABASE ${sql.id(name)}`.execute((await open()).db);
  });

  it('survives the loss of a connection, lent out or not', async () => {
    const database = await open();
    const terminator = await open();
    const lost = await failure(
      database.db.transaction().execute(async (transaction) => {
        const { rows } = await sql<{ pid: number }>`SELECT pg_backend_pid() AS pid`.execute(transaction);
        await sql`SELECT pg_terminate_backend(${rows[0]?.pid}, 1000)`.execute(terminator.db);
        await sql`SELECT 1`.execute(transaction);
      }),
    );
    expect(lost.unavailable).toBe(true);
    await database.ping();
    const everyone = sql`SELECT pg_terminate_backend(pid, 1000) FROM pg_stat_activity
      WHERE datname = current_database() AND pid <> pg_backend_pid()`;
    await everyone.execute(terminator.db);
    await database.ping();
  });

  it('is unavailable when the connection breaks under a query', async () => {
    const proxy = await silencingProxy(Number(new URL(home.url).port));
    const database = await open('', home.url.replace(/:\d+\//, `:${proxy.port}/`));
    await database.ping();
    const sleeping = failure(sql`SELECT pg_sleep(3)`.execute(database.db));
    setTimeout(proxy.close, 100);
    const broken = await sleeping;
    expect(broken).toMatchObject({ unavailable: true });
  });

  it('gives up a connection that does not answer any more', async () => {
    const proxy = await silencingProxy(Number(new URL(home.url).port));
    const pool = openPool(readUrl(home.url.replace(/:\d+\//, `:${proxy.port}/`)), {
      ...defaultTimeouts,
      answer: 300,
    });
    const client = await pool.connect();
    await client.query('SELECT 1', []);
    proxy.silence();
    const failed = await failure(client.query('SELECT 1', []));
    expect(failed).toMatchObject({ unavailable: true });
    client.release();
    proxy.speak();
    const next = await pool.connect();
    expect((await next.query('SELECT 1 AS one', [])).rows).toEqual([{ one: 1 }]);
    next.release();
    await pool.end();
    proxy.close();
  });

  it('F17: lets nothing wait for ever', async () => {
    const database = await open('?pool_max=1');
    const settings =
      await sql`SELECT current_setting('statement_timeout') AS statement, current_setting('lock_timeout') AS lock,
      current_setting('idle_in_transaction_session_timeout') AS idle, current_setting('application_name') AS name`.execute(
        database.db,
      );
    expect(settings.rows).toEqual([{ statement: '5s', lock: '2s', idle: '10s', name: 'usher' }]);
    await database.db.transaction().execute(async () => {
      const waited = await failure(database.ping());
      expect(waited.unavailable).toBe(true);
    });
    const rival = await open();
    await write(rival, 'a');
    await rival.db.transaction().execute(async (transaction) => {
      await transaction.updateTable('rate_limits').set({ count: 1 }).execute();
      const locked = await failure(database.db.updateTable('rate_limits').set({ count: 2 }).execute());
      expect(locked.unavailable).toBe(true);
    });
  });

  it('prepares statements, unless it is told not to', async () => {
    for (const [parameters, names] of [
      ['?pool_max=1', 1],
      ['?pool_max=1&prepare=false', 0],
    ] as const) {
      const database = await open(parameters);
      for (let times = 0; times < 3; times++)
        await database.db.selectFrom('rate_limits').select('key').where('key', '=', 'a').execute();
      const prepared = await sql`SELECT name FROM pg_prepared_statements`.execute(database.db);
      expect(prepared.rows).toHaveLength(names);
    }
  });

  it('recovers by itself from a migration under its prepared statements', async () => {
    const database = await open('?pool_max=1');
    const read = () => database.db.selectFrom('rate_limits').selectAll().where('key', '=', 'a').execute();
    await read();
    await sql`ALTER TABLE rate_limits ADD COLUMN extra BIGINT`.execute((await open()).db);
    expect(await failure(read())).toMatchObject({ unavailable: true });
    expect(await read()).toEqual([]);
  });

  it('lives in the current schema, beside other people and their tables', async () => {
    // A connection of Usher would count as a server that uses the database.
    const admin = await open('?application_name=other');
    await sql`CREATE SCHEMA tenant`.execute(admin.db);
    const tenant = await open('?options=-c%20search_path%3Dtenant');
    expect(await tenant.exists()).toBe(false);
    await tenant.migrate();
    await write(tenant, 'a');
    expect(await admin.db.selectFrom('rate_limits').selectAll().execute()).toEqual([]);
    await sql`CREATE VIEW tenant.theirs AS SELECT key FROM tenant.rate_limits`.execute(admin.db);
    await expect(tenant.drop()).rejects.toThrow('other objects depend on');
    expect(await tenant.exists()).toBe(true);
    await sql`DROP VIEW tenant.theirs`.execute(admin.db);
    await tenant.drop();
    expect(await tenant.exists()).toBe(false);
    expect(await admin.exists()).toBe(true);
  });
});

async function listening(server: Server): Promise<AddressInfo> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return server.address() as AddressInfo;
}

/** Passes everything on to a port, until it is told to keep it to itself. */
async function silencingProxy(target: number) {
  let silent = false;
  const sockets: Socket[] = [];
  const server = createServer((near) => {
    const far = connect(target, '127.0.0.1');
    sockets.push(near, far);
    near
      .on('data', (data) => silent || far.write(data))
      .on('error', () => {})
      .on('close', () => far.destroy());
    far
      .on('data', (data) => silent || near.write(data))
      .on('error', () => {})
      .on('close', () => near.destroy());
  });
  const { port } = await listening(server);
  return {
    port,
    silence: () => {
      silent = true;
    },
    speak: () => {
      silent = false;
    },
    close: () => {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}
