// The guides and the README of the package, word for word but for the ports.
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { globSync, mkdtempSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { login, type Reply, send, signUp } from '../../server/test/support/app.ts';
import { testClock } from '../../server/test/support/clock.ts';
import { asHere } from '../../server/test/support/guides.ts';
import { sqlite } from '../../server/test/support/postgres.ts';
import { freePort, leash } from '../../server/test/support/process.ts';
import { TIMEOUT } from '../../server/test/support/timeouts.ts';
import { withApp } from '../../server/test/support/with-app.ts';
import { bearer } from './services.ts';

const root = resolve(import.meta.dirname, '../../..');
const read = (file: string) => readFileSync(join(root, file), 'utf8');
const blocks = (file: string, language: string): string[] =>
  [...read(file).matchAll(new RegExp(`\`\`\`${language}\\n([\\s\\S]*?)\`\`\``, 'g'))].map(
    ([, block]) => block ?? '',
  );
const guide = blocks('docs/guides/protect-a-route.md', 'ts');
const corsGuide = blocks('docs/guides/cors.md', 'ts');
const readme = blocks('packages/guard/README.md', 'ts');
const flask = blocks('docs/guides/flask.md', 'py');

// The programs go by the real time.
const { app } = withApp(sqlite.create, { clock: testClock(Date.now()) });
let ada: { id: string };
let token: string;
/** For Usher itself. */
let own: string;
beforeAll(async () => {
  const who = await signUp(app);
  ada = who;
  token = (await login(app, who, undefined, 'services')).access_token;
  own = (await login(app, who)).access_token;
});
const running = new Set<() => Promise<unknown>>();
afterAll(async () => {
  await Promise.all([...running].map((end) => end()));
});

/** Puts a program where packages are found as in any project. */
async function write(program: string, name: string): Promise<{ folder: string; file: string; port: number }> {
  const port = await freePort();
  const folder = mkdtempSync(join(inject('folder'), 'service-'));
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'), 'junction');
  const file = join(folder, name);
  writeFileSync(
    file,
    asHere(program).replaceAll('http://localhost:4000', app.url).replaceAll('3000', String(port)),
  );
  return { folder, file, port };
}

/** Starts a program that serves, and waits until it does. */
async function start(command: string[], folder: string, port: number) {
  const [file = '', ...args] = command;
  const child = spawn(file, args, { cwd: folder, stdio: ['ignore', 'pipe', 'pipe', 'ipc'] });
  let printed = '';
  for (const stream of [child.stdout, child.stderr])
    stream?.setEncoding('utf8').on('data', (text) => {
      printed += text;
    });
  const exited = once(child, 'close');
  running.add(() => {
    child.kill('SIGKILL');
    return exited;
  });
  const ask = (path: string, headers: Record<string, string> = {}): Promise<Reply> =>
    send({ port }, 'GET', path, undefined, { headers });
  await expect
    .poll(() =>
      ask('/').then(
        () => 'up',
        () => printed,
      ),
    )
    .toBe('up');
  return ask;
}

async function serve(program: string) {
  const { folder, file, port } = await write(program, 'service.mts');
  return { port, ask: await start([process.execPath, leash, file], folder, port) };
}

type Ask = (path: string, headers?: Record<string, string>) => Promise<Reply>;
async function expectGuarded(ask: Ask): Promise<void> {
  expect(JSON.parse((await ask('/api/hello', bearer(token))).text)).toEqual({ hello: ada.id });
  for (const headers of [{}, bearer('nonsense'), bearer(`${token.slice(0, -2)}AA`)]) {
    const { status, text } = await ask('/api/hello', headers);
    expect([status, text.includes(ada.id)]).toEqual([401, false]);
  }
}

describe('docs/guides/protect-a-route.md', () => {
  const [hono = '', express = '', fastify = '', next = '', node = '', several = '', ...others] = guide;

  it('has the programs that are run here, and no other', () => {
    expect(
      [hono, express, fastify, node].map((text) => /from '(hono|express|fastify|node:http)'/.exec(text)?.[1]),
    ).toEqual(['hono', 'express', 'fastify', 'node:http']);
    expect(others).toEqual([]);
  });

  it.concurrent.each([
    ['Hono', hono],
    ['Express', express],
    ['Fastify', fastify],
    ['node:http', node],
  ])('guards a route in %s', async (_, program) => {
    const { ask } = await serve(program);
    await expectGuarded(ask);
  });

  it.concurrent('guards a route handler of Next.js, which is a function of a Request', async () => {
    const { file } = await write(next, 'route.mts');
    const { GET }: { GET: (request: Request) => Promise<Response> } = await import(file);
    await expectGuarded(async (path, headers = {}) => {
      const response = await GET(new Request(`http://localhost:3000${path}`, { headers }));
      const { status } = response;
      return { status, headers: response.headers, text: await response.text(), body: undefined };
    });
  });

  it.concurrent('asks for a fresh sign-in and a role, and its curl line works', async () => {
    const { ask, port } = await serve(several);
    await expectGuarded(ask);
    expect((await ask('/api/transfer', bearer(token))).text).toBe('done');
    expect((await ask('/api/everything', bearer(token))).status).toBe(403);
    const [line = ''] = blocks('docs/guides/protect-a-route.md', 'sh');
    const { stdout } = await promisify(execFile)(
      'bash',
      ['-c', line.replace('3000', String(port)).replace('http://localhost:4000', app.url)],
      {
        env: { ...process.env, TOKEN: own },
      },
    );
    expect(JSON.parse(stdout)).toEqual({ hello: ada.id });
  });
});

describe('docs/guides/cors.md', () => {
  const services = corsGuide.map((program) => [/from '(hono|express|fastify)'/.exec(program)?.[1], program]);

  it('has these programs', () => {
    expect(services.map(([name]) => name)).toEqual(['hono', 'express', 'fastify']);
  });

  it.concurrent.each(services)(
    'lets a page on another origin call a service in %s',
    async (_, program = '') => {
      const { ask, port } = await serve(program);
      await expectGuarded(ask);
      const origin = 'http://localhost:5173';
      const headers = {
        origin,
        'access-control-request-method': 'GET',
        'access-control-request-headers': 'authorization',
      };
      const preflight = await send({ port }, 'OPTIONS', '/api/hello', undefined, { headers });
      expect([preflight.status, preflight.headers.get('access-control-allow-origin')]).toEqual([204, origin]);
      const refused = await ask('/api/hello', { origin });
      expect([refused.status, refused.headers.get('access-control-expose-headers')]).toEqual([
        401,
        'WWW-Authenticate',
      ]);
      expect(
        (await ask('/api/hello', { origin, ...bearer(token) })).headers.get('access-control-allow-origin'),
      ).toBe(origin);
    },
  );

  it('shows the line that the log has', async () => {
    const [shown = ''] = blocks('docs/guides/cors.md', 'json');
    const { hint, origin, ...rest } = JSON.parse(shown);
    const headers = { origin, 'access-control-request-method': 'POST' };
    await send(app, 'OPTIONS', '/v1/signin', undefined, { headers });
    expect(JSON.parse(app.log.find((line) => line.includes(origin)) ?? '{}')).toMatchObject({
      hint,
      origin,
      ...rest,
    });
  });
});

describe('packages/guard/README.md', () => {
  it('verifies a token without a framework', async () => {
    const [withHono = '', plain = '', ...others] = readme;
    expect([tidy(asHere(guide[0] ?? '')), others]).toEqual([tidy(asHere(withHono)), []]);
    const { folder, file } = await write(plain, 'verify.mts');
    const verify = async (text: string) =>
      (await promisify(execFile)(process.execPath, [file, text], { cwd: folder })).stdout;
    expect(await verify(token)).toMatch(`good ${ada.id} `);
    expect(await verify('nonsense')).toBe('401 invalid_token\n');
  });

  it('or a guide has the example of every export, word for word', () => {
    const programs = [...guide, ...readme].map(tidy);
    const examples = globSync('packages/guard/src/*.ts', { cwd: root }).flatMap((file) =>
      [...read(file).matchAll(/@example\n([\s\S]*?)\n \*\//g)].map(([, text]) => ({
        file,
        text: text ?? '',
      })),
    );
    expect(examples.length).toBeGreaterThanOrEqual(7);
    for (const { file, text } of examples)
      for (const line of text.split('\n').map((one) => tidy(one.replace(/^ \* ?/, ''))))
        expect(
          programs.some((program) => program.includes(line)),
          `${file}: ${line}`,
        ).toBe(true);
  });
});

const tidy = (text: string): string => text.replaceAll(/[\s,]+/g, '');

const python = await findPython();

describe('docs/guides/flask.md', () => {
  it('has one program, which names one algorithm and asks for everything', () => {
    expect(flask.length).toBe(1);
    for (const word of ['algorithms=["ES256"]', 'issuer=ISSUER', 'audience="services"', '"at+jwt"'])
      expect(flask[0]).toContain(word);
  });

  if (python)
    it('guards a route in Flask', async () => {
      const { folder, file, port } = await write(flask[0] ?? '', 'service.py');
      await expectGuarded(await start([python, file], folder, port));
    });
  else it('is not run: there is no Python with flask and pyjwt[crypto] on this machine', () => {});
});

/** A Python that has what the guide needs. */
async function findPython(): Promise<string | undefined> {
  for (const name of ['python3', 'python']) {
    const look = promisify(execFile)(name, ['-c', 'import flask, jwt, cryptography']);
    const found = await Promise.race([
      look.then(
        () => true,
        () => false,
      ),
      sleep(TIMEOUT, false, { ref: false }),
    ]);
    if (found) return name;
  }
  return undefined;
}
