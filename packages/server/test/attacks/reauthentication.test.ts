// Whoever finds a session, open on a screen or stolen, does not get to do with it what cannot be undone.
import { describe, expect, it } from 'vitest';
import { routes } from '../../src/routes.ts';
import { asBearer, type Browser, login, PASSWORD, type Reply, send, signUp, WRONG } from '../support/app.ts';
import { given, refusal, signedIn } from '../support/client.ts';
import { HOUR, MINUTE, SECOND } from '../support/clock.ts';
import { sessionOf } from '../support/cookies.ts';
import { claimsOf, newIp } from '../support/forge.ts';
import { submit } from '../support/form.ts';
import { databases } from '../support/postgres.ts';
import { withApp } from '../support/with-app.ts';

const CHALLENGE =
  'Bearer realm="usher", error="insufficient_user_authentication", error_description="A more recent sign-in is required", max_age="300"';

const isWrite = ({ method }: (typeof routes)[number]) => method !== 'GET';

it('A19: every line of the table by which an administrator writes asks for a fresh sign-in', () => {
  const writes = routes.filter(
    (route) => isWrite(route) && /^\/(admin|v1\/(users|invitations))(\/|$)/.test(route.path),
  );
  expect(writes.length).toBeGreaterThanOrEqual(9);
  expect(routes.filter((route) => isWrite(route) && route.access === 'admin')).toEqual(writes);
  expect(writes.filter(({ requiresReauthentication }) => !requiresReauthentication)).toEqual([]);
});

describe.each(databases)('a fresh sign-in on $name', ({ create }) => {
  const { app, inside } = withApp(create);

  const newPerson = () => signUp(app, newIp());
  async function newAdmin() {
    const admin = await newPerson();
    await inside.promote(admin.id);
    return admin;
  }
  /** A session that is used all the time, as old as this. */
  async function grow(browser: Browser, age: number): Promise<void> {
    for (let left = age; left > 0; left -= 9 * MINUTE) {
      app.clock.advance(Math.min(left, 9 * MINUTE));
      expect((await browser.get('/v1/me')).status).toBe(200);
    }
  }
  const rowOf = (id: string) =>
    inside.db.selectFrom('users').selectAll().where('id', '=', id).executeTakeFirstOrThrow();
  const eventsSince = (at: number) =>
    inside.db.selectFrom('events').select('name').where('at', '>=', at).execute();

  /** Every call by which an administrator changes something. */
  const writesOn = (id: string): [method: string, path: string, body?: object][] => [
    ['POST', '/v1/users', { username: `made-by-${id.slice(-8)}`, email: `${id}@example.org`, role: 'admin' }],
    ['PATCH', `/v1/users/${id}`, { role: 'admin' }],
    ['PATCH', `/v1/users/${id}`, { username: `renamed-${id.slice(-8)}` }],
    ['POST', `/v1/users/${id}/send-mail`],
    ['POST', `/v1/users/${id}/logout-everywhere`],
    ['PATCH', `/v1/users/${id}`, { disabled: true }],
    ['DELETE', `/v1/users/${id}/limits`],
    ['DELETE', `/v1/users/${id}`],
  ];
  const refused = ({ status, headers, body }: Reply) => ({
    status,
    code: body?.code,
    challenge: headers.get('www-authenticate'),
  });
  const REFUSED = { status: 401, code: 'reauthentication_required', challenge: CHALLENGE };

  it('A19: a cookie three hours old changes nothing by the API, and does when the password is confirmed', async () => {
    const admin = await newAdmin();
    const victim = await newPerson();
    await grow(admin.browser, 3 * HOUR);
    const [before, at] = [await rowOf(victim.id), app.clock.now()];
    for (const [method, path, body] of writesOn(victim.id)) {
      const reply = await admin.browser.send(method, path, body);
      expect([method, path, refused(reply)]).toEqual([method, path, REFUSED]);
    }
    expect([await rowOf(victim.id), await eventsSince(at)]).toEqual([before, []]);
    // To read is not to write, and the session goes on.
    expect((await admin.browser.get(`/v1/users/${victim.id}`)).status).toBe(200);

    const wrong = await admin.browser.post('/v1/me/confirm', { password: WRONG });
    expect([wrong.status, wrong.body.code]).toEqual([401, 'invalid_credentials']);
    expect(refused(await admin.browser.send('DELETE', `/v1/users/${victim.id}`))).toEqual(REFUSED);
    const right = await admin.browser.post('/v1/me/confirm', { password: PASSWORD });
    expect([right.status, right.body]).toEqual([200, { message: 'Password confirmed.' }]);
    for (const [method, path, body] of writesOn(victim.id))
      expect([method, path, (await admin.browser.send(method, path, body)).status < 300]).toEqual([
        method,
        path,
        true,
      ]);
  });

  it('A19: nor does an access token, however often it was refreshed', async () => {
    const admin = await newAdmin();
    const victim = await newPerson();
    let pair = await login(app, admin, newIp());
    for (let i = 0; i < 18; i++) {
      app.clock.advance(10 * MINUTE);
      const body = { refresh_token: pair.refresh_token };
      pair = (await send(app, 'POST', '/v1/refresh', body, { from: newIp() })).body;
    }
    const call = (method: string, path: string, body?: object) =>
      send(app, method, path, body, asBearer(pair.access_token));
    const before = await rowOf(victim.id);
    for (const [method, path, body] of writesOn(victim.id))
      expect([method, path, refused(await call(method, path, body))]).toEqual([method, path, REFUSED]);
    expect(await rowOf(victim.id)).toEqual(before);
    expect((await call('POST', '/v1/me/confirm', { password: PASSWORD })).status).toBe(200);
    expect((await call('PATCH', `/v1/users/${victim.id}`, { role: 'admin' })).status).toBe(200);
    // Five minutes, to the millisecond.
    app.clock.advance(5 * MINUTE - 1);
    expect((await call('PATCH', `/v1/users/${victim.id}`, { role: 'user' })).status).toBe(200);
    app.clock.advance(1);
    expect(refused(await call('DELETE', `/v1/users/${victim.id}`))).toEqual(REFUSED);
  });

  it('a session that began with no password is not fresh, and is once the password is given', async () => {
    const admin = await newAdmin();
    const victim = await newPerson();
    // As `startSession` writes one of a sign-in that shows an emailed code alone.
    const { authenticated_at, id, created_at } = await inside.db
      .selectFrom('sessions')
      .selectAll()
      .where('user_id', '=', admin.id)
      .executeTakeFirstOrThrow();
    expect(authenticated_at).toBe(created_at);
    await inside.db.updateTable('sessions').set({ authenticated_at: 0 }).where('id', '=', id).execute();
    expect((await admin.browser.get('/v1/me')).status).toBe(200);
    const before = await rowOf(victim.id);
    for (const [method, path, body] of writesOn(victim.id))
      expect([method, path, refused(await admin.browser.send(method, path, body))]).toEqual([
        method,
        path,
        REFUSED,
      ]);
    expect(await rowOf(victim.id)).toEqual(before);
    // In the second of the sign-in, too, the cookie before it is dead.
    const old = admin.browser.cookie ?? '';
    const confirmed = await admin.browser.post('/v1/me/confirm', { password: PASSWORD });
    expect(confirmed.status).toBe(200);
    expect(
      (await send(app, 'GET', '/v1/me', undefined, { headers: { cookie: `usher=${old}` } })).status,
    ).toBe(401);
    expect((await admin.browser.send('PATCH', `/v1/users/${victim.id}`, { disabled: true })).status).toBe(
      200,
    );
  });

  it('A19: nor does a form of the console without the password, which is not counted as a guess', async () => {
    const admin = await newAdmin();
    const victim = await newPerson();
    const message = await inside.db
      .selectFrom('emails')
      .select('id')
      .where('user_id', '=', victim.id)
      .executeTakeFirstOrThrow();
    await grow(admin.browser, 3 * HOUR);
    const before = await rowOf(victim.id);
    const actions = ['reset-rate-limits', 'send-mail', 'logout', 'promote', 'disable', 'delete'];
    const forms: [path: string, fields: Record<string, string>][] = [
      ...actions.map((action): [string, Record<string, string>] => [
        `/admin/users/${victim.id}/${action}`,
        {},
      ]),
      [`/admin/users/${victim.id}/rename`, { username: 'another-name' }],
      ['/admin/emails', { email: message.id, action: 'retry', at: 'list' }],
      ['/admin/keys/rotate', { leaked: 'yes' }],
    ];
    const post = (path: string, fields: Record<string, string>) =>
      submit(app, path, fields, { cookie: admin.browser.cookie, from: newIp() });
    const at = app.clock.now();
    for (let round = 0; round < 3; round++)
      for (const [path, fields] of forms) {
        const reply = await post(path, fields);
        expect([path, reply.status, reply.headers.get('www-authenticate')]).toEqual([path, 401, CHALLENGE]);
        expect(reply.text).toContain('Confirm it’s you');
        // What was asked for is sent again with the password.
        for (const [name, value] of Object.entries(fields))
          expect(reply.text).toMatch(new RegExp(`<input [^>]*name="${name}" [^>]*value="${value}"`));
        expect(reply.text).not.toContain(PASSWORD);
      }
    expect([await rowOf(victim.id), await eventsSince(at)]).toEqual([before, []]);
    const wrong = await post(`/admin/users/${victim.id}/promote`, { password: WRONG });
    expect([wrong.status, wrong.text.includes('Incorrect password.')]).toEqual([401, true]);
    expect(await eventsSince(at)).toEqual([{ name: 'reauthentication_failed' }]);
    const right = await post(`/admin/users/${victim.id}/rename`, {
      username: 'another-name',
      password: PASSWORD,
    });
    expect(right.status).toBe(303);
    expect((await rowOf(victim.id)).username).toBe('another-name');
  });

  it('A22: whoever has stolen a session ends none of the owner’s others, by call, token or form', async () => {
    const owner = await newPerson();
    const other = await signedIn(app, owner);
    const { access_token: stolen } = await login(app, owner, newIp());
    const otherId = given(await other.me.sessions()).sessions.find((one) => one.current)?.id ?? '';
    await grow(owner.browser, 6 * MINUTE);
    for (const [method, path] of [
      ['DELETE', '/v1/me/sessions'],
      ['DELETE', `/v1/me/sessions/${otherId}`],
      ['POST', '/v1/logout-everywhere'],
    ] as const) {
      expect([path, refused(await owner.browser.send(method, path))]).toEqual([path, REFUSED]);
      const byToken = await send(app, method, path, undefined, asBearer(stolen));
      expect([path, refused(byToken)]).toEqual([path, REFUSED]);
    }
    for (const fields of [{ others: 'end' }, { session: otherId }] as Record<string, string>[]) {
      const { cookie } = owner.browser;
      const reply = await submit(app, '/dashboard/sessions', fields, { cookie, from: newIp() });
      expect([fields, reply.status, reply.headers.get('www-authenticate')]).toEqual([fields, 401, CHALLENGE]);
    }
    expect(given(await other.me.sessions()).sessions).toHaveLength(3);
    const { cookie } = owner.browser;
    const fields = { others: 'end', password: PASSWORD };
    const ended = await submit(app, '/dashboard/sessions', fields, { cookie, from: newIp() });
    expect(ended.status).toBe(303);
    expect(refusal(await other.me.get())).not.toBeUndefined();
    // The password that was given has put another cookie in the place of the one that came.
    expect((await owner.browser.get('/v1/me')).status).toBe(401);
    owner.browser.cookie = sessionOf(ended).slice('usher='.length);
    expect((await owner.browser.get('/v1/me')).status).toBe(200);
  });

  it('A22: the owner confirms the password by the client, and then ends the others', async () => {
    const owner = await newPerson();
    const client = await signedIn(app, owner);
    app.clock.advance(6 * MINUTE);
    expect(refusal(await client.me.revokeOtherSessions())).toBe('reauthentication_required');
    expect(refusal(await client.signOut({ everywhere: true }))).toBe('reauthentication_required');
    expect(refusal(await client.me.confirm({ password: WRONG }))).toBe('invalid_credentials');
    expect(given(await client.me.confirm({ password: PASSWORD })).message).toBe('Password confirmed.');
    expect(given(await client.me.revokeOtherSessions()).sessions).toBe(1);
    expect((await owner.browser.get('/v1/me')).status).toBe(401);
  });

  it('A22: a password or an email is changed, and an account deleted, with the current password alone', async () => {
    const { browser, email } = await newPerson();
    for (const [method, path, body] of [
      ['PUT', '/v1/me/password', { current_password: WRONG, new_password: 'a much better passphrase' }],
      ['POST', '/v1/me/email', { email: 'thief@example.org', password: WRONG }],
      ['DELETE', '/v1/me', { email, password: WRONG }],
    ] as const) {
      // Not even a session that is a moment old.
      const reply = await browser.send(method, path, body);
      expect([path, reply.status, reply.body.code]).toEqual([path, 401, 'invalid_credentials']);
    }
  });

  it('A19: wrong passwords are counted like all others of the account', async () => {
    const { browser } = await newPerson();
    for (let i = 0; i < 5; i++)
      expect((await browser.post('/v1/me/confirm', { password: WRONG })).status).toBe(401);
    const limited = await browser.post('/v1/me/confirm', { password: PASSWORD });
    expect([limited.status, limited.body.code, limited.body.message]).toEqual([
      429,
      'too_many_requests',
      'Too many incorrect passwords. Try again in 1 minute, or reset your password by email.',
    ]);
    app.clock.advance(31 * SECOND);
    expect((await browser.post('/v1/me/confirm', { password: PASSWORD })).status).toBe(200);
  });

  describe('the sessions of administrators', () => {
    it('A20: a bearer session ends after four hours, however often it is refreshed', async () => {
      const admin = await newAdmin();
      let pair = await login(app, admin, newIp());
      const began = app.clock.now();
      const end = began + 4 * HOUR;
      const refreshed = () =>
        send(app, 'POST', '/v1/refresh', { refresh_token: pair.refresh_token }, { from: newIp() });
      const sessionsOf = async () =>
        (await send(app, 'GET', '/v1/me/sessions', undefined, asBearer(pair.access_token))).body.sessions;
      while (app.clock.now() < end - 10 * MINUTE) {
        app.clock.advance(9 * MINUTE);
        const reply = await refreshed();
        expect(reply.status).toBe(200);
        pair = reply.body;
      }
      expect(await sessionsOf()).toHaveLength(1);
      // The last access token ends with the session.
      expect(claimsOf(pair.access_token).exp).toBe(Math.floor(end / SECOND));
      app.clock.advance(end - app.clock.now());
      const last = { refresh_token: pair.refresh_token };
      expect((await send(app, 'GET', '/v1/me', undefined, asBearer(pair.access_token))).status).toBe(401);
      expect((await send(app, 'POST', '/v1/refresh', last, { from: newIp() })).body.code).toBe(
        'invalid_token',
      );
    });

    it('A20: one of a day before changes nobody, and one of a user ends with the promotion', async () => {
      const admin = await newAdmin();
      const victim = await newPerson();
      const user = await newPerson();
      const pair = await login(app, admin, newIp());
      const older = await login(app, user, newIp());
      app.clock.advance(24 * HOUR);
      const refresh = (refresh_token: string) =>
        send(app, 'POST', '/v1/refresh', { refresh_token }, { from: newIp() });
      expect((await refresh(pair.refresh_token)).status).toBe(401);
      const { body, status } = await refresh(older.refresh_token);
      expect(status).toBe(200);
      await inside.promote(user.id);
      for (const token of [pair.access_token, body.access_token]) {
        const call = await send(app, 'PATCH', `/v1/users/${victim.id}`, { role: 'admin' }, asBearer(token));
        expect([call.status, call.body.code]).toEqual([401, 'invalid_token']);
      }
      expect((await refresh(body.refresh_token)).status).toBe(401);
      // Those that have ended are in no list.
      const again = await signedIn(app, admin);
      expect(given(await again.me.sessions()).sessions).toHaveLength(1);
    });
  });
});
