import { ConfigError, configFromOptions, isLoopback, type SettingName, sourcesOfOptions } from './config.ts';
import type { AppContext, Application } from './context.ts';
import { countWrite } from './flows/limits/count-write.ts';
import { reauthenticate } from './flows/passwords/reauthenticate.ts';
import { makeSetUpLink } from './flows/setup/first-admin.ts';
import { showUser } from './flows/shapes/users.ts';
import { dispatch } from './http/dispatch.ts';
import type { HttpSettings, Peer } from './http/handle-request.ts';
import { hostAuthentication } from './http/host.ts';
import { mailboxLink } from './http/mailbox-access.ts';
import { startJobs } from './jobs/jobs.ts';
import { type OpenedContext, openContext, trustedProxiesOf } from './open-context.ts';
import { errorPage } from './pages/error-page.tsx';
import { reauthenticationPage } from './pages/reauthentication-page.tsx';
import type { Clock } from './platform/clock.ts';
import { createEmailTransport } from './platform/email-transport.ts';
import type { Log } from './platform/log.ts';
import { routes } from './routes.ts';

/**
 * The settings of `config.ts` under their names there (`publicUrl`, `database`, `secret`, ...), as text, numbers or
 * lists; and, for hosts that have their own, a log, a clock and an application.
 */
export type UsherOptions = { [Name in SettingName]?: string | number | readonly string[] | undefined } & {
  log?: Log;
  clock?: Clock;
  /** The first page of your application, which Usher's pages link to. */
  application?: Application;
};

export type { Application, Peer };

/** The authenticated caller, or the error response to return (401, 403, 400 or 503, as a problem document). */
export type Caller =
  | { error: Response }
  | {
      error?: undefined;
      user: ReturnType<typeof showUser>;
      session: { id: string; kind: 'cookie' | 'bearer'; signedInAt: Date };
      /** Headers for your response: every request by cookie extends the session and needs its renewed cookie. */
      headers: Headers;
    };

/** A running instance of Usher. */
export interface Usher {
  /**
   * Handles a request. `peer` is what `@hono/node-server` passes as its environment, or `{ ip }` with the client's IP
   * address; without it all clients share the rate limits of one.
   */
  fetch(request: Request, peer?: Peer): Promise<Response>;
  /**
   * Authenticates a request to a page or API of your own, by cookie or access token, with the same checks as Usher's
   * own requests: a sign-out takes effect immediately, and a write that another site made a browser send is rejected.
   * Reading the body is left to you. Read it before you call this: what is checked could end while a slow body arrives.
   *
   * @example
   * const caller = await usher.authenticate(c.req.raw, c.env);
   * if (caller.error) return caller.error;
   * return new Response(`hello ${caller.user.username}`, { headers: caller.headers });
   */
  authenticate(request: Request, peer?: Peer): Promise<Caller>;
  /** Ends open streams, stops the jobs, finishes pending hashes and writes, and disconnects. Idempotent. */
  close(): Promise<void>;
}

/**
 * Opens the database (creating or migrating it) and returns a `fetch` handler that mounts in any framework. While there
 * is no administrator, the log contains a link that creates the first one.
 *
 * @throws ConfigError for an unknown option or an invalid value; an Error that says what to do for a database that
 * cannot be used.
 * @example
 * const usher = await createUsher({ publicUrl: 'http://localhost:3000' });
 * app.mount('/', usher.fetch);
 */
export async function createUsher(options: UsherOptions = {}): Promise<Usher> {
  const { log, clock, application, ...settings } = options;
  const config = configFromOptions(settings);
  const opened = await openContext(config, { log, clock, sources: sourcesOfOptions(settings) });
  const { context } = opened;
  try {
    if (application) opened.linkTo(application);
    await logLinks(context);
  } catch (error) {
    await opened.close();
    throw error;
  }
  return serveContext(opened);
}

/** Logs the links that the CLI prints in its banner. Creates no setup link if the log level would hide it. */
async function logLinks(context: AppContext): Promise<void> {
  // There is a mailbox only on a development machine without a mail server.
  if (context.hasMailbox)
    context.log.info({ mailbox: mailboxLink(context) }, 'emails are stored in the development mailbox');
  if (!context.log.isLevelEnabled('warn')) return;
  const setup = await makeSetUpLink(context);
  if (setup)
    context.log.warn(
      { setup },
      'no administrator yet: create one with the setup link (valid once, for 1 hour at most)',
    );
}

/** Starts the jobs of a context and serves the routes. */
export function serveContext(opened: OpenedContext): Usher {
  const { context } = opened;
  const { smtpUrl } = context.config;
  const jobs = startJobs({
    ...context,
    emailTransport: smtpUrl && createEmailTransport({ ...context.config, smtpUrl }, context.publicUrl),
    lastSeen: opened.lastSeen,
    stateNotes: opened.stateNotes,
    signingAlgorithm: context.config.signingAlgorithm,
    eventsDays: context.config.eventsDays,
  });
  const http = httpSettings(context);
  const app = dispatch(context, routes, http);
  const visitorOf = hostAuthentication(context, http);
  return {
    fetch: async (request, peer) => app.fetch(request, peer),
    async authenticate(request, peer) {
      const visitor = await visitorOf(request, peer);
      if (visitor.error) return visitor;
      const { user, session } = visitor.activeSession;
      return {
        user: showUser(user),
        session: { id: session.id, kind: session.kind, signedInAt: new Date(session.created_at) },
        headers: visitor.headers,
      };
    },
    async close() {
      opened.beginStop();
      await jobs.stop();
      await opened.close();
    },
  };
}

/** The one-time link that creates the first administrator, as long as there is none. */
export { ConfigError, makeSetUpLink };

/** On a loopback host, the server also accepts the other loopback names. */
function httpSettings({ config, publicUrl }: AppContext): HttpSettings {
  const { hostname, port, protocol, origin } = new URL(publicUrl);
  const suffix = port === '' ? '' : `:${port}`;
  const names = isLoopback(hostname) && protocol === 'http:' ? ['localhost', '127.0.0.1', '[::1]'] : [];
  const hosts = names.map((name) => `${name}${suffix}`);
  return {
    ownOrigins: new Set([origin, ...hosts.map((host) => `http://${host}`)]),
    allowedOrigins: new Set(config.allowedOrigins),
    hosts: new Set([new URL(publicUrl).host, ...hosts]),
    trustedProxies: trustedProxiesOf(config),
    countWrite,
    errorPage,
    reauthenticate,
    confirmPage: reauthenticationPage,
  };
}
