import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeSetUpLink } from '../../src/app.ts';
import { configFromOptions } from '../../src/config.ts';
import type { Route } from '../../src/http/route.ts';
import { openContext } from '../../src/open-context.ts';
import { openDatabase } from '../../src/platform/db/index.ts';
import { routes } from '../../src/routes.ts';
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
} from '../support/app.ts';
import { openLink, secretOf, submit } from '../support/form.ts';
import { databases } from '../support/postgres.ts';
import { withApp } from '../support/with-app.ts';

const NOBODY = '00000000-0000-7000-8000-000000000000';
const EVIL = 'https://evil.example';

/** A path of the table, with ids that fit and that nobody has. */
const pathOf = ({ path }: Pick<Route, 'path'>): string =>
  path.replace(':id', path.includes('/sessions/') ? 'A'.repeat(22) : NOBODY);
const titled = (list: readonly Route[]) =>
  list.map((route) => [`${route.method} ${route.path}`, route] as const);
const guarded = routes.filter(({ access }) => access === 'user' || access === 'admin');

const withoutId = ({ text }: Reply): string => text.replace(/"request_id":"[^"]+"/, '');

describe.each(databases)('authorization on $name', ({ create }) => {
  const { app, opened } = withApp(create, { metricsToken: 'a token for the metrics' });
  let admin: Awaited<ReturnType<typeof signUp>>;
  let victim: Awaited<ReturnType<typeof signUp>>;
  let mallory: Awaited<ReturnType<typeof signUp>>;
  beforeAll(async () => {
    [admin, victim, mallory] = [await signUp(app), await signUp(app), await signUp(app)];
    await opened.db.updateTable('users').set({ admin_since: 1 }).where('id', '=', admin.id).execute();
  });

  const accounts = () => opened.db.selectFrom('users').selectAll().orderBy('id').execute();
  const sessionOf = (userId: string) =>
    opened.db.selectFrom('sessions').select('id').where('user_id', '=', userId).executeTakeFirstOrThrow();

  describe('every route lets in who it says, and nobody else', () => {
    let walker: Awaited<ReturnType<typeof signUp>>;
    let other: Awaited<ReturnType<typeof signUp>>;
    const setAdmin = (since: number | null) =>
      opened.db.updateTable('users').set({ admin_since: since }).where('id', '=', other.id).execute();
    beforeAll(async () => {
      [walker, other] = [await signUp(app), await signUp(app)];
      await setAdmin(1);
      await signInAgain();
    });
    afterAll(() => setAdmin(null));

    let tokens: { user: string; admin: string };
    async function signInAgain(): Promise<void> {
      const [user, admin] = await Promise.all([login(app, walker), login(app, other)]);
      tokens = { user: user.access_token, admin: admin.access_token };
    }

    it.each(titled(routes))('%s', async (_, route) => {
      const call = (token?: string) =>
        send(app, route.method, pathOf(route), undefined, token ? asBearer(token) : {});
      const nobody = await call();
      const user = await call(tokens.user);
      const administrator = await call(tokens.admin);
      // These routes end the session that asks.
      if (route.path.startsWith('/v1/logout')) await signInAgain();
      const isGuarded = route.access === 'user' || route.access === 'admin';
      expect(nobody.body?.code === 'unauthenticated').toBe(isGuarded || route.path === '/metrics');
      expect(user.body?.code === 'forbidden').toBe(route.access === 'admin');
      if (isGuarded) expect(nobody.status).toBe(401);
      if (route.access === 'admin') expect(user.status).toBe(403);
      for (const reply of route.access === 'admin' ? [administrator] : [user, administrator]) {
        expect(reply.body?.code).not.toBe('forbidden');
        expect(reply.status).toBeLessThan(500);
        if (route.access !== 'public') expect(reply.status).not.toBe(401);
      }
    });
  });

  const extras = [
    ...['role', 'isAdmin', 'is_admin', 'admin_since', 'emailVerified', 'email_verified', 'email_verified_at'],
    ...['id', 'sub', 'user_id', 'userId', 'passwordHash', 'password_hash', 'disabled', 'disabled_at'],
    ...['created_at', 'createdAt', 'epoch', 'sid', 'expires_at', 'username_key', 'email_key'],
  ];
  describe('A1: a field that is nobody’s to set', () => {
    const bodies: [method: string, path: string, body: () => Record<string, unknown>][] = [
      ['POST', '/v1/signup', () => newIdentifiers()],
      ['POST', '/v1/signin', () => ({ username: mallory.username, password: PASSWORD })],
      ['POST', '/v1/login', () => ({ username: mallory.username, password: PASSWORD })],
      ['POST', '/v1/refresh', () => ({ refresh_token: 'x' })],
      ['PATCH', '/v1/me', () => ({ username: 'mallory' })],
      [
        'PUT',
        '/v1/me/password',
        () => ({ current_password: PASSWORD, new_password: 'a whole new password' }),
      ],
      ['DELETE', '/v1/me', () => ({ email: mallory.email, password: PASSWORD })],
    ];
    it.each(bodies)('is rejected by name at %s %s', async (method, path, body) => {
      const before = await accounts();
      // Some of these read names in any case, so that what differs in case alone counts as one.
      const fields = [...new Set(extras.map((name) => name.toLowerCase()))];
      for (const field of fields) {
        const reply = await mallory.browser.send(method, path, { ...body(), [field]: 'admin' });
        expect([field, reply.status, reply.body.code]).toEqual([field, 400, 'invalid_request']);
        expect(reply.body.errors).toEqual([
          { field, code: 'unknown_field', message: `Unknown field "${field}".` },
        ]);
        expect(reply.headers.getSetCookie()).toEqual([]);
      }
      expect(await accounts()).toEqual(before);
    });

    it('is forbidden to an administrator too, beyond the few that are theirs', async () => {
      const before = await accounts();
      const mine: Record<string, string[]> = { POST: ['role'], PATCH: ['role', 'disabled'] };
      for (const method of ['POST', 'PATCH'])
        for (const field of extras.filter((name) => !mine[method]?.includes(name))) {
          const [path, body] =
            method === 'POST'
              ? ['/v1/users', newIdentifiers()]
              : [`/v1/users/${victim.id}`, { disabled: true }];
          const reply = await admin.browser.send(method, path, { ...body, [field]: 'admin' });
          expect([field, reply.status]).toEqual([field, 400]);
          expect(reply.body.errors).toEqual([expect.objectContaining({ field, code: 'unknown_field' })]);
        }
      expect(await accounts()).toEqual(before);
    });
  });

  it('A2: who calls follows from the credential alone', async () => {
    const headers = {
      'x-user-id': victim.id,
      'x-forwarded-user': victim.username,
      'remote-user': victim.username,
    };
    for (const query of [
      '',
      `?user_id=${victim.id}`,
      `?id=${victim.id}&sub=${victim.id}&username=${victim.username}`,
    ]) {
      const me = await mallory.browser.send('GET', `/v1/me${query}`, undefined, headers);
      expect(me.body.user.id).toBe(mallory.id);
      const dashboard = await mallory.browser.send('GET', `/v1/dashboard${query}`, undefined, headers);
      expect(dashboard.body.user.id).toBe(mallory.id);
      expect(dashboard.text).not.toContain(victim.id);
      const sessions = await mallory.browser.send('GET', `/v1/me/sessions${query}`, undefined, headers);
      expect(sessions.body.sessions.map((one: { id: string }) => one.id)).not.toContain(
        (await sessionOf(victim.id)).id,
      );
      expect((await send(app, 'GET', `/v1/me${query}`, undefined, { headers })).status).toBe(401);
    }
    const renamed = await mallory.browser.send(
      'PATCH',
      `/v1/me?id=${victim.id}`,
      { username: mallory.username },
      headers,
    );
    expect(renamed.body.user.id).toBe(mallory.id);
    expect((await victim.browser.get('/v1/me')).body.user.username).toBe(victim.username);
  });

  it('A4: what belongs to another is not there', async () => {
    const { id } = await sessionOf(victim.id);
    const theirs = await mallory.browser.send('DELETE', `/v1/me/sessions/${id}`);
    const nobodys = await mallory.browser.send('DELETE', `/v1/me/sessions/${'A'.repeat(22)}`);
    expect(theirs.status).toBe(404);
    expect(withoutId(theirs)).toBe(withoutId(nobodys));
    // Nor for an administrator, whose own sessions these are not.
    expect((await admin.browser.send('DELETE', `/v1/me/sessions/${id}`)).status).toBe(404);
    for (const method of ['GET', 'PATCH', 'DELETE'])
      for (const of of [victim.id, mallory.id, NOBODY]) {
        const reply = await mallory.browser.send(
          method,
          `/v1/users/${of}`,
          method === 'PATCH' ? { role: 'admin' } : undefined,
        );
        expect([method, of, reply.status]).toEqual([method, of, 403]);
      }
    expect((await victim.browser.get('/v1/me')).status).toBe(200);
  });

  describe('A5: an id that is none', () => {
    const tricks = [
      ...[
        '..',
        '.',
        '%2e%2e',
        '%2e%2e%2fme',
        '..%2f..%2fhealthz',
        '%00',
        '%0d%0aSet-Cookie:x',
        '%ff',
        '%',
        '*',
        '[]',
        '1',
        '-1',
      ],
      ...[
        'null',
        'undefined',
        'me',
        'me%2f..',
        `${NOBODY}%00`,
        `${NOBODY}%20`,
        `%20${NOBODY}`,
        `{${NOBODY}}`,
        `urn:uuid:${NOBODY}`,
      ],
      ...[
        NOBODY.replaceAll('-', ''),
        'a'.repeat(4_000),
        "'%20OR%20''='",
        `${NOBODY},${NOBODY}`,
        `${NOBODY};${NOBODY}`,
      ],
    ];
    it.each(['/v1/users/', '/v1/me/sessions/'])('names nothing below %s', async (base) => {
      const before = await accounts();
      const ids = [
        ...tricks,
        admin.id.toUpperCase(),
        `${admin.id}%2f..%2f${victim.id}`,
        `..%2fusers%2f${victim.id}`,
      ];
      for (const id of ids)
        for (const method of base === '/v1/users/' ? ['GET', 'PATCH', 'DELETE'] : ['DELETE']) {
          const body = method === 'PATCH' ? { role: 'user' } : undefined;
          const reply = await admin.browser.send(method, `${base}${id}`, body);
          expect([method, id, [400, 404, 405]]).toEqual([method, id, expect.arrayContaining([reply.status])]);
          expect(reply.headers.get('set-cookie') ?? '').not.toContain(':x');
        }
      expect(await accounts()).toEqual(before);
    });
  });

  it('A6: the last administrator stays, and administrators have no other power', async () => {
    const { id } = admin;
    const ways: [string, string, unknown?][] = [
      ['PATCH', `/v1/users/${id}`, { role: 'user' }],
      ['PATCH', `/v1/users/${id}`, { disabled: true }],
      ['PATCH', `/v1/users/${id}`, { username: 'gone', disabled: true, role: 'user' }],
      ['DELETE', `/v1/users/${id}`],
      ['DELETE', '/v1/me', { email: admin.email, password: PASSWORD }],
    ];
    for (const [method, path, body] of ways) {
      const reply = await admin.browser.send(method, path, body);
      expect([method, path, reply.status, reply.body.code]).toEqual([method, path, 409, 'last_admin']);
    }
    // All or nothing: the name of the third stayed, too.
    expect((await admin.browser.get('/v1/me')).body.user).toMatchObject({
      username: admin.username,
      role: 'admin',
    });
    // A disabled administrator is none.
    await admin.browser.send('PATCH', `/v1/users/${victim.id}`, { role: 'admin', disabled: true });
    expect((await admin.browser.send('PATCH', `/v1/users/${id}`, { role: 'user' })).status).toBe(409);
    await admin.browser.send('PATCH', `/v1/users/${victim.id}`, { role: 'user', disabled: false });
    await victim.browser.post('/v1/signin', { username: victim.username, password: PASSWORD });

    const password = await admin.browser.send('PATCH', `/v1/users/${victim.id}`, {
      password: 'a password of mine',
    });
    expect(password.body.errors[0].code).toBe('unknown_field');
    for (const path of ['impersonate', 'password', 'sessions', 'login', 'token', 'cookie'])
      expect((await admin.browser.post(`/v1/users/${victim.id}/${path}`, {})).status).toBe(404);
  });

  it('A8: a search asks about names and ids alone', async () => {
    const { password_hash } =
      (await accounts()).find(({ id }) => id === victim.id) ?? expect.fail('no victim');
    const unknown = [
      'sort=password_hash',
      'order=-password_hash',
      'filter=email~^a',
      'fields=password_hash',
      'select=*',
    ];
    const likewise = [
      'password_hash=%24argon2id',
      'where=1=1',
      'search[]=a',
      'search[%24gt]=',
      'role=admin%27%20OR%201=1',
      'role=root',
    ];
    for (const query of [...unknown, ...likewise, 'disabled=maybe', 'search=a&search=b', 'search'])
      expect([query, (await admin.browser.get(`/v1/users?${query}`)).status]).toEqual([query, 400]);
    const words = [
      '$argon2id',
      password_hash,
      password_hash.slice(0, 40),
      '^',
      '.*',
      'email~^a',
      "' OR 1=1 --",
      'admin_since',
      '1',
    ];
    for (const word of words) {
      const reply = await admin.browser.get(`/v1/users?search=${encodeURIComponent(word)}`);
      expect([word, reply.status, reply.body.users]).toEqual([word, 200, []]);
    }
    const found = await admin.browser.get(`/v1/users?search=${victim.username}`);
    expect(found.body.users.map(({ id }: { id: string }) => id)).toEqual([victim.id]);
    expect(found.text).not.toMatch(/argon2|password(?!_change_required)|hash|_key/);
  });

  it('A9: a cursor is an id or a name and no more', async () => {
    const forged = [
      'x',
      "'%20OR%201=1--",
      '1;DROP%20TABLE%20users',
      `${NOBODY}'`,
      'null',
      '%00',
      '',
      'eyJpZCI6MX0',
      '{}',
      '-1',
      ...["' OR 1=1--", 'Ada', 'a\0b', 'a@b', `${'a'.repeat(65)}`].map((text) =>
        Buffer.from(text).toString('base64url'),
      ),
      `${Buffer.from('ada').toString('base64url')}=`,
    ];
    for (const cursor of forged)
      expect([cursor, (await admin.browser.get(`/v1/users?cursor=${cursor}`)).status]).toEqual([cursor, 400]);
    for (const limit of ['0', '-1', '101', '1e9', 'all', '1.5', 'NaN', 'Infinity', ''])
      expect([limit, (await admin.browser.get(`/v1/users?limit=${limit}`)).status]).toEqual([limit, 400]);
    // One that we never gave is a place in the list like any other: it shows nothing that the list does not.
    const from = async (cursor: string) =>
      (await admin.browser.get(`/v1/users?cursor=${cursor}`)).body.users.length;
    expect(await from(NOBODY)).toBe((await accounts()).length);
    expect(await from('ffffffff-ffff-ffff-ffff-ffffffffffff')).toBe(0);
    expect(await from(Buffer.from('zzz').toString('base64url'))).toBe(0);
  });

  it('A10: the console is not read from another origin', async () => {
    for (const path of [
      '/v1/users',
      `/v1/users/${victim.id}`,
      '/v1/dashboard',
      '/v1/me',
      '/v1/me/sessions',
    ]) {
      const reply = await admin.browser.send('GET', path, undefined, {
        origin: EVIL,
        'sec-fetch-site': 'cross-site',
      });
      expect(reply.headers.has('access-control-allow-origin')).toBe(false);
      expect(reply.headers.get('cross-origin-resource-policy')).toBe('same-origin');
    }
    const reply = await admin.browser.send(
      'PATCH',
      `/v1/users/${mallory.id}`,
      { role: 'admin' },
      { origin: EVIL },
    );
    expect(reply.status).toBe(403);
    expect((await mallory.browser.get('/v1/me')).body.user.role).toBe('user');
  });

  it('A13: nothing about the installation is set from outside', async () => {
    const paths = [
      '/v1/config',
      '/v1/settings',
      '/config',
      '/env',
      '/.env',
      '/debug',
      '/v1/debug',
      '/actuator/env',
      '/usher.key',
      '/usher.db',
    ];
    for (const path of paths)
      for (const method of ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'])
        expect([
          path,
          (await admin.browser.send(method, path, method === 'GET' ? undefined : {})).status,
        ]).toEqual([path, 404]);
  });

  it('A14: one deletes one’s own account, with its email and its password', async () => {
    const from = '192.0.2.14';
    const eve = await signUp(app, from);
    const remove = (body: unknown) => eve.browser.send('DELETE', '/v1/me', body);
    expect((await remove(undefined)).status).toBe(415);
    expect((await remove({})).status).toBe(400);
    expect((await remove({ email: eve.email })).status).toBe(400);
    expect((await remove({ email: victim.email, password: PASSWORD })).status).toBe(400);
    expect((await remove({ email: eve.email, password: 'not the password' })).status).toBe(401);
    expect((await eve.browser.send('DELETE', `/v1/users/${victim.id}`)).status).toBe(403);
    expect(
      (await eve.browser.send('DELETE', `/v1/me/${victim.id}`, { email: victim.email, password: PASSWORD }))
        .status,
    ).toBe(404);
    expect((await eve.browser.get('/v1/me')).status).toBe(200);
    const bearer = asBearer((await login(app, eve, from)).access_token);
    expect((await remove({ email: eve.email, password: PASSWORD })).status).toBe(200);
    // With the account go its sessions, all of them, and nobody else's.
    expect((await send(app, 'GET', '/v1/me', undefined, bearer)).status).toBe(401);
    expect((await accounts()).map(({ id }) => id)).not.toContain(eve.id);
    expect((await victim.browser.get('/v1/me')).status).toBe(200);
  });

  describe('A16: another spelling of a guarded path or method', () => {
    const spellings: ((path: string) => string)[] = [
      (path) => path,
      (path) => `${path}/`,
      (path) => `/${path}`,
      (path) => `/.${path}`,
      (path) => `/x/..${path}`,
      (path) => `/x/%2e%2e${path}`,
      (path) => path.replace('/v1/', '/v1//'),
      (path) => path.replace('/v1/', '/v1/./'),
      (path) => path.replace('/v1/', '/v1%2f'),
      (path) => path.replace('/v1/', '/%76%31/'),
      (path) => path.replace('/v1/', '/%2576%2531/'),
      (path) => path.replace('/v1/', '/V1/'),
      (path) => path.replace('/v1/', '\\v1\\'),
      (path) => path.toUpperCase(),
      (path) => `${path}?`,
      (path) => `${path}?x=/healthz`,
      (path) => `${path}#/healthz`,
      (path) => `${path};x`,
      (path) => `${path}%20`,
      (path) => `${path}%00`,
      (path) => `/healthz/..${path}`,
      (path) => `/healthz${path}`,
    ];
    let token: string;
    beforeAll(async () => {
      token = (await login(app, mallory)).access_token;
    });
    it.each(titled(guarded))('%s', async (_, route) => {
      for (const spell of spellings)
        for (const method of [route.method, 'HEAD', 'OPTIONS']) {
          const line = `${method} ${spell(pathOf(route))}`;
          const head = `${line} HTTP/1.1\r\nHost: localhost:${app.port}\r\nConnection: close\r\n`;
          // What the path answers is no secret: an empty 204 that opens nothing.
          const closed = method === 'OPTIONS' ? /^HTTP\/1\.1 (204|4\d\d) / : /^HTTP\/1\.1 4\d\d /;
          expect([line, await sendBytes(app, `${head}\r\n`)]).toEqual([line, expect.stringMatching(closed)]);
          if (route.access !== 'admin') continue;
          const user = await sendBytes(app, `${head}Authorization: Bearer ${token}\r\n\r\n`);
          expect([line, user]).toEqual([line, expect.stringMatching(closed)]);
        }
    });

    it('is the same to a request line that names the whole URL', async () => {
      const line = (target: string) =>
        sendBytes(app, `GET ${target} HTTP/1.1\r\nHost: localhost:${app.port}\r\nConnection: close\r\n\r\n`);
      expect(await line(`http://localhost:${app.port}/v1/users`)).toMatch(/^HTTP\/1\.1 401 /);
      for (const target of [
        'http://evil.example/v1/users',
        `http://evil.example:${app.port}/healthz@localhost/v1/users`,
        '*',
      ])
        expect(await line(target)).toMatch(/^HTTP\/1\.1 4\d\d /);
    });
  });

  it('A18: what operators see is for operators', async () => {
    for (const [path, status] of [
      ['/healthz', 200],
      ['/readyz', 200],
      ['/metrics', 401],
    ] as const)
      expect([path, (await send(app, 'GET', path)).status]).toEqual([path, status]);
    const [alive, ready] = [await send(app, 'GET', '/healthz'), await send(app, 'GET', '/readyz')];
    expect([alive.body, ready.body]).toEqual([{ status: 'ok' }, { status: 'ready' }]);
    const metrics = (authorization: string) =>
      send(app, 'GET', '/metrics', undefined, { headers: { authorization } });
    const { access_token } = await login(app, admin);
    for (const wrong of [
      'Bearer',
      'Bearer wrong',
      'Bearer a token for the metricsx',
      `Bearer ${access_token}`,
      'Basic YTpi',
    ])
      expect([wrong, (await metrics(wrong)).status]).toEqual([wrong, 401]);
    for (const path of ['/debug', '/debug/pprof', '/stats', '/server-status', '/heapdump', '/metrics/'])
      expect([path, (await send(app, 'GET', path)).status]).toEqual([path, 404]);
    for (const path of ['/v1/stats', '/v1/events', '/admin', '/admin/settings'])
      expect([path, (await send(app, 'GET', path)).status]).toEqual([path, 401]);
  });
});

describe.each(databases)('authorization apart, on $name', ({ create }) => {
  it('A12: the set-up link is of no use after the set-up', async () => {
    const database = await create();
    const app = await startApp(database);
    const settings = configFromOptions({ database: database.url, secret: app.secret, publicUrl: app.url });
    const { context, close } = await openContext(settings, { clock: app.clock });
    const link = (await makeSetUpLink(context)) ?? expect.fail('no link');
    const token = secretOf(link);
    const setUp = (at: TestApp, secret: string, names = newIdentifiers()) =>
      submit(at, '/setup', { token: secret, ...names });
    expect((await setUp(app, token)).status).toBe(201);
    const restarted = await startApp(database, { secret: app.secret, clock: app.clock });
    for (const one of [app, restarted]) {
      for (const secret of [token, 'x', 'A'.repeat(43)]) {
        expect((await openLink(one, '/setup', secret)).status).toBe(410);
        const reply = await setUp(one, secret);
        expect(reply.status).toBe(410);
        expect(reply.headers.getSetCookie()).toEqual([]);
      }
      expect((await setUp(one, '')).status).toBe(410);
    }
    expect(await makeSetUpLink(context)).toBeUndefined();
    // Not even once the only administrator is gone.
    await context.db.deleteFrom('users').execute();
    expect(await makeSetUpLink(context)).toBeUndefined();
    expect((await setUp(app, token)).status).toBe(410);
    expect(await context.db.selectFrom('users').select('id').execute()).toEqual([]);
    await close();
    await restarted.stop();
    await app.stop();
    await database.remove();
  });

  it('A17: who cannot be looked up is not let in', async () => {
    const database = await create();
    const app = await startApp(database);
    const opened = await openDatabase(database.url);
    const admin = await signUp(app);
    await opened.db.updateTable('users').set({ admin_since: 1 }).where('id', '=', admin.id).execute();
    const { access_token } = await login(app, admin);
    const cookie = { headers: { cookie: `usher=${admin.browser.cookie}`, origin: app.url } };
    await opened.db.schema.alterTable('users').renameTo('users_away').execute();
    for (const route of guarded)
      for (const credential of [cookie, asBearer(access_token)]) {
        const reply = await send(app, route.method, pathOf(route), undefined, credential);
        expect([route.path, reply.status >= 500, reply.body.code]).toEqual([
          route.path,
          true,
          expect.stringMatching(/^(internal|unavailable)$/),
        ]);
        expect(reply.text).not.toMatch(/users_away|select|relation|no such table/i);
        expect(reply.headers.get('set-cookie') ?? '').not.toMatch(/usher=./);
      }
    expect((await send(app, 'POST', '/v1/signin', admin)).status).toBeGreaterThanOrEqual(400);
    await opened.db.schema.alterTable('users_away').renameTo('users').execute();
    expect((await send(app, 'GET', '/v1/users', undefined, asBearer(access_token))).status).toBe(200);
    await app.stop();
    await opened.close();
    await database.remove();
  });
});
