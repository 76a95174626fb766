import {
  type Config,
  ConfigError,
  configFromOptions,
  isLoopback,
  type SettingName,
  sourcesOfOptions,
} from './config.ts';
import { OPERATOR, recordEvent } from './core/events.ts';
import { DAMAGED, openInstallation, queueKeyChange } from './core/installation.ts';
import { makeFirstKey, openKeyring } from './core/keys.ts';
import { mailRenderer } from './core/mails/render.ts';
import { IDLE, prepareFindLive } from './core/sessions.ts';
import { accessTokens } from './core/tokens/access.ts';
import { cookieTokens } from './core/tokens/cookie.ts';
import { deviceTokens } from './core/tokens/device.ts';
import { refreshTokens } from './core/tokens/refresh.ts';
import { type TrustedProxies, trustProxies } from './edge/address.ts';
import type { EdgeSettings, Peer } from './edge/answering.ts';
import { dispatch } from './edge/dispatch.ts';
import { hostAuthentication } from './edge/host.ts';
import { openStreams } from './edge/streams.ts';
import type { World } from './edge/world.ts';
import { makeSetUpLink } from './flows/setup/first-admin.ts';
import { showUser } from './flows/shapes.ts';
import { startJobs } from './jobs/jobs.ts';
import { type LastSeenNotes, lastSeenNotes } from './jobs/save-last-seen.ts';
import { openAssets } from './pages/assets.ts';
import { refusalPage } from './pages/refusal.tsx';
import { type Clock, systemClock } from './platform/clock.ts';
import { type Database, openDatabase } from './platform/db/index.ts';
import { createHasher } from './platform/hasher.ts';
import { createLog, type Log } from './platform/log.ts';
import { createMailTransport } from './platform/mail-transport.ts';
import { createMetrics } from './platform/metrics.ts';
import { deriveKeys, secretBeside } from './platform/secrets.ts';
import { routes } from './routes.ts';

/**
 * The settings of `config.ts` by their names there (`publicUrl`, `database`, `secret`, ...), as text, numbers or
 * lists; and, for the host that has its own, a log and a clock.
 */
export type UsherOptions = { [Name in SettingName]?: string | number | readonly string[] | undefined } & {
  log?: Log;
  clock?: Clock;
};

export type { Peer };

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
   * Answers a request. `peer` is what `@hono/node-server` passes as its environment; without it there is no client
   * address to count limits by, so give it wherever there is a socket.
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
 * Opens the database (making or migrating it), and gives a `fetch` handler that mounts in any framework.
 *
 * @throws ConfigError for an option that is not known or does not fit; an Error that says what to do for a database
 * that cannot be used.
 * @example
 * const usher = await createUsher({ publicUrl: 'http://localhost:3000' });
 * app.mount('/', usher.fetch);
 */
export async function createUsher(options: UsherOptions = {}): Promise<Usher> {
  const { log, clock, ...settings } = options;
  const config = configFromOptions(settings);
  const opened = await openWorld(config, { log, clock, sources: sourcesOfOptions(settings) });
  return serveWorld(opened);
}

/** A world, and what ends it. */
export interface OpenedWorld {
  world: World;
  database: Database;
  /** The migrations that were applied now. */
  migrated: string[];
  lastSeen: LastSeenNotes;
  /** From now on the installation says that it is not ready, and answers that go on have ended. */
  beginStop(): void;
  close(): Promise<void>;
}

export interface Surroundings {
  /** Where the settings come from; what the console shows of them. */
  sources?: World['sources'] | undefined;
  log?: Log | undefined;
  clock?: Clock | undefined;
}

/** Opens the database and everything that works on it; serves nothing yet. */
export async function openWorld(
  config: Config,
  { log, clock = systemClock, sources = sourcesOfOptions({}) }: Surroundings = {},
): Promise<OpenedWorld> {
  const ownLog = log ?? createLog(config.logLevel);
  // Before anything is opened that would have to be closed again.
  trustedProxiesOf(config);
  const assets = openAssets(config);
  const database = await openDatabase(config.database);
  try {
    return await furnish(config, database, { log: ownLog, clock, assets, sources });
  } catch (error) {
    await database.close();
    throw error;
  }
}

async function furnish(
  config: Config,
  database: Database,
  { log, clock, assets, sources }: Pick<World, 'log' | 'clock' | 'assets' | 'sources'>,
): Promise<OpenedWorld> {
  const { db } = database;
  const keys = deriveKeys(secretOf(config, database));
  await database.create();
  const migrated = await database.migrate();
  await db.transaction().execute(async (tx) => {
    const now = clock.now();
    const about = { userId: null, actorId: null };
    const isNew = await openInstallation(tx, keys, now);
    if (isNew) await recordEvent(tx, 'installation_created', OPERATOR, about, now);
    await queueKeyChange(tx);
    const keyId = await makeFirstKey(tx, keys.wrap, config.signingAlgorithm, now);
    if (isNew && !keyId) throw new Error(DAMAGED);
    if (keyId) await recordEvent(tx, 'key_created', OPERATOR, { ...about, details: { key: keyId } }, now);
  });

  const publicUrl = config.publicUrl ?? `http://localhost:${config.port}`;
  const keyring = await openKeyring(db, keys.wrap, clock);
  const hasher = createHasher({ onFailure: () => log.error('a hashing worker failed') });
  const notes = lastSeenNotes();
  const streams = openStreams(log);
  let stopping = false;
  let closed: Promise<void> | undefined;
  const world: World = {
    config,
    sources,
    publicUrl,
    db,
    clock,
    keys,
    hasher,
    keyring,
    cookieTokens: cookieTokens(publicUrl, IDLE, keys.cookie),
    accessTokens: accessTokens(
      { issuer: publicUrl, audience: config.audience ?? publicUrl, lifetime: config.tokenMinutes * 60_000 },
      keyring,
    ),
    refreshTokens: refreshTokens(keys.refresh),
    deviceTokens: deviceTokens(keys.device),
    findLive: prepareFindLive(database),
    lastSeen: notes,
    renderMail: mailRenderer({ folder: config.mailTemplates, service: config.serviceName, url: publicUrl }),
    assets,
    hasMailbox: hasMailbox(config, publicUrl),
    streams,
    metrics: createMetrics({ hashesWaiting: () => hasher.queued(), streams: () => streams.count() }),
    log,
    isStopping: () => stopping,
    ping: () => database.ping(),
  };
  return {
    world,
    database,
    migrated,
    lastSeen: notes,
    beginStop: () => {
      stopping = true;
      void streams.end();
    },
    close: () => {
      closed ??= (async () => {
        stopping = true;
        await streams.end();
        await hasher.close();
        await notes.save(db);
        await database.close();
      })();
      return closed;
    },
  };
}

/** Puts the routes and the jobs on a world. */
export function serveWorld(opened: OpenedWorld): Usher {
  const { world } = opened;
  const { smtpUrl } = world.config;
  const jobs = startJobs({
    ...world,
    mailTransport: smtpUrl && createMailTransport({ ...world.config, smtpUrl }, world.publicUrl),
    lastSeen: opened.lastSeen,
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

/** Mails are kept to be read only where nobody else can be: on a machine that tries things out. */
function hasMailbox({ smtpUrl, env }: Config, publicUrl: string): boolean {
  return !smtpUrl && env !== 'production' && isLoopback(new URL(publicUrl).hostname);
}

function secretOf(config: Config, { file }: Database): string {
  if (config.secret) return config.secret.reveal();
  if (file !== undefined) return secretBeside(file);
  throw new ConfigError(
    'USHER_SECRET is required with a database server. Make one, and keep it: openssl rand -base64 32',
  );
}

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
    refusalPage,
  };
}

function trustedProxiesOf({ trustedProxies }: Config): TrustedProxies {
  try {
    return trustProxies(trustedProxies);
  } catch (error) {
    throw new ConfigError(`USHER_TRUSTED_PROXIES (--trusted-proxies): ${(error as Error).message}`);
  }
}
