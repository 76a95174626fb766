import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Figure, Part } from './figures.ts';
import { percentile } from './figures.ts';
import { requestText } from './load.ts';
import { type Server, startUsher } from './servers.ts';

const HOST = 'localhost:4000';
/** How long each attack goes on, in milliseconds. */
const DURATION = 6_000;
/** Milliseconds between two requests of somebody else. */
const PAUSE = 50;
const WARM_UP = 300;
const MAX_GROWTH = 64;

interface Attack {
  name: string;
  connections: number;
  /** Whether it comes by a proxy of ours, so that the connections of one address have no limit. */
  isProxied: boolean;
  /** What each connection sends at once. */
  sends: string;
  /** What it sends each second after that. */
  drips?: string;
}

const get = (path: string) => requestText('GET', path, { Host: HOST });
const openApi = get('/openapi.json');

const attacks: Attack[] = [
  {
    name: '8 connections send 1,000 requests ahead',
    connections: 8,
    isProxied: true,
    sends: openApi.repeat(1_000),
  },
  { name: '20 connections send 150 ahead', connections: 20, isProxied: true, sends: openApi.repeat(150) },
  {
    name: '256 connections send 1,000 ahead',
    connections: 256,
    isProxied: true,
    sends: openApi.repeat(1_000),
  },
  { name: '1,000 slow readers', connections: 1_000, isProxied: true, sends: openApi },
  {
    name: '1,000 slow senders',
    connections: 1_000,
    isProxied: true,
    sends:
      'POST /v1/signin HTTP/1.1\r\nHost: localhost:4000\r\nContent-Type: application/json\r\nContent-Length: 9000\r\n\r\n{"',
    drips: 'x',
  },
  { name: '10,000 idle connections of a client', connections: 10_000, isProxied: false, sends: '' },
  { name: '10,000 idle connections by a proxy', connections: 10_000, isProxied: true, sends: '' },
];

/** What clients who send ahead, do not read, or do nothing make a server hold, and whether others are served meanwhile. */
export async function measureConnections(folder: string): Promise<Part> {
  const figures: Figure[] = [];
  for (const attack of attacks) {
    const flags = ['--database', 'sqlite:usher.db', '--public-url', `http://${HOST}`];
    if (attack.isProxied) flags.push('--trusted-proxies', '127.0.0.1');
    const server = await startUsher(folder, flags, false);
    try {
      const { growth, slowest, open } = await endure(server, attack);
      const name = open < attack.connections ? `${attack.name} (${open} were opened)` : attack.name;
      figures.push({ name, unit: 'MB more', values: [growth], aim: { most: MAX_GROWTH } });
      figures.push({ name: '  /healthz meanwhile, p99', unit: 'ms', values: [slowest] });
    } finally {
      await server.stop();
    }
  }
  return { title: 'memory: what clients make a server hold', figures };
}

async function endure(server: Server, { connections, sends, drips }: Attack) {
  // Ordinary requests first: what they make a server hold is not the attack's.
  for (let i = 0; i < WARM_UP; i++) await ask(server.port, i % 10 === 0 ? '/openapi.json' : '/healthz');
  const before = await server.memory();
  const sockets = await openAll(server.port, connections, sends);
  const dripAll = (text: string) => {
    for (const socket of sockets) socket.write(text);
  };
  const drip = drips && setInterval(dripAll, 1_000, drips);
  const times: number[] = [];
  let most = before;
  for (const end = performance.now() + DURATION; performance.now() < end; ) {
    const began = performance.now();
    await ask(server.port, '/healthz');
    times.push(performance.now() - began);
    most = Math.max(most, await server.memory());
    await sleep(PAUSE);
  }
  if (drip) clearInterval(drip);
  for (const socket of sockets) socket.destroy();
  const slowest = percentile(Float64Array.from(times).sort(), 0.99);
  return { growth: (most - before) / 1e6, slowest, open: sockets.length };
}

/** Opens as many as this machine lets us, and reads of none. */
async function openAll(port: number, count: number, sends: string): Promise<Socket[]> {
  const sockets: Socket[] = [];
  for (let i = 0; i < count; i++) {
    const socket = connect({ port, host: '127.0.0.1' });
    const isOpen = await new Promise<boolean>((resolve) => {
      socket.once('connect', () => resolve(true));
      socket.on('error', () => resolve(false));
    });
    if (!isOpen) break;
    socket.pause();
    socket.write(sends);
    sockets.push(socket);
  }
  return sockets;
}

/** Where others come from: an address of this machine that has connections of its own to use up. */
const others = process.platform === 'linux' ? { localAddress: '127.0.0.2' } : {};

/** One request on a connection of its own. */
function ask(port: number, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1', ...others }, () =>
      socket.write(requestText('GET', path, { Host: HOST, Connection: 'close' })),
    );
    let head = '';
    socket.on('data', (bytes) => {
      head ||= bytes.toString('latin1', 0, 12);
    });
    socket.on('error', reject);
    socket.on('close', () =>
      head === 'HTTP/1.1 200' ? resolve() : reject(new Error(`${path} was answered with ${head}`)),
    );
  });
}
