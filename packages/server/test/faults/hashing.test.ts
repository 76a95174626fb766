// F35: the threads that hash passwords die. The sign-in that waited for one is refused, whoever it was for, and the next
// one finds a new thread.
import type { Worker } from 'node:worker_threads';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { newIdentifiers, PASSWORD, type Reply, send, signUp, startApp } from '../support/app.ts';
import { clientOf, given, refusal } from '../support/client.ts';
import { newIp } from '../support/forge.ts';
import { databases } from '../support/postgres.ts';

const workers = new Set<Worker>();
const remember = (worker: Worker) => {
  workers.add(worker);
  worker.once('exit', () => workers.delete(worker));
};
beforeEach(() => void process.on('worker', remember));
afterEach(() => void process.off('worker', remember));

describe.each(databases)('hashing on $name', ({ create }) => {
  it('F35: a sign-in whose thread dies is 503, and the next one works', async () => {
    const database = await create();
    const app = await startApp(database, { hashing: {} });
    const who = await signUp(app);
    const signIn = (username: string, password: string): Promise<Reply> =>
      send(app, 'POST', '/v1/signin', { username, password }, { from: newIp() });

    const tries = [
      [who.username, PASSWORD],
      [who.username, 'not the password'],
      [newIdentifiers().username, PASSWORD],
    ] as const;
    for (const [username, password] of tries) {
      // Whatever starts is ended until the answer is there.
      let isOver = false;
      const answer = signIn(username, password).finally(() => {
        isOver = true;
      });
      while (!isOver) {
        await Promise.all([...workers].map((worker) => worker.terminate()));
        await new Promise((resolve) => setImmediate(resolve));
      }
      const reply = await answer;
      expect({ status: reply.status, code: reply.body.code }).toEqual({ status: 503, code: 'busy' });
      expect(Number(reply.headers.get('retry-after'))).toBeGreaterThan(0);
      expect(reply.headers.getSetCookie()).toEqual([]);
    }
    expect(app.log.join('')).toContain('password hashing worker failed');
    expect(app.log.join('')).not.toContain(PASSWORD);
    const { username } = who;
    const { signIn: next } = clientOf(app);
    expect(refusal(await next({ username, password: 'not the password' }))).toBe('invalid_credentials');
    given(await next({ username, password: PASSWORD }));
    expect((await who.browser.get('/v1/me')).status).toBe(200);
    await app.stop();
    await database.remove();
  });

  it('F35: of many sign-ins only those are rejected whose threads died', async () => {
    const database = await create();
    const app = await startApp(database, { hashing: {} });
    const who = await signUp(app);
    const names = [
      who.username,
      who.username,
      ...Array.from({ length: 14 }, () => newIdentifiers().username),
    ];
    const replies = names.map((username) => clientOf(app).signIn({ username, password: PASSWORD }));
    // The thread that has answered is busy with another by now.
    await Promise.race(replies);
    await Promise.all([...workers].map((worker) => worker.terminate()));
    const refusals = (await Promise.all(replies)).map(refusal);
    expect(refusals).toContain('busy');
    expect(refusals).toContain('invalid_credentials');
    for (const [i, code] of refusals.entries())
      if (code !== 'busy') expect(code).toBe(names[i] === who.username ? undefined : 'invalid_credentials');
    await app.stop();
    await database.remove();
  });
});
