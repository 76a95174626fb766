// F23, F40, F41, F49: what refuses to start says why in one sentence, and changes nothing.

import { once } from 'node:events';
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { openDatabase } from '../../src/platform/db/index.ts';
import { type Ended, runProcess } from '../cli/program.ts';
import { newIdentifiers, PASSWORD } from '../support/app.ts';
import { databases } from '../support/postgres.ts';
import { call, cookieOf, PUBLIC_URL, SECRET, startProcess } from '../support/process.ts';

const newFolder = () => mkdtempSync(join(inject('folder'), 'start-'));
const serve = (folder: string, env: Record<string, string>): Promise<Ended> =>
  runProcess(folder, { USHER_PORT: '0', ...env }, ['serve']);

/** It ended by itself with this code, and said one sentence that nobody has to decipher. */
function expectError({ code, stdout, stderr }: Ended, exitCode: number, ...words: string[]): void {
  expect(stderr).toMatch(/^usher: [^\n]+\n$/);
  for (const word of words) expect(stderr).toContain(word);
  expect(stderr).not.toMatch(/\n {4}at |\[object|undefined|Error:/);
  expect({ code, stdout }).toEqual({ code: exitCode, stdout: '' });
}

describe('F41: a bad setting ends with 2 and is named', () => {
  const safe = { USHER_SECRET: SECRET };
  const bad: [env: Record<string, string>, ...words: string[]][] = [
    [{ USHER_PROT: '4001' }, 'USHER_PROT', 'Did you mean USHER_PORT?'],
    [{ USHER_TRUSTED_PROXY: '10.0.0.1' }, 'USHER_TRUSTED_PROXY', 'Did you mean USHER_TRUSTED_PROXIES?'],
    [{ USHER_SECRETS: 'x' }, 'USHER_SECRETS', 'Did you mean USHER_SECRET?'],
    [{ USHER_PORT: 'http' }, 'USHER_PORT', '"http"'],
    [{ USHER_PORT: '65536' }, 'USHER_PORT', '65535'],
    [{ USHER_HOST: '0.0.0.0' }, 'USHER_HOST', 'USHER_PUBLIC_URL'],
    [{ USHER_PUBLIC_URL: 'accounts.example.org' }, 'USHER_PUBLIC_URL', 'https://'],
    [
      { USHER_PUBLIC_URL: 'https://example.org/accounts' },
      'USHER_PUBLIC_URL',
      'e.g. https://example.org (got',
    ],
    [{ USHER_PUBLIC_URL: 'http://accounts.example.org' }, 'USHER_PUBLIC_URL', 'USHER_INSECURE_HTTP'],
    [{ USHER_ENV: 'production' }, 'USHER_ENV', 'USHER_PUBLIC_URL'],
    [{ USHER_ENV: 'prod' }, 'USHER_ENV', 'production'],
    [{ USHER_DATABASE: 'usher.db' }, 'USHER_DATABASE', 'sqlite:PATH'],
    [{ USHER_DATABASE: 'mysql://ada:hunter2@127.0.0.1/usher' }, 'USHER_DATABASE', 'postgres://'],
    [{ USHER_SECRET: 'hunter2' }, 'USHER_SECRET', 'at least 32'],
    [{ USHER_SECRET: 'x'.repeat(40) }, 'USHER_SECRET', 'openssl rand'],
    [{ USHER_SECRET: '', USHER_SECRET_FILE: '/nowhere/secret' }, 'USHER_SECRET_FILE', '/nowhere/secret'],
    [{ USHER_SIGNUP: 'maybe' }, 'USHER_SIGNUP', 'closed'],
    [{ USHER_TOKEN_MINUTES: '61' }, 'USHER_TOKEN_MINUTES', '60'],
    [{ USHER_SIGNING_ALGORITHM: 'none' }, 'USHER_SIGNING_ALGORITHM', 'ES256'],
    [{ USHER_PASSWORD_MIN: '4' }, 'USHER_PASSWORD_MIN', '8'],
    [{ USHER_ALLOWED_ORIGINS: '*' }, 'USHER_ALLOWED_ORIGINS', '"*"'],
    [{ USHER_TRUSTED_PROXIES: '10.0.0.1,proxy' }, 'USHER_TRUSTED_PROXIES', '"proxy"'],
    [{ USHER_TRUSTED_PROXIES: '0.0.0.0/0' }, 'USHER_TRUSTED_PROXIES', 'every address'],
    [{ USHER_METRICS_PORT: 'on' }, 'USHER_METRICS_PORT', '"on"'],
    [{ USHER_METRICS_TOKEN: 'hunter2' }, 'USHER_METRICS_TOKEN', 'at least 16'],
    [{ USHER_LOG_LEVEL: 'loud' }, 'USHER_LOG_LEVEL', 'debug'],
    [{ USHER_INSECURE_HTTP: 'yes' }, 'USHER_INSECURE_HTTP', 'allow'],
  ];

  it.each(bad)('%j', async (env, ...words) => {
    const folder = newFolder();
    const ended = await serve(folder, { ...safe, ...env });
    expectError(ended, 2, ...words);
    expect(ended.stderr).not.toMatch(/hunter2|x{40}/);
    expect(ended.stderr).not.toContain(SECRET);
    expect(readdirSync(folder)).toEqual([]);
  });

  it('also in the file .env', async () => {
    const folder = newFolder();
    writeFileSync(join(folder, '.env'), 'USHER_PUBLIC_ULR=https://accounts.example.org\n');
    expectError(await serve(folder, safe), 2, 'USHER_PUBLIC_ULR in .env', 'USHER_PUBLIC_URL?');
    expect(readdirSync(folder)).toEqual(['.env']);
  });
});

describe('F40: the key file of an installation', () => {
  const folder = madeOnce();
  let file: string;
  let key: string;
  let keyFile: string;
  let cookie: string | undefined;
  const env = () => ({ USHER_DATABASE: `sqlite:${file}`, USHER_PUBLIC_URL: PUBLIC_URL });

  beforeAll(async () => {
    const place = folder();
    file = join(place, 'usher.db');
    keyFile = join(place, 'usher.key');
    const usher = await startProcess({
      database: `sqlite:${file}`,
      cwd: place,
      env: { USHER_SECRET: undefined },
    });
    const reply = await call(usher, 'POST', '/v1/signup', newIdentifiers());
    cookie = cookieOf(reply);
    await usher.kill();
    key = readFileSync(keyFile, 'utf8');
    expect(statSync(keyFile).mode & 0o777).toBe(0o600);
  });

  const faults: [name: string, spoil: () => void, ...words: string[]][] = [
    ['missing', () => renameSync(keyFile, `${keyFile}.away`), 'usher.key is missing', 'Restore it'],
    ['of another installation', () => write(`${'k3y'.repeat(20)}\n`), 'Wrong secret for this database'],
    ['cut off', () => write(key.slice(0, 20)), 'usher.key', 'fewer than 32 bytes'],
    ['empty', () => write(''), 'usher.key', 'fewer than 32 bytes'],
    ['readable by others', () => chmodSync(keyFile, 0o640), 'usher.key', 'chmod 600'],
  ];
  const write = (text: string) => writeFileSync(keyFile, text, { mode: 0o600 });

  it.skipIf(process.platform === 'win32').each(faults)(
    'rejects one that is %s',
    async (_, spoil, ...words) => {
      spoil();
      const found = existsSync(keyFile) ? readFileSync(keyFile, 'utf8') : undefined;
      const inside = await lookInside(file);
      const ended = await serve(folder(), env());
      expectError(ended, 2, ...words);
      expect(ended.stderr).not.toContain(key.trim());
      // Nothing was made in its place.
      expect(existsSync(keyFile) ? readFileSync(keyFile, 'utf8') : undefined).toBe(found);
      expect(await lookInside(file)).toEqual(inside);

      rmSync(keyFile, { force: true });
      write(key);
      const usher = await startProcess({ database: env().USHER_DATABASE, env: { USHER_SECRET: undefined } });
      const me = await call(usher, 'GET', '/v1/me', undefined, { cookie: cookie ?? '' });
      expect(me.status).toBe(200);
      await usher.kill();
    },
  );

  it('is made once by four that start at once', async () => {
    const place = newFolder();
    const database = `sqlite:${join(place, 'usher.db')}`;
    const four = await Promise.all(
      [1, 2, 3, 4].map(() => startProcess({ database, env: { USHER_SECRET: undefined } })),
    );
    expect(readdirSync(place).filter((name) => name.startsWith('usher.key'))).toEqual(['usher.key']);
    const made = await call(four[0] as (typeof four)[0], 'POST', '/v1/signup', newIdentifiers());
    for (const one of four)
      expect((await call(one, 'GET', '/v1/me', undefined, { cookie: cookieOf(made) ?? '' })).status).toBe(
        200,
      );
    await Promise.all(four.map((one) => one.kill()));
  });

  it.skipIf(process.platform === 'win32')('and a database that others can read', async () => {
    const place = newFolder();
    writeFileSync(join(place, 'usher.db'), '');
    chmodSync(join(place, 'usher.db'), 0o644);
    expectError(await serve(place, {}), 1, 'usher.db', 'chmod 600');
    expect(readdirSync(place)).toEqual(['usher.db']);
  });
});

describe.each(databases)('a database on $name', ({ create }) => {
  it('F40: of another secret, or given none, is rejected and stays as it is', async () => {
    const database = await create();
    const usher = await startProcess({ database: database.url });
    const names = newIdentifiers();
    expect((await call(usher, 'POST', '/v1/signup', names)).status).toBe(201);
    await usher.kill();
    const before = await lookInside(database.url);
    const other = 'Ix2PGGOFX4vvT1JZbnmV4Z9vWq0BYlrg5bXJw9aQ6lY';
    const env = { USHER_DATABASE: database.url, USHER_PUBLIC_URL: PUBLIC_URL };
    expectError(
      await serve(newFolder(), { ...env, USHER_SECRET: other }),
      2,
      'Wrong secret for this database',
    );
    if (!database.url.startsWith('sqlite:'))
      expectError(await serve(newFolder(), env), 2, 'USHER_SECRET is required', 'openssl rand');
    expect(await lookInside(database.url)).toEqual(before);
    const again = await startProcess({ database: database.url });
    const body = { email: names.email, password: PASSWORD };
    expect((await call(again, 'POST', '/v1/signin', body)).status).toBe(200);
    await again.kill();
    await database.remove();
  });

  it('F23: that is newer than the program, or was migrated by another file, is rejected', async () => {
    const database = await create();
    const env = { USHER_DATABASE: database.url, USHER_SECRET: SECRET };
    const change = async (statement: ReturnType<typeof sql>) => {
      const { db, close } = await openDatabase(database.url);
      await statement.execute(db);
      await close();
    };
    await change(sql`INSERT INTO migrations (name, checksum, applied_at) VALUES ('9999-future.sql', 'x', 0)`);
    const newer = await serve(newFolder(), env);
    expectError(
      newer,
      1,
      'The database is newer than this version of Usher',
      '9999-future.sql',
      'Upgrade Usher',
    );
    await change(sql`DELETE FROM migrations WHERE name = '9999-future.sql'`);
    await change(sql`UPDATE migrations SET checksum = 'x' WHERE name = '0002-users.sql'`);
    expectError(await serve(newFolder(), env), 1, '0002-users.sql has changed since it was applied');
    expect((await lookInside(database.url)).installation).toEqual([]);
    await database.remove();
  });
});

describe('F49: a port that is taken', () => {
  const taken = createServer();
  let port: number;
  beforeAll(async () => {
    taken.listen(0, '127.0.0.1');
    await once(taken, 'listening');
    ({ port } = taken.address() as AddressInfo);
  });
  afterAll(() => void taken.close());

  it('ends with 1 and says which', async () => {
    const folder = newFolder();
    expectError(
      await serve(folder, { USHER_PORT: `${port}` }),
      1,
      `Port ${port} is already in use`,
      'with --port or USHER_PORT.',
    );
    expect(readdirSync(folder)).toEqual([]);
  });

  it('also when it is the one of the metrics', async () => {
    const ended = await serve(newFolder(), { USHER_METRICS_PORT: `${port}` });
    expectError(ended, 1, `Port ${port} is already in use`, 'with --metrics-port or USHER_METRICS_PORT.');
  });

  it('and so does an IP address that is not of this machine', async () => {
    const env = { USHER_HOST: '192.0.2.1', USHER_PUBLIC_URL: 'https://accounts.example.org' };
    expectError(await serve(newFolder(), env), 1, 'USHER_HOST (192.0.2.1)');
  });
});

/** What a refused start must not touch. */
async function lookInside(place: string) {
  const { db, close } = await openDatabase(place.includes(':') ? place : `sqlite:${place}`);
  try {
    return {
      installation: await db.selectFrom('installation').selectAll().execute(),
      keys: await db.selectFrom('keys').selectAll().execute(),
      users: await db.selectFrom('users').selectAll().execute(),
      codes: await db.selectFrom('verifications').selectAll().execute(),
    };
  } finally {
    await close();
  }
}

/** A folder that is made when it is first asked for. */
function madeOnce(): () => string {
  let folder: string | undefined;
  return () => {
    folder ??= newFolder();
    return folder;
  };
}
