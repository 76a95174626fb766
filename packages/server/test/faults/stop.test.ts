// F3: a stop in the middle of work. What was taken is answered; what was not taken has done nothing.
import { describe, expect, it } from 'vitest';
import { openDatabase } from '../../src/platform/db/index.ts';
import { newIdentifiers, PASSWORD, type Reply } from '../support/app.ts';
import { databases, sqlite } from '../support/postgres.ts';
import { call, cookieOf, startProcess, type UsherProcess } from '../support/process.ts';
import { listen } from '../support/stream.ts';

/** Few: their passwords are hashed in the ten seconds that a stop has, also by threads that have to step back. */
const CLIENTS = 4;

interface Sent {
  username: string;
  /** Undefined when no answer came. */
  reply: Reply | undefined;
}

describe.each(databases)('stopped under load on $name', ({ create }) => {
  it.each(['SIGTERM', 'SIGINT'] as const)(
    'F3: %s answers what was taken, and ends with 0',
    async (signal) => {
      const database = await create();
      const usher = await startProcess({ database: database.url });
      const sent: Sent[] = [];
      const clients = Promise.all(Array.from({ length: CLIENTS }, (_, i) => goOn(usher, i, sent)));
      // Everybody has had an answer, and waits for the next.
      await expect.poll(() => sent.filter(({ reply }) => reply).length).toBeGreaterThan(CLIENTS);

      const exit = await usher.kill(signal);
      expect(exit).toEqual({ code: 0, signal: null });
      await clients;

      const answers = sent.flatMap(({ reply }) => reply ?? []);
      for (const { status, headers, text } of answers) {
        if (status >= 500) expect(status, text).toBe(503);
        if (status === 503) expect(Number(headers.get('retry-after'))).toBeGreaterThan(0);
      }
      // One line of log for each request that was taken: as many as there were answers.
      const taken = usher.logs().match(/"msg":"request"/g) ?? [];
      expect(answers).toHaveLength(taken.length);
      expect(usher.logs()).toMatch(/"msg":"stopped"/);
      expect(usher.logs()).not.toMatch(/"msg":"request failed"/);

      const { db, close } = await openDatabase(database.url);
      const users = new Set(
        (await db.selectFrom('users').select('username').execute()).map((one) => one.username),
      );
      await close();
      for (const { username, reply } of sent)
        expect(users.has(username), `${username} ${reply?.status}`).toBe(reply?.status === 201);
      await database.remove();
    },
  );
});

it('F3: one Ctrl-C that arrives twice, as below npm, ends it in order', async () => {
  const database = await sqlite.create();
  const usher = await startProcess({ database: database.url });
  void usher.kill('SIGINT');
  expect(await usher.kill('SIGINT')).toEqual({ code: 0, signal: null });
  expect(usher.logs()).toMatch(/"signal":"SIGINT","msg":"stopping"/);
  expect(usher.logs()).toMatch(/"msg":"stopped"/);
  await database.remove();
});

it('F3: SIGTERM does not wait for those who follow events', async () => {
  const database = await sqlite.create();
  const usher = await startProcess({ database: database.url });
  const cookie = cookieOf(await call(usher, 'POST', '/v1/signup', newIdentifiers()));
  const { db, close } = await openDatabase(database.url);
  await db.updateTable('users').set({ admin_since: 1 }).execute();
  await close();
  const stream = await listen(usher, '/admin/events/stream', { cookie: `usher=${cookie}` });
  expect(stream.status).toBe(200);

  const exit = await usher.kill('SIGTERM');
  expect(exit).toEqual({ code: 0, signal: null });
  await stream.ended;
  expect(usher.logs()).toMatch(/"reason":"stop","msg":"stream ended"/);
  expect(usher.logs()).not.toMatch(/"msg":"(stream failed|request failed)"/);
  await database.remove();
});

/** Signs up and out, again and again, until nobody answers. */
async function goOn(usher: UsherProcess, which: number, sent: Sent[]): Promise<void> {
  for (;;) {
    const names = newIdentifiers();
    const reply = await call(usher, 'POST', '/v1/signup', names).catch(() => undefined);
    sent.push({ username: names.username, reply });
    if (!reply) return;
    const cookie = cookieOf(reply);
    if (which % 2 === 0 || !cookie) continue;
    const left = await call(usher, 'POST', '/v1/logout', undefined, { cookie }).catch(() => undefined);
    sent.push({ username: `no account: ${PASSWORD}`, reply: left });
    if (!left) return;
  }
}
