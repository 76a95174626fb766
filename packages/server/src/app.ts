import { ConfigError, configFromOptions, isLoopback, type SettingName, sourcesOfOptions } from './config.ts';
import type { Application, World } from './context.ts';
import type { EdgeSettings, Peer } from './edge/answering.ts';
import { dispatch } from './edge/dispatch.ts';
import { hostAuthentication } from './edge/host.ts';
import { mailboxLink } from './edge/mailbox-access.ts';
import { countWrite } from './flows/limits/count-write.ts';
import { proveFresh } from './flows/passwords/prove-fresh.ts';
import { makeSetUpLink } from './flows/setup/first-admin.ts';
import { showUser } from './flows/shapes/users.ts';
import { startJobs } from './jobs/jobs.ts';
import { type OpenedWorld, openWorld, trustedProxiesOf } from './open-world.ts';
import { confirmSignInPage } from './pages/confirm-sign-in.tsx';
import { refusalPage } from './pages/refusal.tsx';
import type { Clock } from './platform/clock.ts';
import type { Log } from './platform/log.ts';
import { createMailTransport } from './platform/mail-transport.ts';
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
  | { refusal: Response }
  | {
      refusal?: undefined;
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
  const opened = await openWorld(config, { log, clock, sources: sourcesOfOptions(settings) });
  const { world } = opened;
  try {
    if (application) opened.linkTo(application);
    await logLinks(world);
  } catch (error) {
    await opened.close();
    throw error;
  }
  return serveWorld(opened);
}

/** Who serves by itself has no banner: the log says what it would. A link that nobody would see is not made. */
async function logLinks(world: World): Promise<void> {
  // Without a mail server this is on a machine that tries things out.
  if (world.hasMailbox)
    world.log.info({ mailbox: mailboxLink(world) }, 'emails are stored in the development mailbox');
  if (!world.log.isLevelEnabled('warn')) return;
  const setup = await makeSetUpLink(world);
  if (setup)
    world.log.warn(
      { setup },
      'no administrator yet: create one with the setup link (valid once, for 1 hour at most)',
    );
}

/** Puts the routes and the jobs on a world. */
export function serveWorld(opened: OpenedWorld): Usher {
  const { world } = opened;
  const { smtpUrl } = world.config;
  const jobs = startJobs({
    ...world,
    mailTransport: smtpUrl && createMailTransport({ ...world.config, smtpUrl }, world.publicUrl),
    lastSeen: opened.lastSeen,
    stateNotes: opened.stateNotes,
    signingAlgorithm: world.config.signingAlgorithm,
    eventsDays: world.config.eventsDays,
  });
  const edge = edgeSettings(world);
  const app = dispatch(world, routes, edge);
  const visitorOf = hostAuthentication(world, edge);
  return {
    fetch: async (request, peer) => app.fetch(request, peer),
    async authenticate(request, peer) {
      const visitor = await visitorOf(request, peer);
      if (visitor.refusal) return visitor;
      const { user, session } = visitor.live;
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
function edgeSettings({ config, publicUrl }: World): EdgeSettings {
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
    refusalPage,
    proveFresh,
    confirmPage: confirmSignInPage,
  };
}
