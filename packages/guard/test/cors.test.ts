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

/** The guard outside, and what adds the CORS headers inside: the order that a guard must not break. */
const guardFirst: Record<string, () => Promise<number>> = {
  Hono: () => {
    const service = new Hono<{ Variables: AuthVariables }>();
    service.use(forHono(guard)).use(honoCors(options));
    service.get('/guarded', (c) => c.json({ user: c.var.auth.userId, ran: ++ran }));
    return listen(getRequestListener(service.fetch));
  },
  Express: () => {
    const service = express();
    service.use(forExpress.tokenRequired(guard)).use(cors(options));
    service.get('/guarded', (request, response) => {
      response.json({ user: forExpress.authOf(request).userId, ran: ++ran });
    });
    return listen(service);
  },
  Fastify: async () => {
    const service = fastify();
    service.addHook('onRequest', forFastify.tokenRequired(guard));
    await service.register(fastifyCors, options);
    service.get('/guarded', async (request) => ({ user: forFastify.authOf(request).userId, ran: ++ran }));
    await service.listen({ port: 0, host: '127.0.0.1' });
    running.push(() => service.close());
    return (service.server.address() as AddressInfo).port;
  },
};

/** The guard wraps the handler, so the headers are added around it. */
const wrapped: Record<string, () => Promise<number>> = {
  'node:http': () => {
    const guarded = forNode(guard)((_request, response, auth) =>
      response.end(JSON.stringify({ user: auth.userId, ran: ++ran })),
    );
    return listen((request, response) => {
      response.setHeader('access-control-allow-origin', ORIGIN);
      response.setHeader('access-control-allow-headers', 'authorization');
      void guarded(request, response);
    });
  },
  fetch: () => {
    const guarded = forFetch.tokenRequired(guard)((_request, auth) =>
      Response.json({ user: auth.userId, ran: ++ran }),
    );
    return listen(
      getRequestListener(async (request) => {
        const response = await guarded(request);
        response.headers.set('access-control-allow-origin', ORIGIN);
        response.headers.set('access-control-allow-headers', 'authorization');
        return response;
      }),
    );
  },
};

describe.each(Object.entries({ ...guardFirst, ...wrapped }))('a preflight in %s', (_, start) => {
  const ask = (port: number, method: string, headers: Record<string, string>): Promise<Reply> =>
    send({ port }, method, '/guarded', undefined, { headers });

  it('passes without a token, and lets the request with one follow', async () => {
    const port = await start();
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

  it('is OPTIONS with its header, and nothing else', async () => {
    const port = await start();
    ran = 0;
    const named = { origin: ORIGIN, 'access-control-request-method': 'GET' };
    expect((await ask(port, 'GET', named)).status).toBe(401);
    expect((await ask(port, 'POST', named)).status).toBe(401);
    expect((await ask(port, 'OPTIONS', { origin: ORIGIN })).status).toBe(401);
    expect((await ask(port, 'OPTIONS', { ...named, 'access-control-request-method': '' })).status).toBe(401);
    expect(ran).toBe(0);
  });
});
