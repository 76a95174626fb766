import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, inject, it } from 'vitest';
import { flagName, isSecretSetting, loadConfig, settingNames, settings } from '../../src/config.ts';
import { run, wordsOf } from './program.ts';

const newFolder = () => mkdtempSync(join(inject('folder'), 'cli-'));
const secret = 'gAc4vLTJMkpvCb5ExDN0ulLWw1Rnp1Yjvv0xnSF2RDI';

const failureOf = (work: () => unknown): string => {
  try {
    work();
    return 'it did not fail';
  } catch (error) {
    return String(error);
  }
};

interface Line {
  name: string;
  value: string | number | string[] | null;
  source: string;
}
const linesOf = (stdout: string) =>
  new Map((JSON.parse(stdout).settings as Line[]).map(({ name, ...rest }) => [name, rest]));

it('prints every setting with where it comes from, and makes no database', async () => {
  const folder = newFolder();
  writeFileSync(join(folder, '.env'), 'USHER_SERVICE_NAME=Acme\nUSHER_TOKEN_MINUTES=20\n');
  writeFileSync(join(folder, 'audiences'), 'todos, billing\n');
  const env = {
    USHER_TOKEN_MINUTES: '30',
    USHER_AUDIENCES_FILE: 'audiences',
    USHER_TRUSTED_PROXIES: '10.0.0.0/8, 127.0.0.1',
    USHER_EVENTS_DAYS: 'forever',
  };
  const { code, stdout, stderr } = await run(folder, env, ['config', '--port', '4001', '--json']);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  const lines = linesOf(stdout);
  expect([...lines.keys()]).toEqual(settingNames.map((name) => settings[name].env));
  expect(Object.fromEntries(lines)).toMatchObject({
    USHER_PORT: { value: 4001, source: 'flag' },
    USHER_PUBLIC_URL: { value: 'http://localhost:4001', source: 'default' },
    USHER_TOKEN_MINUTES: { value: 30, source: 'environment' },
    USHER_AUDIENCES: { value: ['todos', 'billing'], source: 'file' },
    USHER_SERVICE_NAME: { value: 'Acme', source: '.env' },
    USHER_TRUSTED_PROXIES: { value: ['10.0.0.0/8', '127.0.0.1'], source: 'environment' },
    USHER_DATABASE: { value: 'sqlite:usher.db', source: 'default' },
    USHER_SECRET: { value: null, source: 'default' },
    USHER_METRICS_PORT: { value: null, source: 'default' },
    USHER_EVENTS_DAYS: { value: 'forever', source: 'environment' },
  });
  expect(readdirSync(folder)).not.toContain('usher.db');
});

it.each([
  [['--trusted-proxies', 'foo'], 'USHER_TRUSTED_PROXIES'],
  [['--audiences', 'https://a.example', '--public-url', 'https://a.example'], 'USHER_AUDIENCES'],
  [['--logo', 'missing.svg'], 'USHER_LOGO'],
  [['--breached-passwords', 'missing'], 'USHER_BREACHED_PASSWORDS'],
  [['--geoip', 'missing'], 'USHER_GEOIP'],
  [['--email-templates', 'missing'], 'USHER_EMAIL_TEMPLATES'],
  [['--messages', 'missing'], 'USHER_MESSAGES'],
  [['--language', 'tlh'], 'USHER_LANGUAGE'],
  [['--database', 'sqlite:missing/usher.db'], 'Directory '],
])('rejects %j as a start does, and makes no file', async (args, named) => {
  const folder = newFolder();
  const { code, stdout, stderr } = await run(folder, {}, ['config', ...args]);
  expect(stdout).toBe('');
  expect(code).not.toBe(0);
  expect(stderr).toContain(named);
  const served = await run(folder, { USHER_SECRET: secret }, ['serve', '--port', '0', ...args]);
  expect(served).toMatchObject({ code, stdout: '', stderr: expect.stringContaining(stderr) });
  expect(readdirSync(folder)).toEqual([]);
});

it('is documented with a flag for every setting but the secret ones', () => {
  const page = readFileSync(new URL('../../../../docs/reference/settings.md', import.meta.url), 'utf8');
  for (const name of settingNames) {
    const flag = isSecretSetting(name) ? '' : `\`${flagName(name)}\``;
    expect(page).toContain(`\n| \`${settings[name].env}\` | ${flag} |`);
  }
});

it('takes durations for sessions, and says what is wrong with others', () => {
  const load = (env: NodeJS.ProcessEnv) => loadConfig({}, { USHER_SECRET: secret, ...env }).config;
  expect(load({})).toMatchObject({ sessionIdle: '10m', sessionMax: '12h', keepSignedIn: 'off' });
  expect(load({ USHER_SESSION_IDLE: '8h', USHER_KEEP_SIGNED_IN: '30d' })).toMatchObject({
    sessionIdle: '8h',
    keepSignedIn: '30d',
  });
  for (const text of ['4m', '25h', '10', '10 m', '10M', '-10m', '1.5h', '600s', 'off'])
    expect(
      failureOf(() => load({ USHER_SESSION_IDLE: text })),
      text,
    ).toContain(
      `USHER_SESSION_IDLE (--session-idle) must be a duration from 5m to 24h, such as 30m, 12h or 7d (got "${text}").`,
    );
  expect(failureOf(() => load({ USHER_KEEP_SIGNED_IN: '366d' }))).toContain(
    'from 1d to 365d, such as 30d, or off',
  );
  expect(failureOf(() => load({ USHER_SESSION_IDLE: '24h' }))).toContain(
    'USHER_SESSION_IDLE (24h) is longer than USHER_SESSION_MAX (12h).',
  );
  expect(failureOf(() => load({ USHER_SESSION_MAX: '2d', USHER_KEEP_SIGNED_IN: '1d' }))).toContain(
    'USHER_SESSION_MAX (2d) is longer than USHER_KEEP_SIGNED_IN (1d).',
  );
  expect(failureOf(() => load({ USHER_REFRESH_MAX: '7d' }))).toContain(
    'USHER_REFRESH_IDLE (14d) is longer than USHER_REFRESH_MAX (7d).',
  );
});

it('prints the same as a table', async () => {
  const env = { USHER_METRICS_TOKEN: 'hunter2-hunter2-hunter2' };
  const { code, stdout, stderr } = await run(newFolder(), env, ['config', '--signup', 'closed']);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(stdout).not.toContain('hunter2');
  const rows = wordsOf(stdout);
  expect(rows[0]).toEqual(['SETTING', 'VALUE', 'SOURCE']);
  expect(rows).toContainEqual(['USHER_SIGNUP', 'closed', 'flag']);
  expect(rows).toContainEqual(['USHER_METRICS_TOKEN', '[secret]', 'environment']);
  expect(rows).toContainEqual(['USHER_SECRET', 'not set', 'default']);
});

it.each([
  [
    'postgres://ada:hunter2@db.example.org:5433/usher?pool_max=5',
    'postgres://ada:[secret]@db.example.org:5433/usher?pool_max=5',
  ],
  [
    'postgres://db.example.org/usher?user=ada&password=hunter2',
    'postgres://db.example.org/usher?user=ada&password=[secret]',
  ],
  ['postgres://db.example.org/usher', 'postgres://db.example.org/usher'],
])('prints no secret of %s', async (address, shown) => {
  const folder = newFolder();
  writeFileSync(join(folder, 'secret'), secret);
  const env = {
    USHER_DATABASE: address,
    USHER_DATABASE_TLS: 'off',
    USHER_SECRET_FILE: 'secret',
    USHER_METRICS_TOKEN: 'hunter2-hunter2-hunter2',
  };
  const { code, stdout, stderr } = await run(folder, env, ['config', '--json']);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(stdout).not.toMatch(/hunter2|gAc4/);
  expect(Object.fromEntries(linesOf(stdout))).toMatchObject({
    USHER_DATABASE: { value: shown, source: 'environment' },
    USHER_SECRET: { value: '[secret]', source: 'file' },
    USHER_METRICS_TOKEN: { value: '[secret]', source: 'environment' },
  });
});

it.each([
  'postgres://ada:p@hunter2/word@db.example.org/usher',
  'postgres://ada:p@hunter2@db.example.org/usher',
  'postgres://ada:1/hunter2@db.example.org/usher',
  'postgres://ada:x/hunter2@db.example.org/usher',
  'postgres://ada:x?hunter2@db.example.org/usher',
  'postgres://ada:x#hunter2@db.example.org/usher',
  'postgres://ada:%hunter2@db.example.org/usher',
  'postgres://ada:hunter2',
  'postgres:/ada:hunter2@db.example.org/usher',
  'postgres:ada:hunter2@db.example.org/usher',
])('L10: rejects %s, and says nothing of it', (address) => {
  const message = failureOf(() => loadConfig({}, { USHER_DATABASE: address, USHER_SECRET: secret }));
  expect(message).toContain('USHER_DATABASE');
  expect(message).toContain('%40');
  expect(message).not.toMatch(/hunter2|word@|example/);
});

it('L10: every command rejects such a URL before it does anything', async () => {
  const env = { USHER_DATABASE: 'postgres://ada:p@hunter2/word@db.example.org/usher', USHER_SECRET: secret };
  for (const args of [['config'], ['user', 'list'], ['serve', '--port', '0']]) {
    const { code, stdout, stderr } = await run(newFolder(), env, args);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain('USHER_DATABASE');
    expect(stderr).not.toMatch(/hunter2|word@|example/);
  }
});

it('L10: a command line holds no password, the environment does', async () => {
  const folder = newFolder();
  const address = 'postgres://ada@127.0.0.1:1/usher';
  for (const given of [address.replace('@', ':hunter2@'), `${address}?password=hunter2`]) {
    const { code, stderr } = await run(folder, {}, ['user', 'list', '--database', given]);
    expect(code).toBe(2);
    expect(stderr).toContain('USHER_DATABASE_PASSWORD_FILE');
    expect(stderr).not.toContain('hunter2');
    const both = await run(folder, { USHER_DATABASE: given, USHER_DATABASE_PASSWORD: 'hunter3' }, ['config']);
    expect(both).toMatchObject({ code: 2, stdout: '' });
    expect(both.stderr).toContain('Use only one of them');
    expect(both.stderr).not.toMatch(/hunter/);
  }
  const env = { USHER_DATABASE_PASSWORD: 'hunter2' };
  const { code, stdout } = await run(folder, env, ['config', '--json', '--database', address]);
  expect(code).toBe(0);
  expect(stdout).not.toContain('hunter2');
  expect(linesOf(stdout).get('USHER_DATABASE_PASSWORD')).toEqual({
    value: '[secret]',
    source: 'environment',
  });
});
