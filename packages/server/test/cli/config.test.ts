import { mkdtempSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, inject, it } from 'vitest';
import { settingNames, settings } from '../../src/config.ts';
import { run, wordsOf } from './program.ts';

const newFolder = () => mkdtempSync(join(inject('folder'), 'cli-'));
const secret = 'gAc4vLTJMkpvCb5ExDN0ulLWw1Rnp1Yjvv0xnSF2RDI';

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
  ['postgres://ada:1/hunter2@db.example.org/usher', '[secret]'],
  ['postgres://ada:x/hunter2@db.example.org/usher', '[secret]'],
  ['postgres://ada:x#hunter2@db.example.org/usher', '[secret]'],
  ['postgres:/ada:hunter2@db.example.org/usher', '[secret]'],
  ['postgres://db.example.org/usher', 'postgres://db.example.org/usher'],
])('prints no secret of %s', async (address, shown) => {
  const folder = newFolder();
  writeFileSync(join(folder, 'secret'), secret);
  const env = {
    USHER_DATABASE: address,
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
