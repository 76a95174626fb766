import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  login,
  NEW_PASSWORD,
  newIdentifiers,
  PASSWORD,
  type Reply,
  send,
  signUp,
  WRONG,
} from '../support/app.ts';
import { DAY, HOUR, MINUTE, SECOND, testClock } from '../support/clock.ts';
import { anotherThan, lastEmail, tokenOf } from '../support/emails.ts';
import { newIp } from '../support/forge.ts';
import { openLink } from '../support/form.ts';
import { databases } from '../support/postgres.ts';
import { withApp, withCountedApp } from '../support/with-app.ts';
import { newAccount, startCounted } from '../support/work.ts';

describe.each(databases)('P6 on $name: guesses are bounded, and a restart refunds nothing', ({ create }) => {
  const served = withApp(create);
  const { app } = served;

  /** Stops the server and starts it anew: nothing stays but the database and the secret. */
  const restart = () => served.restart({ clock: testClock(served.app.clock.now()) });

  /** What is tried, how often it may be, and what it answers when it may not. */
  const rateLimits: [
    string,
    (from: string) => Promise<() => Promise<Reply>>,
    free: number,
    rejected: number,
    pause: number,
  ][] = [
    [
      'wrong passwords for an account',
      async () => {
        const { username } = await signUp(app, newIp());
        return () => send(app, 'POST', '/v1/signin', { username, password: WRONG }, { from: newIp() });
      },
      5,
      401,
      30 * SECOND,
    ],
    [
      'names that failed from an IP address',
      async (from) => () =>
        send(app, 'POST', '/v1/signin', { username: newIdentifiers().username, password: WRONG }, { from }),
      20,
      429,
      10 * MINUTE,
    ],
    [
      'sign-ups from an IP address',
      // An address that is taken is found before anything is hashed, and counts like any other.
      async (from) => {
        const { email } = await signUp(app, newIp());
        return () => send(app, 'POST', '/v1/signup', { ...newIdentifiers(), email }, { from });
      },
      30,
      429,
      HOUR,
    ],
    [
      'forged refresh tokens from an IP address',
      async (from) => () => send(app, 'POST', '/v1/refresh', { refresh_token: 'x' }, { from }),
      60,
      429,
      10 * MINUTE,
    ],
    [
      'forged links from an IP address',
      async (from) => () => openLink(app, '/setup', 'x', { from }),
      60,
      429,
      10 * MINUTE,
    ],
  ];

  it.each(rateLimits)('%s', async (_, prepare, free, refused, pause) => {
    const attempt = await prepare(newIp());
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
    const victim = await signUp(app, newIp());
    const guess = (password: string) =>
      send(app, 'POST', '/v1/signin', { username: victim.username, password }, { from: newIp() });
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
    await login(app, victim, newIp());
  });

  it('a guess counts before it is compared: who hangs up has had it', async () => {
    const victim = await signUp(app, newIp());
    const body = JSON.stringify({ username: victim.username, password: WRONG });
    // The jobs log as well.
    const answered = () => app.log.filter((line) => line.includes('"route":"/v1/signin"')).length;
    const before = answered();
    for (let i = 0; i < 5; i++) {
      const socket = connect(app.port, '127.0.0.1', () => {
        const head = `POST /v1/signin HTTP/1.1\r\nHost: localhost:${app.port}\r\nContent-Type: application/json\r\nContent-Length: ${body.length}`;
        socket.write(`${head}\r\n\r\n${body}`, () => setTimeout(() => socket.destroy(), 5));
      });
      socket.on('error', () => {});
    }
    await expect.poll(() => answered() - before).toBe(5);
    expect(
      (await send(app, 'POST', '/v1/signin', { username: victim.username, password: PASSWORD })).status,
    ).toBe(401);
  });
});

/** The numbers as SECURITY.md says them to users; a line that says them otherwise fails here. */
const security = readFileSync(resolve(import.meta.dirname, '../../../../SECURITY.md'), 'utf8');
function stated(sentence: RegExp): number[] {
  const [, ...numbers] = sentence.exec(security) ?? expect.fail(`SECURITY.md does not say ${sentence}`);
  return numbers.map(Number);
}
const [FIRST_DAY, DAY_AFTER] = stated(/at most (\d+) are evaluated in the first day, (\d+) a day after/) as [
  number,
  number,
];
const [IN_ALL] = stated(/After (\d+) in total without the right one between them/) as [number];
const [CHECKS, CODES_A_DAY, CODES_IN_ALL, OF_ALL] = stated(
  /6 digits, 10 minutes, (\d+) checks for each email; (\d+) wrong a day for an account and (\d+) until one is right; 60 wrong in an hour from one IP range, then 429; (\d+) wrong in 15 minutes/,
) as [number, number, number, number];
const [SHORT_A_DAY, SHORT_IN_ALL] = stated(
  /3 checks; (\d+) wrong a day and (\d+) until one is right; none for admin/,
) as [number, number];
const [NAMES] = stated(/(\d+) different ones in 10 minutes/) as [number];
/** Guesses in a year, by digits: at an account whose owner resets every day, and at 10,000 accounts. */
const inAYear = (digits: number) =>
  stated(new RegExp(`\\| ${digits} \\| (\\d+) \\| [\\d.]+ % \\| (\\d+) \\| [\\d.]+ % \\| (\\d+) \\|`)) as [
    number,
    number,
    number,
  ];

describe.each(databases)('P6 on $name: as many guesses are looked at as SECURITY.md says', ({ create }) => {
  const { app, database, restart } = withCountedApp(create, {}, 'test');

  /** How many guesses were compared: each leaves an event that says so. */
  async function compared(name: 'sign_in_failed' | 'verification_failed', userId?: string): Promise<number> {
    let query = app.context.db.selectFrom('events').select('details').where('name', '=', name);
    if (userId !== undefined) query = query.where('user_id', '=', userId);
    return (await query.execute()).filter(({ details }) => JSON.parse(details).reason === 'wrong').length;
  }
  const guess = (username: string, from = newIp()) =>
    app.call('POST', '/v1/signin', { username, password: WRONG }, from);
  const askForEmail = (email: string) => app.call('POST', '/v1/send-mail', { email }, newIp());
  const guessCode = (email: string, code = '000000', at = app) =>
    at.call('POST', '/v1/reset-password', { email, code, password: NEW_PASSWORD }, newIp());
  const mailedTo = (email: string) => lastEmail(app, database, email);

  it('B13: passwords of one account, in a year of slow guessing', async () => {
    const { id, username } = await newAccount(app);
    for (let hour = 0; hour < 24; hour++) {
      // More often at first, when the pauses are short.
      for (let i = 0; i < 6; i++) {
        await guess(i % 2 ? username : username.toUpperCase());
        app.clock.advance(10 * MINUTE);
      }
    }
    const first = await compared('sign_in_failed', id);
    expect(first).toBeLessThanOrEqual(FIRST_DAY);
    expect(first).toBeGreaterThan(FIRST_DAY / 2);
    for (let hour = 0; hour < 24; hour++) {
      await guess(username);
      app.clock.advance(HOUR);
    }
    expect((await compared('sign_in_failed', id)) - first).toBeLessThanOrEqual(DAY_AFTER);
    for (let hour = 0; hour < 120; hour++) {
      await guess(username);
      app.clock.advance(HOUR);
    }
    for (let day = 7; day < 365; day++) {
      await guess(username);
      app.clock.advance(DAY);
    }
    expect(await compared('sign_in_failed', id)).toBe(IN_ALL);
  });

  it('W2: codes of an account whose owner never needs one, in a year', async () => {
    const { id, email } = await newAccount(app);
    await askForEmail(email);
    const wrong = anotherThan((await mailedTo(email)).code);
    for (let day = 0; day < 365; day++) {
      // The first days show the budget of a day, the rest of the year that nothing comes back.
      for (let message = 0; message < (day < 5 ? 3 : 1); message++) {
        await askForEmail(email);
        for (let i = 0; i < (day < 5 ? CHECKS : 1); i++) await guessCode(email, wrong);
        app.clock.advance(MINUTE);
      }
      if (day === 0) expect(await compared('verification_failed', id)).toBe(CODES_A_DAY);
      app.clock.advance(DAY);
    }
    expect(await compared('verification_failed', id)).toBe(CODES_IN_ALL);
    expect(inAYear(6)[0]).toBe(CODES_IN_ALL);
  });

  it('W2: codes of an account whose owner resets the password every day', async () => {
    const { id, email } = await newAccount(app);
    const days = 10;
    for (let day = 0; day < days; day++) {
      for (let message = 0; message < 3; message++) {
        await askForEmail(email);
        const wrong = anotherThan((await mailedTo(email)).code);
        for (let i = 0; i < CHECKS; i++) await guessCode(email, wrong);
        app.clock.advance(MINUTE);
      }
      app.clock.advance(HOUR);
      await askForEmail(email);
      const token = tokenOf((await mailedTo(email)).link);
      const reset = await app.call(
        'POST',
        '/v1/reset-password',
        { token, password: `${NEW_PASSWORD} ${day}` },
        newIp(),
      );
      expect(reset.status).toBe(200);
      app.clock.advance(DAY - HOUR);
    }
    expect(await compared('verification_failed', id)).toBe(CODES_A_DAY * days);
    expect(inAYear(6)[1]).toBe(CODES_A_DAY * 365);
  });

  it('W2: short codes, where they are accepted', async () => {
    await restart({
      codesDigits: 4,
      codesShort: 'allow',
    });
    const { id, email } = await newAccount(app);
    for (let day = 0; day < 20; day++) {
      for (let message = 0; message < 3; message++) {
        await askForEmail(email);
        const wrong = anotherThan((await mailedTo(email)).code);
        for (let i = 0; i < 3; i++) await guessCode(email, wrong);
        app.clock.advance(MINUTE);
      }
      if (day === 0) expect(await compared('verification_failed', id)).toBe(SHORT_A_DAY);
      app.clock.advance(DAY);
    }
    expect(await compared('verification_failed', id)).toBe(SHORT_IN_ALL);
    expect(inAYear(4)[0]).toBe(SHORT_IN_ALL);
  });

  it('codes and passwords of ten thousand accounts', async () => {
    const FLEET = 10_000;
    const { id, ...model } = await newAccount(app);
    const row = await app.context.db
      .selectFrom('users')
      .selectAll()
      .where('id', '=', id)
      .executeTakeFirstOrThrow();
    const named = (i: number) => ({ username: `fleet${i}`, email: `fleet${i}@example.org` });
    const fleet = Array.from({ length: FLEET }, (_, i) => {
      const { username, email } = named(i);
      return { ...row, id: randomUUID(), username, username_key: username, email, email_key: email };
    });
    for (let i = 0; i < FLEET; i += 1_000)
      await app.context.db
        .insertInto('users')
        .values(fleet.slice(i, i + 1_000))
        .execute();

    // A new account for every guess, so that no other budget is in the way.
    let next = 0;
    for (let window = 0; window < 4; window++) {
      for (let i = 0; i < OF_ALL + 10; i++) {
        const { email } = named(next++);
        await askForEmail(email);
        await guessCode(email, '000000');
      }
      app.clock.advance(15 * MINUTE);
    }
    const anHour = await compared('verification_failed');
    // One in a million of them may have been right.
    expect(anHour).toBeGreaterThan(4 * OF_ALL - 3);
    expect(anHour).toBeLessThanOrEqual(4 * OF_ALL);
    expect(inAYear(6)[2]).toBe(Math.min(anHour * 24 * 365, CODES_IN_ALL * FLEET));
    // While codes are off for everybody, a link is as good as ever.
    for (let i = 0; i < OF_ALL + 10; i++) {
      const { email } = named(next++);
      await askForEmail(email);
      await guessCode(email, '000000');
    }
    await askForEmail(model.email);
    const { code, link } = await mailedTo(model.email);
    expect((await guessCode(model.email, code)).body.code).toBe('invalid_code');
    const token = tokenOf(link);
    expect(
      (await app.call('POST', '/v1/reset-password', { token, password: NEW_PASSWORD }, newIp())).status,
    ).toBe(200);

    // One password sprayed over all of them, from one network.
    const before = await compared('sign_in_failed');
    for (let window = 0; window < 3; window++) {
      for (let i = 0; i < NAMES + 10; i++) await guess(named(next++).username, '2001:db8:7::1');
      app.clock.advance(10 * MINUTE);
    }
    expect((await compared('sign_in_failed')) - before).toBe(3 * NAMES);
  });

  it('X12, X2: two hundred codes at once, on two processes', async () => {
    const other = await startCounted(database, { secret: app.secret, clock: app.clock });
    const { id, email } = await newAccount(app);
    await askForEmail(email);
    const { code = '' } = await mailedTo(email);
    const many = Array.from({ length: 200 }, (_, i) => (i % 2 ? app : other));
    const wrong = await Promise.all(many.map((at) => guessCode(email, anotherThan(code), at)));
    // On a machine that is busy with other things the database may be too slow for some, which are then not looked at.
    for (const { status } of wrong) expect(status).toBeOneOf([400, 503]);
    expect(await compared('verification_failed', id)).toBeOneOf(
      Array.from({ length: CHECKS }, (_, i) => i + 1),
    );

    // Of as many that are right, one is taken.
    app.clock.advance(DAY);
    await askForEmail(email);
    const { code: right } = await mailedTo(email);
    const replies = await Promise.all(many.map((at) => guessCode(email, right, at)));
    expect(replies.filter(({ status }) => status === 200)).toHaveLength(1);
    expect(replies.filter(({ status }) => status === 400 || status === 503)).toHaveLength(199);
    await other.stop();
  });
});
