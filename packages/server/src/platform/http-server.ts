import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { getRequestListener } from '@hono/node-server';

/** A web-standard handler; the second argument holds Node's own request, for the client's address. */
type Fetch = (request: Request, env: { incoming: IncomingMessage }) => Response | Promise<Response>;

export interface HttpServer {
  /** The port it listens on. */
  port: number;
  /**
   * Takes no new connection, answers what it took, and cuts off what is not answered in time.
   *
   * @param patience Milliseconds.
   */
  stop(patience: number): Promise<void>;
}

/** How long a client may take, in milliseconds, so that slow ones hold nothing for long (attack H6). */
const limits = {
  headersTimeout: 10_000,
  requestTimeout: 15_000,
  keepAliveTimeout: 5_000,
  connectionsCheckingInterval: 2_000,
  maxHeaderSize: 16_384,
};

const MOST_CONNECTIONS = 10_000;

/** @throws The error of `listen`, such as `EADDRINUSE`. */
export async function startHttpServer(fetch: Fetch, host: string, port: number): Promise<HttpServer> {
  const listener = getRequestListener(fetch as Parameters<typeof getRequestListener>[0]);
  const server = createServer(limits, (request, response) => void listener(request, response));
  server.maxConnections = MOST_CONNECTIONS;
  server.maxHeadersCount = 100;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    stop: (patience) => stopServer(server, patience),
  };
}

async function stopServer(server: Server, patience: number): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  const idle = setInterval(() => server.closeIdleConnections(), 50);
  const cut = setTimeout(() => server.closeAllConnections(), patience);
  await closed;
  clearInterval(idle);
  clearTimeout(cut);
}
