import fc from 'fast-check';
import { sql } from 'kysely';
import { describe, expect, it } from 'vitest';
import { cleanUp } from '../../src/jobs/cleanup.ts';
import {
  asBearer,
  basic,
  login,
  NEW_PASSWORD,
  newIdentifiers,
  PASSWORD,
  type Reply,
  send,
  signUp,
  WRONG,
} from '../support/app.ts';
import { DAY, HOUR, SECOND } from '../support/clock.ts';
import { verificationOf } from '../support/cookies.ts';
import { newIp } from '../support/forge.ts';
import { databases } from '../support/postgres.ts';
import { withApp, withCountedApp } from '../support/with-app.ts';
import { type Answered, newAccount, startCounted, URL_OF_ALL } from '../support/work.ts';

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
  const { app } = withApp(create);

  /** Every way in which a stranger can name somebody, but for sign-up, which has to say what is taken. */
  const doors: Record<string, (names: Names, from: string) => Promise<Reply>> = {
    'sign-in by user name': ({ username }, from) =>
      send(app, 'POST', '/v1/signin', { username, password: WRONG }, { from }),
    'sign-in by address': ({ email }, from) =>
      send(app, 'POST', '/v1/signin', { email, password: WRONG }, { from }),
    'sign-in without a password': ({ email }, from) =>
      send(app, 'POST', '/v1/signin', { email, password: '' }, { from }),
    'sign-in with either, an email': ({ email }, from) =>
      send(app, 'POST', '/v1/signin', { login: email, password: WRONG }, { from }),
    'log-in with either, a username': ({ username }, from) =>
      send(app, 'POST', '/v1/login', { login: username, password: WRONG }, { from }),
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
        const [known, nobody] = [await signUp(app, newIp()), newIdentifiers()];
        const sides = [known, nobody].map((names) => ({ names, from: newIp(), seen: [] as string[] }));
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
    const [idle, busy] = [await signUp(app, newIp()), await signUp(app, newIp())];
    const pair = await login(app, busy);
    await send(app, 'POST', '/v1/logout-everywhere', undefined, asBearer(pair.access_token));
    await login(app, busy, newIp());
    for (const door of Object.values(doors)) {
      const nobody = visible(await door(newIdentifiers(), newIp()));
      for (const names of [idle, busy]) expect(visible(await door(names, newIp()))).toBe(nobody);
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

describe.each(databases)('P4 on $name: the work is the same', ({ create }) => {
  const { app, database } = withCountedApp(create);

  type Side = Names & { from(): string; cookie?: string | undefined };
  /** What a stranger can do who knows a name, a few times over: until the limits refuse it, and on. */
  const acts: [string, (side: Side) => Promise<Answered>][] = [
    ...Array.from(
      { length: 3 },
      () =>
        [
          [
            'a sign-in by name',
            ({ username, from }) => app.call('POST', '/v1/signin', { username, password: WRONG }, from()),
          ],
          [
            'a sign-in by email',
            ({ email, from }) => app.call('POST', '/v1/signin', { email, password: WRONG }, from()),
          ],
          [
            'a sign-in with either',
            ({ email, from }) => app.call('POST', '/v1/signin', { login: email, password: WRONG }, from()),
          ],
          [
            'a log-in by JSON',
            ({ email, from }) => app.call('POST', '/v1/login', { email, password: WRONG }, from()),
          ],
          [
            'a log-in by Basic',
            ({ username, from }) => app.call('POST', '/v1/login', undefined, from(), basic(username, WRONG)),
          ],
        ] as typeof acts,
    ).flat(),
    ...Array.from(
      { length: 4 },
      () =>
        [
          ['a code for nothing', (side) => reset(side)],
          [
            'an email',
            async (side) => {
              const reply = await app.call('POST', '/v1/send-mail', { email: side.email }, side.from());
              side.cookie = verificationOf(reply);
              return reply;
            },
          ],
          ['a wrong code', (side) => reset(side)],
          ['a wrong code in the browser that asked', (side) => reset(side, { cookie: side.cookie ?? '' })],
        ] as typeof acts,
    ).flat(),
  ];
  const reset = ({ email, from }: Side, headers: Record<string, string> = {}) =>
    app.call('POST', '/v1/reset-password', { email, code: '000000', password: NEW_PASSWORD }, from(), {
      ...headers,
      ...(headers.cookie ? { origin: URL_OF_ALL } : {}),
    });

  it.each(['an account', 'a disabled account', 'an administrator', 'an account that was mailed before'])(
    'for nobody and for %s: statements, hashes and queued emails, at every step',
    async (kind) => {
      const { db } = app.context;
      const known = await newAccount(app);
      const { id } = known;
      // The email of the sign-up is over, and so is the limit of all codes together, which the two sides share.
      app.clock.advance(HOUR);
      const now = app.clock.now();
      if (kind === 'a disabled account')
        await db.updateTable('users').set({ disabled_at: now }).where('id', '=', id).execute();
      if (kind === 'an administrator')
        await db.updateTable('users').set({ admin_since: now }).where('id', '=', id).execute();
      const nobody = newIdentifiers();
      const sides: Side[] = [known, nobody].map((names) => ({ ...names, from: newIp }));
      if (kind.endsWith('before'))
        for (const { email } of sides) await app.call('POST', '/v1/send-mail', { email }, newIp());
      const emails = async () => (await db.selectFrom('emails').select('id').execute()).length;

      for (const [i, [what, act]] of acts.entries()) {
        const done = [];
        for (const side of sides) {
          const before = await emails();
          app.work();
          const { status, body } = await act(side);
          const { statements, hashes } = app.work();
          const answer = { ...body, request_id: undefined };
          done.push({
            status,
            answer,
            hashes,
            statements: statements.length,
            queued: (await emails()) - before,
          });
        }
        // No two emails at the same moment, so that one of them is the newest.
        app.clock.advance(SECOND);
        expect([what, i, done[1]]).toEqual([what, i, done[0]]);
        // Something was done, and noticed.
        expect(done[0]?.statements).toBeGreaterThan(1);
      }
    },
  );

  it('in the queue, too: every email, real or not, is one that the job takes up', async () => {
    const recoveries = () =>
      app.context.db.selectFrom('emails').selectAll().where('kind', '=', 'reset_password').execute();
    await expect.poll(async () => (await recoveries()).every(({ ended_at }) => ended_at !== null)).toBe(true);
    const rows = await recoveries();
    expect(new Set(rows.map(({ status }) => status))).toEqual(new Set(['stored', 'decoy']));
    for (const { expires_at, created_at, attempts } of rows)
      expect([expires_at - created_at, attempts]).toEqual([HOUR, 1]);
  });

  it('day after day: beyond the wrong codes and passwords that an account has until one is right, and a name has not', async () => {
    const known = await newAccount(app);
    app.clock.advance(HOUR);
    const sides: Side[] = [known, newIdentifiers()].map((names) => ({ ...names, from: newIp }));
    const steps: typeof acts = [
      ['a mail', (side) => app.call('POST', '/v1/send-mail', { email: side.email }, side.from())],
      ...Array.from(
        { length: 12 },
        () => ['a wrong code', (side: Side) => reset(side)] as (typeof acts)[number],
      ),
      ...Array.from(
        { length: 7 },
        () =>
          [
            'a wrong password',
            ({ email, from }) => app.call('POST', '/v1/signin', { email, password: WRONG }, from()),
          ] as (typeof acts)[number],
      ),
    ];
    for (let day = 0; day < 5; day++) {
      for (const [i, [what, act]] of steps.entries()) {
        const done = [];
        for (const side of sides) {
          app.work();
          const { status, body } = await act(side);
          const { statements, hashes } = app.work();
          done.push({ status, body: { ...body, request_id: '' }, statements: statements.length, hashes });
        }
        expect([day, what, i, done[1]]).toEqual([day, what, i, done[0]]);
        app.clock.advance(SECOND);
      }
      app.clock.advance(DAY);
      await cleanUp(app.context);
    }
    const { rows } = await sql<{ details: string }>`
      SELECT details FROM events WHERE name = 'rate_limit_exceeded' AND user_id = ${known.id}`.execute(
      app.context.db,
    );
    const reached = new Set(rows.map(({ details }) => JSON.parse(details).limit));
    expect(reached).toContain('codes_per_account_total');
  });

  it('E13: at a sign-up that is verified first, and at its code, whether the email has an account or not', async () => {
    const known = await newAccount(app);
    app.clock.advance(HOUR);
    const verified = await startCounted(database, {
      secret: app.secret,
      clock: app.clock,
      signup: 'verified',
    });
    const acts: ((email: string) => Promise<Answered>)[] = [
      (email) => verified.call('POST', '/v1/signup', { ...newIdentifiers(), email }, newIp()),
      (email) =>
        verified.call('POST', '/v1/verify-email', { email, code: '000000', password: NEW_PASSWORD }, newIp()),
    ];
    const nobody = newIdentifiers();
    for (let round = 0; round < 5; round++)
      for (const [i, act] of acts.entries()) {
        const done = [];
        for (const { email } of [known, nobody]) {
          verified.work();
          const { status, body } = await act(email);
          const { statements, hashes } = verified.work();
          const queued = statements.filter((one) => one.startsWith('insert into "emails"')).length;
          done.push({ status, ...body, request_id: '', statements: statements.length, hashes, queued });
        }
        expect([round, i, done[1]]).toEqual([round, i, done[0]]);
        app.clock.advance(SECOND);
      }
    await verified.stop();
  });
});
