// The library form: Usher inside an application that somebody else wrote.
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, symlinkSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { dirname, join, resolve } from 'node:path';
import { Writable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { getRequestListener, type HttpBindings } from '@hono/node-server';
import express from 'express';
import { Hono } from 'hono';
import { afterEach, describe, expect, inject, it } from 'vitest';
import { createClient } from '../../../client/src/index.ts';
import { createUsher, type Usher, type UsherOptions } from '../../src/app.ts';
import { ConfigError } from '../../src/config.ts';
import { createLog } from '../../src/platform/log.ts';
import { routes } from '../../src/routes.ts';
import { run } from '../cli/program.ts';
import { newIdentifiers, PASSWORD, type Reply, send } from '../support/app.ts';
import { beginRequest } from '../support/begin-request.ts';
import { given, refusal } from '../support/client.ts';
import { asHere, blocksOf, readGuide, textsOf } from '../support/guides.ts';
import { databases } from '../support/postgres.ts';
import { cookieOf, freePort, leash, submit } from '../support/process.ts';
import { TIMEOUT } from '../support/timeouts.ts';
import { withDatabase } from '../support/with-app.ts';

const root = resolve(import.meta.dirname, '../../../..');
const program = join(root, 'packages/server/bin/usher.js');
/** The program of a guide, and its other files. */
const programOf = (name: string): string => textsOf(readGuide(name), 'ts')[0] ?? '';

/** Writes a program into a folder where packages are found as in any project. */
function write(program: string): { folder: string; file: string } {
  const folder = mkdtempSync(join(inject('folder'), 'host-'));
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'), 'junction');
  const file = join(folder, 'host.mts');
  writeFileSync(file, asHere(program));
  return { folder, file };
}

const hosts = new Set<() => Promise<unknown>>();
afterEach(async () => {
  await Promise.all([...hosts].map((end) => end()));
});

/** Starts a program; it is ended with the test. Nothing of our own environment reaches it. */
function start(
  { folder, file, args = [file] }: { folder: string; file: string; args?: string[] },
  env: Record<string, string> = {},
) {
  const child = spawn(process.execPath, [leash, ...args], {
    cwd: folder,
    env,
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  const host = { printed: '', exited: once(child, 'close').then(([code]) => code as number | null) };
  for (const stream of [child.stdout, child.stderr])
    stream?.setEncoding('utf8').on('data', (text) => {
      host.printed += text;
    });
  const end = () => {
    hosts.delete(end);
    child.kill('SIGKILL');
    return host.exited;
  };
  hosts.add(end);
  return host;
}

/** What Next.js does around the files of its guide: it routes, and notes the client's address. */
const nextServer = `
  import { createServer } from 'node:http';
  import { getRequestListener } from '@hono/node-server';
  import * as hello from './app/api/hello/route.ts';
  import * as others from './app/[...usher]/route.ts';
  import { openUsher } from './lib/usher.ts';
  import * as again from './lib/usher.ts?again';

  if ((await openUsher()) !== (await again.openUsher())) throw new Error('There are two instances.');
  const answer = (request, { incoming }) => {
    const { pathname } = new URL(request.url);
    if (pathname === '/') return new Response('<a href="/sign-in?return_to=/api/hello">Sign in</a>');
    const headers = new Headers(request.headers);
    if (!headers.has('x-forwarded-for')) headers.set('x-forwarded-for', incoming.socket.remoteAddress);
    const { method, body } = request;
    const handlers = pathname === '/api/hello' ? hello : others;
    return handlers[method](new Request(request.url, { method, headers, body, duplex: 'half' }));
  };
  createServer(getRequestListener(answer)).listen(3000);
`;

function writeNext(port: number): { folder: string; file: string } {
  const written = write(nextServer.replaceAll('3000', String(port)));
  writeFileSync(join(written.folder, 'package.json'), '{ "type": "module" }');
  for (const { language, file, text } of blocksOf(readGuide('nextjs.md'))) {
    if (language !== 'ts' || !file) continue;
    mkdirSync(dirname(join(written.folder, file)), { recursive: true });
    const whole = text.replaceAll('3000', String(port)).replaceAll("/lib/usher'", "/lib/usher.ts'");
    writeFileSync(join(written.folder, file), asHere(whole));
  }
  return written;
}

describe('the guide of', () => {
  const write3000 = (name: string) => (port: number) =>
    write(programOf(name).replaceAll('3000', String(port)));

  it.each([
    ['Express', '/hello', write3000('express.md')],
    ['Hono', '/hello', write3000('hono.md')],
    ['Fastify', '/hello', write3000('fastify.md')],
    ['Next.js', '/api/hello', writeNext],
  ])('%s mounts everything, word for word but for the port', async (_, path, writeAt) => {
    const port = await freePort();
    const written = writeAt(port);
    const host = start(written);
    const ask = askingAt(port);
    const home = () =>
      ask('GET', '/').then(
        ({ text }) => text,
        () => host.printed,
      );
    await expect.poll(home).toMatch(/^<a href="\/sign-in\?return_to=[\w/]+">Sign in<\/a>$/);
    await expectAccount(ask);
    await expectGuarded(ask, path);
    await expectLinks(ask, host, written.folder, port);

    // The host's own page is still there, and Usher's too.
    expect(await home()).toContain('Sign in');
    expect((await ask('GET', '/docs')).text).toContain('<html');
    expect((await ask('GET', '/assets/usher.css')).headers.get('content-type')).toContain('css');
    expect((await ask('GET', '/.well-known/jwks.json')).body.keys).toHaveLength(1);
    expect(await unreachable(ask)).toEqual([]);
    // The client's address reached the limits: whoever comes from elsewhere has a budget of their own.
    expect(host.printed).toMatch(/"ip":"127\.0\.0\.1"/);
    expect(host.printed).not.toMatch(/"ip":"0\.0\.0\.0"/);
  });

  it.each([
    ['Express', 'express.md'],
    ['Fastify', 'fastify.md'],
  ])('%s reads the bodies of its own routes, and rejects those of other sites', async (_, name) => {
    const port = await freePort();
    const host = start(write3000(name)(port));
    const ask = askingAt(port);
    await expect
      .poll(() =>
        ask('GET', '/').then(
          ({ status }) => status,
          () => host.printed,
        ),
      )
      .toBe(200);
    const cookie = `usher=${cookieOf(await ask('POST', '/v1/signup', newIdentifiers()))}`;
    const from = (origin: string) => ({ cookie, origin });
    const own = await ask('POST', '/notes', { a: 1 }, from(`http://localhost:${port}`));
    expect([own.status, own.body]).toEqual([200, { got: { a: 1 } }]);
    expect(own.headers.get('cache-control')).toBe('no-store');
    const other = await ask('POST', '/notes', { a: 1 }, from('https://evil.example'));
    expect([other.status, other.body.code]).toEqual([403, 'cross_site_request']);
    // Stricter than the host's parser, which takes the last of two.
    const twice = { raw: '{"a": 1, "a": 2}', headers: { 'content-type': 'application/json' } };
    expect((await send({ port }, 'POST', '/v1/signup', undefined, twice)).body.code).toBe('invalid_json');
    // A session that is revoked before the body comes does nothing with it.
    const begin = () => beginRequest({ port }, 'POST', '/notes', from(`http://localhost:${port}`), { a: 1 });
    expect(await (await begin()).finish()).toBe(200);
    const late = await begin();
    await ask('POST', '/v1/logout', undefined, from(`http://localhost:${port}`));
    expect(await late.finish()).toBe(401);
  });

  it('an application that is served by Usher says who sends a request', async () => {
    const port = await freePort();
    const [text = ''] = textsOf(readGuide('hono.md'), 'js');
    const written = write(text);
    const host = start({ ...written, args: [program, 'serve', '--app', written.file, '--port', `${port}`] });
    const ask = askingAt(port);
    await expect
      .poll(() =>
        ask('GET', '/readyz').then(
          ({ status }) => status,
          () => host.printed,
        ),
      )
      .toBe(200);
    await expectGuarded(ask, '/hello');
    expect(host.printed).toContain(`app        http://localhost:${port}/hello`);
  });
});

/** A route of the host's knows who is signed in, and nobody else. */
async function expectGuarded(ask: Ask, path: string): Promise<void> {
  const names = newIdentifiers();
  const cookie = `usher=${cookieOf(await ask('POST', '/v1/signup', names))}`;
  const hello = (headers: Record<string, string> = { cookie }) => ask('GET', path, undefined, headers);
  const good = await hello();
  expect([good.status, good.text]).toEqual([
    200,
    expect.stringMatching(new RegExp(`hello.*${names.username}`)),
  ]);
  // The headers of the caller came along, and with them the next cookie, when it is time for one.
  expect(good.headers.get('cache-control')).toBe('no-store');
  expect((await hello({})).body.code).toBe('unauthenticated');
  expect((await hello({ authorization: 'Bearer nonsense' })).body.code).toBe('invalid_token');
  await ask('POST', '/v1/logout', undefined, { cookie, 'sec-fetch-site': 'same-origin' });
  expect((await hello()).status).toBe(401);
}

/** What the log and emails link to is there: the setup, and a forgotten password. */
async function expectLinks(ask: Ask, host: { printed: string }, folder: string, port: number): Promise<void> {
  const url = `http://localhost:${port}`;
  const setup = /"setup":"([^"]+)"/.exec(host.printed)?.[1] ?? expect.fail(host.printed);
  const names = newIdentifiers();
  await ask('POST', '/v1/signup', names);
  await ask('POST', '/v1/send-mail', { email: names.email });
  const show = async () => (await run(folder, { USHER_PUBLIC_URL: url }, ['email', 'show', 'last'])).stdout;
  await expect.poll(show).toContain('/reset-password#token=');
  const emailed = /http\S+\/reset-password#token=\S+/.exec(await show())?.[0] ?? expect.fail('no link');
  for (const link of [setup, emailed]) {
    expect(link.startsWith(`${url}/`)).toBe(true);
    const { pathname } = new URL(link);
    expect([pathname, (await ask('GET', pathname)).status]).toEqual([pathname, 200]);
    const opened = await submit({ url, port }, pathname, { link });
    expect([pathname, opened.status, opened.text.includes('name="password"')]).toEqual([pathname, 200, true]);
  }
}

describe.each(databases)('a library on $name', ({ create }) => {
  const database = withDatabase(create);
  const opened: Usher[] = [];
  afterEach(async () => {
    await Promise.all(opened.splice(0).map((usher) => usher.close()));
  });
  const open = async (options: UsherOptions = {}): Promise<Usher> => {
    const usher = await createUsher({
      database: database.url,
      publicUrl: 'http://localhost:3000',
      secret: SECRET,
      log: createLog('silent'),
      ...options,
    });
    opened.push(usher);
    return usher;
  };

  it('answers a plain Request, without any server', async () => {
    const usher = await open();
    await expectAccount(askingOf((request) => usher.fetch(request)));
  });

  it('serves the client of the same process, which needs no network then', async () => {
    const usher = await open();
    const client = createClient({
      url: 'http://localhost:3000',
      fetch: async (input, init) => usher.fetch(new Request(input, init)),
    });
    const names = newIdentifiers();
    given(await client.signUp(names));
    expect(given(await client.me.get()).user.email).toBe(names.email);
    given(await client.signOut());
    expect(refusal(await client.me.get())).toBe('unauthenticated');
    await usher.close();
    expect(refusal(await client.signIn({ email: names.email, password: PASSWORD }))).toBe('unavailable');
  });

  it('answers under a Hono application that has no server', async () => {
    const usher = await open();
    const app = new Hono<{ Bindings: HttpBindings }>();
    app.get('/', (c) => c.text('my own page'));
    app.all('*', (c) => usher.fetch(c.req.raw, c.env));
    const ask = askingOf(async (request) => app.fetch(request));
    await expectAccount(ask);
    expect((await ask('GET', '/')).text).toBe('my own page');
    expect((await ask('GET', '/nowhere')).status).toBe(404);
  });

  it('reads its own bodies under Express, and leaves the others to the host', async () => {
    const app = express();
    const server = app.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const usher = await open({ publicUrl: `http://localhost:${port}` });
    app.all('/v1/*path', getRequestListener(usher.fetch));
    app.use(express.json());
    app.post('/mine', (request, response) => void response.json({ got: request.body }));
    const ask = askingAt(port);
    await expectAccount(ask);
    expect((await ask('POST', '/mine', { a: 1 })).body).toEqual({ got: { a: 1 } });
    // Stricter than the host's parser, which takes the last of two.
    const twice = { raw: '{"a": 1, "a": 2}', headers: { 'content-type': 'application/json' } };
    expect((await send({ port }, 'POST', '/mine', undefined, twice)).body).toEqual({ got: { a: 2 } });
    expect((await send({ port }, 'POST', '/v1/signup', undefined, twice)).body.code).toBe('invalid_json');
    server.close();
  });

  it('is one of two in a process, and neither disturbs the other', async () => {
    const otherDatabase = await create();
    const one = await open();
    const other = await open({
      database: otherDatabase.url,
      publicUrl: 'http://localhost:3001',
      secret: randomBytes(32).toString('base64'),
      signup: 'closed',
      signingAlgorithm: 'EdDSA',
    });
    const askOne = askingOf((request) => one.fetch(request));
    const askOther = askingOf((request) => other.fetch(request), 3001);
    const names = newIdentifiers();
    const cookie = cookieOf(await askOne('POST', '/v1/signup', names)) ?? '';
    expect((await askOther('POST', '/v1/signup', newIdentifiers())).status).toBe(403);
    const signIn = { username: names.username, password: PASSWORD };
    expect((await askOther('POST', '/v1/signin', signIn)).status).toBe(401);
    expect((await askOther('GET', '/v1/me', undefined, { cookie: `usher=${cookie}` })).status).toBe(401);
    expect((await askOne('GET', '/.well-known/jwks.json')).body.keys[0].alg).toBe('ES256');
    expect((await askOther('GET', '/.well-known/jwks.json')).body.keys[0].alg).toBe('EdDSA');

    await other.close();
    expect((await askOther('GET', '/v1/me', undefined, { cookie: `usher=${cookie}` })).status).not.toBe(200);
    expect((await askOne('POST', '/v1/signin', signIn)).status).toBe(200);
    expect((await askOne('GET', '/v1/me', undefined, { cookie: `usher=${cookie}` })).status).toBe(200);
    await otherDatabase.remove();
  });

  it('closes twice like once, and answers nobody afterwards', async () => {
    const usher = await open();
    const ask = askingOf((request) => usher.fetch(request));
    const cookie = cookieOf(await ask('POST', '/v1/signup', newIdentifiers())) ?? '';
    const underWay = ask('POST', '/v1/signup', newIdentifiers());
    await Promise.all([usher.close(), usher.close()]);
    await usher.close();
    expect([201, 503]).toContain((await underWay).status);
    const reply = await ask('GET', '/v1/me', undefined, { cookie: `usher=${cookie}` });
    expect({ status: reply.status, cookies: reply.headers.getSetCookie() }).toEqual({
      status: 503,
      cookies: [],
    });
    expect((await ask('POST', '/v1/signup', newIdentifiers())).status).toBe(503);
  });

  it('leaves nothing that keeps its host alive', async () => {
    // It has hashed, so there are threads; it has written, so there are connections.
    const program = `
      import { createUsher } from 'usher-auth';
      const usher = await createUsher({ database: process.env.DATABASE, secret: process.env.SECRET, logLevel: 'silent' });
      const body = JSON.stringify(${JSON.stringify(newIdentifiers())});
      const headers = { 'content-type': 'application/json' };
      const request = new Request('http://localhost:4000/v1/signup', { method: 'POST', headers, body });
      console.log((await usher.fetch(request)).status);
      await usher.close();
      console.log('closed');
    `;
    const host = start(write(program), { DATABASE: database.url, SECRET });
    expect(await ended(host)).toBe(0);
    expect(host.printed).toBe('201\nclosed\n');
  });

  it('leaves nothing either when it could not be opened', async () => {
    const program = `
      import { createUsher } from 'usher-auth';
      const bad = [
        { trustedProxies: ['0.0.0.0/0'] },
        { secret: 'Ix2PGGOFX4vvT1JZbnmV4Z9vWq0BYlrg5bXJw9aQ6lY' },
        { prot: 4000 },
      ];
      for (const options of bad)
        await createUsher({ database: process.env.DATABASE, secret: process.env.SECRET, logLevel: 'silent', ...options })
          .then(() => console.log('opened'), (error) => console.log(error.name));
    `;
    await (await open()).close();
    const host = start(write(program), { DATABASE: database.url, SECRET });
    expect(await ended(host)).toBe(0);
    expect(host.printed).toBe('ConfigError\nConfigError\nConfigError\n');
  });
});

describe.each(databases)('what a library tells its host, on $name', ({ create }) => {
  const database = withDatabase(create);

  /** Opens one whose log is kept. */
  async function openLogged(options: UsherOptions = {}) {
    const lines: Record<string, unknown>[] = [];
    const sink = new Writable({
      write(line, _encoding, done) {
        lines.push(JSON.parse(String(line)));
        done();
      },
    });
    const log = createLog('warn', sink);
    const publicUrl = 'http://localhost:3000';
    const usher = await createUsher({ database: database.url, secret: SECRET, publicUrl, log, ...options });
    return { usher, lines, setup: () => lines.map(({ setup }) => setup).filter(Boolean) };
  }
  const home = async (usher: Usher) => (await usher.fetch(new Request('http://localhost:3000/'))).text();

  it('has the link that creates the first administrator in the log, the same at every start', async () => {
    const [one, other] = await Promise.all([openLogged(), openLogged()]);
    expect(one.setup()).toEqual([expect.stringMatching(/^http:\/\/localhost:3000\/setup#token=[\w-]{43}$/)]);
    expect(other.setup()).toEqual(one.setup());
    expect(await home(one.usher)).toContain('Open the setup link in the server log');
    await Promise.all([one.usher.close(), other.usher.close()]);
  });

  it('claims no link that nobody can have seen', async () => {
    const own = await create();
    const silent = await openLogged({ database: own.url, log: createLog('error') });
    expect(await home(silent.usher)).toContain('Restart the server');
    await silent.usher.close();
    await own.remove();
  });

  it('leads to the application, and rejects one that no link can lead to', async () => {
    const { usher } = await openLogged({ application: { name: 'Notes', path: '/notes' } });
    const ask = askingOf((request) => usher.fetch(request));
    const cookie = `usher=${cookieOf(await ask('POST', '/v1/signup', newIdentifiers()))}`;
    expect((await ask('GET', '/dashboard', undefined, { cookie })).text).toMatch(
      /href="\/notes"[^>]*>Open Notes</,
    );
    await usher.close();
    const application = { name: 'Notes', path: 'javascript:alert(1)' };
    await expect(openLogged({ application })).rejects.toThrow(/it takes a path of this origin/);
  });

  it('counts limits by the IP address that the host gives, and says once when there is none', async () => {
    const { usher, lines } = await openLogged();
    const ask = (ip?: string, forwarded = '192.0.2.200') =>
      usher.fetch(
        new Request('http://localhost:3000/v1/restore-email', {
          method: 'POST',
          headers: { 'content-type': 'application/json', 'x-forwarded-for': forwarded },
          body: '{"token":"x"}',
        }),
        ip === undefined ? undefined : { ip },
      );
    for (let i = 0; i < 60; i++) await ask('203.0.113.5', `198.51.100.${i}`);
    expect((await ask('203.0.113.5')).status).toBe(429);
    expect((await ask('203.0.113.6')).status).not.toBe(429);
    const warnings = () => lines.filter(({ msg }) => String(msg).startsWith('no IP address of the client'));
    expect(warnings()).toEqual([]);
    for (const ip of [undefined, undefined, '', 'nonsense']) expect((await ask(ip)).status).not.toBe(429);
    expect(warnings()).toEqual([
      expect.objectContaining({ hint: expect.stringContaining('usher.fetch(request, { ip })') }),
    ]);
    await usher.close();
  });
});

describe('an option that cannot be used is named', () => {
  const bad: [options: Record<string, unknown>, ...words: string[]][] = [
    [{ publicURL: 'http://localhost:3000' }, '"publicURL"', 'Did you mean publicUrl?'],
    [{ USHER_PORT: 4000 }, '"USHER_PORT"'],
    [{ publicUrl: 'localhost:3000' }, 'option publicUrl'],
    [{ publicUrl: 'http://accounts.example.org' }, 'USHER_PUBLIC_URL'],
    [{ port: 'http' }, 'option port'],
    [{ database: 'usher.db' }, 'option database'],
    [{ secret: 'hunter2' }, 'option secret'],
    [{ tokenMinutes: 0 }, 'option tokenMinutes'],
    [{ trustedProxies: ['0.0.0.0/0'] }, 'USHER_TRUSTED_PROXIES'],
    [{ allowedOrigins: ['*'] }, 'option allowedOrigins'],
  ];
  it.each(bad)('%j', async (options, ...words) => {
    const error: Error = await createUsher({ database: 'sqlite:/nowhere/usher.db', ...options }).then(
      () => expect.fail('it was opened'),
      (reason) => reason,
    );
    expect(error).toBeInstanceOf(ConfigError);
    for (const word of words) expect(error.message).toContain(word);
    expect(error.message).not.toContain('hunter2');
  });
});

const SECRET = randomBytes(32).toString('base64');

/** The pages and calls that the host answers by itself, with a 404 of its own. Usher's own refusals are problem documents. */
async function unreachable(ask: Ask): Promise<string[]> {
  const missing: string[] = [];
  for (const { method, path } of routes) {
    if (method !== 'GET' || path === '/') continue;
    const { headers } = await ask('GET', path.replace(/:\w+/g, 'x'));
    if (!headers.has('x-request-id')) missing.push(path);
  }
  return missing;
}

type Ask = (method: string, path: string, body?: unknown, headers?: Record<string, string>) => Promise<Reply>;

const askingAt =
  (port: number): Ask =>
  (method, path, body, headers = {}) =>
    send({ port }, method, path, body, { headers });

const askingOf =
  (answer: (request: Request) => Promise<Response>, port = 3000): Ask =>
  async (method, path, body, headers = {}) => {
    const response = await answer(
      new Request(`http://localhost:${port}${path}`, {
        method,
        headers: body ? { 'content-type': 'application/json', ...headers } : headers,
        ...(body ? { body: JSON.stringify(body) } : {}),
      }),
    );
    const text = await response.text();
    const isJson = response.headers.get('content-type')?.includes('json');
    return {
      status: response.status,
      headers: response.headers,
      text,
      body: isJson ? JSON.parse(text) : undefined,
    };
  };

/** Sign-up, cookie, me, log-out; wrong JSON and unknown routes are answered by Usher as well. */
async function expectAccount(ask: Ask): Promise<void> {
  const names = newIdentifiers();
  const made = await ask('POST', '/v1/signup', names);
  expect(made.body).toMatchObject({ message: 'user created!', user: { username: names.username } });
  const cookie = `usher=${cookieOf(made)}`;
  expect((await ask('GET', '/v1/me', undefined, { cookie })).body.user.email).toBe(names.email);
  const page = { cookie, 'sec-fetch-site': 'same-origin' };
  const left = await ask('POST', '/v1/logout', undefined, page);
  expect(left.body).toEqual({ message: 'logout successful!' });
  expect(left.headers.getSetCookie()[0]).toMatch(/^usher=;/);
  expect((await ask('GET', '/v1/me', undefined, { cookie })).status).toBe(401);
  const stranger = { username: names.username, password: 'not the password' };
  expect((await ask('POST', '/v1/signin', stranger)).body.code).toBe('invalid_credentials');
  expect((await ask('PUT', '/v1/signup', names)).status).toBe(405);
}

/** The exit code of a program that ends by itself; undefined when it does not. */
function ended({ exited }: { exited: Promise<number | null> }): Promise<number | null | undefined> {
  return Promise.race([exited, sleep(TIMEOUT, undefined, { ref: false })]);
}
