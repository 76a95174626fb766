import { connect } from 'node:net';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { routes } from '../../src/routes.ts';
import { login, newIdentifiers, PASSWORD, send, signUp } from '../support/app.ts';
import { newIp } from '../support/forge.ts';
import { databases } from '../support/postgres.ts';
import { withApp } from '../support/with-app.ts';

describe.each(databases)('P12 on $name: no input crashes the process', ({ create }) => {
  const { app, inside } = withApp(create, { metricsToken: 'a token for the metrics' });
  let admin: Awaited<ReturnType<typeof signUp>>;
  let token: string;
  beforeAll(async () => {
    admin = await signUp(app);
    await inside.promote(admin.id);
    token = (await login(app, admin)).access_token;
  });

  /** Sends, says that this was all, and gives what came back before the connection was over. */
  function exchange(bytes: Uint8Array, isWhole: boolean): Promise<string> {
    return new Promise((resolve) => {
      let answer = '';
      const socket = connect(app.port, '127.0.0.1', () =>
        isWhole ? socket.write(bytes) : socket.end(bytes),
      );
      socket.setEncoding('latin1').on('data', (chunk) => {
        answer += chunk;
        // This one goes on, whatever was asked of it.
        if (/^content-type: text\/event-stream/im.test(answer)) socket.destroy();
      });
      socket.on('error', () => {});
      socket.on('close', () => resolve(answer));
    });
  }
  /** Refused or answered, but never a failure of ours, in no answer and in no line of the log. */
  function expectSound(answer: string, logged: number): void {
    if (answer !== '') expect(answer).toMatch(/^HTTP\/1\.1 ([1-4]\d\d|505) /);
    expect(app.log.slice(logged).filter((line) => !/"level":[23]0/.test(line))).toEqual([]);
  }
  const isAlive = async () => expect((await send(app, 'GET', '/readyz')).status).toBe(200);

  const odd = fc.oneof(
    fc.string({ maxLength: 40 }),
    fc.string({ unit: 'binary', maxLength: 40 }),
    fc.constantFrom(
      '',
      '\0',
      '%00',
      '%',
      '%ff',
      '..',
      '__proto__',
      'null',
      '-1',
      '1e400',
      "' OR 1=1--",
      '🔑',
      '\ud800',
      '\u202e',
      'a'.repeat(3_000),
    ),
  );
  const segment = odd.map((text) => encodeURI(text.toWellFormed()).replace(/[?#]/g, ''));
  const methods = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS', 'TRACE', 'QUERY', 'PROPFIND'];
  const address = fc.oneof(
    { weight: 6, arbitrary: fc.constantFrom(...routes.map(({ method, path }) => ({ method, path }))) },
    {
      weight: 1,
      arbitrary: fc.record({
        method: fc.constantFrom(...methods),
        path: fc.oneof(
          fc.constantFrom(...routes.map(({ path }) => path)),
          fc.array(segment, { maxLength: 4 }).map((parts) => `/${parts.join('/')}`),
        ),
      }),
    },
  );
  const id = fc.oneof(segment, fc.uuid(), fc.constant('A'.repeat(22)));
  const query = fc.oneof(
    fc.constant(''),
    fc
      .dictionary(
        fc.oneof(fc.constantFrom('search', 'limit', 'cursor', 'role', 'disabled', 'token'), segment),
        segment,
        { maxKeys: 4 },
      )
      .map(
        (pairs) =>
          `?${Object.entries(pairs)
            .map(([name, value]) => `${name}=${value}`)
            .join('&')}`,
      ),
    segment.map((text) => `?${text}`),
  );
  const field = fc.constantFrom(
    'username',
    'email',
    'password',
    'current_password',
    'new_password',
    'refresh_token',
    'role',
    'disabled',
    'token',
    'Email',
    'x',
  );
  const value = fc.oneof(
    { weight: 3, arbitrary: odd },
    { weight: 1, arbitrary: fc.jsonValue() },
    { weight: 1, arbitrary: fc.constantFrom('user', 'admin', true, PASSWORD, 'a@b.example') },
  );
  const body = fc.oneof(
    fc.constant(''),
    fc.dictionary(field, value, { maxKeys: 5 }).map((fields) => JSON.stringify(fields)),
    fc.json(),
    odd,
    fc.dictionary(field, segment, { maxKeys: 5 }).map((fields) => new URLSearchParams(fields).toString()),
  );
  const headerValue = odd.map((text) =>
    Buffer.from(text)
      .toString('latin1')
      .replace(/[^\t\x20-\x7e\x80-\xff]/g, '')
      .trim(),
  );
  const header = fc.tuple(
    fc.constantFrom(
      'Origin',
      'Sec-Fetch-Site',
      'Cookie',
      'Authorization',
      'Content-Type',
      'Accept',
      'User-Agent',
      'X-Forwarded-For',
      'Content-Encoding',
      'X-Odd',
      'If-None-Match',
      'Range',
      'Access-Control-Request-Method',
    ),
    fc.oneof(
      headerValue,
      fc.constantFrom(
        'application/json',
        'application/x-www-form-urlencoded',
        'Bearer x',
        'Basic YTpi',
        'Basic',
        'usher=x; usher=y',
        'null',
        'same-origin',
        'gzip',
        'bytes=0-',
      ),
    ),
  );
  const request = fc.record({
    address,
    id,
    query,
    headers: fc.array(header, { maxLength: 3 }),
    credential: fc.constantFrom('none', 'none', 'cookie', 'bearer', 'both'),
    type: fc.constantFrom(
      undefined,
      'application/json',
      'application/json',
      'application/x-www-form-urlencoded',
      'text/plain',
    ),
    body,
  });

  it('whatever is asked of whatever path', async () => {
    const target = (raw: string) => raw.replace(/[^\x21-\x7e]/g, '');
    await fc.assert(
      fc.asyncProperty(request, async (one) => {
        const logged = app.log.length;
        const payload = Buffer.from(one.body);
        const lines = [
          `${one.address.method} ${target(one.address.path.replace(':id', one.id) + one.query)} HTTP/1.1`,
          `Host: localhost:${app.port}`,
          'Connection: close',
          `X-Forwarded-For: ${newIp()}`,
          `Content-Length: ${payload.length}`,
          ...(one.type ? [`Content-Type: ${one.type}`] : []),
          ...(one.credential === 'cookie' || one.credential === 'both'
            ? [`Cookie: usher=${admin.browser.cookie}`, `Origin: ${app.url}`]
            : []),
          ...(one.credential === 'bearer' || one.credential === 'both'
            ? [`Authorization: Bearer ${token}`]
            : []),
          ...one.headers.map(([name, text]) => `${name}: ${text}`),
        ];
        const answer = await exchange(
          Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1'), payload]),
          true,
        );
        expect(answer).not.toBe('');
        expectSound(answer, logged);
        // A log-out that was hit on is answered by signing in again.
        if (!answer.includes('invalid_token') && !answer.includes('logout successful')) return;
        await admin.browser.post('/v1/signin', { username: (await stored()).username, password: PASSWORD });
        token = (await login(app, { username: (await stored()).username, password: PASSWORD })).access_token;
      }),
      { numRuns: 400 },
    );
    await isAlive();
  });

  /** The administrator may have been renamed meanwhile, but not more than that: the rest needs the password. */
  const stored = () =>
    inside.db.selectFrom('users').select('username').where('id', '=', admin.id).executeTakeFirstOrThrow();

  it('whatever bytes are sent', async () => {
    const piece = fc.oneof(
      fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
      fc
        .constantFrom(
          'GET ',
          'POST ',
          '/v1/signin',
          '/',
          ' HTTP/1.1',
          '\r\n',
          '\n',
          '\r\n\r\n',
          'Host: localhost',
          'Content-Length: 5',
          'Content-Length: -1',
          'Transfer-Encoding: chunked',
          '0\r\n\r\n',
          'ffffffffffffffff\r\n',
          ': ',
          '\0',
          'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
          '\x16\x03\x01\x02\x00\x01',
        )
        .map((text) => Buffer.from(text, 'latin1')),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(piece, { maxLength: 12 }), async (pieces) => {
        const logged = app.log.length;
        expectSound(await exchange(Buffer.concat(pieces), false), logged);
      }),
      { numRuns: 400 },
    );
    await isAlive();
  });

  it('whatever a host program passes in, with or without a socket', async () => {
    await fc.assert(
      fc.asyncProperty(request, fc.boolean(), async (one, hasPeer) => {
        const { method, path } = one.address;
        // A standard request cannot be one of these.
        if (method === 'TRACE') return;
        const hasBody = method !== 'GET' && method !== 'HEAD';
        const url = new URL(`${app.url}/`);
        url.pathname = path.replace(':id', one.id);
        url.search = one.query;
        const headers = new Headers({ host: url.host, ...(one.type ? { 'content-type': one.type } : {}) });
        for (const [name, text] of one.headers) headers.set(name, text);
        const whole = new Request(url, {
          method,
          headers,
          ...(hasBody ? { body: one.body } : {}),
        });
        const peer = {
          incoming: {
            rawHeaders: [...headers].flat(),
            socket: { remoteAddress: hasPeer ? newIp() : undefined },
          },
        };
        const reply = await app.usher.fetch(whole, hasPeer ? peer : undefined);
        expect(reply.status).toBeLessThan(500);
        await reply.text();
      }),
      { numRuns: 400 },
    );
    await isAlive();
    expect((await send(app, 'POST', '/v1/signup', newIdentifiers(), { from: newIp() })).status).toBe(201);
  });
});
