// F10: a SQLite file that something has damaged. Usher refuses to start or to answer; it lets nobody in who was not let in
// before, and does not take a damaged installation for a new one.
import { randomBytes } from 'node:crypto';
import { copyFileSync, mkdtempSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import fc from 'fast-check';
import { beforeAll, describe, expect, inject, it } from 'vitest';
import { makeSetUpLink, serveContext } from '../../src/app.ts';
import { configFromOptions } from '../../src/config.ts';
import { openContext } from '../../src/open-context.ts';
import { createLog } from '../../src/platform/log.ts';
import { runProcess } from '../cli/program.ts';
import { newIdentifiers, PASSWORD } from '../support/app.ts';
import { secretOf } from '../support/form.ts';
import { call, cookieOf, PUBLIC_URL, SECRET, startProcess, submit } from '../support/process.ts';

const newFolder = () => mkdtempSync(join(inject('folder'), 'damaged-'));
const PAGE = 4096;

/** An installation that was used and stopped, to be copied; and one that was killed, with its log beside it. */
let stopped: string;
let killed: string;
/** Where its tables and indexes begin in the file. */
let roots: Map<string, number>;
let username: string;
/** The cookie of a session that was ended before the file was damaged. */
let endedCookie: string;

beforeAll(async () => {
  stopped = join(newFolder(), 'usher.db');
  const usher = await startProcess({ database: `sqlite:${stopped}` });
  const token = secretOf(usher.setUpLink ?? '');
  const setUp = await submit(usher, '/setup', { ...newIdentifiers(), token: token ?? '' });
  expect(setUp.status).toBe(201);
  for (let i = 0; i < 6; i++) {
    const names = newIdentifiers();
    const made = await call(usher, 'POST', '/v1/signup', names);
    username = names.username;
    endedCookie = cookieOf(made) ?? '';
    expect((await call(usher, 'POST', '/v1/logout', undefined, { cookie: endedCookie })).status).toBe(200);
  }
  await usher.kill();
  killed = join(newFolder(), 'usher.db');
  copyFileSync(stopped, killed);
  const again = await startProcess({ database: `sqlite:${killed}` });
  for (let i = 0; i < 3; i++)
    expect((await call(again, 'POST', '/v1/signup', newIdentifiers())).status).toBe(201);
  await again.kill('SIGKILL');

  const file = new DatabaseSync(stopped, { readOnly: true });
  const rows = file.prepare('SELECT name, rootpage FROM sqlite_schema WHERE rootpage > 0').all();
  roots = new Map(rows.map(({ name, rootpage }) => [String(name), (Number(rootpage) - 1) * PAGE]));
  file.close();
});

type Damage = (bytes: Buffer) => void;

const flip = (bytes: Buffer, ...places: number[]): void => {
  for (const place of places) bytes[place] = (bytes[place] ?? 0) ^ 0xff;
};
const onPage =
  (name: string, spoil: (page: Buffer) => void): Damage =>
  (bytes) => {
    const start = roots.get(name) ?? expect.fail(`no table ${name}`);
    spoil(bytes.subarray(start, start + PAGE));
  };

const header: [name: string, damage: Damage][] = [
  ['the name of the format', (bytes) => flip(bytes, 0)],
  ['the page size', (bytes) => flip(bytes, 16, 17)],
  ['the version to write', (bytes) => flip(bytes, 18)],
  ['the version to read', (bytes) => flip(bytes, 19)],
  ['the room kept free on pages', (bytes) => flip(bytes, 20)],
  ['the size of the file', (bytes) => flip(bytes, 24, 28, 31, 92)],
  ['the list of free pages', (bytes) => flip(bytes, 32, 35, 36, 39)],
  ['the schema format', (bytes) => flip(bytes, 44, 47)],
  ['the encoding of texts', (bytes) => flip(bytes, 59)],
  ['the schema', (bytes) => flip(bytes, ...Array.from({ length: 60 }, (_, i) => 100 + i * 7))],
];

const wipe = (page: Buffer): void => void page.writeUInt16BE(0, 3);

const tables = [
  'installation',
  'migrations',
  'users',
  'sessions',
  'keys',
  'rate_limits',
  'verifications',
  'users_username_key',
];
const pages: [name: string, damage: Damage][] = tables.flatMap((name): [string, Damage][] => [
  [`the kind of the page of ${name}`, onPage(name, (page) => flip(page, 0))],
  [`the count of the rows of ${name}`, onPage(name, (page) => page.writeUInt16BE(0x7fff, 3))],
  [`the rows of ${name}, which look deleted`, onPage(name, wipe)],
  [`the places of the rows of ${name}`, onPage(name, (page) => page.fill(0xff, 8, 24))],
  [`all of the page of ${name}`, onPage(name, (page) => page.fill(0))],
]);

const lost: [name: string, damage: Damage][] = [
  [
    'the row that says what it is, and its index,',
    (bytes) => {
      onPage('installation', wipe)(bytes);
      onPage('sqlite_autoindex_installation_1', wipe)(bytes);
    },
  ],
];

/** The same places at every run; what is there differs. */
const anywhere: [name: string, damage: Damage][] = Array.from({ length: 30 }, (_, seed) => [
  `some bytes (${seed})`,
  (bytes) => {
    const places = fc.sample(fc.noBias(fc.nat(10_000_000)), { seed, numRuns: 8 });
    flip(bytes, ...places.map((place) => place % bytes.length));
  },
]);

describe('nobody gets in, and it is not taken for new', () => {
  it.each([...header, ...pages, ...lost, ...anywhere])('F10: with %s damaged', async (name, damage) => {
    const file = join(newFolder(), 'usher.db');
    const bytes = readFileSync(stopped);
    damage(bytes);
    writeFileSync(file, bytes, { mode: 0o600 });
    // Rows may say anything then, also that an ended session is not; what they say may even look like a bug.
    const isAnywhere = name.startsWith('some bytes');
    await expectNoEntry(file, isAnywhere ? undefined : endedCookie, isAnywhere ? [500] : []);
  });
});

describe('nor when the log of a killed process is damaged', () => {
  const wal: [name: string, damage: Damage][] = [
    ['its head', (bytes) => flip(bytes, 0, 8, 16)],
    ['its first page', (bytes) => flip(bytes, 40, 100, 1000)],
    ['one in the middle', (bytes) => flip(bytes, Math.floor(bytes.length / 2))],
    ['its end', (bytes) => flip(bytes, bytes.length - 1)],
    ['all of it', (bytes) => void bytes.set(randomBytes(bytes.length))],
  ];
  it.each(wal)('F10: %s', async (_, damage) => {
    const file = join(newFolder(), 'usher.db');
    copyFileSync(killed, file);
    const bytes = readFileSync(`${killed}-wal`);
    expect(bytes.length).toBeGreaterThan(PAGE);
    damage(bytes);
    writeFileSync(`${file}-wal`, bytes, { mode: 0o600 });
    await expectNoEntry(file, endedCookie);
  });
});

describe('the program', () => {
  const spoilt: [name: string, spoil: (file: string) => void][] = [
    ['something else', (file) => writeFileSync(file, 'dear diary, today I was not a database')],
    ['half of itself', (file) => truncateSync(file, Math.floor(readFileSync(file).length / 2 / PAGE) * PAGE)],
    ['without a readable schema', (file) => rewrite(file, (bytes) => bytes.fill(0xff, 100, 200))],
    ['without the row that says what it is', (file) => rewrite(file, onPage('installation', wipe))],
    ['without that row and its index', (file) => rewrite(file, (bytes) => lost[0]?.[1](bytes))],
  ];
  it.each(spoilt)('F10: rejects a file that is %s, in one sentence', async (_, spoil) => {
    const folder = newFolder();
    const file = join(folder, 'usher.db');
    copyFileSync(stopped, file);
    spoil(file);
    const env = { USHER_SECRET: SECRET, USHER_PUBLIC_URL: PUBLIC_URL, USHER_PORT: '0' };
    const { code, stdout, stderr } = await runProcess(folder, env, ['serve']);
    expect(stderr).toMatch(/^usher: [^\n]*(database|damaged)[^\n]*\n$/);
    expect(stderr).not.toContain('/setup#token=');
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
  });
});

const rewrite = (file: string, damage: (bytes: Buffer) => unknown): void => {
  const bytes = readFileSync(file);
  damage(bytes);
  writeFileSync(file, bytes);
};

/** Opens the file as the program does. If it can be opened at all, nobody gets in who should not. */
async function expectNoEntry(
  file: string,
  ended: string | undefined,
  alsoFine: number[] = [],
): Promise<void> {
  const config = configFromOptions({ database: `sqlite:${file}`, publicUrl: PUBLIC_URL, secret: SECRET });
  const opened = await openContext(config, { log: createLog('silent') }).catch((error: unknown) => {
    expect(error).toBeInstanceOf(Error);
    return undefined;
  });
  if (!opened) return;
  const usher = serveContext(opened);
  try {
    expect(await makeSetUpLink(opened.context).catch(() => undefined), 'a set-up link').toBeUndefined();
    const ask = (method: string, path: string, headers: Record<string, string>, body?: unknown) =>
      usher.fetch(
        new Request(`${PUBLIC_URL}${path}`, {
          method,
          headers: body ? { 'content-type': 'application/json', ...headers } : headers,
          ...(body ? { body: JSON.stringify(body) } : {}),
        }),
      );
    const replies = await Promise.all([
      ask('POST', '/v1/signin', {}, { username, password: 'not the password' }),
      ask('POST', '/v1/login', {}, { username: newIdentifiers().username, password: PASSWORD }),
      ask('POST', '/v1/refresh', {}, { refresh_token: randomBytes(60).toString('base64url') }),
      ask('GET', '/v1/me', { cookie: `usher=${endedCookie.slice(0, -2)}AA` }),
      ask('GET', '/v1/users', { authorization: 'Bearer x.y.z' }),
      ...(ended === undefined ? [] : [ask('GET', '/v1/me', { cookie: `usher=${ended}` })]),
    ]);
    for (const { status } of replies) expect([401, 429, 503, ...alsoFine]).toContain(status);
    // Whoever has the right password gets in, or is told that it cannot be looked up now.
    const right = await ask('POST', '/v1/signin', {}, { username, password: PASSWORD });
    expect([200, 401, 429, 503, ...alsoFine], await right.text()).toContain(right.status);
  } finally {
    await usher.close();
  }
}
