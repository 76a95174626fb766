// A process is killed while it notes how far its database has come. No restart may sign anybody out for that, and an older
// copy that is put back is noticed all the same.
import { copyFileSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { readStateFile } from '../../src/platform/state-file.ts';
import { newIdentifiers } from '../support/app.ts';
import { call, cookieOf, newFolder, startProcess, type UsherProcess } from '../support/process.ts';

/** Kills the process at the n-th time that it puts a state file in its place, once the file `armed` is there. */
const killer = (n: number, moment: 'before' | 'after') =>
  `--import=data:text/javascript,${encodeURIComponent(`
    import fs from 'node:fs';
    import promises from 'node:fs/promises';
    import { syncBuiltinESMExports } from 'node:module';
    const { rename } = promises;
    let times = 0;
    promises.rename = async (from, to) => {
      const isLast = to.endsWith('.state') && fs.existsSync('armed') && ++times === ${n};
      if (isLast && '${moment}' === 'before') process.kill(process.pid, 'SIGKILL');
      await rename(from, to);
      if (isLast) process.kill(process.pid, 'SIGKILL');
    };
    syncBuiltinESMExports();
  `)}`;

const parts = ['usher.db', 'usher.db-wal'];

/** Copies the files of a database that nothing is written to at this moment, to a folder or back. */
function copy(from: string, to: string): void {
  for (const part of [...parts, 'usher.db-shm']) rmSync(join(to, part), { force: true });
  for (const part of parts) if (existsSync(join(from, part))) copyFileSync(join(from, part), join(to, part));
}

const stateIn = (folder: string) => readStateFile(join(folder, 'usher.state'));
/** Waits until the process has died, or has finished the writes that were to kill it: then it answers. */
async function hasDied(usher: UsherProcess, cwd: string, revision: number): Promise<boolean> {
  let died = false;
  void usher.exited.then(() => {
    died = true;
  });
  const isSaved = () => stateIn(cwd)?.revision === revision && !stateIn(cwd)?.pending;
  await expect.poll(() => died || isSaved()).toBe(true);
  // A kill that follows the last write comes before the second answer.
  for (let answers = 0; answers < 2 && !died; answers++)
    await call(usher, 'GET', '/healthz').catch(() => usher.exited);
  return died;
}

const isGood = async (usher: UsherProcess, cookie: string) =>
  (await call(usher, 'GET', '/v1/me', undefined, { cookie })).status === 200;

it.each([
  { n: 1, moment: 'before', isNoted: false },
  { n: 1, moment: 'after', isNoted: true },
  { n: 2, moment: 'before', isNoted: true },
  { n: 2, moment: 'after', isNoted: true },
] as const)('K14: killed $moment write $n of the state file', async ({ n, moment, isNoted }) => {
  const cwd = newFolder();
  const database = `sqlite:${join(cwd, 'usher.db')}`;
  const start = (env = {}) => startProcess({ database, cwd, env });
  const first = await start();
  const names = newIdentifiers();
  const cookie = cookieOf(await call(first, 'POST', '/v1/signup', names)) ?? '';
  const { body } = await call(first, 'POST', '/v1/login', { email: names.email, password: names.password });
  const bearer = { bearer: body.access_token };
  await first.kill();
  const { revision = 0 } = stateIn(cwd) ?? {};
  const doomed = await start({ NODE_OPTIONS: killer(n, moment) });
  // It has noted that it started; from now on nothing happens that we do not do.
  await expect
    .poll(() => stateIn(cwd), { timeout: 60_000 })
    .toEqual({ installation: expect.any(String), revision: revision + 1 });
  const backup = newFolder();
  copy(cwd, backup);
  writeFileSync(join(cwd, 'armed'), '');
  expect((await call(doomed, 'POST', '/v1/logout', undefined, bearer)).status).toBe(200);
  expect(await hasDied(doomed, cwd, revision + 2)).toBe(true);
  expect((await doomed.exited).signal).toBe('SIGKILL');

  // The crash alone signs nobody out.
  const state = readFileSync(join(cwd, 'usher.state'));
  const next = await start();
  expect(await isGood(next, cookie)).toBe(true);
  expect((await call(next, 'GET', '/v1/me', undefined, bearer)).status).toBe(401);
  expect(next.logs()).not.toContain('older copy');
  await next.kill('SIGKILL');

  // The copy from before, instead: it is recognized by what was noted when the process died.
  copy(backup, cwd);
  writeFileSync(join(cwd, 'usher.state'), state);
  const restored = await start();
  expect(restored.logs().includes('the setup link were revoked. (2 sessions)')).toBe(isNoted);
  expect(await isGood(restored, cookie)).toBe(!isNoted);
  if (isNoted) expect((await call(restored, 'GET', '/v1/me', undefined, bearer)).status).toBe(401);
  await restored.kill();
});
