import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { clientConnectionLimit } from '../../src/cli/run-server.ts';
import { type HttpServer, type HttpServerOptions, startHttpServer } from '../../src/platform/http-server.ts';
import { send } from '../support/app.ts';
import { cpuOf } from '../support/cpu.ts';
import { newFolder, PUBLIC_URL, startProcess, type UsherProcess } from '../support/process.ts';

const MEGABYTE = 1024 * 1024;

const sockets = new Set<Socket>();
const servers: HttpServer[] = [];
afterEach(async () => {
  for (const socket of sockets) socket.destroy();
  sockets.clear();
  await Promise.all(servers.splice(0).map((server) => server.stop(0)));
});

type Handler = Parameters<typeof startHttpServer>[0];

async function serve(handler: Handler, options?: HttpServerOptions): Promise<number> {
  const server = await startHttpServer(handler, '127.0.0.1', 0, options);
  servers.push(server);
  return server.port;
}

/** A connection that sends bytes; what it reads is for the caller to say. */
async function open(port: number, bytes = '', localAddress?: string): Promise<Socket> {
  const socket = connect({ port, host: '127.0.0.1', localAddress });
  sockets.add(socket);
  // One that is cut is reset.
  socket.on('error', () => {});
  await once(socket, 'connect');
  socket.write(bytes);
  return socket;
}

/** Waits until a connection is closed, also by a reset: what was on its way when the server closed it causes one. */
const closeOf = (socket: Socket): Promise<void> =>
  new Promise((resolve) => socket.once('close', () => resolve()));

/** A connection that has sent one request behind another already, so that its requests are parsed one at a time. */
async function openPipelined(port: number): Promise<Socket> {
  const socket = await open(port, get('/healthz').repeat(2));
  await new Promise<void>((resolve) => {
    let text = '';
    socket.on('data', function read(bytes) {
      text += bytes;
      if (text.split('HTTP/1.1 200 OK').length < 3) return;
      socket.off('data', read);
      resolve();
    });
  });
  return socket;
}

/** Reads this many bytes more, and then nothing. */
async function readPart(socket: Socket, length: number): Promise<void> {
  const end = socket.bytesRead + length;
  while (socket.bytesRead < end) {
    socket.resume();
    await once(socket, 'data');
  }
  socket.pause();
}

/** A server in the same process that answers this many requests in a row would have answered ours, too. */
const ENOUGH_TURNS = 200;

/**
 * Reads up to a number of answers, or to the end of the connection. Stops reading when nothing more comes although
 * another server in this process answers requests all the time.
 */
async function readAnswers(socket: Socket, count: number): Promise<string[]> {
  let text = '';
  let isOver = false;
  let turns = 0;
  socket.setEncoding('latin1').on('data', (chunk) => {
    text += chunk;
    turns = 0;
    isOver ||= text.split('HTTP/1.1 ').length > count && text.endsWith('.');
  });
  socket.on('close', () => {
    isOver = true;
  });
  const other = await serve(() => new Response());
  while (!isOver && turns++ < ENOUGH_TURNS) await send({ port: other }, 'GET', '/');
  return text.split(/(?=HTTP\/1\.1 )/).filter((part) => part !== '');
}

const get = (path: string) => `GET ${path} HTTP/1.1\r\nHost: localhost:4000\r\n\r\n`;
const post = (path: string, body: string) =>
  `POST ${path} HTTP/1.1\r\nHost: localhost:4000\r\nContent-Length: ${body.length}\r\n\r\n${body}`;

const residentMemory = ({ pid }: UsherProcess): number =>
  Number(execFileSync('ps', ['-o', 'rss=', '-p', String(pid)], { encoding: 'utf8' })) * 1024;

/** Serves requests of somebody else meanwhile, and returns the most memory that the server held. */
async function serveOthers(server: UsherProcess): Promise<number> {
  let most = 0;
  for (let i = 0; i < 30; i++) {
    const { status } = await send(server, 'GET', '/healthz', undefined, {
      headers: { host: 'localhost:4000' },
    });
    expect(status).toBe(200);
    most = Math.max(most, residentMemory(server));
  }
  return most;
}

describe('D13: requests that are sent ahead', () => {
  it('are answered in order, one at a time', async () => {
    let running = 0;
    let most = 0;
    const port = await serve(async (request) => {
      most = Math.max(most, ++running);
      const body = request.method === 'POST' ? await request.text() : '';
      await new Promise((resolve) => setImmediate(resolve));
      running--;
      return new Response(`${new URL(request.url).pathname}${body}.`);
    });
    const paths = Array.from({ length: 300 }, (_, i) => `/${i}`);
    const bytes = paths.map((path, i) => (i % 3 > 0 ? post(path, `\r\n\r\n${i}`) : get(path))).join('');
    const socket = await openPipelined(port);
    const answered = readAnswers(socket, paths.length);
    // In pieces that end anywhere.
    for (let at = 0; at < bytes.length; at += 997) socket.write(bytes.slice(at, at + 997));
    const answers = await answered;
    expect(answers.map((answer) => answer.split('\r\n\r\n').slice(1).join('\r\n\r\n'))).toEqual(
      paths.map((path, i) => (i % 3 > 0 ? `${path}\r\n\r\n${i}.` : `${path}.`)),
    );
    expect(most).toBe(1);
  });

  it('are answered in order when the first of a burst is answered before Node has parsed the rest', async () => {
    const port = await serve((request) =>
      request.method === 'GET'
        ? new Response(`${new URL(request.url).pathname}.`)
        : request.text().then((body) => new Response(`${body}.`)),
    );
    const socket = await open(port, `${get('/0')}${post('/1', 'body')}${get('/2')}${get('/3')}`);
    const answers = await readAnswers(socket, 4);
    expect(answers.map((answer) => answer.split('\r\n\r\n')[1])).toEqual(['/0.', 'body.', '/2.', '/3.']);
  });

  it('wait while the answer before them is not read', async () => {
    const large = '-'.repeat(4 * MEGABYTE);
    const isAsked = Promise.withResolvers<void>();
    const port = await serve((request) => {
      if (request.method === 'GET') return new Response('.');
      isAsked.resolve();
      return new Response(`${large}.`);
    });
    const bytes = post('/', '12345');
    const socket = await openPipelined(port);
    socket.pause();
    socket.write(bytes.slice(0, -5));
    await isAsked.promise;
    socket.write('12345');
    // In pieces that end anywhere.
    for (let at = 0; at < 100; at++) socket.write(get('/').slice(0, 9)) && socket.write(get('/').slice(9));
    const answered = readAnswers(socket, 101);
    socket.resume();
    const answers = await answered;
    expect(answers).toHaveLength(101);
    expect(answers[0]?.endsWith(`${large}.`)).toBe(true);
  });

  it('are a thousand on a connection at most', async () => {
    const port = await serve(() => new Response('.'));
    const socket = await openPipelined(port);
    const answered = readAnswers(socket, 1_200);
    socket.write(get('/').repeat(1_200));
    const answers = await answered;
    expect(answers).toHaveLength(1_000 - 2);
    expect(answers.at(-1)).toMatch(/^HTTP\/1\.1 200 OK\r\n.*connection: close\r\n/is);
    expect(answers.at(-2)).not.toMatch(/connection: close/i);
  });

  it('are seventeen at most before the first answer', async () => {
    const answers = new Map<number, number>();
    for (const count of [17, 18]) {
      const port = await serve(async () => {
        await new Promise((resolve) => setImmediate(resolve));
        return new Response('.');
      });
      const socket = await open(port, get('/').repeat(count));
      answers.set(count, (await readAnswers(socket, count)).length);
    }
    expect(answers.get(17)).toBe(17);
    expect(answers.get(18)).toBe(0);
  });

  it.each([
    { connections: 8, each: 1_000, opened: openPipelined },
    { connections: 20, each: 150, opened: openPipelined },
    { connections: 200, each: 150, opened: open },
  ])(
    'cost little memory when nobody reads: $connections connections with $each',
    async ({ connections, each, opened }) => {
      const server = await startProcess({ database: `sqlite:${newFolder()}/usher.db` });
      const before = residentMemory(server);
      for (let i = 0; i < connections; i++) {
        const socket = await opened(server.port);
        socket.pause();
        socket.write(get('/openapi.json').repeat(each));
      }
      // The promise is 64 MB; the rest is for what the garbage collector leaves for later on a busy machine.
      expect((await serveOthers(server)) - before).toBeLessThan(128 * MEGABYTE);
      expect((await server.kill()).code).toBe(0);
    },
  );
});

describe('D13: empty lines between requests', () => {
  it('cost no more on a connection that has pipelined', async () => {
    const port = await serve(() => new Response('.'));
    const bytes = `${'\r\n'.repeat(2 * MEGABYTE)}${get('/')}`;
    const cost = (socket: Socket) =>
      cpuOf(async () => {
        socket.write(bytes);
        await once(socket, 'data');
      });
    const unpipelined = await cost(await open(port));
    expect(await cost(await openPipelined(port))).toBeLessThan(5 * unpipelined);
  });

  it.each([
    { kind: 'has pipelined', opened: openPipelined },
    { kind: 'has not pipelined', opened: open },
  ])('do not keep a connection open that $kind', async ({ opened }) => {
    const port = await serve(() => new Response('.'), { unreadTimeout: 200 });
    const socket = await opened(port);
    socket.resume();
    const lines = setInterval(() => socket.write('\r\n'), 20);
    await closeOf(socket);
    clearInterval(lines);
  });
});

describe('D13: requests that no handler answers', () => {
  const refused = {
    'expect what nobody knows': {
      bytes: 'GET /healthz HTTP/1.1\r\nHost: x\r\nExpect: x\r\n\r\n',
      status: 417,
    },
    'name no host': { bytes: 'GET / HTTP/1.1\r\n\r\n', status: 400 },
    'name no host, and expect': { bytes: 'GET / HTTP/1.1\r\nExpect: 100-continue\r\n\r\n', status: 400 },
    'ask for a tunnel': { bytes: 'CONNECT x:1 HTTP/1.1\r\nHost: x\r\n\r\n', status: undefined },
    'cannot be parsed': { bytes: '?\r\n\r\n', status: 400 },
    'have a head that is too large': {
      bytes: `GET / HTTP/1.1\r\nHost: x\r\nA: ${'a'.repeat(20_000)}\r\n\r\n`,
      status: 431,
    },
    'want to upgrade': {
      bytes: 'GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n',
      status: 200,
    },
    'wait for a word before their body': {
      bytes: 'POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 0\r\n\r\n',
      status: 100,
    },
  };

  it.each(Object.entries(refused))('do not end the process: a thousand that %s', async (_, one) => {
    const server = await startProcess({ database: `sqlite:${newFolder()}/usher.db` });
    for (const doesRead of [false, true]) {
      const socket = await open(server.port);
      const closed = closeOf(socket);
      let text = '';
      if (doesRead) socket.setEncoding('latin1').on('data', (chunk) => (text += chunk));
      else socket.pause();
      socket.write(one.bytes.repeat(1_000));
      await serveOthers(server);
      if (!doesRead) continue;
      await closed;
      // An answer can get lost when the connection is closed with bytes that nobody read.
      expect(text.slice(0, 13)).toMatch(new RegExp(`^(HTTP/1\\.1 ${one.status} )?$`));
    }
    expect((await server.kill()).code).toBe(0);
  });

  it.each([
    { bytes: refused['expect what nobody knows'].bytes, count: 1_000 - 2 },
    { bytes: refused['name no host'].bytes, count: 1 },
  ])('are answered one at a time, $count at most', async ({ bytes, count }) => {
    const port = await serve(() => new Response('.'));
    const socket = await openPipelined(port);
    const answered = readAnswers(socket, 1_200);
    socket.write(bytes.repeat(1_200));
    const answers = await answered;
    expect(answers).toHaveLength(count);
    expect(answers.at(-1)).toMatch(/connection: close\r\n/i);
  });
});

describe('D13: a request that wants to upgrade', () => {
  it('is the last one of its connection, so that no request behind it is lost unnoticed', async () => {
    const port = await serve(() => new Response('.'));
    const upgrade = 'GET / HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n';
    for (const [bytes, count] of [
      [`${upgrade}${get('/')}`, 1],
      [`${get('/')}${upgrade}${get('/')}`, 2],
    ] as const) {
      const socket = await open(port, bytes);
      const closed = closeOf(socket);
      const answers = await readAnswers(socket, count + 1);
      expect(answers).toHaveLength(count);
      expect(answers.at(-1)).toMatch(/^HTTP\/1\.1 200 OK\r\n.*connection: close\r\n/is);
      await closed;
    }
  });
});

describe('D13: a client that reads nothing', () => {
  it('is disconnected; a stream that is quiet and an answer that takes long are not', async () => {
    const cut = Promise.withResolvers<void>();
    const isAsked = Promise.withResolvers<void>();
    const late = Promise.withResolvers<Response>();
    let quiet: ReadableStreamDefaultController<Uint8Array> | undefined;
    const answers: Record<string, () => Response | Promise<Response>> = {
      '/quiet': () =>
        new Response(
          new ReadableStream({
            start(controller) {
              quiet = controller;
              controller.enqueue(Buffer.from('it begins '));
            },
          }),
        ),
      '/late': () => {
        isAsked.resolve();
        return late.promise;
      },
      '/large': () =>
        new Response(
          new ReadableStream({
            pull: (controller) => controller.enqueue(Buffer.alloc(65_536)),
            cancel: () => cut.resolve(),
          }),
        ),
    };
    const port = await serve((request) => answers[new URL(request.url).pathname]?.() ?? new Response(), {
      unreadTimeout: 200,
    });
    const stream = await open(port, get('/quiet'));
    await once(stream, 'data');
    const patient = await open(port, get('/late'));
    await isAsked.promise;
    (await open(port, get('/large'))).pause();
    await cut.promise;

    quiet?.enqueue(Buffer.from('it goes on'));
    expect(String((await once(stream, 'data'))[0])).toContain('it goes on');
    late.resolve(new Response('late'));
    expect(String((await once(patient, 'data'))[0])).toMatch(/^HTTP\/1\.1 200 OK/);
  });

  it('is disconnected after it has read a response on the same connection, too', async () => {
    const cut = Promise.withResolvers<void>();
    const large = () =>
      new ReadableStream({
        pull: (controller) => controller.enqueue(Buffer.alloc(65_536)),
        cancel: () => cut.resolve(),
      });
    const port = await serve((request) => new Response(request.url.endsWith('/large') ? large() : 'small'), {
      unreadTimeout: 200,
    });
    const socket = await open(port, get('/small'));
    await once(socket, 'data');
    socket.pause();
    socket.write(get('/large'));
    await cut.promise;
  });

  it.each([
    { bytes: '\r\n', opened: openPipelined },
    { bytes: '\r\n', opened: open },
    { bytes: 'G', opened: openPipelined },
    { bytes: get('/large'), opened: openPipelined },
  ])('is disconnected although it sends $bytes now and then ($opened.name)', async ({ bytes, opened }) => {
    const cut = Promise.withResolvers<void>();
    const large = () =>
      new ReadableStream({
        pull: (controller) => controller.enqueue(Buffer.alloc(65_536)),
        cancel: () => cut.resolve(),
      });
    const port = await serve((request) => new Response(request.url.endsWith('/large') ? large() : 'small'), {
      unreadTimeout: 200,
    });
    const socket = await opened(port);
    socket.pause();
    socket.write(get('/large'));
    const sending = setInterval(() => socket.write(bytes), 20);
    await cut.promise;
    clearInterval(sending);
  });

  it('is disconnected only after it has accepted nothing for the whole timeout, not even a part of a chunk', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    try {
      const timeout = 6_000;
      // More than the kernel's buffers hold.
      const part = 48 * MEGABYTE;
      const port = await serve(() => new Response(new Uint8Array(4 * part)), { unreadTimeout: timeout });
      const socket = await open(port, get('/'));
      const closed = closeOf(socket);
      for (let read = 0; read < 3; read++) {
        await readPart(socket, part);
        vi.advanceTimersByTime(timeout);
      }
      vi.advanceTimersByTime(2 * timeout);
      socket.resume();
      await closed;
      expect(socket.bytesRead).toBeLessThan(4 * part);
    } finally {
      vi.useRealTimers();
    }
  });

  it('is disconnected before its first request, too', async () => {
    const port = await serve(() => new Response(), { unreadTimeout: 200 });
    const socket = await open(port);
    socket.resume();
    await closeOf(socket);
  });
});

describe('D13: connections of one client', () => {
  const env = { USHER_CLIENT_CONNECTIONS: '3', USHER_METRICS_TOKEN: 'a token for the metrics' };
  const start = (more: Record<string, string | undefined>) =>
    startProcess({ database: `sqlite:${newFolder()}/usher.db`, env: { ...env, ...more } });
  /** Whether a request is answered on a connection of its own. */
  const isServed = (socket: Socket): Promise<boolean> =>
    new Promise((resolve) => {
      socket.once('data', (bytes) => resolve(/^HTTP\/1\.1 200/.test(String(bytes))));
      socket.once('close', () => resolve(false));
      socket.write(get('/healthz'));
    });

  it('are bounded, and no others are', async () => {
    const server = await start({ USHER_TRUSTED_PROXIES: undefined });
    const three = [await open(server.port), await open(server.port), await open(server.port)];
    for (const socket of three) expect(await isServed(socket)).toBe(true);
    expect(await isServed(await open(server.port))).toBe(false);
    expect(await isServed(await open(server.port))).toBe(false);
    three[0]?.destroy();
    await expect.poll(async () => isServed(await open(server.port)), { timeout: 20_000 }).toBe(true);
    expect(
      server.logs().match(/"range":"127\.0\.0\.1\/32","most":3,"msg":"connections rejected"/g),
    ).toHaveLength(1);
  });

  it('are bounded in all three ranges of IPv6 that one client can have', async () => {
    // Stands in for other machines: the address 127.0.x.y is that of the network 2001:db8:0:xy.
    const network = (address: string | undefined) => {
      const [, , x, y] = (address ?? '').split('.').map((part) => Number(part).toString(16).padStart(2, '0'));
      return `2001:db8:0:${x}${y}::1`;
    };
    const refused: [string, number][] = [];
    const limit = clientConnectionLimit({ clientConnections: 2, trustedProxies: [] }, () => undefined);
    const port = await serve(() => new Response('.'), {
      connectionLimit: {
        ...limit,
        rangesOf: (address) => limit.rangesOf(network(address)),
        onRejected: (...range) => refused.push(range),
      },
    });
    const from = (localAddress: string) => open(port, '', localAddress);
    const first = await from('127.0.1.1');
    for (const address of ['127.0.1.1', '127.0.1.2', '127.0.1.2', '127.0.2.1', '127.0.3.1'])
      expect(await isServed(await from(address))).toBe(true);
    for (const address of ['127.0.4.1', '127.0.1.3', '127.0.1.1'])
      expect(await isServed(await from(address))).toBe(false);
    expect(refused).toEqual([
      ['2001:db8::/48', 6],
      ['2001:db8:0:100::/56', 4],
      ['2001:db8:0:101::/64', 2],
    ]);
    first.destroy();
    await expect.poll(async () => isServed(await from('127.0.4.1')), { timeout: 20_000 }).toBe(true);
  });

  it('are not bounded where they come from a trusted proxy', async () => {
    const server = await start({});
    for (let i = 0; i < 10; i++) expect(await isServed(await open(server.port))).toBe(true);
    expect(server.url).toBe(PUBLIC_URL);
    const metrics = await send(server, 'GET', '/metrics', undefined, {
      headers: { authorization: `Bearer ${env.USHER_METRICS_TOKEN}` },
    });
    expect(metrics.text).not.toContain('usher_rate_limits_exceeded_total{limit="connections"}');
  });
});
