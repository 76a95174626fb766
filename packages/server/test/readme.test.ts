import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { databases, type TestDatabase } from './support/postgres.ts';
import { startTodos, type TodoServer } from './support/todos.ts';

const readme = readFileSync(join(import.meta.dirname, '../../../README.md'), 'utf8');
const commands = [...readme.matchAll(/```sh\n([\s\S]*?)```/g)].map(([, block]) => block ?? '');
const answers = [...readme.matchAll(/```json\n([\s\S]*?)```/g)].flatMap(([, block]) =>
  (block ?? '').trim().split('\n'),
);

describe.each(databases)('the README on $name', ({ create }) => {
  let database: TestDatabase;
  let started: TodoServer;
  let folder: string;
  beforeAll(async () => {
    database = await create();
    started = await startTodos(database);
    folder = mkdtempSync(join(inject('folder'), 'readme-'));
  });
  afterAll(async () => {
    await started.stop();
    await database.remove();
    rmSync(folder, { recursive: true });
  });

  it('goes from sign-up to a finished to-do and a log-out with its own lines', async () => {
    expect(commands.length).toBeGreaterThan(4);
    // Word for word, but for the port.
    const script = commands
      .map((block) => `${block.replaceAll('http://localhost:4000', started.app.url)}\necho`)
      .join('\n');
    const { stdout } = await promisify(execFile)('bash', ['-e', '-c', script], { cwd: folder });
    const printed = stdout.split(/\n|(?<=\})(?=\{)/).filter((line) => line.startsWith('{'));
    expect(answers.length).toBe(6);
    for (const answer of answers) expect(printed.map(shapeOf)).toContainEqual(shapeOf(answer));
    expect(printed.map((line) => JSON.parse(line).message ?? 'data')).toEqual([
      'user created!',
      'data',
      'data',
      'data',
      'logout successful!',
      'The token is invalid or has expired. Sign in again.',
      'data',
      'delete successful!',
      'user created!',
      'If an account has this address, a mail is on its way to it.',
    ]);
  });
});

describe('the table of the notes in the README', () => {
  const rows = [...readme.matchAll(/^\| ([A-D]\d) \| (.+) \| (.+) \| (.+) \|(.*)\|$/gm)];
  const paths = (text: string) => [...text.matchAll(/`([^`]+)`/g)].map(([, path]) => path ?? '');
  const root = join(import.meta.dirname, '../../..');

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
      const links = [...where.matchAll(/\]\(([^)]+)\)/g)].map(([, path]) => path ?? '');
      expect(files.length).toBeGreaterThan(0);
      for (const file of [...files, ...sources, ...links])
        expect(existsSync(join(root, file)), file).toBe(true);
    },
  );
});

/** An answer with what differs every time left out, as the README shows it. */
function shapeOf(line: string): unknown {
  return JSON.parse(line, (name, value) =>
    ['id', 'created_at', 'completed_at', 'request_id'].includes(name) ? '...' : value,
  );
}
