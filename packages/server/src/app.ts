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
 * The settings of `config.ts` by their names there (`publicUrl`, `database`, `secret`, ...), as text, numbers or
 * lists; and, for the host that has its own, a log, a clock and an application.
 */
export type UsherOptions = { [Name in SettingName]?: string | number | readonly string[] | undefined } & {
  log?: Log;
  clock?: Clock;
  /** Your first page: Usher's pages lead there. */
  application?: Application;
};

export type { Application, Peer };

/** Who calls, or the answer to give instead (401, 403, 400 or 503, as a problem document). */
export type Caller =
  | { error: Response }
  | {
      error?: undefined;
      user: ReturnType<typeof showUser>;
      session: { id: string; kind: 'cookie' | 'bearer'; signedInAt: Date };
      /** For your answer: every request by cookie postpones the end of the session, and needs its next cookie. */
      headers: Headers;
    };

/** A running Usher. */
export interface Usher {
  /**
   * Answers a request. `peer` is what `@hono/node-server` passes as its environment, or `{ ip }` with the client's IP address;
   * without it all clients share the rate limits of one.
   */
  fetch(request: Request, peer?: Peer): Promise<Response>;
  /**
   * Who sends a request to a page or call of your own, by cookie or access token, checked as Usher's own requests are: a
   * log-out holds at once, and a write that another site made a browser send is refused. The body is left to you.
   *
   * @example
   * const caller = await usher.authenticate(c.req.raw, c.env);
   * if (caller.refusal) return caller.refusal;
   * return new Response(`hello ${caller.user.username}`, { headers: caller.headers });
   */
  authenticate(request: Request, peer?: Peer): Promise<Caller>;
  /** Ends what goes on, stops the jobs, finishes what is being hashed or written, disconnects. Idempotent. */
  close(): Promise<void>;
}

/**
 * Opens the database (making or migrating it), and gives a `fetch` handler that mounts in any framework. While there is no
 * administrator, the log has a link that creates the first one.
 *
 * @throws ConfigError for an option that is not known or does not fit; an Error that says what to do for a database
 * that cannot be used.
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

/** Who serves by itself has no banner: the log says what it would. A link that nobody would see is not made. */
async function logLinks(context: AppContext): Promise<void> {
  // Without a mail server this is on a machine that tries things out.
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

/** Puts the routes and the jobs on a world. */
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

/** The one-time link for the first administrator, while there is none. */
export { ConfigError, makeSetUpLink };

/** On this machine alone the server also answers to its other names for itself. */
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
