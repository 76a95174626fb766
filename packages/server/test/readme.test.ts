import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
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
    expect(answers.length).toBe(5);
    for (const answer of answers) expect(printed.map(shapeOf)).toContainEqual(shapeOf(answer));
    expect(printed.map((line) => JSON.parse(line).message ?? 'data')).toEqual([
      'user created!',
      'data',
      'data',
      'data',
      'logout successful!',
      'This token is not valid here, or not any more. Sign in again.',
      'data',
      'delete successful!',
      'user created!',
      'If an account has this address, a mail is on its way to it.',
    ]);
  });
});

/** An answer with what differs every time left out, as the README shows it. */
function shapeOf(line: string): unknown {
  return JSON.parse(line, (name, value) =>
    ['id', 'created_at', 'completed_at', 'request_id'].includes(name) ? '...' : value,
  );
}
