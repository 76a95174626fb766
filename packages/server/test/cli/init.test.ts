import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { asBearer, newIdentifiers, send } from '../support/app.ts';
import { sessionOf } from '../support/cookies.ts';
import { freePort, leash, newFolder } from '../support/process.ts';
import { run } from './program.ts';

const root = resolve(import.meta.dirname, '../../../..');
const init = (folder: string, ...args: string[]) => run(folder, {}, ['init', ...args]);

const running = new Set<() => Promise<unknown>>();
afterEach(async () => {
  await Promise.all([...running].map((end) => end()));
  running.clear();
});

describe('usher init', () => {
  it('keeps what is private out of Git, as the repository of Usher does', async () => {
    const folder = newFolder();
    await init(folder);
    for (const file of [join(folder, '.gitignore'), join(root, '.gitignore')]) {
      const lines = readFileSync(file, 'utf8').split('\n');
      expect(lines).toEqual(
        expect.arrayContaining(['*.db', '*.db-shm', '*.db-wal', '*.state', 'usher.key', '.env']),
      );
    }
  });

  it.each(['hono', 'express'])(
    'writes a project with %s that runs, and guards its route',
    async (framework) => {
      const folder = newFolder();
      const { code, stdout } = await init(folder, 'My App!', '--framework', framework);
      expect(code).toBe(0);
      expect(stdout).toMatch(/Next:\n {2}cd 'My App!'\n {2}npm install\n {2}npm start\n$/);
      const project = join(folder, 'My App!');
      const manifest = JSON.parse(readFileSync(join(project, 'package.json'), 'utf8'));
      expect(manifest).toMatchObject({ name: 'my-app', type: 'module', private: true });
      const imports = [
        ...readFileSync(join(project, 'server.ts'), 'utf8').matchAll(/from '((?:@[^/']+\/)?[^/']+)/g),
      ];
      expect(imports.map(([, name]) => name).sort()).toEqual(Object.keys(manifest.dependencies).sort());

      // What `npm install` would put there.
      symlinkSync(join(root, 'node_modules'), join(project, 'node_modules'), 'junction');
      const port = await freePort();
      const [command, ...args] = manifest.scripts.start.split(' ');
      expect(command).toBe('node');
      const child = spawn(process.execPath, [leash, ...args], {
        cwd: project,
        env: { PORT: `${port}` },
        stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      });
      let printed = '';
      for (const stream of [child.stdout, child.stderr])
        stream?.setEncoding('utf8').on('data', (text) => {
          printed += text;
        });
      const exited = once(child, 'close');
      running.add(() => {
        child.kill('SIGKILL');
        return exited;
      });
      await expect.poll(() => printed).toContain(`Ready at http://localhost:${port}`);

      const app = { port };
      const home = await send(app, 'GET', '/');
      expect(home.headers.get('content-type')).toMatch(/^text\/html/);
      for (const path of ['/sign-up?return_to=/api/hello', '/api/hello'])
        expect(home.text).toContain(`<a href="${path}">`);
      expect((await send(app, 'GET', '/api/hello')).status).toBe(401);
      const names = newIdentifiers();
      const cookie = sessionOf(await send(app, 'POST', '/v1/signup', names));
      const { email, password } = names;
      const login = await send(app, 'POST', '/v1/login', { email, password });
      const helloByCookie = () => send(app, 'GET', '/api/hello', undefined, { headers: { cookie } });
      const byCookie = await helloByCookie();
      const byToken = await send(app, 'GET', '/api/hello', undefined, asBearer(login.body.access_token));
      expect([byCookie.body, byToken.body]).toEqual([{ hello: names.username }, { hello: names.username }]);
      // The next cookie of the session reaches the browser; there is none within the same second.
      await expect.poll(async () => sessionOf(await helloByCookie())).toMatch(/^usher=./);
      child.kill('SIGTERM');
      expect((await exited)[0]).toBe(0);
      expect(readdirSync(project).sort()).toContain('usher.db');
    },
  );

  it('overwrites nothing', async () => {
    const folder = newFolder();
    writeFileSync(join(folder, 'package.json'), '{}');
    const { code, stderr } = await init(folder);
    expect(code).toBe(1);
    expect(stderr).toMatch(
      /already contains package\.json\. Nothing was written; choose another folder\.\n$/,
    );
    expect([readdirSync(folder), readFileSync(join(folder, 'package.json'), 'utf8')]).toEqual([
      ['package.json'],
      '{}',
    ]);
  });

  it('writes beside what is not in its way, and says so in JSON', async () => {
    const folder = newFolder();
    mkdirSync(join(folder, '.git'));
    const { code, stdout } = await init(folder, '--json');
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      framework: 'hono',
      files: ['.gitignore', 'package.json', 'server.ts'],
    });
    expect(readdirSync(folder).sort()).toEqual(['.git', '.gitignore', 'package.json', 'server.ts']);
  });

  it('says of a place that is no folder what is wrong with it', async () => {
    const folder = newFolder();
    writeFileSync(join(folder, 'taken'), '');
    for (const [place, reason] of [
      ['taken', 'not a directory'],
      ['taken/app', 'not a directory'],
    ] as const) {
      const { code, stdout, stderr } = await init(folder, place);
      expect({ code, stdout, stderr }).toEqual({
        code: 1,
        stdout: '',
        stderr: `usher: Couldn’t use ${join(folder, place)}: ${reason}. Choose another place.\n`,
      });
    }
  });

  it('quotes the folder only for a shell that would take it apart', async () => {
    for (const [place, word] of [
      ['my-app', 'my-app'],
      ['sub/my app', "'sub/my app'"],
      ["ada's $HOME", String.raw`'ada'\''s $HOME'`],
    ] as const)
      expect((await init(newFolder(), place)).stdout).toContain(`\n  cd ${word}\n`);
  });

  it.runIf(process.platform === 'linux')('says at once that nothing can be in /proc', async () => {
    const { code, stderr } = await init(newFolder(), '/proc/usher/app');
    expect([code, stderr]).toEqual([
      1,
      'usher: Couldn’t use /proc/usher: no such file or directory. Choose another place.\n',
    ]);
  });

  it('knows two frameworks', async () => {
    const { code, stderr } = await init(newFolder(), '--framework', 'koa');
    expect(code).toBe(2);
    expect(stderr).toContain('Allowed choices are hono, express.');
  });
});
