// `withStarted` stops what it started, whatever fails. Hooks fail here on purpose, so they run in a Vitest of their own.
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, inject, it } from 'vitest';

const root = resolve(import.meta.dirname, '../../../..');
const suites = `
import { appendFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, it } from 'vitest';
import { withStarted } from ${JSON.stringify(join(import.meta.dirname, 'with-app.ts'))};

const write = (line) => appendFileSync('trace', line + '\\n');
const fail = () => { throw new Error('on purpose'); };
const thing = (name, per) => withStarted(
  () => { write('start ' + name); return { name, self() { return this.name; } }; },
  (it) => write('stop ' + it.self()),
  per,
);

describe('a start fails', () => {
  thing('one');
  withStarted(fail, () => write('stopped what never started'));
  it('does not run', () => write('a test ran'));
});
describe('hooks fail', () => {
  thing('two');
  beforeAll(fail);
  afterAll(fail);
  it('does not run', () => write('a test ran'));
});
describe('a stop fails', () => {
  thing('three');
  withStarted(() => ({}), fail);
  it('runs', () => {});
});
describe('each test', () => {
  const four = thing('four', 'test');
  const five = thing('five', 'test');
  it('has one', () => write(four.self() + ' ' + { ...five }.name));
  it('has another, and fails', fail);
});
describe('too early', () => {
  try { thing('six').name; } catch ({ message }) { write(message); }
  it('runs', () => {});
});
`;

it('what a suite takes is stopped in reverse order, whatever fails', async () => {
  const folder = mkdtempSync(join(inject('folder'), 'with-app-'));
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'), 'junction');
  writeFileSync(join(folder, 'suites.test.ts'), suites);
  writeFileSync(join(folder, 'vitest.config.ts'), "export default { cacheDir: 'cache' };\n");
  const vitest = join(root, 'node_modules/vitest/vitest.mjs');
  await new Promise((done) => {
    execFile(process.execPath, [vitest, 'run'], { cwd: folder, env: { PATH: process.env['PATH'] } }, done);
  });
  expect(readFileSync(join(folder, 'trace'), 'utf8').trim().split('\n')).toEqual([
    'This is not running. Use it inside a test or a hook.',
    ...['start one', 'stop one'],
    ...['start two', 'stop two'],
    ...['start three', 'stop three'],
    ...['start four', 'start five', 'four five', 'stop five', 'stop four'],
    ...['start four', 'start five', 'stop five', 'stop four'],
    ...['start six', 'stop six'],
  ]);
});
