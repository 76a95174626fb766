import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { newId } from '../../src/platform/random.ts';
import { Browser, newIdentifiers, type Reply, send, signUp, startApp, type TestApp } from '../support/app.ts';
import { HOUR, MINUTE, SECOND } from '../support/clock.ts';
import {
  type Credential,
  claimsOf,
  forgeMac,
  newIp,
  pageHeaders,
  present,
  sendAs,
  sendTo,
  startTwin,
} from '../support/forge.ts';
import { submit } from '../support/form.ts';
import { databases } from '../support/postgres.ts';
import { withApp } from '../support/with-app.ts';

type Person = { username: string; email: string; password: string };

const cookieOf = (reply: Reply): string | undefined =>
  /^usher=([^;]+)/.exec(reply.headers.getSetCookie()[0] ?? '')?.[1];

const idOf = (token: string): string => claimsOf(token).sid;

describe.each(databases)('attacks on sessions on $name', ({ create }) => {
  const { app, database, inside, twin } = withApp(create);

  /** The process that serves request number `n`: the two take turns. */
  const processOf = (n: number): TestApp => (n % 2 === 0 ? app : twin);
  const newPerson = () => signUp(app, newIp());
  const newAdmin = async () => {
    const admin = await newPerson();
    await inside.promote(admin.id);
    return admin;
  };

  async function signIn({ email, password }: Person): Promise<{ cookie: string }> {
    const reply = await sendTo(app, 'POST', '/v1/signin', { email, password });
    expect(reply.status).toBe(200);
    return { cookie: cookieOf(reply) ?? '' };
  }
  const tryLogin = (process: TestApp, { email, password }: Person): Promise<Reply> =>
    sendTo(process, 'POST', '/v1/login', { email, password });
  async function logIn(who: Person): Promise<{ bearer: string; refresh: string }> {
    const { status, body } = await tryLogin(app, who);
    expect(status).toBe(200);
    return { bearer: body.access_token, refresh: body.refresh_token };
  }
  const both = ({ bearer, refresh }: { bearer: string; refresh: string }): Credential[] => [
    { bearer },
    { refresh },
  ];

  /** Whether a credential is accepted, which both processes must agree on. */
  async function isAlive(credential: Credential): Promise<boolean> {
    const [here, there] = [await present(app, credential), await present(twin, credential)];
    expect([200, 401]).toContain(here.status);
    expect(there.status).toBe(here.status);
    return here.status === 200;
  }
  const expectAll = async (alive: boolean, credentials: Credential[]): Promise<void> => {
    for (const credential of credentials)
      expect(await isAlive(credential), JSON.stringify(credential)).toBe(alive);
  };
  const expectAlive = (...credentials: Credential[]) => expectAll(true, credentials);
  const expectDead = (...credentials: Credential[]) => expectAll(false, credentials);

  async function activeSessionsOf(userId: string): Promise<string[]> {
    const open = inside.db.selectFrom('sessions').select('id').where('user_id', '=', userId);
    return (await open.where('revoked_at', 'is', null).execute()).map(({ id }) => id);
  }

  it('S1: a cookie that was planted before a sign-in is not the session that begins', async () => {
    const victim = await newPerson();
    const eve = await newPerson();
    const planted = 'planted-before-the-sign-in';
    for (const cookie of [planted, eve.browser.cookie ?? '']) {
      const browser = new Browser(app, newIp());
      browser.cookie = cookie;
      const { email, password } = victim;
      expect((await browser.post('/v1/signin', { email, password })).status).toBe(200);
      expect(claimsOf(browser.cookie).sub).toBe(victim.id);
      expect(idOf(browser.cookie)).not.toBe(idOf(eve.browser.cookie ?? ''));
    }
    await expectDead({ cookie: planted }, { cookie: eve.browser.cookie ?? '' });
  });

  it('S26: a sign-in over a session ends it, of the same account and of another', async () => {
    const [ada, eve] = [await newPerson(), await newPerson()];
    for (const { email, password } of [ada, eve]) {
      const before = { cookie: ada.browser.cookie ?? '' };
      expect((await ada.browser.post('/v1/signin', { email, password: 'not it' })).status).toBe(401);
      await expectAlive(before);
      expect((await ada.browser.post('/v1/signin', { email, password })).status).toBe(200);
      await expectDead(before);
      await expectAlive({ cookie: ada.browser.cookie ?? '' });
      const events = inside.db.selectFrom('events').select(['user_id', 'name']);
      const rows = await events.where('session_id', '=', idOf(before.cookie)).orderBy('id').execute();
      expect(rows.at(-1)).toEqual({ user_id: ada.id, name: 'session_replaced' });
    }
    // A sign-up is a sign-in too.
    const before = { cookie: ada.browser.cookie ?? '' };
    const names = newIdentifiers();
    expect((await ada.browser.post('/v1/signup', { ...names, password: eve.password })).status).toBe(201);
    await expectDead(before);
    // The other sessions of either are as they were.
    await expectAlive({ cookie: eve.browser.cookie ?? '' });
  });

  it('S4, S26: a password that is asked for again replaces the cookie, and the old one is dead', async () => {
    const admin = await newAdmin();
    const rotate = (cookie: string, password: string) =>
      submit(app, '/admin/keys/rotate', { password }, { cookie });
    const since = async (minutes: number) => {
      app.clock.advance(minutes * MINUTE);
      await admin.browser.get('/v1/me');
      return admin.browser.cookie ?? '';
    };
    await since(5);
    const before = await since(5);
    // A wrong one changes nothing.
    const wrong = await rotate(before, 'not it');
    expect(wrong.status).toBe(401);
    await expectAlive({ cookie: before });
    const reply = await rotate(before, admin.password);
    expect(reply.status).toBe(303);
    const after = { cookie: cookieOf(reply) ?? '' };
    expect(idOf(after.cookie)).toBe(idOf(before));
    await expectDead({ cookie: before }, { cookie: cookieOf(wrong) ?? before });
    await expectAlive(after);
    // A request that was under way with the old one does not take the new one away.
    const late = await admin.browser.get('/v1/me');
    expect([late.status, late.headers.getSetCookie()]).toEqual([401, []]);
    // Whatever the old cookie would have become is dead as well.
    app.clock.advance(2 * SECOND);
    await expectDead({ cookie: before });
    await expectAlive(after);
  });

  it('S26: log-out ends every session that it can identify, whatever comes beside them', async () => {
    const [ada, eve] = [await newPerson(), await newPerson()];
    const logOut = (cookies: string[]) =>
      sendTo(app, 'POST', '/v1/logout', undefined, {
        headers: { ...pageHeaders(app), cookie: cookies.map((cookie) => `usher=${cookie}`).join('; ') },
      });
    const signedIn = async () => [(await signIn(ada)).cookie, (await signIn(eve)).cookie] as const;

    const [first, second] = await signedIn();
    const two = await logOut([first, second]);
    expect([two.status, two.body.message]).toEqual([200, 'logout successful!']);
    expect(two.headers.getSetCookie()[0]).toContain('usher=;');
    await expectDead({ cookie: first }, { cookie: second });

    for (const nonsense of ['', 'nonsense', `${first}x`, '%00', '"']) {
      const [cookie] = await signedIn();
      for (const cookies of [
        [nonsense, cookie],
        [cookie, nonsense],
      ]) {
        expect((await logOut(cookies)).status).toBe(200);
        await expectDead({ cookie });
      }
    }

    // Nothing of ours: the browser is told to forget it.
    const none = await logOut(['nonsense', 'more nonsense']);
    expect([none.status, none.body.code]).toEqual([401, 'invalid_token']);
    expect(none.headers.getSetCookie()[0]).toContain('usher=;');
  });

  it('S5: a saved cookie is dead after the log-out: here, elsewhere, as a bearer token, after a restart', async () => {
    const { browser } = await newPerson();
    const { cookie = '' } = browser;
    await expectAlive({ cookie });
    expect((await browser.post('/v1/logout')).body.message).toBe('logout successful!');
    expect(browser.cookie).toBeUndefined();
    await expectDead({ cookie }, { bearer: cookie });
    const restarted = await startTwin(app, database);
    expect((await present(restarted, { cookie })).status).toBe(401);
    await restarted.stop();
    // Once more changes nothing, and tells nothing.
    expect((await sendAs(twin, { cookie }, 'POST', '/v1/logout')).body.message).toBe('logout successful!');
    expect((await send(app, 'POST', '/v1/logout')).body.message).toBe('logout successful!');
  });

  it('S6: no cookie that a request around the log-out was given is good after it', async () => {
    const who = await newPerson();
    let renewed = 0;
    for (let round = 0; round < 6; round++) {
      const session = await signIn(who);
      app.clock.advance(SECOND);
      const burst = () => [...Array(10).keys()].map((n) => sendAs(processOf(n), session, 'GET', '/v1/me'));
      const before = burst();
      const leaving = sendAs(processOf(round), session, 'POST', '/v1/logout');
      const replies = await Promise.all([...before, ...burst()]);
      expect((await leaving).status).toBe(200);
      for (const reply of replies) {
        expect([200, 401]).toContain(reply.status);
        const cookie = cookieOf(reply);
        if (cookie === undefined) continue;
        renewed++;
        await expectDead({ cookie });
      }
      await expectDead(session);
    }
    // Else no log-out met a renewal.
    expect(renewed).toBeGreaterThan(8);
  });

  it('S8: a program that logs out ends its refresh tokens too, even when the access token has expired', async () => {
    const who = await newPerson();
    for (const wait of [0, 11 * MINUTE]) {
      const first = await logIn(who);
      const { body } = await present(app, first);
      const second = { bearer: body.access_token, refresh: body.refresh_token };
      app.clock.advance(wait);
      expect((await sendAs(twin, { bearer: first.bearer }, 'POST', '/v1/logout')).status).toBe(200);
      await expectDead(...both(first), ...both(second));
    }
  });

  it('S9: an ended session stays dead where it is well known, and where it never was', async () => {
    const who = await newPerson();
    const program = await logIn(who);
    const cookie = await signIn(who);
    for (let n = 0; n < 4; n++) await expectAlive(cookie, { bearer: program.bearer });
    const third = await startTwin(app, database);
    expect((await sendAs(third, cookie, 'POST', '/v1/logout-everywhere')).status).toBe(200);
    await third.stop();
    const cold = await startTwin(app, database);
    for (const wait of [0, SECOND, 5 * SECOND, MINUTE]) {
      app.clock.advance(wait);
      await expectDead(cookie, ...both(program));
      for (const credential of [cookie, ...both(program)])
        expect((await present(cold, credential)).status).toBe(401);
    }
    await cold.stop();
  });

  it('S10: disabling ends every kind of credential, and enabling again revives none', async () => {
    const admin = await newAdmin();
    const who = await newPerson();
    const program = await logIn(who);
    const cookie = { cookie: who.browser.cookie ?? '' };
    await expectAlive(cookie, { bearer: program.bearer });
    for (const disabled of [true, false]) {
      const reply = await admin.browser.send('PATCH', `/v1/users/${who.id}`, { disabled });
      expect(reply.body.user.disabled).toBe(disabled);
      await expectDead(cookie, ...both(program));
      expect((await tryLogin(app, who)).status).toBe(disabled ? 401 : 200);
    }
  });

  it.each(['cookie', 'bearer'] as const)(
    'S12: a change of password (by %s) leaves the new session alone alive',
    async (kind) => {
      const who = await newPerson();
      const others = [{ cookie: who.browser.cookie ?? '' }, await signIn(who), ...both(await logIn(who))];
      const [cookie, program] = [await signIn(who), await logIn(who)];
      const current = kind === 'cookie' ? cookie : { bearer: program.bearer };
      const change = { current_password: who.password, new_password: 'another correct horse' };
      const reply = await sendAs(twin, current, 'PUT', '/v1/me/password', change);
      expect(reply.body.message).toBe('Password changed.');
      await expectDead(...others, cookie, ...both(program));

      const set = cookieOf(reply);
      const { access_token, refresh_token } = reply.body;
      const next = kind === 'cookie' ? { cookie: set ?? '' } : { bearer: access_token };
      await expectAlive(next);
      expect([set === undefined, refresh_token === undefined]).toEqual([
        kind === 'bearer',
        kind === 'cookie',
      ]);
      const { body } = await sendAs(app, next, 'GET', '/v1/me/sessions');
      expect(body.sessions).toHaveLength(1);
      expect(idOf(Object.values(next)[0] ?? '')).not.toBe(idOf(Object.values(current)[0] ?? ''));
      expect((await tryLogin(app, who)).status).toBe(401);
      expect((await tryLogin(app, { ...who, password: change.new_password })).status).toBe(200);
    },
  );

  it('S13: a token of an administrator who was demoted opens nothing of theirs, from the next request on', async () => {
    const [boss, eve] = [await newAdmin(), await newAdmin()];
    const program = await logIn(eve);
    const cookie = { cookie: eve.browser.cookie ?? '' };
    const asked = [
      ['GET', '/v1/users'],
      ['GET', `/v1/users/${boss.id}`],
      ['DELETE', `/v1/users/${boss.id}`],
      ['POST', `/v1/users/${boss.id}/logout-everywhere`],
    ] as const;
    for (const process of [app, twin])
      for (const credential of [cookie, { bearer: program.bearer }])
        expect((await sendAs(process, credential, 'GET', '/v1/users')).status).toBe(200);
    expect((await boss.browser.send('PATCH', `/v1/users/${eve.id}`, { role: 'user' })).body.user.role).toBe(
      'user',
    );
    const renewed = { bearer: (await present(twin, program)).body.access_token };
    for (const process of [app, twin])
      for (const credential of [cookie, { bearer: program.bearer }, renewed]) {
        for (const [method, path] of asked) {
          const reply = await sendAs(process, credential, method, path);
          expect(reply.status).toBe(403);
          expect(reply.text).not.toContain('@');
        }
        expect((await present(process, credential)).status).toBe(200);
      }
    expect((await boss.browser.get('/v1/me')).status).toBe(200);
  });

  it('S14: ten minutes without a request end a session, to the second', async () => {
    const { browser } = await newPerson();
    app.clock.advance(9 * MINUTE + 59 * SECOND);
    const kept = await browser.get('/v1/me');
    expect(kept.status).toBe(200);
    expect(kept.headers.getSetCookie()[0]).toMatch(/; Max-Age=600$/);
    const { cookie = '' } = browser;
    app.clock.advance(9 * MINUTE + 59 * SECOND);
    expect((await present(twin, { cookie })).status).toBe(200);
    // What that answer renewed never reached the browser.
    app.clock.advance(SECOND);
    await expectDead({ cookie });
    const late = await browser.get('/v1/me');
    expect(late.status).toBe(401);
    expect(late.headers.getSetCookie()[0]).toMatch(/^usher=; .*Max-Age=0/);
  });

  it('S14: a session gets one new token a second, and none in the second it was given one', async () => {
    const { browser } = await newPerson();
    const { cookie = '' } = browser;
    for (let n = 0; n < 3; n++)
      expect((await present(processOf(n), { cookie })).headers.getSetCookie()).toEqual([]);
    app.clock.advance(499);
    expect((await present(app, { cookie })).headers.getSetCookie()).toEqual([]);
    app.clock.advance(1);
    const replies = await Promise.all([...Array(20).keys()].map(() => present(app, { cookie })));
    app.clock.advance(400);
    replies.push(await present(app, { cookie }));
    const given = new Set(replies.map(cookieOf));
    expect(given.size).toBe(1);
    const [next = ''] = given;
    expect(claimsOf(next).exp).toBe(claimsOf(cookie).exp + 1);
    expect((await present(app, { cookie: next })).headers.getSetCookie()).toEqual([]);
    app.clock.advance(100);
  });

  it.each([
    { role: 'user', cap: 12 * HOUR, runs: 4 },
    { role: 'admin', cap: 4 * HOUR, runs: 8 },
  ])('S16: however a session of a $role is used, it ends with its cap', async ({ role, cap, runs }) => {
    const who = role === 'admin' ? await newAdmin() : await newPerson();
    const pause = fc.oneof(
      { weight: 120, arbitrary: fc.integer({ min: 5 * MINUTE, max: 10 * MINUTE - SECOND }) },
      { weight: 30, arbitrary: fc.integer({ min: 0, max: 2 * SECOND }) },
      { weight: 1, arbitrary: fc.integer({ min: 10 * MINUTE - SECOND, max: 10 * MINUTE + SECOND }) },
    );
    const patterns = fc.array(pause, {
      minLength: cap / (6 * MINUTE),
      maxLength: cap / (4 * MINUTE),
      size: 'max',
    });
    await fc.assert(
      fc.asyncProperty(patterns, async (pauses) => {
        let { cookie } = await signIn(who);
        const end = app.clock.now() + cap;
        const seconds = (time: number) => Math.floor(time / 1000);
        const { sub, sid } = claimsOf(cookie);
        for (const [n, milliseconds] of pauses.entries()) {
          app.clock.advance(milliseconds);
          const now = app.clock.now();
          const { exp, iat } = claimsOf(cookie);
          const reply = await present(processOf(n), { cookie });
          expect(reply.status).toBe(now < exp * 1000 ? 200 : 401);
          const set = cookieOf(reply);
          expect(set !== undefined).toBe(
            reply.status === 200 && seconds(now) > iat && seconds(now) < seconds(end),
          );
          if (set === undefined) continue;
          expect(claimsOf(set)).toMatchObject({
            sub,
            sid,
            iat: seconds(now),
            exp: seconds(Math.min(now + 10 * MINUTE, end)),
          });
          expect(reply.headers.getSetCookie()[0]).toMatch(
            new RegExp(`; Max-Age=${claimsOf(set).exp - seconds(now)}$`),
          );
          cookie = set;
        }
        if (app.clock.now() < end) app.clock.advance(end - app.clock.now());
        expect((await present(app, { cookie })).status).toBe(401);
        // The session itself is over, not the token alone.
        const iat = seconds(app.clock.now());
        const beyond = forgeMac(inside.keys.cookie, { ...claimsOf(cookie), iat, exp: iat + 600 });
        expect((await present(app, { cookie: beyond })).status).toBe(401);
      }),
      { numRuns: runs },
    );
  });

  it('S16: a promotion shortens the sessions that there are', async () => {
    const who = await newPerson();
    const { browser } = who;
    for (let passed = 0; passed < 5 * HOUR; passed += 9 * MINUTE) {
      app.clock.advance(9 * MINUTE);
      expect((await browser.get('/v1/me')).status).toBe(200);
    }
    const { cookie = '' } = browser;
    await inside.promote(who.id);
    await expectDead({ cookie });
  });

  it('S18: the sessions of others are neither seen nor ended, and an id opens nothing', async () => {
    const [ada, eve] = [await newPerson(), await newPerson()];
    const program = await logIn(ada);
    const ids = [idOf(ada.browser.cookie ?? ''), idOf(program.bearer)];
    const missing = await eve.browser.send('DELETE', `/v1/me/sessions/${'A'.repeat(22)}`);
    expect(missing.status).toBe(404);
    for (const id of ids) {
      const reply = await eve.browser.send('DELETE', `/v1/me/sessions/${id}`);
      expect(reply.status).toBe(404);
      expect({ ...reply.body, request_id: '' }).toEqual({ ...missing.body, request_id: '' });
      await expectDead({ cookie: id }, { bearer: id }, { refresh: id });
    }
    for (const id of ['1', '..', '%2e%2e', 'A'.repeat(21), 'A'.repeat(23), `${ids[0]}%00`, ada.id])
      expect([400, 404, 405]).toContain((await eve.browser.send('DELETE', `/v1/me/sessions/${id}`)).status);
    const seen = await eve.browser.get('/v1/me/sessions');
    expect(seen.body.sessions.map((one: { id: string }) => one.id)).toEqual([idOf(eve.browser.cookie ?? '')]);
    await expectAlive({ cookie: ada.browser.cookie ?? '' }, ...both(program));
    for (const id of ids) expect(id).toMatch(/^[\w-]{22}$/);
  });

  it('S20: no script can read a session: the cookie is HttpOnly, and no body holds the token', async () => {
    const browser = new Browser(app, newIp());
    const names = newIdentifiers();
    const { email, password } = names;
    const answers = [
      await browser.post('/v1/signup', names),
      await browser.post('/v1/signin', { email, password }),
      await browser.get('/v1/me'),
      await browser.get('/v1/dashboard'),
      await browser.get('/v1/me/sessions'),
      await browser.send('PUT', '/v1/me/password', {
        current_password: password,
        new_password: 'another correct horse',
      }),
    ];
    for (const { status, text, headers } of answers) {
      expect([200, 201]).toContain(status);
      expect(text).not.toMatch(/eyJ|access_token|refresh_token|usher_r_/);
      expect([...headers].filter(([name, value]) => name !== 'set-cookie' && value.includes('eyJ'))).toEqual(
        [],
      );
      for (const set of headers.getSetCookie()) {
        const maxAge = set.startsWith('usher-device=') ? 7_776_000 : 600;
        expect(set).toContain(`; HttpOnly; SameSite=Lax; Max-Age=${maxAge}`);
      }
    }
    const cookies = answers.flatMap(({ headers }) => headers.getSetCookie());
    expect(cookies.filter((set) => set.startsWith('usher='))).toHaveLength(3);
    const program = await tryLogin(app, { ...names, password: 'another correct horse' });
    expect(program.status).toBe(200);
    expect(program.headers.getSetCookie()).toEqual([]);
  });

  it('S20: behind https the cookie is this host’s alone (__Host-), and no other name is taken for it', async () => {
    const own = await create();
    const secure = {
      ...(await startApp(own, { publicUrl: 'https://accounts.example.org' })),
      url: 'https://accounts.example.org',
    };
    const reply = await sendTo(secure, 'POST', '/v1/signup', newIdentifiers());
    const [set = ''] = reply.headers.getSetCookie();
    expect(set).toMatch(/^__Host-usher=[^;]+; Path=\/; HttpOnly; SameSite=Lax; Max-Age=600; Secure$/);
    const [, token] = /=([^;]+)/.exec(set) ?? [];
    const statusWith = async (name: string) =>
      (await sendTo(secure, 'GET', '/v1/me', undefined, { headers: { cookie: `${name}=${token}` } })).status;
    expect(await statusWith('__Host-usher')).toBe(200);
    const others = ['usher', '__host-usher', '__Secure-usher', 'X__Host-usher', '"__Host-usher"'];
    for (const name of others) expect(await statusWith(name), name).toBe(401);
    await secure.stop();
    await own.remove();
  });

  it('S21: fifty log-ins side by side leave the newest twenty sessions, never more', async () => {
    const who = await newPerson();
    app.clock.advance(SECOND);
    const given: Credential[] = [];
    // Those beyond the budget of uncleared attempts are refused unevaluated, a database in use is busy: they come again.
    for (let wave = 50; given.length < 25; wave = 10) {
      const attempts = [...Array(wave).keys()].map((n) => tryLogin(processOf(n), who));
      for (const { status, body } of await Promise.all(attempts)) {
        expect([200, 401, 503]).toContain(status);
        if (status === 200) given.push({ bearer: body.access_token });
      }
    }
    const alive: Credential[] = [];
    for (const credential of given) if (await isAlive(credential)) alive.push(credential);
    expect(alive).toHaveLength(20);
    expect((await who.browser.get('/v1/me')).status).toBe(401);
    // Whoever signs in now is in, whatever the clock of the others says.
    for (let n = 0; n < 5; n++) {
      const last = { bearer: (await logIn(who)).bearer };
      await expectAlive(last);
      expect((await sendAs(app, last, 'GET', '/v1/me/sessions')).body.sessions).toHaveLength(20);
    }
  });

  it('S22: a client cannot say what its session is', async () => {
    const who = await newPerson();
    const eve = await newPerson();
    const { email, password } = who;
    const { refresh } = await logIn(who);
    const fields = 'sid session_id id user_id expires_at expiresAt created_at kind amr auth_time role'.split(
      ' ',
    );
    const bodies: [path: string, body: object][] = [
      ['/v1/signup', newIdentifiers()],
      ['/v1/signin', { email, password }],
      ['/v1/login', { email, password }],
      ['/v1/refresh', { refresh_token: refresh }],
    ];
    for (const [path, body] of bodies)
      for (const field of fields) {
        const reply = await sendTo(app, 'POST', path, { ...body, [field]: '2030-01-01T00:00:00Z' });
        expect(reply.status).toBe(400);
        expect(reply.text.toLowerCase()).toContain(field.toLowerCase());
        expect(reply.headers.getSetCookie()).toEqual([]);
        expect(reply.text).not.toContain('access_token');
      }
    const sid = idOf(eve.browser.cookie ?? '');
    const headers = {
      cookie: `sid=${sid}; usher=${who.browser.cookie}; user=${eve.id}`,
      'x-user-id': eve.id,
    };
    const seen = await sendTo(app, 'GET', `/v1/me?sid=${sid}&user_id=${eve.id}`, undefined, { headers });
    expect(seen.body.user.id).toBe(who.id);
    await expectAlive({ refresh });
  });

  it('S24: what was answered before “log out everywhere” was sent is dead, whatever races with it', async () => {
    const who = await newPerson();
    let program = await logIn(who);
    for (let round = 0; round < 30; round++) {
      app.clock.advance(SECOND);
      const before: Credential[] = both(program);
      let answered = false;
      const racing = tryLogin(processOf(round), who).then((reply) => {
        answered = true;
        return reply;
      });
      // So that the log-out meets the log-in at another point in every round.
      let current = program;
      for (let n = 0; n < round % 10; n++) {
        const { body } = await present(processOf(n), { refresh: current.refresh });
        current = { bearer: body.access_token, refresh: body.refresh_token };
      }
      before.push(...both(current));
      const wasAnswered = answered;
      const [leaving, ...refreshed] = await Promise.all([
        sendAs(processOf(round + 1), { bearer: program.bearer }, 'POST', '/v1/logout-everywhere'),
        present(app, { refresh: current.refresh }),
        present(twin, { refresh: current.refresh }),
      ]);
      const { status, body } = await racing;
      expect([leaving.status, status]).toEqual([200, 200]);
      // A refresh is of a session from before, whenever it is answered.
      for (const { body } of refreshed)
        if (body.access_token) before.push({ bearer: body.access_token }, { refresh: body.refresh_token });
      if (wasAnswered) before.push({ bearer: body.access_token });
      await expectDead(...before);
      const open = await activeSessionsOf(who.id);
      expect([[], [idOf(body.access_token)]]).toContainEqual(open);
      const survived = open.length === 1;
      expect(await isAlive({ bearer: body.access_token })).toBe(survived);
      program = survived ? { bearer: body.access_token, refresh: body.refresh_token } : await logIn(who);
    }
    expect((await sendAs(app, { bearer: program.bearer }, 'POST', '/v1/logout-everywhere')).status).toBe(200);
    await expectDead(...both(program));
    await expectAlive({ bearer: (await logIn(who)).bearer });
  });

  it.each([
    { end: 'POST /v1/logout-everywhere', body: undefined },
    { end: 'POST /v1/users/:id/logout-everywhere', body: undefined },
    { end: 'PATCH /v1/users/:id', body: { disabled: true } },
    { end: 'DELETE /v1/users/:id', body: undefined },
  ])('S24: a sign-in that is at its last step does not survive $end', async ({ end, body }) => {
    const boss = await newAdmin();
    const { id, browser } = await newPerson();
    const [method = '', path = ''] = end.replace(':id', id).split(' ');
    const caller = path.includes(id) ? boss.browser : browser;
    const claims = claimsOf(browser.cookie ?? '');
    const begun = newId();
    const credential = { cookie: forgeMac(inside.keys.cookie, { ...claims, sid: begun }) };
    const ending = await inside.db.transaction().execute(async (tx) => {
      // What a sign-in does: first it takes the user's row, then it adds the session.
      await tx.updateTable('users').set({ last_sign_in_at: app.clock.now() }).where('id', '=', id).execute();
      const own = tx.selectFrom('sessions').selectAll().where('id', '=', claims.sid);
      const row = { ...(await own.executeTakeFirstOrThrow()), id: begun };
      await tx.insertInto('sessions').values(row).execute();
      const reply = caller.send(method, path, body);
      // Time enough for an end that does not wait for it.
      for (let n = 0; n < 10; n++) await sendTo(app, 'GET', '/healthz');
      return { reply };
    });
    expect((await ending.reply).status).toBe(200);
    expect(await activeSessionsOf(id)).toEqual([]);
    await expectDead(credential);
  });

  it('S25: nothing is kept for the “back” button: no-store on all, Clear-Site-Data on the way out', async () => {
    const who = await newPerson();
    const { email, password } = who;
    const inUse = [
      await who.browser.get('/v1/me'),
      await who.browser.get('/v1/dashboard'),
      await who.browser.get('/v1/me/sessions'),
      await who.browser.get('/v1/users'),
    ];
    const leaving: Reply[] = [];
    for (const [method, path, body] of [
      ['POST', '/v1/logout', undefined],
      ['POST', '/v1/logout-everywhere', undefined],
      ['DELETE', '/v1/me', { email, password }],
    ] as const) {
      await who.browser.post('/v1/signin', { email, password });
      leaving.push(await who.browser.send(method, path, body));
    }
    for (const reply of leaving) {
      expect(reply.status).toBe(200);
      expect(reply.headers.get('clear-site-data')).toBe('"cache"');
      expect(reply.headers.getSetCookie()[0]).toMatch(/^usher=; .*Max-Age=0; Expires=Thu, 01 Jan 1970/);
    }
    // A browser that sends an access token takes the header for an error.
    const program = await logIn(await newPerson());
    const left = await send(app, 'POST', '/v1/logout', undefined, {
      headers: { authorization: `Bearer ${program.bearer}` },
    });
    expect([left.status, left.headers.has('clear-site-data')]).toEqual([200, false]);
    for (const { headers } of [...inUse, ...leaving, await who.browser.get('/v1/dashboard')]) {
      expect(headers.get('cache-control')).toBe('no-store');
      expect(headers.get('vary')).toContain('Cookie');
    }
  });
});
