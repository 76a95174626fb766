import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  login,
  newNames,
  PASSWORD,
  type Reply,
  send,
  signUp,
  startApp,
  type TestApp,
} from '../support/app.ts';
import { HOUR, MINUTE, SECOND, testClock } from '../support/clock.ts';
import { newAddress } from '../support/forge.ts';
import { databases, type TestDatabase } from '../support/postgres.ts';

const WRONG = 'not the password of anybody';

describe.each(databases)('P6 on $name: guesses are bounded, and a restart refunds nothing', ({ create }) => {
  let database: TestDatabase;
  let app: TestApp;
  beforeAll(async () => {
    database = await create();
    app = await startApp(database);
  });
  afterAll(async () => {
    await app.stop();
    await database.remove();
  });

  /** Stops the server and starts it anew: nothing stays but the database and the secret. */
  async function restart(): Promise<void> {
    const { secret } = app;
    const clock = testClock(app.clock.now());
    await app.stop();
    app = await startApp(database, { secret, clock });
  }

  /** What is tried, how often it may be, and what it answers when it may not. */
  const budgets: [
    string,
    (from: string) => Promise<() => Promise<Reply>>,
    free: number,
    refused: number,
    pause: number,
  ][] = [
    [
      'wrong passwords for an account',
      async () => {
        const { username } = await signUp(app, newAddress());
        return () => send(app, 'POST', '/v1/signin', { username, password: WRONG }, { from: newAddress() });
      },
      5,
      401,
      30 * SECOND,
    ],
    [
      'names that failed from an address',
      async (from) => () =>
        send(app, 'POST', '/v1/signin', { username: newNames().username, password: WRONG }, { from }),
      20,
      429,
      10 * MINUTE,
    ],
    [
      'sign-ups from an address',
      // An address that is taken is found before anything is hashed, and counts like any other.
      async (from) => {
        const { email } = await signUp(app, newAddress());
        return () => send(app, 'POST', '/v1/signup', { ...newNames(), email }, { from });
      },
      30,
      429,
      HOUR,
    ],
    [
      'forged refresh tokens from an address',
      async (from) => () => send(app, 'POST', '/v1/refresh', { refresh_token: 'x' }, { from }),
      60,
      429,
      10 * MINUTE,
    ],
    [
      'forged links from an address',
      async (from) => () => send(app, 'GET', '/setup?token=x', undefined, { from }),
      60,
      429,
      10 * MINUTE,
    ],
  ];

  it.each(budgets)('%s', async (_, prepare, free, refused, pause) => {
    const attempt = await prepare(newAddress());
    const half = Math.floor(free / 2);
    for (let i = 0; i < half; i++) expect((await attempt()).status).not.toBe(429);
    await restart();
    for (let i = half; i < free; i++) expect((await attempt()).status).not.toBe(429);
    await restart();
    // For an account the refusal looks like a wrong password, so the log says which it was.
    expect((await attempt()).status).toBe(refused);
    app.clock.advance(pause - 1);
    await restart();
    expect((await attempt()).status).toBe(refused);
    app.clock.advance(1);
    const again = await attempt();
    expect(again.status).not.toBe(429);
    expect(again.status).toBeLessThan(500);
  });

  it('the right password of a throttled account is not looked at after a restart', async () => {
    const victim = await signUp(app, newAddress());
    const guess = (password: string) =>
      send(app, 'POST', '/v1/signin', { username: victim.username, password }, { from: newAddress() });
    for (let i = 0; i < 5; i++) await guess(WRONG);
    for (let i = 0; i < 3; i++) {
      expect((await guess(PASSWORD)).status).toBe(401);
      await restart();
    }
    app.clock.advance(30 * SECOND);
    expect((await guess(PASSWORD)).status).toBe(200);
    // With the right password the count is over, for every process and start.
    await restart();
    for (let i = 0; i < 4; i++) expect((await guess(WRONG)).status).toBe(401);
    await login(app, victim, newAddress());
  });

  it('a guess counts before it is compared: who hangs up has had it', async () => {
    const victim = await signUp(app, newAddress());
    const body = JSON.stringify({ username: victim.username, password: WRONG });
    const before = app.log.length;
    for (let i = 0; i < 5; i++) {
      const socket = connect(app.port, '127.0.0.1', () => {
        const head = `POST /v1/signin HTTP/1.1\r\nHost: localhost:${app.port}\r\nContent-Type: application/json\r\nContent-Length: ${body.length}`;
        socket.write(`${head}\r\n\r\n${body}`, () => setTimeout(() => socket.destroy(), 5));
      });
      socket.on('error', () => {});
    }
    await expect.poll(() => app.log.length - before, { timeout: 20_000 }).toBe(5);
    expect(
      (await send(app, 'POST', '/v1/signin', { username: victim.username, password: PASSWORD })).status,
    ).toBe(401);
  });
});
