import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  asBearer,
  login,
  newNames,
  PASSWORD,
  type Reply,
  send,
  signUp,
  startApp,
  type TestApp,
} from '../support/app.ts';
import { HOUR, SECOND } from '../support/clock.ts';
import { newAddress } from '../support/forge.ts';
import { databases, type TestDatabase } from '../support/postgres.ts';

interface Names {
  username: string;
  email: string;
}

/** Whatever of an answer a stranger can see; the id and the date of it are new each time. */
function visible({ status, headers, text }: Reply): string {
  const seen = [...headers].filter(([name]) => name !== 'date' && name !== 'x-request-id');
  return JSON.stringify([status, seen, text.replace(/"request_id":"[^"]+"/, '')]);
}

describe.each(databases)('P4 on $name: nobody is told who has an account', ({ create }) => {
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

  const WRONG = 'not the password of anybody';
  const basic = (name: string, password: string) => ({
    authorization: `Basic ${Buffer.from(`${name}:${password}`).toString('base64')}`,
  });
  /** Every way in which a stranger can name somebody, but for sign-up, which has to say what is taken. */
  const doors: Record<string, (names: Names, from: string) => Promise<Reply>> = {
    'sign-in by user name': ({ username }, from) =>
      send(app, 'POST', '/v1/signin', { username, password: WRONG }, { from }),
    'sign-in by address': ({ email }, from) =>
      send(app, 'POST', '/v1/signin', { email, password: WRONG }, { from }),
    'sign-in without a password': ({ email }, from) =>
      send(app, 'POST', '/v1/signin', { email, password: '' }, { from }),
    'log-in by JSON': ({ username }, from) =>
      send(app, 'POST', '/v1/login', { username, password: WRONG }, { from }),
    'log-in by Basic': ({ email }, from) =>
      send(app, 'POST', '/v1/login', undefined, { from, headers: basic(email, WRONG) }),
    'log-in in a browser': ({ username }, from) =>
      send(app, 'POST', '/v1/login', undefined, {
        from,
        headers: { ...basic(username, WRONG), 'sec-fetch-site': 'none' },
      }),
    'a search': ({ email }, from) => send(app, 'GET', `/v1/users?search=${email}`, undefined, { from }),
  };
  const waits = [0, SECOND, 30 * SECOND, 10 * 60 * SECOND, HOUR];

  it('by any sequence of tries and pauses', async () => {
    const step = fc.record({ door: fc.constantFrom(...Object.keys(doors)), wait: fc.constantFrom(...waits) });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 4, maxLength: 9 }), async (steps) => {
        const [known, nobody] = [await signUp(app, newAddress()), newNames()];
        const sides = [known, nobody].map((names) => ({ names, from: newAddress(), seen: [] as string[] }));
        for (const { door, wait } of steps) {
          for (const { names, from, seen } of sides)
            seen.push(visible(await (doors[door] ?? expect.fail(door))(names, from)));
          app.clock.advance(wait);
        }
        expect(sides[0]?.seen).toEqual(sides[1]?.seen);
      }),
      { numRuns: 5 },
    );
  });

  it('nor by what an account has done: signed in, been disabled, been throttled', async () => {
    const [idle, busy] = [await signUp(app, newAddress()), await signUp(app, newAddress())];
    const pair = await login(app, busy);
    await send(app, 'POST', '/v1/logout-everywhere', undefined, asBearer(pair.access_token));
    await login(app, busy, newAddress());
    for (const door of Object.values(doors)) {
      const nobody = visible(await door(newNames(), newAddress()));
      for (const names of [idle, busy]) expect(visible(await door(names, newAddress()))).toBe(nobody);
    }
    expect(
      (await send(app, 'POST', '/v1/signin', { username: busy.username, password: PASSWORD })).status,
    ).toBe(401);
    app.clock.advance(HOUR);
    expect(
      (await send(app, 'POST', '/v1/signin', { username: busy.username, password: PASSWORD })).status,
    ).toBe(200);
  });
});
