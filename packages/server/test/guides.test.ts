// The guides: each is run by a test, every link in them leads somewhere, and every name in them exists.
import { execFile, execFileSync } from 'node:child_process';
import { existsSync, globSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { promisify } from 'node:util';
import { describe, expect, inject, it } from 'vitest';
import { settings } from '../src/config.ts';
import { rateLimits } from '../src/core/rate-limits.ts';
import { errors } from '../src/errors.ts';
import { events } from '../src/events.ts';
import { routes } from '../src/routes.ts';
import { run } from './cli/program.ts';
import { blocksOf, guides, readGuide, textsOf } from './support/guides.ts';
import { launch } from './support/process.ts';

const root = resolve(import.meta.dirname, '../../..');
const names = globSync('*.md', { cwd: guides }).sort();
const tasks = names.filter((name) => name !== 'README.md');
const PASSWORD = 'correct horse battery staple';

/** Those whose commands are run here, in a folder with an installation and two users. */
const commands = [
  'admin-console.md',
  'back-up.md',
  'breached-passwords.md',
  'customize-the-pages.md',
  'deploy.md',
  'postgresql.md',
  'send-email.md',
  'troubleshoot-sign-in.md',
  'upgrade.md',
];

describe('the list of guides', () => {
  it('has each of them once, and no other', () => {
    const listed = [...readGuide('README.md').matchAll(/^- .*?\]\(([\w-]+\.md)\)/gm)].map(([, name]) => name);
    expect(listed.sort()).toEqual(tasks);
  });

  it('is a list of guides that a test runs', () => {
    const tests = globSync('packages/*/test/**/*.test.ts', { cwd: root })
      .filter((file) => !file.endsWith('server/test/guides.test.ts'))
      .map((file) => readFileSync(join(root, file), 'utf8'));
    const untested = tasks.filter(
      (name) => !commands.includes(name) && !tests.some((text) => text.includes(`${name}'`)),
    );
    // Its commands need a package registry; the names in them are checked below.
    expect(untested).toEqual(['install.md']);
  });
});

/** As GitHub makes the name of a heading. */
const anchorOf = (heading: string): string =>
  heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N} _-]/gu, '')
    .replaceAll(' ', '-');
const anchorsOf = (text: string): string[] =>
  [...text.matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) => anchorOf(heading));

/** A command line of a guide, as a shell would split it. */
const wordsOf = (line: string): string[] =>
  [...line.matchAll(/'([^']*)'|"([^"]*)"|(\S+)/g)].map(([, one, two, three]) => one ?? two ?? three ?? '');

/** Every line of the guide that runs our program, without what comes behind a pipe. */
const commandLines = (guide: string): string[] =>
  ['sh', 'console']
    .flatMap((language) => textsOf(guide, language))
    .flatMap((text) => text.split('\n'))
    .map((line) => /^(?:npx usher-auth|usher) ([^|>]*)/.exec(line)?.[1]?.trim() ?? '')
    .filter((line) => line !== '');

describe.each(names)('%s', (name) => {
  const guide = readGuide(name);

  it('leads only to what is there', () => {
    const prose = guide.replace(/^```[\s\S]*?^```$/gm, '').replace(/`[^`]+`\)?/g, '');
    for (const [, target = ''] of prose.matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^https:/.test(target)) continue;
      const [path = '', anchor] = target.split('#');
      const file = path === '' ? join(guides, name) : resolve(guides, path);
      expect(existsSync(file), target).toBe(true);
      if (anchor !== undefined) expect(anchorsOf(readFileSync(file, 'utf8')), target).toContain(anchor);
    }
  });

  it('names settings, calls, limits, events and errors that exist', () => {
    const variables: string[] = Object.values(settings).map(({ env }) => env);
    for (const [setting] of guide.matchAll(/USHER_[A-Z_]+/g))
      expect(variables, setting).toContain(setting.replace(/_FILE$/, ''));
    const paths = routes.map(({ path }) => path);
    for (const [, path = ''] of guide.matchAll(/(?:localhost:4000|[`/ (])(\/v1\/[\w/:-]+)/g))
      expect(paths, path).toContain(path.replace(/\/$/, ''));
    const known = { ...rateLimits, ...events, ...errors };
    for (const [, cell = ''] of guide.matchAll(/^\| ((?:`\w+`[, and]*)+) \|/gm))
      for (const [, word = ''] of cell.matchAll(/`([a-z]+(?:[A-Z_][a-z]+)+)`/g))
        if (name === 'troubleshoot-sign-in.md') expect(Object.keys(known), word).toContain(word);
  });

  it('speaks of packages by the names that they are installed by', () => {
    expect(guide).not.toMatch(/@usher\/|from 'usher'|install usher\b(?!-)|npx usher\b(?!-)/);
  });

  it('runs commands that exist, with flags that they have', async () => {
    for (const line of commandLines(guide)) {
      const words = wordsOf(line);
      const at = words.findIndex((word) => !/^[a-z][a-z-]*$/.test(word));
      const path = words.slice(0, at < 0 ? words.length : at).slice(0, 2);
      const help = await run(inject('folder'), {}, [...path, '--help']);
      expect([line, help.code]).toEqual([line, 0]);
      for (const flag of words.filter((word) => word.startsWith('--')))
        if (flag !== '--help') expect([line, help.stdout]).toEqual([line, expect.stringContaining(flag)]);
    }
  });
});

describe('the commands of', () => {
  /** A folder with a database, a user, and an email that was not sent. */
  async function newInstallation() {
    const folder = mkdtempSync(join(inject('folder'), 'guide-'));
    const usher = async (args: string[], input = '') => {
      const ended = await run(folder, {}, args, input);
      expect([args, ended.code, ended.stderr]).toEqual([args, 0, expect.anything()]);
      return ended.stdout;
    };
    const add = ['user', 'add', '--password-stdin'];
    await usher(['db', 'create']);
    await usher([...add, '--username', 'grace', '--email', 'grace@example.org', '--admin'], PASSWORD);
    return { folder, usher, add };
  }

  /** What a shell does with a line that is not ours. */
  async function shell(folder: string, line: string): Promise<string> {
    const [, file, statement = ''] = /^sqlite3 (\S+) "(.*)"$/.exec(line) ?? [];
    if (!file || hasSqlite())
      return (await promisify(execFile)('bash', ['-e', '-c', line], { cwd: folder })).stdout;
    const database = new DatabaseSync(join(folder, file));
    database.exec(statement.replace(/'(.*)'/, (_, path: string) => `'${join(folder, path)}'`));
    database.close();
    return '';
  }

  it.each(commands)('%s can be run one after the other', async (name) => {
    const { folder, usher, add } = await newInstallation();
    if (name !== 'admin-console.md')
      await usher([...add, '--username', 'ada', '--email', 'ada@example.org'], PASSWORD);
    if (name === 'send-email.md') await usher(['user', 'send-mail', 'ada']);
    let said = '';
    let ran = 0;
    for (const { language, file, text } of blocksOf(readGuide(name))) {
      if (file && language !== 'sh') {
        mkdirSync(dirname(join(folder, file)), { recursive: true });
        writeFileSync(join(folder, file), text);
      } else if (language === 'text') expect(said).toContain(text.trim());
      if (language !== 'sh') continue;
      said = '';
      for (const line of text.trim().split('\n')) {
        ran++;
        const [program, ...args] = wordsOf(line);
        if (program !== 'usher') said += await shell(folder, line);
        else if (args[0] === 'serve') await serve(folder, args.slice(1));
        else said += await usher(args);
      }
    }
    expect(ran).toBeGreaterThan(0);
  });

  /** Starts the server, and stops it once it is ready. */
  async function serve(cwd: string, args: string[]): Promise<void> {
    const started = launch({ database: 'sqlite:usher.db', cwd, args, env: { USHER_SECRET: undefined } });
    await started.ready;
    expect(await started.kill()).toEqual({ code: 0, signal: null });
  }
});

function hasSqlite(): boolean {
  try {
    execFileSync('bash', ['-c', 'command -v sqlite3'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
