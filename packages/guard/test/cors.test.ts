// A page on another origin, whose browser asks first: the preflight has no token.
import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import fastifyCors from '@fastify/cors';
import { getRequestListener } from '@hono/node-server';
import cors from 'cors';
import express from 'express';
import fastify from 'fastify';
import { Hono } from 'hono';
import { cors as honoCors } from 'hono/cors';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { login, type Reply, send, signUp, startApp, type TestApp } from '../../server/test/support/app.ts';
import { databases, type TestDatabase } from '../../server/test/support/postgres.ts';
import * as forExpress from '../src/express.ts';
import * as forFastify from '../src/fastify.ts';
import * as forFetch from '../src/fetch.ts';
import { createGuard, type Guard } from '../src/guard.ts';
import { type AuthVariables, tokenRequired as forHono } from '../src/hono.ts';
import { tokenRequired as forNode } from '../src/node.ts';
import { bearer } from './services.ts';

const [{ create }] = databases as [(typeof databases)[number]];
const ORIGIN = 'https://app.example.org';
const options = { origin: ORIGIN };
const corsHeaders = new Map([
  ['access-control-allow-origin', ORIGIN],
  ['access-control-allow-headers', 'authorization'],
]);

let database: TestDatabase;
let app: TestApp;
let guard: Guard;
let token: string;
beforeAll(async () => {
  database = await create();
  app = await startApp(database);
  guard = createGuard({ issuer: app.url, clock: app.clock });
  token = (await login(app, await signUp(app), undefined, 'services')).access_token;
});
afterAll(async () => {
  await app.stop();
  await database.remove();
});
const running: (() => unknown)[] = [];
afterEach(async () => {
  for (const stop of running.splice(0)) await stop();
});

async function listen(listener: RequestListener): Promise<number> {
  const server = createServer(listener).listen(0, '127.0.0.1');
  await once(server, 'listening');
  running.push(
    () => server.closeAllConnections(),
    () => server.close(),
  );
  return (server.address() as AddressInfo).port;
}

/** How often the route ran. */
let ran = 0;

/** Services with a route for every method, also OPTIONS. With CORS, its headers are added before the guard. */
const services: Record<string, (hasCors: boolean) => Promise<number>> = {
  Hono: (hasCors) => {
    const service = new Hono<{ Variables: AuthVariables }>();
    if (hasCors) service.use(honoCors(options));
    service.use(forHono(guard));
    service.all('/guarded', (c) => c.json({ ran: ++ran }));
    return listen(getRequestListener(service.fetch));
  },
  Express: (hasCors) => {
    const service = express();
    if (hasCors) service.use(cors(options));
    service.use(forExpress.tokenRequired(guard));
    service.all('/guarded', (_request, response) => void response.json({ ran: ++ran }));
    return listen(service);
  },
  'Express, mounted': (hasCors) => {
    const service = express();
    if (hasCors) service.use(cors(options));
    service.use('/guarded', forExpress.tokenRequired(guard));
    service.use('/guarded', (_request, response) => void response.json({ ran: ++ran }));
    return listen(service);
  },
  Fastify: async (hasCors) => {
    const service = fastify();
    if (hasCors) await service.register(fastifyCors, options);
    service.addHook('onRequest', forFastify.tokenRequired(guard));
    service.all('/guarded', async () => ({ ran: ++ran }));
    await service.listen({ port: 0, host: '127.0.0.1' });
    running.push(() => service.close());
    return (service.server.address() as AddressInfo).port;
  },
  'node:http': (hasCors) => {
    const guarded = forNode(guard)((_request, response) => response.end(JSON.stringify({ ran: ++ran })));
    return listen((request, response) => {
      if (hasCors) response.setHeaders(corsHeaders);
      void guarded(request, response);
    });
  },
  fetch: (hasCors) => {
    const guarded = forFetch.tokenRequired(guard)(() => Response.json({ ran: ++ran }));
    return listen(
      getRequestListener(async (request) => {
        const response = await guarded(request);
        if (hasCors) for (const [name, value] of corsHeaders) response.headers.set(name, value);
        return response;
      }),
    );
  },
};

describe.each(Object.entries(services))('a preflight in %s', (_, start) => {
  const ask = (port: number, method: string, headers: Record<string, string>): Promise<Reply> =>
    send({ port }, method, '/guarded', undefined, { headers });

  it('gets the CORS headers that are added before the guard, and lets the request follow', async () => {
    const port = await start(true);
    ran = 0;
    const preflight = await ask(port, 'OPTIONS', {
      origin: ORIGIN,
      'access-control-request-method': 'GET',
      'access-control-request-headers': 'authorization',
    });
    expect(preflight.status).toBe(204);
    expect(preflight.headers.get('access-control-allow-origin')).toBe(ORIGIN);
    expect(preflight.headers.get('access-control-allow-headers')).toMatch(/authorization/i);
    expect([preflight.text, ran]).toEqual(['', 0]);
    const good = await ask(port, 'GET', { origin: ORIGIN, ...bearer(token) });
    expect([good.status, ran]).toEqual([200, 1]);
  });

  it('T36: is answered by the guard, and never runs a route for OPTIONS', async () => {
    const port = await start(false);
    ran = 0;
    for (const method of ['GET', 'OPTIONS', 'x', 'x'.repeat(1_000)]) {
      const preflight = await ask(port, 'OPTIONS', { 'access-control-request-method': method });
      expect([preflight.status, preflight.text, ran]).toEqual([204, '', 0]);
    }
    expect((await ask(port, 'OPTIONS', bearer(token))).status).toBe(200);
    expect(ran).toBe(1);
  });

  it('is OPTIONS with its header, and nothing else', async () => {
    const port = await start(false);
    ran = 0;
    const named = { origin: ORIGIN, 'access-control-request-method': 'GET' };
    expect((await ask(port, 'GET', named)).status).toBe(401);
    expect((await ask(port, 'POST', named)).status).toBe(401);
    expect((await ask(port, 'OPTIONS', { origin: ORIGIN })).status).toBe(401);
    expect((await ask(port, 'OPTIONS', { ...named, 'access-control-request-method': '' })).status).toBe(401);
    expect(ran).toBe(0);
  });
});
