import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, inject, it } from 'vitest';
import { type Ended, run, runProcess } from './program.ts';

const newFolder = () => mkdtempSync(join(inject('folder'), 'cli-'));
const usher = (args: string[], env: Record<string, string> = {}): Promise<Ended> =>
  run(newFolder(), env, args);

// All other tests of commands run them in this process.
describe('the built program in a process of its own', () => {
  it('does with a database what the commands do in this process', async () => {
    const [here, there] = [newFolder(), newFolder()];
    const ids = /\b[0-9a-f]{8}-[0-9a-f-]{27}\b|[\w-]{22}|\d{4}-\d\d-\d\d[T ][\d:.]+Z?/g;
    const alike = ({ code, stdout, stderr }: Ended, folder: string) => ({
      code,
      stdout: stdout.replaceAll(folder, '').replace(ids, ''),
      stderr: stderr.replaceAll(folder, ''),
    });
    for (const [line, code, input = ''] of [
      ['user list', 1],
      ['db create', 0],
      ['user add --username ada --email ada@example.org --password-stdin', 0, 'correct horse battery staple'],
      ['user list --json', 0],
      ['user delete ada', 2, 'ada\n'],
      ['key list', 0],
      ['email list', 0],
      ['events --name user_created', 0],
      ['config --json', 0],
      ['completion bash', 0],
      ['db drop --yes', 0],
    ] as const) {
      const args = line.split(' ');
      const inProcess = alike(await runProcess(there, {}, args, input), there);
      expect([line, inProcess.code]).toEqual([line, code]);
      expect(inProcess).toEqual(alike(await run(here, {}, args, input), here));
    }
  });
});

describe('a command line that makes no sense ends with 2', () => {
  it.each([
    [['usr'], "usher: Unknown command 'usr'. Did you mean user?"],
    [['user', 'import', 'users.csv', '--reset'], 'Did you mean --reset-rejected?'],
    [['completion', 'pwsh'], "usher: 'pwsh' isn’t valid for <shell>. Allowed choices are bash, zsh, fish."],
    [['user', 'lst'], 'Did you mean list?'],
    [['user', 'list', '--admin'], 'Did you mean --admins?'],
    [
      ['user', 'add', '--username', 'ada', '--email', 'ada@example.org', '--password', 'x'],
      "usher: Unknown option '--password'.",
    ],
    [['user', 'show'], "usher: Missing required argument 'name'."],
    [
      ['user', 'show', 'ada', 'grace'],
      "usher: Too many arguments for 'show'. Expected 1 argument but got 2.",
    ],
    [
      ['user', 'list', '--limit', '0'],
      "usher: '0' isn’t valid for --limit. Expected a whole number from 1 to 1000.",
    ],
    [['user', 'list', '--cursor', 'ada'], 'Expected a cursor from a previous page'],
    [['config', '--secret', 'x'], "usher: Unknown option '--secret'."],
  ])('usher %j', async (args, sentence) => {
    const { code, stdout, stderr } = await usher(args as string[]);
    expect(stderr).toContain(sentence);
    expect(stderr).not.toMatch(/error:|commander/i);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  });

  it.each([[[]], [['db']], [['user']], [['key']]])('usher %j shows its help', async (args) => {
    const { code, stdout, stderr } = await usher(args);
    expect(stderr).toContain('Commands:');
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  });
});

describe('a bad setting ends with 2', () => {
  it.each([
    [{ USHER_PROT: '4001' }, 'Unknown setting USHER_PROT in the environment. Did you mean USHER_PORT?'],
    [
      { USHER_EVENTS_DAYS: '0' },
      'USHER_EVENTS_DAYS (--events-days) must be a whole number from 1 to 36500 or forever (got "0").',
    ],
    [{ USHER_PORT: 'http' }, 'USHER_PORT (--port) must be a whole number from 0 to 65535 (got "http").'],
    // Secrets have no flag.
    [{ USHER_SECRET: 'hunter2' }, 'USHER_SECRET must be at least 32 bytes (it has 7).'],
    [{ USHER_METRICS_TOKEN: 'hunter2' }, 'USHER_METRICS_TOKEN must be at least 16 characters.'],
    [{ USHER_SMTP_URL: 'hunter2' }, 'USHER_SMTP_URL must be smtp://'],
  ])('%j', async (env, sentence) => {
    for (const line of ['user list', 'config']) {
      const { code, stdout, stderr } = await usher(line.split(' '), env);
      expect(stderr).toContain(`usher: ${sentence}`);
      expect(stderr).not.toContain('hunter2');
      expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    }
  });
});

describe('a file that is not there is named with the reason and what to do', () => {
  const NONE = 'no such file or directory';
  it.each<[string, number, string]>([
    ['user import none.csv', 1, `Couldn’t read none.csv: ${NONE}. Check the path.`],
    [
      'user import users.csv --firebase none.txt',
      2,
      `Couldn’t read none.txt (--firebase): ${NONE}. Check the path.`,
    ],
    [
      'user export none/users.csv',
      1,
      'Couldn’t write none/users.csv: the folder none doesn’t exist. Create it, or choose another place.',
    ],
    ['config --logo none.svg', 2, `USHER_LOGO: couldn’t read none.svg: ${NONE}. Name an SVG file`],
    ['config --breached-passwords none', 2, `USHER_BREACHED_PASSWORDS: couldn’t read none (${NONE}). `],
  ])('usher %s', async (line, code, sentence) => {
    const folder = newFolder();
    await run(folder, {}, ['db', 'create']);
    const ended = await run(folder, {}, line.split(' '));
    expect(ended.stderr).toContain(`usher: ${sentence}`);
    expect(ended.stderr).not.toMatch(/ENOENT|\.part/);
    expect(ended).toMatchObject({ code, stdout: '' });
  });

  it('of a setting', async () => {
    const { code, stderr } = await usher(['config'], { USHER_SECRET_FILE: '/none/secret' });
    expect([code, stderr]).toEqual([
      2,
      `usher: Couldn’t read /none/secret: ${NONE}. Set USHER_SECRET_FILE to a file that the user that runs usher can read.\n`,
    ]);
  });
});

it('proposes no password in a command line', async () => {
  const { code, stderr } = await usher(['config', '--database', 'mysql://localhost/usher']);
  expect(code).toBe(2);
  expect(stderr).toContain('sqlite:PATH or postgres://USER@HOST/NAME');
  expect(stderr).not.toContain('USER:PASSWORD');
});

describe('help', () => {
  const changes = ['promote', 'demote', 'disable', 'enable', 'logout', 'delete', 'reset-password'];
  const commands = [
    ...['serve', 'health', 'config', 'db', 'user', 'key'],
    ...['create', 'migrate', 'seed', 'drop'].map((name) => `db ${name}`),
    ...['add', 'list', 'show', ...changes].map((name) => `user ${name}`),
    ...['list', 'rotate'].map((name) => `key ${name}`),
  ];

  it.each(commands)('usher %s --help has an example, and no flag for what is secret', async (name) => {
    const { code, stdout, stderr } = await usher([...name.split(' '), '--help']);
    expect(stdout).toContain(`\n  usher ${name}`);
    expect(stdout).toMatch(/^Examples?:$/m);
    expect(stdout).not.toMatch(/--(secret|password|metrics-token)\b(?!-)/);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  });

  it('names every command', async () => {
    const { stdout } = await usher(['--help']);
    for (const name of ['serve', 'health', 'db', 'user', 'key', 'config'])
      expect(stdout).toMatch(new RegExp(`^  ${name}`, 'm'));
  });
});

describe('a database that is not there', () => {
  const needing = [
    ...['user list', 'user add --username ada --email ada@example.org', 'user delete ada --yes'],
    ...['key rotate', 'db migrate', 'db seed', 'db drop --yes'],
  ];

  it.each(needing)('usher %s makes none', async (line) => {
    const folder = newFolder();
    const { code, stdout, stderr } = await run(folder, {}, line.split(' '));
    expect(readdirSync(folder)).toEqual([]);
    expect(stderr).toBe(
      `usher: No database at ${join(folder, 'usher.db')}. Create it with: usher db create\n`,
    );
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
  });

  it.each(['user list', 'db migrate', 'db drop --yes'])(
    'usher %s leaves a file alone that is something else',
    async (line) => {
      const folder = newFolder();
      const file = join(folder, 'usher.db');
      writeFileSync(file, 'dear diary, today I was not a database', { mode: 0o600 });
      const { code, stdout, stderr } = await run(folder, {}, line.split(' '));
      expect(readFileSync(file, 'utf8')).toBe('dear diary, today I was not a database');
      expect(stderr.trim().split('\n')).toEqual([
        expect.stringContaining(`Couldn’t open the database ${file}`),
      ]);
      expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    },
  );
});

describe('a database that is away', () => {
  const env = {
    USHER_DATABASE: 'postgres://ada:hunter2@127.0.0.1:1/usher',
    USHER_SECRET: 'gAc4vLTJMkpvCb5ExDN0ulLWw1Rnp1Yjvv0xnSF2RDI',
  };

  it.each(['user list', 'db create', 'db drop --yes'])(
    'usher %s says so in one sentence, without its password',
    async (line) => {
      const { code, stdout, stderr } = await usher(line.split(' '), env);
      expect(stderr.trim().split('\n')).toHaveLength(1);
      expect(stderr).toMatch(/^usher: Database error: Couldn’t connect to .* at 127\.0\.0\.1:1: /);
      expect(stderr).toContain('Check that it is running, and the database URL.');
      expect(stderr).not.toMatch(/hunter2|gAc4/);
      expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    },
  );
});
