import closeWithGrace, { type Signals } from 'close-with-grace';
import { makeSetUpLink, serveContext, type Usher } from '../app.ts';
import { type Config, flagName, isLoopback, type LoadedConfig, settings } from '../config.ts';
import { errors } from '../errors.ts';
import { events } from '../events.ts';
import type { Restored } from '../flows/installation/restored-database.ts';
import { clientIp, clientRanges } from '../http/client-ip.ts';
import type { Peer } from '../http/handle-request.ts';
import { mailboxLink } from '../http/mailbox-access.ts';
import { type OpenedContext, openContext, trustedProxiesOf } from '../open-context.ts';
import type { ConnectionLimit } from '../platform/connection-limit.ts';
import { isDamaged, isUnavailable } from '../platform/db/index.ts';
import { type HttpServer, type HttpServerOptions, startHttpServer } from '../platform/http-server.ts';
import { migrations } from './open.ts';
import type { App, MakeApp } from './serve-app.ts';

/** How long a shutdown waits for requests in progress, in milliseconds. */
const TIMEOUT = 10_000;
/** How long a start waits for an unreachable database, and the pause between attempts, in milliseconds. */
const DATABASE_TIMEOUT = 60_000;
const DATABASE_PAUSE = 1_000;
/** After a rejected connection is logged, how long further ones from the same client range are not, in milliseconds. */
const LOG_PAUSE = 60_000;
/** The number of client ranges whose last log entry is remembered. */
const MAX_LOGGED_RANGES = 1_000;

/** Serves until stopped, together with an application if one is given. */
export async function runServer(
  { config, sources }: LoadedConfig,
  version: string,
  makeApp?: MakeApp,
): Promise<void> {
  const began = performance.now();
  // Listens first, because tokens and links contain the port.
  let usher: Usher | undefined;
  let app: App | undefined;
  let opened: OpenedContext | undefined;
  const answer = (request: Request, peer: Peer) => app?.fetch(request, peer) ?? notYet(request);
  const connectionLimit = clientConnectionLimit(config, () => opened);
  const server = await listen(config.host, config.port, 'port', answer, { connectionLimit });
  const publicUrl = config.publicUrl ?? `http://localhost:${server.port}`;
  try {
    opened = await openPatiently({ ...config, publicUrl }, sources);
  } catch (error) {
    await server.stop(0);
    throw error;
  }
  // The application closes first: it may use Usher until then.
  const close = async () => {
    if (app !== usher) await app?.close?.();
    await (usher ?? opened).close();
  };
  let metrics: HttpServer | undefined;
  let setUpLink: string | undefined;
  try {
    usher = serveContext(opened);
    const made = await makeApp?.(usher);
    if (made?.home) opened.linkTo(made.home);
    app = made ?? usher;
    metrics = await listenForMetrics(config, opened);
    setUpLink = await makeSetUpLink(opened.context);
  } catch (error) {
    // An open listener would keep the process alive, answering that it is starting.
    await Promise.all([server.stop(0), metrics?.stop(0)]);
    await close();
    throw error;
  }
  // Before readiness is announced, so that a stop signal right after it leads to an orderly shutdown.
  stopWithGrace(opened, close, metrics ? [server, metrics] : [server]);
  process.stderr.write(banner(version, opened, setUpLink, performance.now() - began));
  opened.context.log.info({ port: server.port, database: opened.database.file ?? 'server' }, 'ready');
}

async function listen(
  host: string,
  port: number,
  setting: 'port' | 'metricsPort',
  fetch: (request: Request, peer: Peer) => Response | Promise<Response>,
  options?: HttpServerOptions,
) {
  try {
    return await startHttpServer(fetch, host, port, options);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EADDRINUSE')
      throw new Error(
        `Port ${port} is already in use. Stop the other process or choose another port with ${flagName(setting)} or ${settings[setting].env}.`,
      );
    if (code === 'EACCES')
      throw new Error(`Port ${port} requires elevated privileges. Use a port above 1023.`);
    if (code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND')
      throw new Error(`USHER_HOST (${host}) isn’t an address of this machine.`);
    throw error;
  }
}

/** The number of connections a client may have. Unlimited for our own proxy, which has those of all its clients. */
export function clientConnectionLimit(
  config: Pick<Config, 'clientConnections' | 'trustedProxies'>,
  opened: () => OpenedContext | undefined,
): ConnectionLimit {
  const isTrusted = trustedProxiesOf(config);
  const lastLogged = new Map<string, number>();
  return {
    most: config.clientConnections,
    rangesOf(ip) {
      const client = clientIp(ip, null, isTrusted);
      return isTrusted(client) ? [] : clientRanges(client);
    },
    onRejected(range, most) {
      const { context } = opened() ?? {};
      context?.metrics.limit('connections');
      // Logs a flood of them once.
      const now = performance.now();
      if (now - (lastLogged.get(range) ?? Number.NEGATIVE_INFINITY) < LOG_PAUSE) return;
      if (lastLogged.size >= MAX_LOGGED_RANGES) lastLogged.clear();
      lastLogged.set(range, now);
      context?.log.warn({ range, most }, 'connections rejected');
    },
  };
}

/** Until the database is open, the process is alive but not ready. */
function notYet(request: Request): Response {
  const isAlive = new URL(request.url).pathname === '/healthz';
  if (isAlive) return Response.json({ status: 'ok' });
  const [status, title] = errors.unavailable;
  return Response.json(
    {
      type: 'about:blank',
      title,
      status,
      code: 'unavailable',
      message: 'The server is starting. Try again in a moment.',
    },
    { status, headers: { 'content-type': 'application/problem+json; charset=utf-8', 'retry-after': '1' } },
  );
}

/** Waits for a database server that starts later than this process, and logs that it waits. */
async function openPatiently(config: Config, sources: LoadedConfig['sources']): Promise<OpenedContext> {
  const until = performance.now() + DATABASE_TIMEOUT;
  for (let told = false; ; told = true) {
    try {
      return await openContext(config, { sources });
    } catch (error) {
      const canReturn = isUnavailable(error) && !isDamaged(error);
      if (!canReturn || performance.now() > until) throw error;
      if (!told)
        process.stderr.write(`usher: Can’t reach the database, retrying. ${(error as Error).message}\n`);
      await new Promise((resolve) => setTimeout(resolve, DATABASE_PAUSE));
    }
  }
}

async function listenForMetrics(config: Config, { context }: OpenedContext): Promise<HttpServer | undefined> {
  if (config.metricsPort === undefined) return undefined;
  const answer = async (request: Request): Promise<Response> => {
    if (new URL(request.url).pathname !== '/metrics') return new Response('', { status: 404 });
    const { text, type } = await context.metrics.text();
    return new Response(text, { headers: { 'content-type': type } });
  };
  return listen(config.host, config.metricsPort, 'metricsPort', answer);
}

/** The start message for a person at a terminal; programs get the same facts from the log. */
function banner(
  version: string,
  { context, database, migrated, restored }: OpenedContext,
  setUpLink: string | undefined,
  took: number,
): string {
  const { publicUrl, config } = context;
  const lines = [
    `Usher ${version} is ready at ${publicUrl} (${Math.round(took)} ms)`,
    `  API        ${publicUrl}/docs`,
    `  database   ${database.file ?? 'server'}${migrated.length > 0 ? `, ${migrations(migrated.length)} applied` : ''}`,
  ];
  const application = context.application();
  if (application) lines.push(`  app        ${publicUrl}${application.path}`);
  if (context.hasMailbox) lines.push(`  mailbox    ${mailboxLink(context)}`);
  else if (!config.smtpUrl) lines.push('  email      disabled: USHER_SMTP_URL isn’t set');
  if (!isLoopback(config.host)) lines.push(`  listening  ${config.host}:${config.port}`);
  if (restored) lines.push(`  ${events.database_restored[1]} (${sessionsOf(restored)})`);
  if (setUpLink)
    lines.push(
      '  No administrator yet. Create one with this link (valid once, for 1 hour at most):',
      `  ${setUpLink}`,
    );
  return `${lines.join('\n')}\n`;
}

const sessionsOf = ({ sessions }: Restored): string =>
  `${sessions} ${sessions === 1 ? 'session' : 'sessions'}`;

/** On SIGTERM, SIGINT or an uncaught error: finishes accepted requests, saves state, exits. */
function stopWithGrace(opened: OpenedContext, close: () => Promise<void>, servers: HttpServer[]): void {
  const { log } = opened.context;
  let received: NodeJS.Signals | undefined;
  const skip: Signals[] = ['SIGINT', 'SIGTERM'];
  const grace = closeWithGrace({ delay: TIMEOUT + 2_000, logger: false, skip }, async ({ err, signal }) => {
    received ??= signal;
    if (err)
      log.error(
        { error: err.name, place: err.stack?.split('\n').slice(1).join('\n') },
        'shutting down after an unexpected error',
      );
    else log.info({ signal: received }, 'stopping');
    opened.beginStop();
    await Promise.all(servers.map((server) => server.stop(TIMEOUT)));
    await close();
    log.info('stopped');
  });
  // With npm (`npx usher-auth`, `npm start`) one Ctrl-C arrives twice: the terminal signals every process, and npm
  // forwards its own. So a second signal does not cut a shutdown short; it has its own timeout.
  const receive = (signal: NodeJS.Signals) => {
    if (received) return;
    received = signal;
    void grace.close();
  };
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, receive);
}
