import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { startApp } from '../support/app.ts';
import { databases } from '../support/postgres.ts';
import { freePort, newFolder } from '../support/process.ts';
import { withApp } from '../support/with-app.ts';
import { run } from './program.ts';

const health = (env: Record<string, string>, ...args: string[]) => run(newFolder(), env, ['health', ...args]);
const closings: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  await Promise.all(closings.splice(0).map((close) => close()));
});

/** Something else that listens. */
async function startOther(answer: RequestListener): Promise<string> {
  const server = createServer(answer).listen(0, '127.0.0.1');
  await once(server, 'listening');
  closings.push(async () => {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  });
  return `${(server.address() as AddressInfo).port}`;
}

describe.each(databases)('usher health on $name', ({ create }) => {
  const { app, database } = withApp(create);

  it('says that the server of its settings is ready, or alive', async () => {
    const env = { USHER_PORT: `${app.port}` };
    expect(await health(env)).toEqual({ code: 0, stdout: 'ready\n', stderr: '' });
    expect(await health(env, '--live')).toEqual({ code: 0, stdout: 'ok\n', stderr: '' });
    const everywhere = { USHER_HOST: '0.0.0.0', USHER_PUBLIC_URL: 'https://accounts.example.org' };
    expect(await health({ ...env, ...everywhere })).toMatchObject({ code: 0 });
    expect(await health({}, '--port', `${app.port}`)).toMatchObject({ code: 0 });
    expect(await health({}, '--url', `http://127.0.0.1:${app.port}/somewhere`)).toMatchObject({ code: 0 });
    const { code, stdout } = await health(env, '--json');
    const url = `http://127.0.0.1:${app.port}/readyz`;
    expect([code, JSON.parse(stdout)]).toEqual([0, { healthy: true, status: 'ready', url }]);
  });

  it('says so when the server stops', async () => {
    const stopping = await startApp(database, { secret: app.secret });
    await stopping.usher.close();
    const env = { USHER_PORT: `${stopping.port}` };
    const { code, stdout, stderr } = await health(env);
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).toMatch(/^usher: http:\/\/127\.0\.0\.1:\d+\/readyz: stopping\n$/);
    expect(await health(env, '--live')).toMatchObject({ code: 0 });
    await stopping.stop();
  });
});

describe('usher health without an Usher', () => {
  it('exits with 1 where nothing listens', async () => {
    const port = `${await freePort()}`;
    const { code, stdout, stderr } = await health({ USHER_PORT: port });
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).toBe(
      `usher: http://127.0.0.1:${port}/readyz: no server is listening there. Check that the server runs, and its host and port.\n`,
    );
    const json = await health({ USHER_PORT: port }, '--json');
    expect([json.code, JSON.parse(json.stdout).healthy, json.stderr]).toEqual([1, false, '']);
  });

  it.each<[name: string, answer: RequestListener, status: string]>([
    ['another program', (_, response) => response.end('<h1>Welcome</h1>'), 'another program answers'],
    ['a page that moved', (_, response) => response.writeHead(302, { location: '/' }).end(), 'HTTP 302'],
    ['a proxy without a server', (_, response) => response.writeHead(502).end('bad'), 'HTTP 502'],
    [
      'a server without its database',
      (_, response) => response.writeHead(503).end('{"code":"unavailable"}'),
      'unavailable',
    ],
    [
      'a server that hangs up',
      (request) => request.socket.destroy(),
      'the server closed the connection without an answer. Check that the server runs, and its host and port.',
    ],
  ])('exits with 1 for %s', async (_, answer, status) => {
    const { code, stdout, stderr } = await health({ USHER_PORT: await startOther(answer) });
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).toContain(`/readyz: ${status}\n`);
  });

  it('names what makes no sense', async () => {
    for (const [args, sentence] of [
      [['--port', '0'], 'USHER_PORT is 0, so the port is not known. Give --port or --url.'],
      [['--url', 'accounts.example.org'], '--url is accounts.example.org, which is no URL'],
      [['--url', 'ftp://accounts.example.org'], 'which is no URL such as https://'],
    ] as const) {
      const { code, stdout, stderr } = await health({}, ...args);
      expect([code, stdout]).toEqual([2, '']);
      expect(stderr).toContain(sentence);
    }
  });
});
