import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { routes } from '../../src/routes.ts';
import {
  asBearer,
  login,
  newIdentifiers,
  PASSWORD,
  send,
  sendBytes,
  signUp,
  type TestApp,
} from '../support/app.ts';
import { pathOf } from '../support/example.ts';
import { databases } from '../support/postgres.ts';
import { withApp } from '../support/with-app.ts';

const withJson = routes.filter((route) => route.body && route.encoding !== 'form');
const basic = (credentials: string | Buffer) => `Basic ${Buffer.from(credentials).toString('base64')}`;

/** Sends the beginning, then a byte now and then, and resolves with the answer when the server has had enough. */
function trickle(app: TestApp, beginning: string): Promise<string> {
  return new Promise((resolve) => {
    let answer = '';
    const socket = connect(app.port, '127.0.0.1', () => socket.write(beginning));
    const drip = setInterval(() => socket.write('a'), 500);
    socket.setEncoding('latin1').on('data', (chunk) => {
      answer += chunk;
    });
    socket.on('error', () => {});
    socket.on('close', () => {
      clearInterval(drip);
      resolve(answer);
    });
  });
}

// H6 waits for the server's own patience to end; it begins first, so that the others need not wait for it.
const { app: slowApp } = withApp();
let slowAnswers: Promise<string>[];
beforeAll(() => {
  const host = `Host: localhost:${slowApp.port}\r\n`;
  const type = 'Content-Type: application/json\r\nContent-Length: 9000\r\n\r\n';
  slowAnswers = [
    trickle(slowApp, `GET /v1/me HTTP/1.1\r\n${host}X-Slow: `),
    trickle(slowApp, `POST /v1/signin HTTP/1.1\r\n${host}${type}{"username":"`),
  ];
});

describe.each(databases)('requests on $name', ({ create }) => {
  const { app, opened } = withApp(create);
  let admin: Awaited<ReturnType<typeof signUp>>;
  let authorization: string;
  let bearer: { headers: { authorization: string } };
  let prototype: string[];
  beforeAll(async () => {
    prototype = Object.getOwnPropertyNames(Object.prototype);
    admin = await signUp(app);
    await opened.db.updateTable('users').set({ admin_since: 1 }).where('id', '=', admin.id).execute();
    authorization = `Bearer ${(await login(app, admin)).access_token}`;
    bearer = { headers: { authorization } };
  });

  const head = (...lines: string[]) =>
    [...lines, `Host: localhost:${app.port}`, 'Connection: close', '', ''].join('\r\n');
  /** A POST of these header lines and this body, to a route that reads bodies. */
  const post = (lines: string[], body = '') =>
    sendBytes(app, `${head('POST /v1/signin HTTP/1.1', 'Content-Type: application/json', ...lines)}${body}`);
  /** One body for every route that reads JSON; nothing may come of it. */
  async function everywhere(raw: string, status: number, code?: string): Promise<void> {
    for (const route of withJson) {
      const reply = await send(app, route.method, pathOf(route), undefined, { raw, ...bearer });
      // A log-in takes Basic or a body, so there a Bearer is refused, but after the body.
      expect([route.path, reply.status, reply.body.code]).toEqual([
        route.path,
        status,
        code ?? reply.body.code,
      ]);
    }
  }

  describe('I1: SQL in every field', () => {
    const words = [
      `'`,
      `''`,
      `"`,
      `\\`,
      `\\'`,
      `;`,
      `--`,
      `/*`,
      `%`,
      `_`,
      `$1`,
      `?`,
      `:id`,
      `' OR '1'='1`,
      `' OR 1=1--`,
      `" OR ""="`,
      `'; DROP TABLE users; --`,
      `1; DELETE FROM sessions`,
      `' UNION SELECT password_hash FROM users --`,
      `'||(SELECT password_hash FROM users LIMIT 1)||'`,
      `admin'/*`,
      `') OR ('1'='1`,
      `'; SELECT pg_sleep(9); --`,
      `' AND randomblob(1000000000) --`,
      `$$; SELECT 1; $$`,
      `E'\\x27'`,
      `\u02bc OR 1=1`,
      `＇ OR 1=1`,
      `0x27`,
      `%27%20OR%201=1`,
      `CHAR(39)`,
      `{{7*7}}`,
    ];

    it('is a name that nobody has, or no name at all', async () => {
      const before = await opened.db.selectFrom('users').selectAll().execute();
      for (const word of words) {
        const from = '198.51.100.1';
        // Every try is another name, which is more than one address may try.
        await opened.db.deleteFrom('rate_limit_members').execute();
        for (const body of [
          { username: word, password: PASSWORD },
          { email: word, password: PASSWORD },
          { email: `${word}@example.org`, password: PASSWORD },
        ])
          expect([body, (await send(app, 'POST', '/v1/signin', body, { from })).status]).toEqual([body, 401]);
        const headers = { authorization: basic(`${word}:${PASSWORD}`) };
        expect([word, (await send(app, 'POST', '/v1/login', undefined, { headers, from })).status]).toEqual([
          word,
          401,
        ]);
        expect((await send(app, 'POST', '/v1/refresh', { refresh_token: word }, { from })).status).toBe(401);
        const found = await send(
          app,
          'GET',
          `/v1/users?search=${encodeURIComponent(word)}`,
          undefined,
          bearer,
        );
        expect([word, found.status, found.body.users]).toEqual([word, 200, []]);
        for (const path of [
          `/v1/users/${encodeURIComponent(word)}`,
          `/v1/users?cursor=${encodeURIComponent(word)}`,
        ])
          expect([path, [400, 404]]).toEqual([
            path,
            expect.arrayContaining([(await send(app, 'GET', path, undefined, bearer)).status]),
          ]);
      }
      expect(await opened.db.selectFrom('users').selectAll().execute()).toEqual(before);
    });

    it('is stored to the letter where it is allowed, and works', async () => {
      const agent = `Mozilla'); DROP TABLE users; -- "\\ $1 ? %s`;
      for (const index of [0, 1, 2, 3]) {
        const password = words.slice(8 * index, 8 * index + 8).join(' ');
        const names = { username: `O'Hara ${index}.--`, email: `o'hara+--${index}@example.org`, password };
        const from = `198.51.100.${100 + index}`;
        const reply = await send(app, 'POST', '/v1/signup', names, {
          from,
          headers: { 'user-agent': agent },
        });
        expect([password, reply.status]).toEqual([password, 201]);
        expect(reply.body.user).toMatchObject({ username: names.username, email: names.email });
        const pair = await login(app, names, from);
        expect(
          (await send(app, 'GET', '/v1/me', undefined, asBearer(pair.access_token))).body.user.username,
        ).toBe(names.username);
        const found = await send(
          app,
          'GET',
          `/v1/users?search=${encodeURIComponent(names.email)}`,
          undefined,
          bearer,
        );
        expect(found.body.users.map(({ email }: { email: string }) => email)).toEqual([names.email]);
        const sessions = await send(app, 'GET', '/v1/me/sessions', undefined, asBearer(pair.access_token));
        expect(sessions.body.sessions.map((one: { user_agent: string }) => one.user_agent)).toContain(agent);
      }
    });
  });

  it('I2: an object, a list or a number is no text', async () => {
    const values = [
      { $gt: '' },
      { $ne: null },
      { like: '%' },
      { $regex: '.*' },
      [],
      ['a'],
      [PASSWORD],
      0,
      1,
      true,
      null,
      {},
    ];
    const bodies: [string, string, Record<string, string>][] = [
      ['POST', '/v1/signup', newIdentifiers()],
      ['POST', '/v1/signin', { username: admin.username, password: PASSWORD }],
      ['POST', '/v1/signin', { email: admin.email, password: PASSWORD }],
      ['POST', '/v1/login', { username: admin.username, password: PASSWORD }],
      ['POST', '/v1/refresh', { refresh_token: 'x' }],
      ['PATCH', '/v1/me', { username: admin.username }],
      ['DELETE', '/v1/me', { email: admin.email, password: PASSWORD }],
      ['PUT', '/v1/me/password', { current_password: PASSWORD, new_password: 'another password' }],
      ['POST', '/v1/users', newIdentifiers()],
      ['PATCH', `/v1/users/${admin.id}`, { username: admin.username }],
      ['PATCH', `/v1/users/${admin.id}`, { role: 'admin' }],
    ];
    for (const [method, path, body] of bodies)
      for (const field of Object.keys(body))
        for (const value of values) {
          const how = path === '/v1/login' ? {} : bearer;
          const reply = await send(app, method, path, { ...body, [field]: value }, how);
          expect([path, field, value, reply.status]).toEqual([path, field, value, 400]);
          expect(reply.body.errors[0].field).toBe(field);
        }
    for (const value of [{ $ne: null }, 'false', 'true', 0, 1, null, []])
      expect((await send(app, 'PATCH', `/v1/users/${admin.id}`, { disabled: value }, bearer)).status).toBe(
        400,
      );
    for (const body of [[], 'text', 1, null, true, [newIdentifiers()]])
      expect((await send(app, 'POST', '/v1/signup', body)).status).toBe(400);
  });

  it('I4: a wildcard or a pattern in a search is a letter like any other', async () => {
    const wild = [
      '%',
      '_',
      '%%',
      'u%',
      'user_',
      `${admin.username.slice(0, -1)}_`,
      '.*',
      '^',
      '[a-z]',
      '(a+)+$',
      '*',
      'user*',
      '\\',
    ];
    for (const search of wild) {
      const reply = await send(
        app,
        'GET',
        `/v1/users?search=${encodeURIComponent(search)}`,
        undefined,
        bearer,
      );
      expect([search, reply.status, reply.body.users]).toEqual([search, 200, []]);
    }
    for (const search of ['a'.repeat(255), '%'.repeat(1_000), '(a+)+'.repeat(1_500)])
      expect(
        (await send(app, 'GET', `/v1/users?search=${encodeURIComponent(search)}`, undefined, bearer)).status,
      ).toBe(400);
    const longest = await send(app, 'GET', `/v1/users?search=${'a'.repeat(254)}`, undefined, bearer);
    expect([longest.status, longest.body.users]).toEqual([200, []]);
  });

  describe('H1: names that change prototypes', () => {
    afterAll(() => {
      expect(Object.getOwnPropertyNames(Object.prototype)).toEqual(prototype);
      expect('role' in {}).toBe(false);
    });

    it('are rejected in JSON, at any depth, in any spelling', async () => {
      for (const name of [
        '__proto__',
        'constructor',
        'prototype',
        '\\u005f_proto__',
        '__PROTO__',
        'Constructor',
      ])
        for (const raw of [
          `{"${name}":{"role":"admin"}}`,
          `{"${name}":"admin"}`,
          `{"username":{"${name}":{"role":"admin"}}}`,
        ])
          await everywhere(raw, 400);
    });

    it('are rejected in forms and queries', async () => {
      for (const name of [
        '__proto__',
        'constructor',
        'prototype',
        '__proto__[role]',
        'constructor.prototype.role',
        '%5f_proto__',
      ]) {
        const headers = { 'content-type': 'application/x-www-form-urlencoded' };
        expect(
          (await send(app, 'POST', '/setup', undefined, { raw: `token=x&${name}=admin`, headers })).status,
        ).toBe(400);
        expect((await send(app, 'GET', `/v1/users?${name}=admin`, undefined, bearer)).status).toBe(400);
        expect((await send(app, 'GET', `/setup?token=x&${name}=admin`)).status).toBe(400);
      }
    });

    it('are nothing in cookies and headers', async () => {
      for (const name of ['__proto__', 'constructor', 'prototype', 'toString', '__defineGetter__']) {
        const headers = { cookie: `${name}=usher; ${name}.usher=x; usher.${name}=x`, [name]: 'admin' };
        const reply = await send(app, 'GET', '/v1/me', undefined, { headers });
        expect([name, reply.status, reply.body.code]).toEqual([name, 401, 'unauthenticated']);
      }
    });
  });

  it('H2: a member that comes twice is rejected everywhere', async () => {
    for (const raw of [
      '{"username":"a","username":"b"}',
      '{"username":"a","\\u0075sername":"b"}',
      '{"password":"a","email":"b","password":"a"}',
      '{"x":{"role":"user","role":"admin"}}',
    ])
      await everywhere(raw, 400, 'invalid_json');
    for (const path of ['/v1/signup', '/v1/signin', '/v1/login']) {
      const reply = await send(app, 'POST', path, { username: 'a', Username: 'b', password: PASSWORD });
      expect([path, reply.status, reply.body.errors[0].code]).toEqual([path, 400, 'duplicate_field']);
    }
  });

  it('H4: depth is rejected before it is followed', async () => {
    const deep = (levels: number, open: string, close: string) =>
      `{"a":${open.repeat(levels)}1${close.repeat(levels)}}`;
    await everywhere(deep(8, '[', ']'), 400, 'invalid_json');
    await everywhere(deep(8_000, '[', ']'), 400, 'invalid_json');
    await everywhere(deep(2_000, '{"a":', '}'), 400, 'invalid_json');
    await everywhere('['.repeat(16_000), 400, 'invalid_json');
    await everywhere(deep(200_000, '[', ']'), 413, 'content_too_large');
    expect((await send(app, 'GET', '/healthz')).status).toBe(200);
  });

  it('H5: size is rejected at every place where it could grow', async () => {
    const members = (count: number) => `{${Array.from({ length: count }, (_, i) => `"k${i}":${i}`).join()}}`;
    await everywhere(members(33), 400, 'invalid_json');
    await everywhere(members(100_000), 413, 'content_too_large');
    await everywhere(`{"a":"${'x'.repeat(2_001)}"}`, 400, 'invalid_json');
    await everywhere(`{"a":[${'1,'.repeat(100)}1]}`, 400, 'invalid_json');
    await everywhere(`{"username":"${'x'.repeat(1_000_000)}"}`, 413, 'content_too_large');
    const query = Array.from({ length: 33 }, (_, i) => `k${i}=1`).join('&');
    expect((await send(app, 'GET', `/v1/users?${query}`, undefined, bearer)).status).toBe(400);
    expect(await sendBytes(app, head('GET /v1/me HTTP/1.1', `Cookie: ${'a=b; '.repeat(4_000)}`))).toMatch(
      /^HTTP\/1\.1 431 /,
    );
    expect(await sendBytes(app, head(`GET /${'a'.repeat(20_000)} HTTP/1.1`))).toMatch(
      /^HTTP\/1\.1 4(14|31) /,
    );
    expect(
      await sendBytes(
        app,
        head('GET /v1/me HTTP/1.1', ...Array.from({ length: 200 }, (_, i) => `X-${i}: y`)),
      ),
    ).toMatch(/^HTTP\/1\.1 431 /);
    // A length that is not told beforehand is counted on the way.
    const chunk = `${(0x4001).toString(16)}\r\n${'x'.repeat(0x4001)}\r\n`;
    expect(await post(['Transfer-Encoding: chunked'], `${chunk}0\r\n\r\n`)).toMatch(/^HTTP\/1\.1 413 /);
  });

  it('H8: a message whose end could be read in two ways is rejected', async () => {
    const smuggled = `GET /v1/users HTTP/1.1\r\nHost: localhost:${app.port}\r\n\r\n`;
    const doubtful: [lines: string[], body: string][] = [
      [['Content-Length: 4', 'Transfer-Encoding: chunked'], `0\r\n\r\n${smuggled}`],
      [['Transfer-Encoding: chunked', 'Content-Length: 4'], `0\r\n\r\n${smuggled}`],
      [['Content-Length: 2', 'Content-Length: 4'], '{}{}'],
      [['Content-Length: 2', 'Content-Length: 2'], '{}'],
      [['Content-Length: 2, 2'], '{}'],
      [['Content-Length: +2'], '{}'],
      [['Content-Length: 0x2'], '{}'],
      [['Content-Length: -1'], '{}'],
      [['Content-Length: 99999999999999999999'], '{}'],
      [['Transfer-Encoding: xchunked'], '2\r\n{}\r\n0\r\n\r\n'],
      [['Transfer-Encoding: chunked, identity'], '2\r\n{}\r\n0\r\n\r\n'],
      [
        ['Transfer-Encoding: identity', 'Transfer-Encoding: chunked', 'Content-Length: 2'],
        '2\r\n{}\r\n0\r\n\r\n',
      ],
      [['Transfer-Encoding : chunked'], '2\r\n{}\r\n0\r\n\r\n'],
      [['Content-Length : 2'], '{}'],
      [['Transfer-Encoding:\u000bchunked'], '2\r\n{}\r\n0\r\n\r\n'],
      [[' Transfer-Encoding: chunked', 'Content-Length: 2'], '{}'],
      [['Transfer-Encoding: chunked'], `2\n{}\n0\n\n`],
      [['Transfer-Encoding: chunked'], `-2\r\n{}\r\n0\r\n\r\n`],
      [['Transfer-Encoding: chunked'], `2 \r\n{}xx\r\n0\r\n\r\n`],
      [['Transfer-Encoding: chunked'], `10000000000000002\r\n{}\r\n0\r\n\r\n`],
      [['Transfer-Encoding: chunked'], `2\r\n{}XX0\r\n\r\n`],
      [['X: y\nTransfer-Encoding: chunked', 'Content-Length: 2'], '{}'],
      [['X: y\rTransfer-Encoding: chunked', 'Content-Length: 2'], '{}'],
      [['X: a\0b', 'Content-Length: 2'], '{}'],
    ];
    for (const [lines, body] of doubtful) {
      const answer = await post(lines, body);
      expect([lines, answer]).toEqual([lines, expect.stringMatching(/^HTTP\/1\.1 400 /)]);
      // One answer: what came behind was not taken for a request.
      expect(answer.match(/HTTP\/1\.1 /g)).toHaveLength(1);
    }
    // Extensions and trailers are read over: a trailer is no header.
    const extended = await post(
      ['Transfer-Encoding: chunked'],
      `2;ext=1\r\n{}\r\n0\r\nAuthorization: ${authorization}\r\nContent-Type: text/plain\r\n\r\n`,
    );
    expect(extended).toMatch(/^HTTP\/1\.1 400 /);
    expect(extended).toContain('invalid_request');
    const trailer = `PATCH /v1/me HTTP/1.1\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\nTrailer: Authorization`;
    expect(
      await sendBytes(app, `${head(trailer)}2\r\n{}\r\n0\r\nAuthorization: ${authorization}\r\n\r\n`),
    ).toMatch(/^HTTP\/1\.1 401 /);
  });

  it('H9: a header that decides comes once', async () => {
    const twice: [string, string, string][] = [
      ['Authorization', `Bearer ${'a'.repeat(20)}`, authorization],
      ['Authorization', authorization, 'Bearer x'],
      ['authorization', authorization, authorization],
      ['Content-Type', 'application/json', 'text/plain'],
      ['Origin', app.url, 'https://evil.example'],
      ['Sec-Fetch-Site', 'same-origin', 'cross-site'],
      ['Cookie', `usher=${admin.browser.cookie}`, 'usher=x'],
      ['Cookie', 'a=b', `usher=${admin.browser.cookie}`],
    ];
    for (const method of ['GET', 'PATCH', 'DELETE'])
      for (const [name, first, second] of twice) {
        const answer = await sendBytes(
          app,
          head(`${method} /v1/me HTTP/1.1`, `${name}: ${first}`, `${name.toUpperCase()}: ${second}`),
        );
        expect([name, answer]).toEqual([name, expect.stringMatching(/^HTTP\/1\.1 400 /)]);
        expect(answer).toContain('duplicate_header');
      }
    expect(await sendBytes(app, head('GET /v1/me HTTP/1.1', 'Host: evil.example'))).toMatch(
      /^HTTP\/1\.1 400 /,
    );
  });

  it('H10: one cookie of ours, read by its octets', async () => {
    const { cookie = '' } = admin.browser;
    const me = (header: string) => send(app, 'GET', '/v1/me', undefined, { headers: { cookie: header } });
    for (const header of [
      `usher=${cookie}; usher=planted`,
      `usher=planted; usher=${cookie}`,
      `usher=${cookie}; usher=${cookie}`,
      `usher=; usher=${cookie}`,
    ]) {
      const reply = await me(header);
      expect([reply.status, reply.body.code]).toEqual([400, 'duplicate_cookie']);
      expect(reply.headers.get('set-cookie')).toMatch(/^usher=; Path=\/; HttpOnly; SameSite=Lax; Max-Age=0/);
    }
    const many = Array.from({ length: 200 }, (_, i) => `c${i}=${i}`).join('; ');
    for (const header of [
      `usher=${cookie}`,
      `$Version=1; usher=${cookie}`,
      `a; =b; usher=${cookie}; ;;`,
      `${many}; usher=${cookie}`,
    ])
      expect([header.slice(0, 20), (await me(header)).status]).toEqual([header.slice(0, 20), 200]);
    for (const header of [
      `"usher"=${cookie}`,
      `\u00a0usher=${cookie}`,
      `=usher=${cookie}`,
      `Usher=${cookie}`,
      `x="; usher=${cookie}`.replace('; ', ', '),
    ])
      expect([header.slice(0, 20), (await me(header)).body.code]).toEqual([
        header.slice(0, 20),
        'unauthenticated',
      ]);
    for (const header of [
      `usher="${cookie}"`,
      'usher=',
      `usher=${cookie}%00`,
      `usher=${encodeURIComponent(cookie)}.`,
    ])
      expect([header.slice(0, 20), (await me(header)).body.code]).toEqual([
        header.slice(0, 20),
        'invalid_token',
      ]);
  });

  it('H12: no line of a header is written by the caller', async () => {
    const split = 'x%0d%0aSet-Cookie:%20planted=1%0d%0a%0d%0a<script>';
    const headers = {
      origin: `http://localhost:${app.port}%0d%0aSet-Cookie: planted=1`,
      'x-request-id': 'planted',
      'user-agent': 'a\tb',
    };
    for (const [method, path] of [
      ['GET', `/${split}`],
      ['GET', `/v1/users/${split}`],
      ['GET', `/setup?token=${split}`],
      ['GET', `/v1/users?search=${split}`],
      ['OPTIONS', `/v1/users/${split}`],
      ['TRACE', `/v1/users/${split}`],
      ['POST', `/v1/signin?x=${split}`],
    ] as const) {
      const reply = await send(app, method, path, undefined, { headers: { ...headers, authorization } });
      expect([path, reply.status < 500]).toEqual([path, true]);
      const all = [...reply.headers].join('\n');
      expect(all).not.toContain('planted');
      expect(all).not.toContain('<script>');
    }
    // The only values in headers that callers could shape are names, and names hold no line ends.
    for (const username of ['a\r\nSet-Cookie: planted=1', 'a\nb', 'a\u2028b', 'a\u0085b'])
      expect((await send(app, 'POST', '/v1/signup', { ...newIdentifiers(), username })).status).toBe(400);
    expect(await sendBytes(app, head('GET /v1/me HTTP/1.1', 'X: a\rSet-Cookie: planted=1'))).toMatch(
      /^HTTP\/1\.1 400 /,
    );
  });

  it('H13: HTTP Basic is read strictly, and rejected without a word too much', async () => {
    const from = '198.51.100.13';
    const names = { ...newIdentifiers(), password: 'sésame: ouvre-toi: 🔑' };
    await send(app, 'POST', '/v1/signup', names, { from });
    const ask = (authorization: string) =>
      send(app, 'POST', '/v1/login', undefined, { headers: { authorization }, from });
    for (const good of [
      `${names.username}:${names.password}`,
      `${names.email}:${names.password}`,
      ` ${names.username.toUpperCase()} :${names.password}`,
    ])
      expect([good, (await ask(basic(good))).status]).toEqual([good, 200]);
    const { username, password } = names;
    const code = Buffer.from(`${username}:${password}`).toString('base64');
    const wrong = [
      ...[
        'Basic',
        'Basic ',
        'Basic  ',
        'Basic =',
        'Basic ====',
        `Basic  ${code}`,
        `Basic ${code} x`,
        `Basic\t${code}`,
      ],
      ...[
        `Basic ${code}=`,
        `Basic ${code.replace(/=*$/, '')}!`,
        `Basic ${code},${code}`,
        `Basic "${code}"`,
        `Basic ${encodeURIComponent(code)}%`,
      ],
      ...[
        basic(''),
        basic(':'),
        basic(username),
        basic(`${username}${password}`),
        basic(`:${password}`),
        basic(`${username}:`),
      ],
      ...[
        basic(Buffer.from(`${username}:${password}`, 'latin1')),
        basic(Buffer.from([0xff, 0x3a, 0xff])),
        basic(Buffer.from(`${username}:${password}`, 'utf16le')),
      ],
      ...[
        basic(`${username}\0:${password}`),
        basic(`${username}:${password}\0`),
        basic(`${username}:${password}\r\n`),
        basic(`\ufeff${username}:${password}`),
      ],
      ...[
        basic(`${username}:${'x'.repeat(6_000)}`),
        basic(`${'x'.repeat(6_000)}:`),
        `Basic ${'A'.repeat(12_000)}`,
      ],
      ...[
        'Bearer',
        `Bearer ${code}`,
        `Digest username="${username}"`,
        `NTLM ${code}`,
        code,
        ',',
        'Basic realm="x"',
      ],
    ];
    for (const header of wrong) {
      const reply = await ask(header);
      expect([header.slice(0, 40), reply.status]).toEqual([header.slice(0, 40), 401]);
      expect(reply.text).not.toContain(username);
    }
    expect((await ask(basic(`${username}:${password}`))).status).toBe(200);
  });

  it('H14: methods, expectations and upgrades that we do not know', async () => {
    for (const method of ['TRACE', 'PROPFIND', 'MKCOL', 'PURGE', 'SEARCH', 'LINK', 'QUERY', 'M-SEARCH'])
      for (const path of ['/v1/me', '/v1/signin', '/healthz']) {
        const answer = await sendBytes(
          app,
          head(`${method} ${path} HTTP/1.1`, `Cookie: usher=${admin.browser.cookie}`, `Origin: ${app.url}`),
        );
        expect([method, answer]).toEqual([method, expect.stringMatching(/^HTTP\/1\.1 405 /)]);
        expect(answer).toMatch(/\r\nallow: [A-Z, ]+\r\n/);
        // TRACE would hand the cookie to a script.
        expect(answer).not.toContain(admin.browser.cookie);
      }
    for (const line of [
      'FOO /v1/me HTTP/1.1',
      'get /v1/me HTTP/1.1',
      'GET /v1/me HTTP/3.0',
      'PRI * HTTP/2.0',
    ])
      expect([line, await sendBytes(app, head(line))]).toEqual([
        line,
        expect.stringMatching(/^HTTP\/1\.1 400 /),
      ]);
    expect(await sendBytes(app, head('CONNECT evil.example:80 HTTP/1.1'))).toBe('');
    expect(await post(['Expect: 100-continue', 'Content-Length: 2'], '{}')).toMatch(
      /^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 400 /,
    );
    expect(await post(['Expect: the-unexpected', 'Content-Length: 2'], '{}')).toMatch(/^HTTP\/1\.1 417 /);
    for (const protocol of ['websocket', 'h2c', 'TLS/1.0']) {
      const bytes = `GET /v1/me HTTP/1.1\r\nHost: localhost:${app.port}\r\nConnection: close, Upgrade\r\nUpgrade: ${protocol}\r\n\r\n`;
      expect(await sendBytes(app, bytes)).toMatch(/^HTTP\/1\.1 401 /);
    }
  });

  it('H17: every value comes from its own place alone', async () => {
    const { username, email } = admin;
    const credentials = `username=${username}&email=${email}&password=${encodeURIComponent(PASSWORD)}`;
    for (const path of ['/v1/signin', '/v1/login', '/v1/signup']) {
      const cookie = credentials.replaceAll('&', '; ');
      const reply = await send(app, 'POST', `${path}?${credentials}`, {}, { headers: { cookie } });
      expect([path, reply.status]).toEqual([path, 400]);
      expect(reply.headers.getSetCookie()).toEqual([]);
    }
    const token = authorization.slice('Bearer '.length);
    for (const query of [
      `access_token=${token}`,
      `usher=${admin.browser.cookie}`,
      `Authorization=Bearer%20${token}`,
      `token=${token}`,
    ])
      expect((await send(app, 'GET', `/v1/me?${query}`)).status).toBe(401);
    expect((await send(app, 'POST', '/v1/logout-everywhere', { access_token: token })).status).toBe(401);
    // What the path says stands, whatever the query or the body say.
    const other = await send(app, 'POST', '/v1/users', newIdentifiers(), bearer);
    expect(
      (await send(app, 'GET', `/v1/users/${admin.id}?id=${other.body.user.id}`, undefined, bearer)).body.user
        .id,
    ).toBe(admin.id);
    expect((await send(app, 'GET', '/v1/users?limit=1&limit=2', undefined, bearer)).status).toBe(400);
    expect(
      (await send(app, 'GET', '/v1/users', { limit: 1, search: 'x' }, bearer)).body.users.length,
    ).toBeGreaterThan(1);
  });

  it('H18: text in another encoding is not guessed at', async () => {
    const body = JSON.stringify({ username: admin.username, password: PASSWORD });
    const bytes: [Buffer, string][] = [
      [Buffer.from(`\ufeff${body}`), 'UTF-8 with a mark'],
      [Buffer.from(body, 'utf16le'), 'UTF-16'],
      [Buffer.from(`\ufeff${body}`, 'utf16le'), 'UTF-16 with a mark'],
      [Buffer.from(body.replace(PASSWORD, 'p\u00e9p\u00e9p\u00e9p\u00e9'), 'latin1'), 'Latin-1'],
      [Buffer.from(body.replace('"u', '+ACI-u')), 'UTF-7'],
      [
        Buffer.concat([Buffer.from('{"username":"'), Buffer.from([0xc0, 0x80]), Buffer.from('"}')]),
        'an overlong NUL',
      ],
      [
        Buffer.concat([Buffer.from('{"username":"'), Buffer.from([0xed, 0xa0, 0x80]), Buffer.from('"}')]),
        'a surrogate',
      ],
      [Buffer.concat([Buffer.from(body), Buffer.from([0])]), 'a NUL behind it'],
    ];
    for (const [payload, what] of bytes) {
      const lines = head(
        'POST /v1/signin HTTP/1.1',
        'Content-Type: application/json',
        `Content-Length: ${payload.length}`,
      );
      const answer = await sendBytes(app, Buffer.concat([Buffer.from(lines), payload]));
      expect([what, answer]).toEqual([what, expect.stringMatching(/^HTTP\/1\.1 400 /)]);
    }
    for (const charset of ['utf-16', 'utf-7', 'iso-8859-1', 'utf-8; charset=utf-16', 'utf8', '"utf-16"'])
      expect(
        (
          await send(app, 'POST', '/v1/signin', undefined, {
            raw: body,
            headers: { 'content-type': `application/json; charset=${charset}` },
          })
        ).status,
      ).toBe(415);
    for (const encoding of ['gzip', 'br', 'deflate', 'zstd', 'gzip, identity'])
      expect(
        (
          await send(app, 'POST', '/v1/signin', undefined, {
            raw: body,
            headers: { 'content-encoding': encoding },
          })
        ).status,
      ).toBe(415);
  });

  it('a path that a proxy may take for another one is rejected, whoever asks', async () => {
    const ask = (path: string, credential: string[] = []) =>
      sendBytes(app, head(`GET ${path} HTTP/1.1`, 'Accept: application/json', ...credential));
    const paths = [
      '/x/%2e%2e/admin',
      '/x/%2E%2E/v1/users',
      '/x/.%2e/admin',
      '/x/%2e./admin',
      '/x/../admin',
      '/./admin',
      '/%2e/admin',
      '/admin/%2e%2e',
      '/admin%2fusers',
      '/admin%2Fusers?page=1',
      '/x%5c..%5cadmin',
    ];
    for (const path of paths)
      for (const credential of [[], [`Authorization: ${authorization}`]]) {
        const answer = await ask(path, credential);
        expect([path, answer.slice(0, 12)]).toEqual([path, 'HTTP/1.1 400']);
        expect(answer).toContain('"code":"invalid_path"');
      }
    // What looks like it and is not: a query, and a name that begins with a dot.
    expect(await ask('/readyz?return_to=%2Fadmin%2F..%2f.')).toMatch(/^HTTP\/1\.1 200 /);
    expect(await ask('/.well-known/jwks.json')).toMatch(/^HTTP\/1\.1 200 /);
    expect(await ask('/...')).toMatch(/^HTTP\/1\.1 404 /);
  });

  it('a body that is cut off is its sender’s doing, and no failure of ours', async () => {
    for (const part of [
      'Content-Length: 100\r\n\r\n{"username":"',
      'Transfer-Encoding: chunked\r\n\r\n5\r\n{"use',
    ]) {
      // Emails of the sign-ups before it may be logged meanwhile.
      const requests = () => app.log.filter((line) => line.includes('"msg":"request"'));
      const before = requests().length;
      const socket = connect(app.port, '127.0.0.1', () => {
        socket.write(
          `POST /v1/signin HTTP/1.1\r\nHost: localhost:${app.port}\r\nContent-Type: application/json\r\n${part}`,
        );
        setTimeout(() => socket.destroy(), 50);
      });
      while (requests().length === before) await sleep(10);
      const [line = '{}', ...more] = requests().slice(before);
      expect(JSON.parse(line)).toMatchObject({ level: 30, status: 400, code: 'invalid_request' });
      expect(more).toEqual([]);
    }
  });
});

it('H6: who takes too long over headers or a body is cut off', async () => {
  expect((await send(slowApp, 'GET', '/healthz')).status).toBe(200);
  for (const answer of await Promise.all(slowAnswers)) expect(answer).toMatch(/^(HTTP\/1\.1 408 |$)/);
});
