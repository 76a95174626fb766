import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { databases } from './support/postgres.ts';
import { startTodos } from './support/todos.ts';
import { withDatabase, withStarted } from './support/with-app.ts';

const root = join(import.meta.dirname, '../../..');
const readme = readFileSync(join(root, 'README.md'), 'utf8');
const notes = readFileSync(join(root, 'docs/notes.md'), 'utf8');
const commands = [...readme.matchAll(/```sh\n([\s\S]*?)```/g)].map(([, block]) => block ?? '');
const answers = [...readme.matchAll(/```json\n([\s\S]*?)```/g)].flatMap(([, block]) =>
  (block ?? '').trim().split('\n'),
);

describe.each(databases)('the README on $name', ({ create }) => {
  const database = withDatabase(create);
  const started = withStarted(
    () => startTodos(database),
    (it) => it.stop(),
  );
  let folder: string;
  beforeAll(async () => {
    folder = mkdtempSync(join(inject('folder'), 'readme-'));
  });
  afterAll(async () => {
    rmSync(folder, { recursive: true });
  });

  it('signs up, gets tokens, calls the API and signs out with its own lines', async () => {
    expect(commands).toHaveLength(1);
    // Word for word, but for the port.
    const script = commands
      .map((block) => block.replaceAll('http://localhost:4000', started.app.url))
      .join('\n');
    const { stdout } = await promisify(execFile)('bash', ['-e', '-c', script], { cwd: folder });
    const printed = stdout.split(/\n|(?<=\})(?=\{)/).filter((line) => line.startsWith('{'));
    expect(answers).toHaveLength(2);
    expect(printed.slice(-2).map(shapeOf)).toEqual(answers.map(shapeOf));
    const [signedUp, me] = printed.map((line) => JSON.parse(line));
    expect(signedUp).toMatchObject({ message: 'user created!', user: { username: 'grace' } });
    expect(me.user).toEqual(signedUp.user);
  });

  it('is at most 150 lines', () => {
    expect(readme.split('\n').length).toBeLessThanOrEqual(150);
  });

  it('links to files that are there', () => {
    const links = [...readme.matchAll(/(?:\]\(|src(?:set)?=")([^)"#]+)/g)].map(([, path]) => path ?? '');
    const files = links.filter((path) => !path.startsWith('https://'));
    expect(files.length).toBeGreaterThan(15);
    for (const file of files) expect(existsSync(join(root, file)), file).toBe(true);
  });
});

describe('the documents for contributors', () => {
  const read = (file: string) => readFileSync(join(root, file), 'utf8');

  it.each(['ARCHITECTURE.md', 'CONTRIBUTING.md', 'docs/change.md'])(
    '%s names files and folders that are there',
    (document) => {
      const text = read(document);
      const quoted = [...text.matchAll(/`([\w.-][\w./-]*)`/g)].map(([, name]) => name ?? '');
      // Capitals stand for a name that the reader chooses, as in `emails/en/KIND.md`.
      const paths = quoted.filter(
        (name) => /\/|\.(ts|tsx|js|md)$/.test(name) && !/\b(KIND|LANGUAGE)\b/.test(name),
      );
      expect(paths.length).toBeGreaterThan(15);
      const places = ['.', 'packages/server', 'packages/server/src', 'packages/server/src/routes'];
      const missing = paths.filter((path) => !places.some((place) => existsSync(join(root, place, path))));
      const links = [...text.matchAll(/\]\(([^)#:]+)\)/g)].map(([, path]) => path ?? '');
      const broken = links.filter((path) => !existsSync(join(root, dirname(document), path)));
      expect([...missing, ...broken]).toEqual([]);
    },
  );

  it('ARCHITECTURE.md says what each check protects, and is at most 200 lines', () => {
    const text = read('ARCHITECTURE.md');
    const { scripts } = JSON.parse(read('package.json'));
    const checks = Object.keys(scripts).filter((name) => name.startsWith('check:'));
    expect([...text.matchAll(/^\| `(check:\w+)` \|/gm)].map(([, name]) => name).sort()).toEqual(
      checks.sort(),
    );
    expect(text.split('\n').length).toBeLessThanOrEqual(200);
  });
});

describe('the table of the notes', () => {
  const rows = [...notes.matchAll(/^\| ([A-D]\d) \| (.+) \| (.+) \| (.+) \|(.*)\|$/gm)];
  const paths = (text: string) => [...text.matchAll(/`([^`]+)`/g)].map(([, path]) => path ?? '');

  it('has every line of them', () => {
    const names = { A: 8, B: 5, C: 6, D: 7 };
    const expected = Object.entries(names).flatMap(([note, count]) =>
      Array.from({ length: count }, (_, i) => `${note}${i + 1}`),
    );
    expect(rows.map(([, name]) => name)).toEqual(expected);
  });

  it.each(rows.map(([, name, , where, tests]) => [name, where ?? '', tests ?? '']))(
    '%s names files that are there',
    (_, where, tests) => {
      const files = paths(tests).map((path) =>
        path.startsWith('@')
          ? `packages/${path.slice(1).replace('/', '/test/')}`
          : `packages/server/test/${path}`,
      );
      const sources = paths(where)
        .filter((path) => /^(core|flows|migrations|examples)\//.test(path) || path.endsWith('.ts'))
        .map((path) =>
          path.startsWith('examples/')
            ? path
            : path === 'migrations/'
              ? `packages/server/${path}`
              : `packages/server/src/${path}`,
        );
      const links = [...where.matchAll(/\]\(([^)]+)\)/g)].map(([, path]) => `docs/${path}`);
      expect(files.length).toBeGreaterThan(0);
      for (const file of [...files, ...sources, ...links])
        expect(existsSync(join(root, file)), file).toBe(true);
    },
  );
});

/** An answer with what differs every time left out, as the README shows it. */
function shapeOf(line: string): unknown {
  return JSON.parse(line, (name, value) =>
    ['id', 'created_at', 'request_id'].includes(name) || (name === 'message' && value.length > 30)
      ? '...'
      : value,
  );
}
