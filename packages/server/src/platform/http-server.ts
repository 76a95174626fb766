import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { getRequestListener } from '@hono/node-server';
import { type ConnectionLimit, limitConnections } from './connection-limit.ts';
import { serializePipelinedRequests } from './pipelining.ts';
import { limitUnread } from './unread-responses.ts';

/** A web-standard handler; the second argument holds Node's own request, for the client's IP. */
type Fetch = (request: Request, env: { incoming: IncomingMessage }) => Response | Promise<Response>;

export interface HttpServer {
  /** The port it listens on. */
  port: number;
  /**
   * Accepts no new connections, finishes accepted requests, and aborts those that take too long.
   *
   * @param timeouts Milliseconds.
   */
  stop(timeouts: number): Promise<void>;
}

export interface HttpServerOptions {
  /** Unlimited by default. */
  connectionLimit?: ConnectionLimit;
  /** How long a client may accept nothing, or be without a request, before it is disconnected, in milliseconds. */
  unreadTimeout?: number;
}

/** How long a client may take, in milliseconds, so that slow clients do not hold connections for long (attack H6). */
const limits = {
  headersTimeout: 10_000,
  requestTimeout: 15_000,
  keepAliveTimeout: 5_000,
  connectionsCheckingInterval: 2_000,
  maxHeaderSize: 16_384,
};

const MAX_CONNECTIONS = 20_000;
const UNREAD_TIMEOUT = 30_000;

/** @throws The error of `listen`, such as `EADDRINUSE`. */
export async function startHttpServer(
  fetch: Fetch,
  host: string,
  port: number,
  { connectionLimit, unreadTimeout = UNREAD_TIMEOUT }: HttpServerOptions = {},
): Promise<HttpServer> {
  const listener = getRequestListener(fetch as Parameters<typeof getRequestListener>[0]);
  // `serializePipelinedRequests` checks the host.
  const server = createServer({ ...limits, requireHostHeader: false });
  server.maxConnections = MAX_CONNECTIONS;
  server.maxHeadersCount = 100;
  if (connectionLimit) limitConnections(server, connectionLimit);
  const isAnswering = serializePipelinedRequests(
    server,
    (request, response) => void listener(request, response),
  );
  limitUnread(server, unreadTimeout, isAnswering);
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    stop: (timeouts) => stopServer(server, timeouts),
  };
}

async function stopServer(server: Server, timeouts: number): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  const idle = setInterval(() => server.closeIdleConnections(), 50);
  const cut = setTimeout(() => server.closeAllConnections(), timeouts);
  await closed;
  clearInterval(idle);
  clearTimeout(cut);
}
