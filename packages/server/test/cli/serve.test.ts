import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { call, newFolder, startProcess } from '../support/process.ts';
import { runProcess } from './program.ts';

function folderWith(files: Record<string, string>): string {
  const folder = newFolder();
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  return folder;
}

describe.concurrent('usher serve --app', () => {
  it.each([
    ['a file that is not there', undefined, /^usher: File not found: \S+app\.mjs \(--app\)\.\n$/],
    [
      'a module that fails',
      'throw new Error("no luck");',
      /^usher: Couldn’t load \S+app\.mjs \(--app\): no luck\n$/,
    ],
    [
      'a module without a function',
      'export const app = {};',
      /app\.mjs \(--app\) must have a default export: .+\n$/,
    ],
  ])('rejects %s before anything is made', async (_, text, sentence) => {
    const folder = folderWith(text === undefined ? {} : { 'app.mjs': text });
    const { code, stdout, stderr } = await runProcess(folder, { USHER_PORT: '0' }, [
      'serve',
      '--app',
      'app.mjs',
    ]);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(sentence);
    expect(existsSync(join(folder, 'usher.db'))).toBe(false);
  });

  it.each([
    [
      'nothing that answers',
      'export default () => ({});',
      2,
      /must return an object with a `fetch` function\.\n$/,
    ],
    ['an error', 'export default () => { throw new Error("no luck"); };', 1, /^usher: no luck\n$/m],
  ])('ends by itself when the module makes %s', async (_, text, expected, sentence) => {
    const folder = folderWith({ 'app.mjs': text });
    const { code, stderr } = await runProcess(folder, { USHER_PORT: '0' }, ['serve', '--app', 'app.mjs']);
    expect(code).toBe(expected);
    expect(stderr).toMatch(sentence);
  });

  it.each([
    [
      'a path elsewhere',
      "{ name: 'Mine', path: '//evil.example' }",
      /The path of the application is "\/\/evil/,
    ],
    [
      'an address',
      "{ name: 'Mine', path: 'https://evil.example' }",
      /it takes a path of this origin, such as \/todos/,
    ],
    ['no name', "{ path: '/mine' }", /The name of the application takes 1 to 60 characters/],
  ])('rejects an application whose home has %s', async (_, home, sentence) => {
    const text = `export default (usher) => ({ fetch: usher.fetch, home: ${home} });`;
    const folder = folderWith({ 'app.mjs': text });
    const { code, stderr } = await runProcess(folder, { USHER_PORT: '0' }, ['serve', '--app', 'app.mjs']);
    expect(code).toBeGreaterThan(0);
    expect(stderr).toMatch(sentence);
  });

  it('closes the application first, then Usher', async () => {
    const cwd = folderWith({
      'app.mjs': `export default async (usher) => ({
        fetch: (request, peer) => usher.fetch(request, peer),
        async close() {
          const { status } = await usher.fetch(new Request('http://localhost:4000/v1/signup', { method: 'POST' }));
          console.log('closing while Usher answers', status);
        },
      });`,
    });
    const started = await startProcess({
      database: `sqlite:${join(cwd, 'usher.db')}`,
      cwd,
      args: ['--app', 'app.mjs'],
    });
    expect((await call(started, 'GET', '/healthz')).body).toEqual({ status: 'ok' });
    expect(await started.kill('SIGTERM')).toEqual({ code: 0, signal: null });
    expect(started.logs()).toContain('closing while Usher answers 415');
  });
});
