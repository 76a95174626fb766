// A token for a service opens that service, and nothing of Usher's.
import { describe, expect, it } from 'vitest';
import { routes } from '../../src/routes.ts';
import { asBearer, basic, login, NEW_PASSWORD, PASSWORD, send, signUp, startApp } from '../support/app.ts';
import { clientOf, given, refusal, signedIn } from '../support/client.ts';
import { HOUR, MINUTE, SECOND } from '../support/clock.ts';
import { claimsOf, newIp } from '../support/forge.ts';
import { databases, sqlite } from '../support/postgres.ts';
import { withApp } from '../support/with-app.ts';

describe.each(databases)('audiences on $name', ({ create }) => {
  const options = { audiences: ['services', 'billing'], allowedOrigins: ['https://app.example.org'] };
  const { app, inside, twin } = withApp(create, options);

  const newPerson = () => signUp(app, newIp());
  async function newAdmin() {
    const admin = await newPerson();
    await inside.promote(admin.id);
    return admin;
  }
  const post = (path: string, body: unknown, headers: Record<string, string> = {}) =>
    send(app, 'POST', path, body, { from: newIp(), headers });
  const introspect = async (token: string) => (await post('/v1/introspect', { token })).body;
  const refresh = (refresh_token: string, audience?: string) =>
    post('/v1/refresh', { refresh_token, ...(audience === undefined ? {} : { audience }) });
  const unknown = {
    code: 'invalid_request',
    errors: [{ field: 'audience', code: 'audience_unknown', message: expect.any(String) }],
  };

  it('A21: a token of an administrator for a service is rejected by every route of Usher’s own', async () => {
    const admin = await newAdmin();
    const victim = await newPerson();
    const byLogin = (await login(app, admin, newIp(), 'services')).access_token;
    const byCookie = (await admin.browser.post('/v1/token', { audience: 'billing' })).body.access_token;
    expect([claimsOf(byLogin).aud, claimsOf(byCookie).aud]).toEqual(['services', 'billing']);
    const guarded = routes.filter(
      ({ access, path }) => access !== 'public' && path !== '/admin/events/stream',
    );
    expect(guarded.length).toBeGreaterThan(40);
    for (const token of [byLogin, byCookie])
      for (const { method, path } of guarded) {
        const at = path.replace(':id', victim.id).replace(':act', 'promote');
        const reply = await send(app, method, at, method === 'GET' ? undefined : {}, asBearer(token));
        expect([method, path, reply.status, reply.body?.code]).toEqual([method, path, 401, 'invalid_token']);
      }
    // What it names goes on, and the same session is the administrator's at Usher.
    expect((await introspect(byLogin)).active).toBe(true);
    expect((await admin.browser.get('/v1/me')).body.user.role).toBe('admin');
    const asking = new Request(`${app.url}/api`, { headers: { authorization: `Bearer ${byLogin}` } });
    expect((await app.usher.authenticate(asking)).error?.status).toBe(401);
  });

  it('A21: a login asks for an audience with Basic or JSON, and each refresh keeps it or asks for another', async () => {
    const who = await newPerson();
    const { username, password } = who;
    const asked = await post('/v1/login', { audience: 'billing' }, basic(username, password));
    const inBody = await post('/v1/login', { username, password, Audience: 'billing' });
    const plain = await login(app, who, newIp());
    const audOf = (reply: { body: { access_token: string } }) => claimsOf(reply.body.access_token).aud;
    expect([audOf(asked), audOf(inBody), claimsOf(plain.access_token).aud]).toEqual([
      'billing',
      'billing',
      app.url,
    ]);
    const first = await refresh(asked.body.refresh_token);
    expect(audOf(first)).toBe('billing');
    const other = await refresh(first.body.refresh_token, 'services');
    expect(audOf(other)).toBe('services');
    const own = await refresh(other.body.refresh_token, app.url);
    expect(audOf(own)).toBe(app.url);
    expect((await send(app, 'GET', '/v1/me', undefined, asBearer(own.body.access_token))).status).toBe(200);
    // That counted for one token; the session is what its login asked for.
    const last = await refresh(own.body.refresh_token);
    expect(audOf(last)).toBe('billing');
    expect(audOf(await refresh(plain.refresh_token))).toBe(app.url);

    // A change of the password goes on with the same.
    const again = await refresh(last.body.refresh_token, app.url);
    const changed = await send(
      app,
      'PUT',
      '/v1/me/password',
      { current_password: PASSWORD, new_password: NEW_PASSWORD },
      asBearer(again.body.access_token),
    );
    expect([changed.status, audOf(changed)]).toEqual([200, 'billing']);
    expect(audOf(await refresh(changed.body.refresh_token))).toBe('billing');
  });

  it('A21: one that is not known is a 400 that lists the others, and uses nothing up', async () => {
    const who = await newPerson();
    const { username, password } = who;
    for (const body of [
      { username, password, audience: 'elsewhere' },
      { username, password: 'wrong', audience: 'elsewhere' },
    ]) {
      const reply = await post('/v1/login', body);
      expect([reply.status, reply.body]).toEqual([400, expect.objectContaining(unknown)]);
      expect(reply.body.errors[0].message).toBe(
        `Unknown audience "elsewhere". Use one of: ${app.url}, services, billing.`,
      );
    }
    const { refresh_token } = await login(app, who, newIp());
    for (const audience of ['elsewhere', '', 'Services', `${app.url}/`, 'services billing']) {
      const reply = await refresh(refresh_token, audience);
      expect([audience, reply.status, reply.body]).toEqual([audience, 400, expect.objectContaining(unknown)]);
    }
    expect((await refresh(refresh_token)).status).toBe(200);
    // A cookie is no way to a token for Usher itself, which scripts could read.
    for (const audience of ['elsewhere', app.url]) {
      const reply = await who.browser.post('/v1/token', { audience });
      expect([audience, reply.status, reply.body]).toEqual([audience, 400, expect.objectContaining(unknown)]);
      expect(reply.body.errors[0].message).toContain('Use one of: services, billing.');
    }
    for (const [body, status, code] of [
      [{ audience: 'billing' }, 401, 'invalid_credentials'],
      [{}, 400, 'invalid_request'],
      [{ audience: 'billing', username }, 400, 'invalid_request'],
    ] as const) {
      const reply = await post('/v1/login', body);
      expect([body, reply.status, reply.body.code]).toEqual([body, status, code]);
    }
    const twice = await post(
      '/v1/login',
      { username, password, audience: 'billing' },
      basic(username, password),
    );
    expect(twice.body.code).toBe('multiple_credentials');
  });

  it('A21: a page with a cookie gets a token for a service from its own origin and the listed ones alone', async () => {
    const { browser, id } = await newPerson();
    const ask = (headers: Record<string, string>) =>
      send(
        app,
        'POST',
        '/v1/token',
        {},
        {
          from: newIp(),
          headers: { cookie: `usher=${browser.cookie}`, ...headers },
        },
      );
    const own = await ask({ origin: app.url, 'sec-fetch-site': 'same-origin' });
    expect([own.status, Object.keys(own.body)]).toEqual([200, ['access_token', 'token_type', 'expires_in']]);
    expect([own.body.token_type, own.body.expires_in]).toEqual(['Bearer', 600]);
    expect(claimsOf(own.body.access_token)).toMatchObject({
      iss: app.url,
      aud: 'services',
      sub: id,
      sid: claimsOf(browser.cookie ?? '').sid,
    });
    const [allowed = ''] = options.allowedOrigins;
    const listed = await ask({ origin: allowed, 'sec-fetch-site': 'cross-site' });
    expect([listed.status, listed.headers.get('access-control-allow-origin')]).toEqual([200, allowed]);
    for (const headers of [
      { origin: 'https://attacker.example', 'sec-fetch-site': 'cross-site' },
      { origin: 'null', 'sec-fetch-site': 'cross-site' },
      { 'sec-fetch-site': 'cross-site' },
      { 'sec-fetch-site': 'same-site' },
      {},
    ] as Record<string, string>[]) {
      const reply = await ask(headers);
      expect([headers, reply.status, reply.body.code]).toEqual([headers, 403, 'cross_site_request']);
      expect(reply.headers.get('access-control-allow-origin')).toBe(null);
    }
    expect((await post('/v1/token', {})).body.code).toBe('unauthenticated');
    expect((await browser.get('/v1/token')).status).toBe(405);
  });

  it('A21: such a token ends with its session, and is no longer good than what it was got with', async () => {
    const who = await newPerson();
    const byCookie = (await who.browser.post('/v1/token', {})).body;
    expect(await introspect(byCookie.access_token)).toEqual({
      active: true,
      sub: who.id,
      sid: claimsOf(byCookie.access_token).sid,
      role: 'user',
    });
    const pair = await login(app, who, newIp());
    app.clock.advance(9 * MINUTE);
    const late = await send(app, 'POST', '/v1/token', {}, asBearer(pair.access_token));
    expect(late.status).toBe(200);
    expect(claimsOf(late.body.access_token).exp).toBe(claimsOf(pair.access_token).exp);
    expect(await introspect(late.body.access_token)).toMatchObject({ active: true });
    await send(app, 'POST', '/v1/logout', undefined, asBearer(pair.access_token));
    expect(await introspect(late.body.access_token)).toEqual({ active: false });

    expect((await who.browser.get('/v1/me')).status).toBe(200);
    const fresh = (await who.browser.post('/v1/token', {})).body.access_token;
    await who.browser.post('/v1/logout');
    expect(await introspect(fresh)).toEqual({ active: false });
  });

  it('A21: such a token ends no later than the longest that its session can last', async () => {
    const { browser } = await newPerson();
    const end = app.clock.now() + 12 * HOUR;
    // In use all the time, until nine minutes are left.
    while (app.clock.now() < end - 9 * MINUTE) {
      app.clock.advance(9 * MINUTE);
      expect((await browser.get('/v1/me')).status).toBe(200);
    }
    const { body } = await browser.post('/v1/token', {});
    expect(claimsOf(body.access_token).exp).toBe(Math.floor(end / SECOND));
    expect(body.expires_in).toBe(9 * 60);
  });

  it('A21: what a service is told is the session and the role at this moment, and of nothing but its tokens', async () => {
    const who = await newPerson();
    const { access_token: token, refresh_token } = await login(app, who, newIp(), 'services');
    const asked = clientOf(app);
    const tell = async () => given(await asked.introspect({ token }));
    expect(await tell()).toMatchObject({ active: true, role: 'user', sub: who.id });
    await inside.promote(who.id);
    expect(await tell()).toMatchObject({ active: true, role: 'admin' });
    await inside.db.updateTable('users').set({ admin_since: null }).where('id', '=', who.id).execute();
    expect(await tell()).toMatchObject({ active: true, role: 'user' });
    const text = JSON.stringify(await tell());
    for (const secret of [who.username, who.email, token]) expect(text).not.toContain(secret);

    const own = (await login(app, who, newIp())).access_token;
    const [header, payload, signature = ''] = token.split('.');
    const swapped = signature.startsWith('A') ? `B${signature.slice(1)}` : `A${signature.slice(1)}`;
    for (const other of [
      own,
      who.browser.cookie ?? '',
      refresh_token,
      '',
      'nonsense',
      `${header}.${payload}.${swapped}`,
      `${token} `,
      'x'.repeat(2_000),
    ])
      expect([other, (await asked.introspect({ token: other })).data]).toEqual([other, { active: false }]);
    await inside.db.updateTable('users').set({ disabled_at: 1 }).where('id', '=', who.id).execute();
    expect(await tell()).toEqual({ active: false });
    await inside.db.updateTable('users').set({ disabled_at: null }).where('id', '=', who.id).execute();
    expect(await tell()).toMatchObject({ active: true });
    app.clock.advance(10 * MINUTE - 501);
    expect(await tell()).toMatchObject({ active: true });
    app.clock.advance(1);
    expect(await tell()).toEqual({ active: false });
  });

  it('A21: a service that is taken from the setting gets nothing any more', async () => {
    const who = await newPerson();
    const { access_token, refresh_token } = await login(app, who, newIp(), 'billing');
    // The other process has the default alone, as after a restart with another setting.
    const host = { host: new URL(app.url).host };
    const reply = await send(twin, 'POST', '/v1/refresh', { refresh_token }, { headers: host });
    expect([reply.status, reply.body]).toEqual([400, expect.objectContaining(unknown)]);
    const asked = await send(twin, 'POST', '/v1/introspect', { token: access_token }, { headers: host });
    expect(asked.body).toEqual({ active: false });
    const next = { refresh_token, audience: 'services' };
    expect((await send(twin, 'POST', '/v1/refresh', next, { headers: host })).status).toBe(200);
  });

  it('the client gets a token for each service, keeps it while it is good, and asks again for another session', async () => {
    const [ada, bob] = [await newPerson(), await newPerson()];
    const client = await signedIn(app, ada);
    const [first, again, billing] = [
      given(await client.token()),
      given(await client.token()),
      given(await client.token({ audience: 'billing' })),
    ];
    expect(again).toBe(first);
    expect([claimsOf(first).aud, claimsOf(billing).aud]).toEqual(['services', 'billing']);
    expect((await client.token({ audience: 'elsewhere' })).error?.fields).toMatchObject([
      { field: 'audience' },
    ]);
    app.clock.advance(10 * MINUTE - 20 * SECOND);
    const next = given(await client.token());
    expect(claimsOf(next).exp).toBeGreaterThan(claimsOf(first).exp);
    given(await client.signOut());
    expect(refusal(await client.token())).toBe('unauthenticated');
    given(await client.signIn({ email: bob.email, password: PASSWORD }));
    expect(claimsOf(given(await client.token())).sub).toBe(bob.id);
    client.close();
  });
});

it('A21: Usher does not start with its own URL as a service', async () => {
  const database = await sqlite.create();
  await expect(
    startApp(database, {
      publicUrl: 'http://localhost:4000',
      audiences: ['services', 'http://localhost:4000'],
    }),
  ).rejects.toThrow(/USHER_AUDIENCES .* must not include .*, the audience of Usher itself/);
  for (const audiences of ['', ' , ', 'with space', 'ö'])
    await expect(startApp(database, { audiences: audiences === '' ? ',' : audiences })).rejects.toThrow(
      /audiences (is empty|contains ".*"\. An audience must be)/,
    );
  await database.remove();
});
