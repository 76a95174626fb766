import { describe, expect, it } from 'vitest';
import { readRateLimits } from '../../src/core/rate-limits.ts';
import { findById } from '../../src/core/users.ts';
import { identifiersOf } from '../../src/flows/passwords/authenticate-with-password.ts';
import { openDatabase } from '../../src/platform/db/index.ts';
import { deriveKeys } from '../../src/platform/secrets.ts';
import {
  asBearer,
  login,
  newIdentifiers,
  PASSWORD,
  type Reply,
  send,
  sendBytes,
  signUp,
  startApp,
  type TestApp,
  WRONG,
} from '../support/app.ts';
import { DAY, HOUR, MINUTE, SECOND, testClock } from '../support/clock.ts';
import { databases } from '../support/postgres.ts';
import { withApp } from '../support/with-app.ts';

/** Wrong passwords for one account that are looked at before it has to wait. */
const FREE = 5;
/** Different names that one address range may fail with. */
const NAMES = 20;

type Account = Awaited<ReturnType<typeof signUp>>;

describe.each(databases)('guessing on $name', ({ name: kind, create }) => {
  const { app, database, twin, opened } = withApp(create);

  // Both processes answer to the one name of the installation.
  const guess = (names: { username: string }, password = WRONG, from = '203.0.113.1', at = app) =>
    send(at, 'POST', '/v1/signin', { username: names.username, password }, { from, headers: named() });
  const named = () => ({ host: new URL(app.url).host });
  /** Every try that was looked at leaves an event that says so; the limit has counted those that were not. */
  async function verdicts(userId: string): Promise<Record<'wrong' | 'limited', number>> {
    const rows = await opened.db
      .selectFrom('events')
      .select('details')
      .where('user_id', '=', userId)
      .where('name', 'in', ['sign_in_failed', 'reauthentication_failed'])
      .execute();
    for (const { details } of rows) expect(JSON.parse(details).reason).toBe('wrong');
    const user = (await findById(opened.db, userId)) ?? expect.fail('there is no such user');
    const asked = [
      { limit: 'passwords_per_account', subject: userId } as const,
      ...identifiersOf(user).map((subject) => ({ limit: 'passwords_per_identifier', subject }) as const),
    ];
    const states = await readRateLimits(opened.db, deriveKeys(app.secret).rateLimits, asked, app.clock.now());
    return { wrong: rows.length, limited: states.reduce((sum, { rejected: refused }) => sum + refused, 0) };
  }
  async function exhaust(names: { username: string }): Promise<void> {
    for (let i = 0; i < FREE; i++) expect((await guess(names)).status).toBe(401);
  }

  it('B1: ten thousand guesses at one account are 34 in the first day, and 24 a day after', async () => {
    const clock = testClock();
    const apart = await create();
    const { db, close } = await openDatabase(apart.url);
    const server = await startApp(apart, { clock });
    const victim = await signUp(server);
    const evaluated = async () => {
      const rows = await db
        .selectFrom('events')
        .select('details')
        .where('name', '=', 'sign_in_failed')
        .execute();
      return rows.filter(({ details }) => JSON.parse(details).reason === 'wrong').length;
    };
    const body = JSON.stringify({ username: victim.username, password: WRONG });
    const attack = async (steps: number, atOnce: number) => {
      for (let step = 0; step < steps; step++) {
        const tries = Array.from({ length: atOnce }, () =>
          // As a host program calls it: ten thousand sockets would try the machine and not the budget.
          server.usher.fetch(
            new Request(`${server.url}/v1/signin`, {
              method: 'POST',
              headers: { 'content-type': 'application/json' },
              body,
            }),
          ),
        );
        for (const { status } of await Promise.all(tries)) expect(status).toBe(401);
        clock.advance(DAY / steps);
      }
    };
    // Both databases count by the same statements, so ten thousand on one of them are enough.
    await attack(kind === 'SQLite' ? 5_000 : 500, 2);
    const first = await evaluated();
    expect(first).toBeGreaterThan(25);
    expect(first).toBeLessThanOrEqual(34);
    await attack(200, 2);
    const second = (await evaluated()) - first;
    expect(second).toBeGreaterThan(20);
    expect(second).toBeLessThanOrEqual(24);
    await server.stop();
    await close();
    await apart.remove();
  });

  it('B2: the budget of an account is the same for any number of IP addresses', async () => {
    const victim = await signUp(app, '192.0.2.2');
    for (let i = 0; i < 100; i++) {
      const from = i % 2 ? `10.${i}.7.9` : `2001:db8:${i}::1`;
      expect((await guess(victim, WRONG, from, i % 3 ? app : twin)).status).toBe(401);
    }
    expect(await verdicts(victim.id)).toEqual({ wrong: FREE, limited: 100 - FREE });
    // Right or wrong makes no difference any more, from wherever it comes.
    expect((await guess(victim, PASSWORD, '192.0.2.2')).status).toBe(401);
    app.clock.advance(30 * SECOND);
    expect((await guess(victim, PASSWORD, '192.0.2.2')).status).toBe(200);
  });

  it('waits 30 s, then twice as long each time, up to an hour', async () => {
    const victim = await signUp(app, '192.0.2.3');
    await exhaust(victim);
    for (const pause of [30, 60, 120, 240, 480, 960, 1_920, 3_600, 3_600]) {
      app.clock.advance(pause * SECOND - 1);
      expect((await guess(victim, PASSWORD)).status).toBe(401);
      app.clock.advance(1);
      const { wrong } = await verdicts(victim.id);
      expect((await guess(victim)).status).toBe(401);
      expect((await verdicts(victim.id)).wrong).toBe(wrong + 1);
    }
  });

  it('of fifty guesses side by side, on two processes, no more than five are looked at', async () => {
    for (let round = 0; round < 3; round++) {
      const victim = await signUp(app, '192.0.2.4');
      const replies = await Promise.all(
        Array.from({ length: 50 }, (_, i) =>
          guess(victim, i === 49 ? PASSWORD : `${WRONG} ${i}`, '203.0.113.4', i % 2 ? app : twin),
        ),
      );
      const { wrong } = await verdicts(victim.id);
      const inside = replies.filter(({ status }) => status === 200).length;
      // Should the right one be among the first, its success frees the budget again.
      expect(wrong + inside).toBeLessThanOrEqual(inside ? 2 * FREE : FREE);
    }
  });

  it('of fifty wrong guesses side by side, exactly five are looked at', async () => {
    const victim = await signUp(app, '192.0.2.5');
    await Promise.all(
      Array.from({ length: 50 }, (_, i) => guess(victim, `${WRONG} ${i}`, '203.0.113.5', i % 2 ? app : twin)),
    );
    expect(await verdicts(victim.id)).toEqual({ wrong: FREE, limited: 50 - FREE });
  });

  describe('B4: spraying', () => {
    const spray = (from: string) => guess({ username: newIdentifiers().username }, WRONG, from);

    it('from all IP addresses of a /64 counts as from one, side by side, too', async () => {
      const replies = await Promise.all(
        Array.from({ length: 50 }, (_, i) => spray(`2001:db8:4:1:${i}::${i}`)),
      );
      expect(replies.filter(({ status }) => status === 401)).toHaveLength(NAMES);
      expect(replies.filter(({ status }) => status === 429)).toHaveLength(50 - NAMES);
      for (const from of ['2001:db8:4:1::ffff', '2001:db8:4:1:a:b:c:d', '2001:0DB8:0004:0001::1']) {
        const reply = await spray(from);
        expect([from, reply.status, reply.body.code]).toEqual([from, 429, 'too_many_requests']);
        expect(Number(reply.headers.get('retry-after'))).toBe(600);
      }
      // The next network is another one.
      expect((await spray('2001:db8:4:2::1')).status).toBe(401);
      app.clock.advance(10 * MINUTE);
      expect((await spray('2001:db8:4:1::1')).status).toBe(401);
    });

    it('does not count those who sign in, and lets nobody in who is over', async () => {
      const from = '2001:db8:4:4::1';
      const owner = await signUp(app, '192.0.2.41');
      for (let i = 0; i < NAMES; i++) {
        if (i % 5 === 0) expect((await guess(owner, PASSWORD, from)).status).toBe(200);
        expect((await spray(from)).status).toBe(401);
      }
      expect((await guess(owner, PASSWORD, from)).status).toBe(429);
      expect((await guess(owner, PASSWORD, '2001:db8:4:5::1')).status).toBe(200);
    });
  });

  describe('B5: a caller who makes up where it comes from', () => {
    const forged = (i: number): Record<string, string> => ({
      forwarded: `for=10.0.0.${i}`,
      'x-real-ip': `10.0.1.${i}`,
      'cf-connecting-ip': `10.0.2.${i}`,
      'true-client-ip': `10.0.3.${i}`,
      'x-client-ip': `10.0.4.${i}`,
      'x-forwarded-host': `10.0.5.${i}`,
    });
    const spray = (at: TestApp, headers: Record<string, string>) =>
      send(at, 'POST', '/v1/signin', { username: newIdentifiers().username, password: WRONG }, { headers });

    it('is known by its socket where no proxy is trusted', async () => {
      const plain = await startApp(database, {
        secret: app.secret,
        publicUrl: app.url,
        clock: app.clock,
        trustedProxies: [],
      });
      const at = { ...plain, port: plain.port };
      const host = { host: new URL(app.url).host };
      app.clock.advance(HOUR);
      for (let i = 0; i <= NAMES; i++) {
        const reply = await spray(at, { ...forged(i), ...host, 'x-forwarded-for': `10.1.0.${i}, 127.0.0.1` });
        expect([i, reply.status]).toEqual([i, i < NAMES ? 401 : 429]);
      }
      expect(plain.log.filter((line) => line.includes('"ip":"127.0.0.1"'))).toHaveLength(NAMES + 1);
      await plain.stop();
      app.clock.advance(HOUR);
    });

    it('is known by the last hop that our proxy saw, and by no other header', async () => {
      for (let i = 0; i <= NAMES; i++) {
        const reply = await spray(app, {
          ...forged(i),
          'x-forwarded-for': `10.1.1.${i}, ${i % 2 ? '' : '::ffff:'}203.0.113.55`,
        });
        expect([i, reply.status]).toEqual([i, i < NAMES ? 401 : 429]);
      }
      // Node joins two lines in their order, so that the first cannot push the last aside.
      const body = JSON.stringify({ username: newIdentifiers().username, password: WRONG });
      const lines = [
        'POST /v1/signin HTTP/1.1',
        `Host: localhost:${app.port}`,
        'Connection: close',
        'Content-Type: application/json',
      ];
      const ask = (...more: string[]) =>
        sendBytes(app, [...lines, `Content-Length: ${body.length}`, ...more, '', body].join('\r\n'));
      expect(await ask('X-Forwarded-For: 10.1.2.3', 'X-Forwarded-For: 203.0.113.55')).toMatch(
        /^HTTP\/1\.1 429 /,
      );
      expect(await ask('X-Forwarded-For: 203.0.113.55', 'X-Forwarded-For: 10.1.2.3')).toMatch(
        /^HTTP\/1\.1 401 /,
      );
      for (const hops of [
        'garbage, 203.0.113.55',
        ',,203.0.113.55',
        '203.0.113.55,127.0.0.1',
        '10.9.9.9, 203.0.113.55, 127.0.0.1',
      ])
        expect([hops, await ask(`X-Forwarded-For: ${hops}`)]).toEqual([
          hops,
          expect.stringMatching(/^HTTP\/1\.1 429 /),
        ]);
    });
  });

  describe('B6: one budget for an account, whatever the path', () => {
    const basic = ({ username }: { username: string }, password: string) =>
      `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
    const from = '203.0.113.6';
    type Try = (account: Account, token: string, password: string) => Promise<Reply>;
    const paths: [string, Try][] = [
      [
        'sign-in by user name',
        ({ username }, _, password) => send(app, 'POST', '/v1/signin', { username, password }, { from }),
      ],
      [
        'sign-in by email',
        ({ email }, _, password) => send(app, 'POST', '/v1/signin', { email, password }, { from }),
      ],
      [
        'log-in by JSON',
        ({ username }, _, password) => send(app, 'POST', '/v1/login', { username, password }, { from }),
      ],
      [
        'log-in by Basic',
        (account, _, password) =>
          send(app, 'POST', '/v1/login', undefined, {
            from,
            headers: { authorization: basic(account, password) },
          }),
      ],
      [
        'log-in by Basic with the email',
        ({ email }, _, password) =>
          send(app, 'POST', '/v1/login', undefined, {
            from,
            headers: { authorization: basic({ username: email }, password) },
          }),
      ],
      [
        'change of the password',
        (_, token, password) =>
          send(
            app,
            'PUT',
            '/v1/me/password',
            { current_password: password, new_password: 'never comes to be set' },
            { ...asBearer(token), from },
          ),
      ],
      [
        'deletion',
        ({ email }, token, password) =>
          send(app, 'DELETE', '/v1/me', { email, password }, { ...asBearer(token), from }),
      ],
    ];

    it.each(paths)('spent by %s', async (_, spend) => {
      const account = await signUp(app, '192.0.2.6');
      const { access_token } = await login(app, account);
      for (let i = 0; i < FREE; i++) expect((await spend(account, access_token, WRONG)).status).toBe(401);
      expect(await verdicts(account.id)).toEqual({ wrong: FREE, limited: 0 });
      for (const [name, attempt] of paths) {
        const reply = await attempt(account, access_token, PASSWORD);
        expect([name, reply.status]).toEqual([
          name,
          name.startsWith('change') || name === 'deletion' ? 429 : 401,
        ]);
        expect(reply.headers.getSetCookie()).toEqual([]);
        expect(reply.text).not.toContain('token"');
      }
      expect(await verdicts(account.id)).toEqual({ wrong: FREE, limited: paths.length });
      // The account is as it was, and its owner comes in after the pause.
      app.clock.advance(30 * SECOND);
      expect((await guess(account, PASSWORD)).status).toBe(200);
      app.clock.advance(HOUR);
    });

    it('spent by all of them, one try each', async () => {
      const account = await signUp(app, '192.0.2.6');
      const { access_token } = await login(app, account);
      for (const [, attempt] of paths) await attempt(account, access_token, WRONG);
      expect(await verdicts(account.id)).toEqual({ wrong: FREE, limited: paths.length - FREE });
      app.clock.advance(HOUR);
    });
  });

  it('B12: nothing but time and the right password gives a budget back', async () => {
    const victim = await signUp(app, '192.0.2.12');
    const mallory = await signUp(app, '192.0.2.13');
    const { username, email } = victim;
    // Spellings of one name are one name.
    for (const name of [username.toUpperCase(), ` ${username}\t`, username.replace('u', 'ｕ')])
      expect((await guess({ username: name })).status).toBe(401);
    for (const address of [email.toUpperCase(), ` ${email} `])
      expect((await send(app, 'POST', '/v1/signin', { email: address, password: WRONG })).status).toBe(401);
    expect(await verdicts(victim.id)).toEqual({ wrong: FREE, limited: 0 });

    const refused = async () => expect((await guess(victim, PASSWORD)).status).toBe(401);
    await refused();
    expect((await guess(mallory, PASSWORD)).status).toBe(200);
    await refused();
    await guess({ username: `${username}${newIdentifiers().username}` });
    await refused();
    await send(app, 'POST', '/v1/logout');
    await send(app, 'POST', '/v1/signup', { ...newIdentifiers(), username });
    await refused();
    const restarted = await startApp(database, { secret: app.secret, publicUrl: app.url, clock: app.clock });
    const elsewhere = await send(
      restarted,
      'POST',
      '/v1/signin',
      { username, password: PASSWORD },
      { headers: { host: new URL(app.url).host } },
    );
    expect(elsewhere.status).toBe(401);
    await restarted.stop();
    await refused();
    expect((await verdicts(victim.id)).wrong).toBe(FREE);
    // Nor does a wrong guess after the pause start the count again.
    app.clock.advance(30 * SECOND);
    expect((await guess(victim)).status).toBe(401);
    app.clock.advance(59 * SECOND);
    await refused();
    app.clock.advance(SECOND);
    expect((await guess(victim, PASSWORD)).status).toBe(200);
    expect((await guess(victim)).status).toBe(401);
    expect((await guess(victim, PASSWORD)).status).toBe(200);
  });

  it('B18: no other way to write the request gets around the budget', async () => {
    const victim = await signUp(app, '192.0.2.18');
    await exhaust(victim);
    const body = JSON.stringify({ username: victim.username, password: PASSWORD });
    const methods = ['POST', 'GET', 'HEAD', 'PUT', 'OPTIONS', 'PATCH', 'DELETE', 'QUERY'];
    const ways = ['/v1/signin', '/v1/login'].flatMap((path) => [
      ...[
        path,
        `${path}/`,
        `/${path}`,
        `${path}?`,
        `${path}?x=1`,
        `${path}#x`,
        path.toUpperCase(),
        `${path};x`,
        `${path}%20`,
      ],
      ...[
        path.replace('i', '%69'),
        path.replace('/v1', '/%76%31'),
        path.replace('/v1', '/v1/.'),
        path.replace('/v1', '/v1/x/..'),
      ],
      ...[
        path.replace('/v1/', '/v1//'),
        path.replace('/v1/', '/v1%2f'),
        `http://localhost:${app.port}${path}`,
      ],
    ]);
    for (const method of methods)
      for (const path of ways)
        for (const version of ['1.1', '1.0']) {
          const line = `${method} ${path} HTTP/${version}`;
          const head = [
            line,
            `Host: localhost:${app.port}`,
            'Connection: close',
            'Content-Type: application/json',
            `Content-Length: ${body.length}`,
          ];
          const answer = await sendBytes(app, [...head, '', body].join('\r\n'));
          expect([line, answer]).toEqual([line, expect.stringMatching(/^HTTP\/1\.1 (4\d\d|204) /)]);
          expect(answer).not.toMatch(/set-cookie|token"/i);
        }
    expect((await verdicts(victim.id)).wrong).toBe(FREE);
  });
});
