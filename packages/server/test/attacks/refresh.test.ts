import { describe, expect, it } from 'vitest';
import type { Tables } from '../../src/platform/db/tables.ts';
import { login, signUp, startApp, type TestApp } from '../support/app.ts';
import { DAY, HOUR, MINUTE, SECOND } from '../support/clock.ts';
import { queuedEmails } from '../support/emails.ts';
import {
  type Credential,
  claimsOf,
  forgeMac,
  newIp,
  openInside,
  present,
  sendAs,
  sendTo,
  startTwin,
} from '../support/forge.ts';
import { databases } from '../support/postgres.ts';
import { withApp } from '../support/with-app.ts';

const tables: (keyof Tables)[] = [
  'installation',
  'users',
  'sessions',
  'keys',
  'rate_limits',
  'verifications',
  'events',
];

interface Pair {
  bearer: string;
  refresh: string;
}

const sessionOf = ({ bearer }: Pair): string => claimsOf(bearer).sid;

describe.each(databases)('attacks on refresh tokens on $name', ({ create }) => {
  const { app, database, inside, twin } = withApp(create);

  const newPerson = () => signUp(app, newIp());
  async function logIn(who: { username: string; password: string }): Promise<Pair> {
    const { access_token, refresh_token } = await login(app, who, newIp());
    return { bearer: access_token, refresh: refresh_token };
  }
  const newProgram = async () => logIn(await newPerson());

  const tryRefresh = (process: TestApp, refresh: string) => present(process, { refresh });
  async function next({ refresh }: Pair, process = app): Promise<Pair> {
    const { status, body } = await tryRefresh(process, refresh);
    expect(status).toBe(200);
    return { bearer: body.access_token, refresh: body.refresh_token };
  }

  /** Refused on both processes, with the one answer for all that is not good (any more). */
  async function expectRejected(...credentials: Credential[]): Promise<void> {
    for (const process of [app, twin])
      for (const credential of credentials) {
        const reply = await present(process, credential);
        expect(reply.status, JSON.stringify(credential)).toBe(401);
        expect(reply.body.code).toBe('invalid_token');
        expect(reply.text).not.toMatch(/eyJ|usher_r_/);
      }
  }
  /** The session is over: nothing of it is good, neither what its owner holds nor what a thief does. */
  const expectOver = (...pairs: Pair[]) =>
    expectRejected(...pairs.flatMap(({ bearer, refresh }) => [{ refresh }, { bearer }]));

  const rowOf = (pair: Pair) =>
    inside.db.selectFrom('sessions').selectAll().where('id', '=', sessionOf(pair)).executeTakeFirstOrThrow();
  const eventsOf = async (pair: Pair): Promise<string[]> => {
    const rows = inside.db.selectFrom('events').select('name').where('session_id', '=', sessionOf(pair));
    return (await rows.orderBy('id').execute()).map(({ name }) => name);
  };

  it('R1: a refresh token comes again whose successor was used: its session ends, which is recorded', async () => {
    const first = await newProgram();
    const second = await next(first);
    const third = await next(second);
    app.clock.advance(10_001);
    await expectRejected({ refresh: first.refresh });
    await expectOver(first, second, third);
    expect(await rowOf(first)).toMatchObject({ revoked_reason: 'refresh_token_reused', refresh_number: 3 });
    // Once, however often it comes.
    expect(await eventsOf(first)).toEqual(['signed_in', 'refresh_token_reused']);
  });

  it('R1: a retry within ten seconds gets the same successor', async () => {
    const first = await newProgram();
    const second = await next(first);
    for (const wait of [0, 5 * SECOND, 5 * SECOND]) {
      app.clock.advance(wait);
      expect((await next(first, twin)).refresh).toBe(second.refresh);
    }
    const third = await next(second);
    expect((await present(app, { bearer: third.bearer })).status).toBe(200);
  });

  it('R2: of fifty uses side by side all get one and the same successor', async () => {
    let current = await newProgram();
    for (let round = 0; round < 4; round++) {
      const uses = [...Array(50).keys()].map((n) => tryRefresh(n % 2 ? app : twin, current.refresh));
      const replies = await Promise.all(uses);
      expect(replies.map(({ status }) => status)).toEqual(Array(50).fill(200));
      const successors = new Set(replies.map(({ body }) => body.refresh_token));
      expect(successors.size).toBe(1);
      expect((await rowOf(current)).refresh_number).toBe(round + 2);
      const [{ body } = expect.fail('no reply')] = replies;
      current = { bearer: body.access_token, refresh: body.refresh_token };
      app.clock.advance(SECOND);
    }
    expect((await present(twin, { bearer: current.bearer })).status).toBe(200);
  });

  it('R2: fifty uses of a token whose successor was used end the session, and hand out nothing', async () => {
    const first = await newProgram();
    const second = await next(await next(first));
    app.clock.advance(11 * SECOND);
    const replies = await Promise.all(
      [...Array(50).keys()].map((n) => tryRefresh(n % 2 ? app : twin, first.refresh)),
    );
    expect(replies.map(({ status }) => status)).toEqual(Array(50).fill(401));
    await expectOver(first, second);
    expect(await eventsOf(first)).toEqual(['signed_in', 'refresh_token_reused']);
  });

  it('R17: answers that were lost in a tunnel end nothing, up to three a day, and each is an event', async () => {
    let first = await newProgram();
    for (const wait of [12 * SECOND, 10 * MINUTE, 5 * HOUR]) {
      const lost = await next(first);
      app.clock.advance(wait);
      // Two tabs that try again side by side, on two processes, are one retry.
      const replies = await Promise.all([app, twin, app].map((one) => tryRefresh(one, first.refresh)));
      expect(replies.map(({ status }) => status)).toEqual([200, 200, 200]);
      expect(new Set(replies.map(({ body }) => body.refresh_token))).toEqual(new Set([lost.refresh]));
      first = await next(lost);
      expect((await present(twin, { bearer: first.bearer })).status).toBe(200);
    }
    const retries = Array(3).fill('refresh_token_retried');
    expect(await eventsOf(first)).toEqual(['signed_in', ...retries]);
    // A day after the first of them there is room for one more, and not for two.
    app.clock.advance(24 * HOUR - 10 * MINUTE - 5 * HOUR);
    let last = await next(first);
    app.clock.advance(4 * SECOND);
    last = await next(first);
    expect(await eventsOf(first)).toEqual(['signed_in', ...retries, 'refresh_token_retried']);
    app.clock.advance(4 * SECOND);
    await expectRejected({ refresh: first.refresh });
    await expectOver(first, last);
    expect(await eventsOf(first)).toEqual([
      'signed_in',
      ...retries,
      'refresh_token_retried',
      'refresh_token_reused',
    ]);
  });

  it('R17: side by side, retries take three from the day and no more, on two processes', async () => {
    const first = await newProgram();
    const second = await next(first);
    for (let burst = 0; burst < 3; burst++) {
      app.clock.advance(4 * SECOND);
      const uses = [...Array(20).keys()].map((n) => tryRefresh(n % 2 ? app : twin, first.refresh));
      for (const { status, body } of await Promise.all(uses)) {
        expect(status).toBe(200);
        expect(body.refresh_token).toBe(second.refresh);
      }
    }
    expect(await eventsOf(first)).toEqual(['signed_in', ...Array(3).fill('refresh_token_retried')]);
    app.clock.advance(4 * SECOND);
    const replies = await Promise.all(
      [...Array(20).keys()].map((n) => tryRefresh(n % 2 ? app : twin, first.refresh)),
    );
    expect(replies.map(({ status }) => status)).toEqual(Array(20).fill(401));
    await expectOver(first, second);
  });

  it('R18: a thief who refreshes five seconds behind the owner is noticed within four rounds', async () => {
    const who = await newPerson();
    let owner = await logIn(who);
    const eventually = owner;
    let round = 0;
    for (let isNoticed = false; !isNoticed && round < 200; round++) {
      const stolen = owner.refresh;
      owner = await next(owner);
      app.clock.advance(5 * SECOND);
      const { status } = await tryRefresh(twin, stolen);
      isNoticed = status === 401;
      app.clock.advance(9 * MINUTE);
    }
    expect(round).toBeLessThanOrEqual(4);
    await expectOver(eventually, owner);
    expect(await rowOf(owner)).toMatchObject({ revoked_reason: 'refresh_token_reused' });
    expect((await eventsOf(owner)).at(-1)).toBe('refresh_token_reused');
    const notices = (await queuedEmails(app, database)).filter(({ to }) => to === who.email);
    expect(notices.map(({ kind }) => kind).filter((kind) => kind === 'refresh_token_reused')).toHaveLength(1);
  });

  it('R4: a token two steps back ends the session whenever it comes, however few retries there were', async () => {
    const first = await newProgram();
    const second = await next(await next(first));
    app.clock.advance(11 * SECOND);
    await expectRejected({ refresh: first.refresh });
    expect((await rowOf(first)).revoked_reason).toBe('refresh_token_reused');
    await expectOver(second);
  });

  it('R5: a thief who was first is found out when the owner comes, and both are out', async () => {
    const owner = await newProgram();
    let thief = await next(owner);
    for (let n = 0; n < 3; n++) {
      app.clock.advance(5 * MINUTE);
      thief = await next(thief);
    }
    expect((await present(app, { bearer: thief.bearer })).status).toBe(200);
    await expectRejected({ refresh: owner.refresh });
    await expectOver(owner, thief);
  });

  it('R6: a token two steps back ends the session even within the grace', async () => {
    const first = await newProgram();
    const second = await next(first);
    const third = await next(second);
    await expectRejected({ refresh: first.refresh });
    await expectOver(first, second, third);
    expect((await rowOf(first)).revoked_reason).toBe('refresh_token_reused');
  });

  it('R8: a restart between use and reuse forgets nothing', async () => {
    const first = await newProgram();
    const before = await startTwin(app, database);
    const second = await next(await next(first, before), before);
    await before.stop();
    app.clock.advance(11 * SECOND);
    const after = await startTwin(app, database);
    expect((await tryRefresh(after, first.refresh)).status).toBe(401);
    await after.stop();
    await expectOver(first, second);
  });

  it.each([
    { end: 'PATCH /v1/users/:id', by: 'admin', body: { disabled: true } },
    { end: 'POST /v1/users/:id/logout-everywhere', by: 'admin', body: undefined },
    { end: 'DELETE /v1/users/:id', by: 'admin', body: undefined },
    { end: 'POST /v1/logout-everywhere', by: 'owner', body: undefined },
    { end: 'PUT /v1/me/password', by: 'owner', body: { new_password: 'another correct horse' } },
    { end: 'DELETE /v1/me', by: 'owner', body: {} },
    { end: 'POST /v1/logout', by: 'program', body: undefined },
  ])('R9: no refresh after $end', async ({ end, by, body }) => {
    const boss = await newPerson();
    await inside.promote(boss.id);
    const who = await newPerson();
    const first = await logIn(who);
    const second = await next(first);
    const [method = '', path = ''] = end.replace(':id', who.id).split(' ');
    const proof =
      method === 'PUT' ? { current_password: who.password } : { email: who.email, password: who.password };
    const content = by === 'owner' && body ? { ...proof, ...body } : body;
    const caller = by === 'admin' ? boss.browser : who.browser;
    const reply =
      by === 'program'
        ? await sendAs(twin, { bearer: second.bearer }, method, path)
        : await caller.send(method, path, content);
    expect(reply.status).toBe(200);
    await expectOver(first, second);
    if (end.startsWith('PATCH')) {
      expect((await boss.browser.send('PATCH', path, { disabled: false })).status).toBe(200);
      await expectOver(first, second);
    }
  });

  it('R10: two weeks without a refresh end the session, to the millisecond', async () => {
    const who = await newPerson();
    const [used, idle] = [await logIn(who), await logIn(who)];
    app.clock.advance(14 * DAY - 1);
    const again = await next(used);
    app.clock.advance(1);
    await expectRejected({ refresh: idle.refresh });
    app.clock.advance(14 * DAY - 2);
    const last = await next(again, twin);
    expect((await present(app, { bearer: last.bearer })).status).toBe(200);
  });

  it('R10: thirty days end the session, however often it was refreshed', async () => {
    // Tokens expire at whole seconds.
    app.clock.advance(SECOND - (app.clock.now() % SECOND));
    let current = await newProgram();
    const end = app.clock.now() + 30 * DAY;
    const { auth_time, sid } = claimsOf(current.bearer);
    while (app.clock.now() + 13 * DAY < end) {
      app.clock.advance(13 * DAY);
      current = await next(current);
    }
    for (const left of [HOUR, 5 * MINUTE, 2 * SECOND]) {
      app.clock.advance(end - left - app.clock.now());
      const { body } = await tryRefresh(app, current.refresh);
      current = { bearer: body.access_token, refresh: body.refresh_token };
      const { exp, iat, ...claims } = claimsOf(current.bearer);
      expect(claims).toMatchObject({ auth_time, sid });
      expect(exp * 1000).toBeLessThanOrEqual(end);
      expect(body.expires_in).toBe(exp - iat);
      expect(body.expires_in).toBe(left === 2 * SECOND ? 2 : Math.min(600, left / 1000));
      expect((await present(twin, { bearer: current.bearer })).status).toBe(200);
    }
    app.clock.advance(2 * SECOND - 1);
    current = await next(current);
    app.clock.advance(1);
    await expectOver(current);
    expect(await rowOf(current)).toMatchObject({ created_at: end - 30 * DAY });
  });

  it('R10: a session that ends within this second gives no access token that has already expired', async () => {
    app.clock.advance(1.5 * SECOND - (app.clock.now() % SECOND));
    let current = await newProgram();
    const end = app.clock.now() + 30 * DAY;
    while (app.clock.now() + 13 * DAY < end) {
      app.clock.advance(13 * DAY);
      current = await next(current);
    }
    app.clock.advance(end - 501 - app.clock.now());
    const { body } = await tryRefresh(app, current.refresh);
    expect(body.expires_in).toBe(1);
    app.clock.advance(1);
    await expectRejected({ refresh: body.refresh_token });
  });

  it('R13: more rights, another audience or a longer life cannot be asked for', async () => {
    const first = await newProgram();
    const more: Record<string, unknown> = {
      scope: 'admin',
      aud: 'another-service',
      audience: 'another-service',
      resource: 'https://other.example',
      role: 'admin',
      sub: sessionOf(first),
      client_id: 'x',
      grant_type: 'refresh_token',
      expires_in: 1_000_000,
      lifetime: 1_000_000,
      access_token: first.bearer,
      Refresh_Token: first.refresh,
    };
    for (const [field, value] of Object.entries(more)) {
      const reply = await sendTo(app, 'POST', '/v1/refresh', {
        refresh_token: first.refresh,
        [field]: value,
      });
      expect(reply.status, field).toBe(400);
      expect(reply.text).toContain(field);
      expect(reply.text).not.toContain('eyJ');
    }
    for (const refresh_token of [[first.refresh], { token: first.refresh }, null, 7])
      expect((await sendTo(app, 'POST', '/v1/refresh', { refresh_token })).status).toBe(400);
    expect((await rowOf(first)).refresh_number).toBe(1);
    const { exp: _exp, iat: _iat, jti, ...before } = claimsOf(first.bearer);
    const after = claimsOf((await next(first)).bearer);
    expect(after).toMatchObject(before);
    expect(Object.keys(after)).toEqual(Object.keys(claimsOf(first.bearer)));
    expect(after.jti).not.toBe(jti);
  });

  it('R14: nothing that the database holds is accepted as a token, or makes one', async () => {
    const own = await create();
    const fresh = await startApp(own);
    const within = await openInside(fresh, own);
    const who = await signUp(fresh);
    const { refresh_token } = await login(fresh, who);
    const { body } = await tryRefresh(fresh, refresh_token);
    const [, sessionId, number, signature] = /^usher_r_(.{22})_(\d+)_(.+)$/.exec(body.refresh_token) ?? [];
    expect((await tryRefresh(fresh, 'forged')).status).toBe(401);

    const texts = new Set<string>();
    for (const table of tables) {
      const rows = await within.db.selectFrom(table).selectAll().execute();
      expect(rows, table).not.toEqual([]);
      for (const value of rows.flatMap((row) => Object.values(row)))
        if (typeof value === 'string' && value !== '') texts.add(value);
    }
    expect([...texts]).toContain(sessionId);
    expect([...texts].join('\n')).not.toContain(signature);

    const claims = claimsOf(who.browser.cookie ?? '');
    for (const text of texts) {
      for (const refresh of [
        text,
        `usher_r_${sessionId}_${number}_${text}`,
        `usher_r_${text}_1_${signature}`,
      ])
        expect((await tryRefresh(fresh, refresh)).status, refresh).toBe(401);
      // A key could stand there in any of these spellings.
      const keys = [text, Buffer.from(text, 'base64url'), Buffer.from(text, 'hex')];
      for (const token of [text, ...keys.map((key) => forgeMac(key, claims))])
        if (/^[!-~]+$/.test(token))
          for (const credential of [{ cookie: token }, { bearer: token }])
            expect((await present(fresh, credential)).status, token).toBe(401);
    }
    // None of that has ended anything.
    expect((await tryRefresh(fresh, body.refresh_token)).status).toBe(200);
    await within.close();
    await fresh.stop();
    await own.remove();
  });

  it('R16: a thousand refreshes leave one row, and no trace of each', async () => {
    let current = await newProgram();
    const { user_id } = await rowOf(current);
    // An email of a sign-up may still be on its way.
    const eventsOf = () =>
      inside.db.selectFrom('events').selectAll().where('name', 'not like', 'mail%').execute();
    const events = await eventsOf();
    for (let n = 0; n < 1_000; n++) current = await next(current, n % 2 ? app : twin);
    const rows = await inside.db.selectFrom('sessions').selectAll().where('user_id', '=', user_id).execute();
    expect(rows.map(({ kind, refresh_number }) => `${kind} ${refresh_number}`).toSorted()).toEqual([
      'bearer 1001',
      'cookie 1',
    ]);
    expect(await eventsOf()).toHaveLength(events.length);
  });
});
