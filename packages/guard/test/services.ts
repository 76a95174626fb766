import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { getRequestListener } from '@hono/node-server';
import express from 'express';
import fastify from 'fastify';
import { Hono } from 'hono';
import { type Reply, send, sendBytes } from '../../server/test/support/app.ts';
import * as forExpress from '../src/express.ts';
import * as forFastify from '../src/fastify.ts';
import * as forFetch from '../src/fetch.ts';
import type { Auth, Guard, GuardOptions, Needs } from '../src/guard.ts';
import { type AuthVariables, tokenRequired as forHono } from '../src/hono.ts';
import { tokenRequired as forNode } from '../src/node.ts';

/** Somebody else's service, with one guarded route; it answers who called. */
export interface Service {
  name: string;
  ask(headers?: Record<string, string>): Promise<Reply>;
  /** Asks with two Authorization headers, the first of them good. @returns The status. */
  twice(token: string): Promise<number>;
  stop(): Promise<void>;
}

type Given = Guard | GuardOptions;
const shown = ({ userId, sessionId, methods }: Auth) => ({ userId, sessionId, methods });

/** The same service in every framework that has a guard. */
export const frameworks: Record<string, (given: Given, needs?: Needs) => Promise<Service>> = {
  Hono: (given, needs) => {
    const app = new Hono<{ Variables: AuthVariables }>();
    app.use('/guarded', forHono(given, needs));
    app.get('/guarded', (c) => c.json(shown(c.var.auth)));
    return listen('Hono', createServer(getRequestListener(app.fetch)));
  },
  Express: (given, needs) => {
    const app = express();
    app.use('/guarded', forExpress.tokenRequired(given, needs));
    app.get('/guarded', (request, response) => void response.json(shown(forExpress.authOf(request))));
    return listen('Express', createServer(app));
  },
  Fastify: async (given, needs) => {
    const app = fastify();
    app.addHook('onRequest', forFastify.tokenRequired(given, needs));
    app.get('/guarded', async (request) => shown(forFastify.authOf(request)));
    await app.listen({ port: 0, host: '127.0.0.1' });
    const { port } = app.server.address() as AddressInfo;
    return { ...asking('Fastify', port), stop: () => app.close() };
  },
  'node:http': (given, needs) => {
    const guarded = forNode(given, needs);
    const answer = guarded((_request, response, auth) =>
      response.setHeader('content-type', 'application/json').end(JSON.stringify(shown(auth))),
    );
    return listen('node:http', createServer(answer));
  },
  fetch: (given, needs) => {
    const guarded = forFetch.tokenRequired(given, needs);
    const answer = guarded((_request, auth) => Response.json(shown(auth)));
    return listen('fetch', createServer(getRequestListener((request) => answer(request))));
  },
};

/** All of them, around one guard. */
export const startAll = (given: Given, needs?: Needs): Promise<Service[]> =>
  Promise.all(Object.values(frameworks).map((start) => start(given, needs)));

async function listen(name: string, server: Server): Promise<Service> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    ...asking(name, port),
    async stop() {
      server.close();
      server.closeAllConnections();
    },
  };
}

const asking = (name: string, port: number) => ({
  name,
  ask: (headers: Record<string, string> = {}) => send({ port }, 'GET', '/guarded', undefined, { headers }),
  async twice(token: string) {
    const head = ['GET /guarded HTTP/1.1', 'Host: localhost', 'Connection: close'];
    const lines = [...head, `Authorization: Bearer ${token}`, 'Authorization: Bearer other', '', ''];
    return Number((await sendBytes({ port }, lines.join('\r\n'))).split(' ')[1]);
  },
});

export const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
