import { beforeAll, describe, expect, it } from 'vitest';
import type { Route } from '../../src/http/route.ts';
import { routes } from '../../src/routes.ts';
import {
  asBearer,
  Browser,
  login,
  newIdentifiers,
  PASSWORD,
  type Reply,
  send,
  sendBytes,
  signUp,
} from '../support/app.ts';
import { SECOND } from '../support/clock.ts';
import { pathOf as pathOfRoute } from '../support/example.ts';
import { databases, sqlite } from '../support/postgres.ts';
import { withApp } from '../support/with-app.ts';

const EVIL = 'https://evil.example';
const ALLOWED = 'https://app.example.org';

/** What a browser adds to a request that a page of another site made it send: new ones both, older ones either. */
const crossSite: Record<string, string>[] = [
  { origin: EVIL, 'sec-fetch-site': 'cross-site' },
  { origin: EVIL },
  { 'sec-fetch-site': 'cross-site' },
];

/** The bodies that a plain form can send without the other site being asked (Fetch standard, CORS-safelisted). */
const forms: [type: string, body: string][] = [
  ['application/x-www-form-urlencoded', 'username=mallory&role=admin'],
  ['text/plain', '{"username":"mallory","x":"="}'],
  [
    'multipart/form-data; boundary=b',
    '--b\r\ncontent-disposition: form-data; name="role"\r\n\r\nadmin\r\n--b--\r\n',
  ],
];

const unsafe = routes.filter((route) => route.method !== 'GET');
const withJson = routes.filter((route) => route.body && route.encoding !== 'form');
const guarded = routes.filter(({ access }) => access === 'user' || access === 'admin');
const titled = (list: readonly Route[]) =>
  list.map((route) => [`${route.method} ${route.path}`, route] as const);

/** A path of the table, with ids that fit and that nobody has. */
const pathOf = (route: Route): string => pathOfRoute(route).replace(':name', 'usher.css');

describe.each(databases)('browsers on $name', ({ create }) => {
  const { app, opened } = withApp(create, {
    metricsToken: 'a token for the metrics',
    allowedOrigins: [ALLOWED],
  });
  let admin: Awaited<ReturnType<typeof signUp>>;
  beforeAll(async () => {
    admin = await signUp(app);
    await opened.db.updateTable('users').set({ admin_since: 1 }).where('id', '=', admin.id).execute();
  });

  /** The headers of a browser in which the admin is signed in. */
  const cookie = () => ({ cookie: `usher=${admin.browser.cookie}` });
  const samePage = () => ({ ...cookie(), origin: app.url, 'sec-fetch-site': 'same-origin' });
  const stored = async () => ({
    users: await opened.db.selectFrom('users').selectAll().orderBy('id').execute(),
    sessions: await opened.db.selectFrom('sessions').selectAll().orderBy('id').execute(),
    events: await opened.db.selectFrom('events').select('id').execute(),
  });

  function expectRejected(reply: Reply): void {
    expect(reply.status).toBe(403);
    expect(reply.body.code).toBe('cross_site_request');
    expect(reply.headers.getSetCookie()).toEqual([]);
    expect(reply.headers.has('access-control-allow-origin')).toBe(false);
  }

  describe('C1: a form of another site', () => {
    it.each(titled(unsafe))('reaches nothing at %s', async (_, route) => {
      const before = await stored();
      for (const from of crossSite)
        for (const [type, raw] of forms) {
          const headers = { ...cookie(), ...from, 'content-type': type };
          expectRejected(await send(app, route.method, pathOf(route), undefined, { raw, headers }));
        }
      expect(await stored()).toEqual(before);
      expect((await admin.browser.get('/v1/me')).status).toBe(200);
    });
  });

  describe('C2: JSON that calls itself something else', () => {
    const types = [
      'text/plain',
      'text/json',
      'application/json;x',
      'application/json; charset=utf-16',
      'application/json; charset=utf-8; charset=utf-7',
      'application/json, text/plain',
      'application/jsonp',
      'application/ld+json',
      'xapplication/json',
      'multipart/form-data; boundary=application/json',
      'application/x-www-form-urlencoded',
    ];
    it.each(titled(withJson))('is not read at %s', async (_, route) => {
      for (const type of types) {
        const headers = { ...samePage(), 'content-type': type };
        const reply = await send(app, route.method, pathOf(route), undefined, { raw: '{}', headers });
        expect([type, reply.status, reply.body.code]).toEqual([type, 415, 'unsupported_media_type']);
      }
    });

    it.each(titled(withJson))('is not read at %s without a type', async (_, route) => {
      const answer = await sendBytes(
        app,
        `${route.method} ${pathOf(route)} HTTP/1.1\r\nHost: localhost:${app.port}\r\nConnection: close\r\nOrigin: ${app.url}\r\n` +
          `Cookie: usher=${admin.browser.cookie}\r\nContent-Length: 2\r\n\r\n{}`,
      );
      // Where a body may be left out, one without a type is left out: no credential came.
      expect(answer).toMatch(route.optionalBody ? /^HTTP\/1\.1 401 / : /^HTTP\/1\.1 415 /);
    });
  });

  it('C4: no header, field or parameter changes the method', async () => {
    const victim = await signUp(app, '192.0.2.4');
    for (const name of ['x-http-method-override', 'x-http-method', 'x-method-override'])
      expect((await victim.browser.send('POST', '/v1/me', {}, { [name]: 'DELETE' })).status).toBe(405);
    const { username, email, password } = victim;
    expect((await victim.browser.post('/v1/me?_method=DELETE', { email, password })).status).toBe(405);
    expect((await victim.browser.post('/v1/me', { _method: 'DELETE', email, password })).status).toBe(405);
    // GET with a method of its own in every place is still a read.
    const headers = { ...cookie(), 'x-http-method-override': 'DELETE' };
    expect(
      (await send(app, 'GET', `/v1/users/${victim.id}?_method=DELETE`, undefined, { headers })).status,
    ).toBe(200);
    expect((await victim.browser.get('/v1/me')).body.user.username).toBe(username);
  });

  describe('C5: a sibling subdomain', () => {
    it.each(titled(unsafe))('reaches nothing at %s', async (_, route) => {
      for (const from of [
        { origin: 'http://other.localhost', 'sec-fetch-site': 'same-site' },
        { 'sec-fetch-site': 'same-site' },
      ])
        expectRejected(
          await send(app, route.method, pathOf(route), {}, { headers: { ...cookie(), ...from } }),
        );
    });

    it('gets in where its origin is named, to the letter, and may then read the answer', async () => {
      const call = (origin: string, site: string) =>
        send(app, 'PATCH', '/v1/me', {}, { headers: { ...cookie(), origin, 'sec-fetch-site': site } });
      const reply = await call(ALLOWED, 'same-site');
      expect(reply.status).toBe(400);
      expect(reply.headers.get('access-control-allow-origin')).toBe(ALLOWED);
      expectRejected(await call(`${ALLOWED}.evil.example`, 'same-site'));
      expectRejected(await call(ALLOWED.replace('https', 'http'), 'same-site'));
      // Both headers have to tell the same story.
      expectRejected(await call(app.url, 'cross-site'));
      expect((await call(ALLOWED, 'same-origin')).status).toBe(403);
    });
  });

  it('C6: nobody is signed in as somebody else by another site', async () => {
    const mallory = newIdentifiers();
    await send(app, 'POST', '/v1/signup', mallory, { from: '192.0.2.6' });
    const { username, password } = mallory;
    for (const from of crossSite)
      for (const path of ['/v1/signin', '/v1/login', '/v1/signup']) {
        const body = path === '/v1/signup' ? newIdentifiers() : { username, password };
        for (const type of ['application/json', 'text/plain'])
          expectRejected(await send(app, 'POST', path, body, { headers: { ...from, 'content-type': type } }));
        const basic = Buffer.from(`${username}:${password}`).toString('base64');
        expectRejected(
          await send(app, 'POST', path, undefined, { headers: { ...from, authorization: `Basic ${basic}` } }),
        );
      }
    // The same words from our own page do sign in.
    expect((await new Browser(app).post('/v1/signin', { username, password })).status).toBe(200);
  });

  describe('C8: an old browser, which says not where a request comes from', () => {
    it.each(titled(unsafe))('writes nothing by cookie at %s', async (_, route) => {
      expectRejected(await send(app, route.method, pathOf(route), {}, { headers: cookie() }));
    });

    it('reads as before, and a program with a bearer token is not bothered', async () => {
      expect((await send(app, 'GET', '/v1/me', undefined, { headers: cookie() })).status).toBe(200);
      const { access_token } = await login(app, admin);
      const { username } = admin;
      expect((await send(app, 'PATCH', '/v1/me', { username }, asBearer(access_token))).status).toBe(200);
      expect((await send(app, 'POST', '/v1/logout', undefined, asBearer(access_token))).status).toBe(200);
    });
  });

  it('C9: an Origin that is none, or only looks like ours', async () => {
    const { port } = app;
    const origins = [
      'null',
      '',
      `http://localhost:${port}/`,
      `http://localhost:${port}.`,
      `http://localhost.:${port}`,
      `http://LOCALHOST:${port}`,
      `HTTP://localhost:${port}`,
      `http://user@localhost:${port}`,
      `http://localhost:${port}@evil.example`,
      `http://localhost:${port}.evil.example`,
      `http://evil.localhost:${port}`,
      `http://localhost:${port + 1}`,
      `http://localhost:0${port}`,
      'http://localhost',
      `https://localhost:${port}`,
      `http://localhost:${port} ${EVIL}`,
      `http://localhost:${port}, ${EVIL}`,
      'file://',
      'chrome-extension://abcdefghijklmnop',
    ];
    for (const origin of origins)
      for (const site of [{}, { 'sec-fetch-site': 'same-origin' }, { 'sec-fetch-site': 'none' }]) {
        const headers = { ...cookie(), origin, ...site };
        expectRejected(await send(app, 'POST', '/v1/logout', undefined, { headers }));
      }
    expect((await admin.browser.get('/v1/me')).status).toBe(200);
  });

  describe('C10: another origin may not read', () => {
    const strangers = () => [
      EVIL,
      'null',
      `${ALLOWED}.evil.example`,
      `${ALLOWED}:444`,
      ALLOWED.replace('https', 'http'),
      ALLOWED.replace('app.', 'evilapp.'),
      ALLOWED.toUpperCase(),
      `http://evil-localhost:${app.port}`,
    ];
    it.each(titled(routes))('%s', async (_, route) => {
      for (const origin of strangers()) {
        const headers = { ...cookie(), origin, 'sec-fetch-site': 'cross-site' };
        const method = route.method === 'GET' ? 'GET' : 'OPTIONS';
        const ask = {
          'access-control-request-method': route.method,
          'access-control-request-headers': 'content-type',
        };
        for (const reply of [
          await send(app, method, pathOf(route), undefined, { headers }),
          await send(app, 'OPTIONS', pathOf(route), undefined, { headers: { ...headers, ...ask } }),
        ]) {
          const names = [...reply.headers.keys()].filter((name) => name.startsWith('access-control-'));
          expect([origin, names]).toEqual([origin, []]);
          expect(reply.headers.get('vary')).toMatch(/\bOrigin\b/);
        }
      }
      const reply = await send(app, 'OPTIONS', pathOf(route), undefined, { headers: { origin: ALLOWED } });
      expect(reply.status).toBe(204);
      expect(reply.headers.get('access-control-allow-origin')).toBe(ALLOWED);
      expect(reply.headers.get('access-control-allow-methods')?.split(', ')).toContain(route.method);
      expect(reply.headers.get('vary')).toMatch(/\bOrigin\b/);
    });

    it('no origin varies it all the same', async () => {
      const reply = await send(app, 'GET', '/v1/me', undefined, { headers: cookie() });
      expect(reply.headers.get('vary')).toMatch(/\bOrigin\b/);
      expect(reply.headers.has('access-control-allow-origin')).toBe(false);
    });
  });

  it('C12: no answer is a script, whatever is asked for', async () => {
    for (const route of routes.filter(({ method }) => method === 'GET')) {
      for (const query of ['', '?callback=steal', '?jsonp=steal']) {
        const reply = await send(app, 'GET', `${pathOf(route)}${query}`, undefined, { headers: cookie() });
        expect(reply.headers.get('x-content-type-options')).toBe('nosniff');
        expect(reply.headers.get('content-type')).toMatch(
          /^(application\/((problem\+)?json|jsonl)|text\/(html|css|csv|plain|event-stream)); charset=utf-8$/,
        );
        // Public keys are for everybody; all else is for pages of this origin.
        const isPublic = route.path === '/.well-known/jwks.json';
        expect(reply.headers.get('cross-origin-resource-policy')).toBe(
          isPublic ? 'cross-origin' : 'same-origin',
        );
        expect(reply.text).not.toContain('steal(');
      }
    }
    const [plain, asked] = [
      await admin.browser.get('/v1/me'),
      await admin.browser.get('/v1/me?callback=steal'),
    ];
    expect(asked.text).toBe(plain.text);
  });

  /** One answer of every kind: each route to the admin and to nobody, and what is no route. */
  async function everyAnswer(): Promise<[string, Reply][]> {
    const answers: [string, Reply][] = [];
    for (const route of routes) {
      const path = pathOf(route);
      // Without a body no write is complete, but for the two that end this session.
      const headers = path.startsWith('/v1/logout') ? {} : samePage();
      answers.push([`${route.method} ${path}`, await send(app, route.method, path, undefined, { headers })]);
      answers.push([`${route.method} ${path}, nobody`, await send(app, route.method, path)]);
    }
    for (const path of ['/', '/nothing', '/v1', '/v1/me.css'])
      answers.push([path, await send(app, 'GET', path, undefined, { headers: samePage() })]);
    answers.push(['no method', await send(app, 'DELETE', '/healthz')]);
    answers.push([
      'no host',
      await send(app, 'GET', '/v1/me', undefined, { headers: { host: 'evil.example' } }),
    ]);
    answers.push(['too large', await send(app, 'POST', '/v1/signin', { x: 'x'.repeat(20_000) })]);
    return answers;
  }

  it('C13, C14, C21: every answer forbids frames, openers, sniffing and workers', async () => {
    for (const [asked, { headers }] of await everyAnswer()) {
      const policy = headers.get('content-security-policy') ?? '';
      expect([asked, policy]).toEqual([asked, expect.stringContaining("frame-ancestors 'none'")]);
      expect([asked, policy]).toEqual([asked, expect.stringContaining("default-src 'none'")]);
      expect([asked, policy]).toEqual([
        asked,
        expect.not.stringMatching(/unsafe|\*|https?:\/\/(?!app\.example\.org)/),
      ]);
      // Pages with forms have scripts of ours, which make no markup of text and no workers.
      const ours =
        "script-src 'self'; connect-src 'self'; worker-src 'none'; require-trusted-types-for 'script'";
      if (policy.includes('script-src'))
        expect([asked, policy]).toEqual([asked, expect.stringContaining(ours)]);
      expect([asked, headers.get('cross-origin-opener-policy')]).toEqual([asked, 'same-origin']);
      expect([asked, headers.get('x-content-type-options')]).toEqual([asked, 'nosniff']);
      expect([asked, headers.has('service-worker-allowed')]).toEqual([asked, false]);
      expect([asked, headers.get('content-type') ?? '']).toEqual([
        asked,
        expect.not.stringMatching(/script/),
      ]);
    }
  });

  describe('C18: a password that the browser keeps for HTTP Basic', () => {
    const basic = (names: { username: string }) => ({
      authorization: `Basic ${Buffer.from(`${names.username}:${PASSWORD}`).toString('base64')}`,
    });

    it('is never asked for', async () => {
      for (const headers of [
        { origin: app.url },
        { 'sec-fetch-site': 'same-origin' },
        { 'sec-fetch-site': 'none' },
      ])
        for (const body of [undefined, { username: admin.username, password: 'wrong wrong wrong' }]) {
          const reply = await send(app, 'POST', '/v1/login', body, { headers, from: '192.0.2.18' });
          expect(reply.status).toBe(401);
          expect(reply.headers.get('www-authenticate')).toBe('Bearer realm="usher"');
        }
      const program = await send(app, 'POST', '/v1/login');
      expect(program.headers.get('www-authenticate')).toBe('Basic realm="usher", charset="UTF-8"');
    });

    it('does nothing for another site', async () => {
      for (const from of crossSite)
        expectRejected(
          await send(app, 'POST', '/v1/login', undefined, { headers: { ...from, ...basic(admin) } }),
        );
      const read = await send(app, 'GET', '/v1/login', undefined, { headers: basic(admin) });
      expect(read.status).toBe(405);
      expect(read.text).not.toContain('access_token');
    });

    it.each(titled(guarded))('is no credential at %s', async (_, route) => {
      const reply = await send(app, route.method, pathOf(route), {}, { headers: basic(admin) });
      expect(reply.status).toBe(401);
      expect(reply.headers.get('www-authenticate')).not.toContain('Basic');
    });
  });

  it('O9: no private answer under a name that caches take for a file', async () => {
    const tails = [
      '/x.css',
      '.css',
      ';.js',
      '%2fx.css',
      '/..;/x.js',
      '%0a.css',
      '/avatar.png',
      '%23.css',
      '%3f.css',
      '/',
    ];
    for (const path of ['/v1/me', '/v1/dashboard', '/v1/me/sessions', `/v1/users/${admin.id}`, '/v1/users'])
      for (const tail of tails) {
        const reply = await send(app, 'GET', `${path}${tail}`, undefined, { headers: cookie() });
        expect([tail, reply.status >= 400 && reply.status < 500]).toEqual([tail, true]);
        expect(reply.headers.get('cache-control')).toBe('no-store');
        expect(reply.text).not.toContain(admin.username);
        expect(reply.text).not.toContain(admin.email);
      }
  });

  it('O10, O12: what may be kept is public, and has neither cookie nor tag', async () => {
    app.clock.advance(SECOND);
    const open = ['/.well-known/jwks.json', '/assets/usher.css'];
    for (const [asked, { headers }] of await everyAnswer()) {
      const isPublic = open.some((path) => asked.startsWith(`GET ${path}`));
      const cache = headers.get('cache-control');
      expect([asked, cache]).toEqual([
        asked,
        isPublic ? expect.stringMatching(/^public, max-age=\d+$/) : 'no-store',
      ]);
      if (isPublic) expect([asked, headers.getSetCookie()]).toEqual([asked, []]);
      expect([asked, headers.has('etag'), headers.has('last-modified')]).toEqual([asked, false, false]);
      for (const name of ['Cookie', 'Authorization'])
        expect([asked, headers.get('vary')]).toEqual([
          asked,
          expect.stringMatching(new RegExp(`\\b${name}\\b`)),
        ]);
    }
    // A question that only a tag or a date could answer gets the whole answer.
    const headers = {
      ...cookie(),
      'if-none-match': '*',
      'if-modified-since': 'Fri, 01 Jan 2100 00:00:00 GMT',
    };
    expect((await send(app, 'GET', '/v1/me', undefined, { headers })).status).toBe(200);
  });

  it('O13: the cookie of the largest user fits into any browser', async () => {
    const browser = new Browser(app, '192.0.2.13');
    const names = {
      username: '\u{20000}'.repeat(64),
      email: `${'a'.repeat(64)}@${`${'b'.repeat(61)}.`.repeat(3)}org`,
      password: 'nothing that anybody guesses, '.repeat(9).slice(0, 256),
    };
    const reply = await browser.post('/v1/signup', names);
    expect(reply.status).toBe(201);
    expect(Buffer.byteLength(reply.headers.getSetCookie().join())).toBeLessThan(1_024);
    const claims = Buffer.from(browser.cookie?.split('.')[1] ?? '', 'base64url').toString();
    for (const secret of [names.username, names.email]) expect(claims).not.toContain(secret);
  });
});

describe('cookies of an https installation', () => {
  const publicUrl = 'https://accounts.example.org';
  const { app } = withApp(sqlite.create, { publicUrl });
  let token: string;
  beforeAll(async () => {
    const reply = await send(app, 'POST', '/v1/signup', newIdentifiers(), {
      headers: { host: 'accounts.example.org' },
    });
    token = /^__Host-usher=([^;]+)/.exec(reply.headers.get('set-cookie') ?? '')?.[1] ?? '';
  });

  const me = (cookie: string) =>
    send(app, 'GET', '/v1/me', undefined, { headers: { host: 'accounts.example.org', cookie } });

  it('O4: only the name that a sibling subdomain cannot set is a session', async () => {
    expect((await me(`__Host-usher=${token}`)).status).toBe(200);
    for (const name of ['usher', 'session', '__Secure-usher', 'Host-usher', '__Host-usher2', 'x__Host-usher'])
      expect([name, (await me(`${name}=${token}`)).body.code]).toEqual([name, 'unauthenticated']);
    // A planted one beside it changes nothing.
    expect((await me(`usher=planted; __Host-usher=${token}; session=planted`)).status).toBe(200);
  });

  it('O5: no other spelling passes for the name', async () => {
    const spellings = [
      `__HOST-usher=${token}`,
      `__host-usher=${token}`,
      `__Host-Usher=${token}`,
      `\u00a0__Host-usher=${token}`,
      `\u0085__Host-usher=${token}`,
      `"__Host-usher"=${token}`,
      `__Host-usher =${token}`,
      `__Host%2dusher=${token}`,
      `=__Host-usher=${token}`,
      `$Version=1, __Host-usher=${token}`,
      `a="; __Host-usher=${token}`.replace('; ', ', '),
    ];
    for (const cookie of spellings)
      expect([cookie.replace(token, '...'), (await me(cookie)).status]).toEqual([
        cookie.replace(token, '...'),
        401,
      ]);
    for (const value of [`"${token}"`, `${token}"`, `${token}%20`, token.toLowerCase(), `${token},x`]) {
      const reply = await me(`__Host-usher=${value}`);
      expect(reply.status).toBe(401);
      expect(reply.headers.get('set-cookie')).toMatch(/^__Host-usher=; .*Max-Age=0/);
    }
    // RFC 2109 is over: $Version is a cookie like any other.
    expect((await me(`$Version=1; __Host-usher=${token}`)).status).toBe(200);
  });
});
