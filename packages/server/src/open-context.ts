import { type Config, ConfigError, isLoopback, sourcesOfOptions } from './config.ts';
import type { AppContext, Application } from './context.ts';
import { emailRenderer } from './core/emails/render.ts';
import { OPERATOR, recordEvent } from './core/events.ts';
import { DAMAGED, openInstallation, serializeKeyChanges } from './core/installation.ts';
import { makeFirstKey, openKeyring } from './core/keys.ts';
import { openBreachedPasswords } from './core/passwords/breached.ts';
import { placesFrom } from './core/places.ts';
import { longestIdle, sessionTimeoutsOf } from './core/sessions/timeouts.ts';
import { prepareFindActiveSession } from './core/sessions.ts';
import { accessTokens } from './core/tokens/access.ts';
import { cookieTokens } from './core/tokens/cookie.ts';
import { deviceTokens } from './core/tokens/device.ts';
import { refreshTokens } from './core/tokens/refresh.ts';
import { events } from './events.ts';
import { type Restored, revokeRestored } from './flows/installation/restored-database.ts';
import { type TrustedProxies, trustProxies } from './http/client-ip.ts';
import { rejectLostDatabase, revisionAhead, type StateNotes, stateNotes } from './jobs/note-state.ts';
import { type LastSeenNotes, lastSeenNotes } from './jobs/save-last-seen.ts';
import { openLanguages } from './languages/languages.ts';
import { openAssets } from './pages/assets.ts';
import { type Clock, systemClock } from './platform/clock.ts';
import { type Database, openDatabase, type Timeouts } from './platform/db/index.ts';
import { openExports } from './platform/exports.ts';
import { openGeoip } from './platform/geoip.ts';
import { createHasher, type Hasher, type Hashing } from './platform/hasher.ts';
import { createLog, type Log } from './platform/log.ts';
import { createMetrics } from './platform/metrics.ts';
import { newSecret } from './platform/random.ts';
import { deriveKeys, secretBeside } from './platform/secrets.ts';
import { openStreams, type Streams } from './platform/streams.ts';

/** A context, with the functions that stop it. */
export interface OpenedContext {
  context: AppContext;
  database: Database;
  /** The migrations applied at this start. */
  migrated: string[];
  lastSeen: LastSeenNotes;
  stateNotes: StateNotes;
  /** What was revoked at this start, because the database was restored from an older backup. */
  restored: Restored | undefined;
  /**
   * Makes pages link to the application that is served together with Usher.
   *
   * @throws ConfigError for an application that pages cannot link to.
   */
  linkTo(application: Application): void;
  /** Reports the installation as not ready from now on, and ends open streams. */
  beginStop(): void;
  close(): Promise<void>;
}

export interface ContextOptions {
  /** The sources of the settings, for the admin console. */
  sources?: AppContext['sources'] | undefined;
  log?: Log | undefined;
  clock?: Clock | undefined;
  /** The hashing parameters and the database timeouts. No setting controls them: tests use other values. */
  hashing?: Hashing | undefined;
  timeouts?: Timeouts | undefined;
}

/** Opens the database and everything that works on it; does not serve requests yet. */
export async function openContext(
  config: Config,
  { log, clock = systemClock, sources = sourcesOfOptions({}), hashing = {}, timeouts }: ContextOptions = {},
): Promise<OpenedContext> {
  const ownLog = log ?? createLog(config.logLevel);
  const files = await openFiles(config);
  const { breachedPasswords } = files;
  const database = await openConfigured(config, timeouts).catch(async (error) => {
    await breachedPasswords?.close();
    throw error;
  });
  try {
    const parts = { log: ownLog, clock, sources, hashing, ...files };
    return await createContext(config, database, parts);
  } catch (error) {
    await database.close();
    await breachedPasswords?.close();
    throw error;
  }
}

/**
 * Checks the settings as a start does, without opening a database: also the files and folders that they name.
 *
 * @throws Error that says what is wrong with a setting.
 */
export async function checkConfig(config: Config): Promise<void> {
  const { breachedPasswords } = await openFiles(config);
  await breachedPasswords?.close();
  // Checks the URL, and the folder if the database is a file. The first query would open a connection, and there is none.
  await (await openConfigured(config)).close();
}

const openConfigured = (
  { database, databasePassword: password, databaseTls: tls }: Config,
  timeouts?: ContextOptions['timeouts'],
) => openDatabase(database, { timeouts, password, tls });

/** What the files and folders contain that the settings name. */
type Files = Pick<AppContext, 'assets' | 'breachedPasswords' | 'languages' | 'placeOf' | 'renderEmail'>;

/** Checks the settings and reads their files, before a database is opened that would have to be closed again. */
async function openFiles(config: Config): Promise<Files> {
  trustedProxiesOf(config);
  rejectOwnAudience(config);
  const languages = openLanguages({ folder: config.messages, fallback: config.language });
  const placeOf = placesFrom(config.geoip === undefined ? undefined : openGeoip(config.geoip));
  const renderEmail = emailRenderer({
    languages,
    placeOf,
    folder: config.emailTemplates,
    service: config.serviceName,
    url: publicUrlOf(config),
  });
  const assets = openAssets(config);
  // The last one, because it has to be closed.
  const breachedPasswords =
    config.breachedPasswords === undefined
      ? undefined
      : await openBreachedPasswords(config.breachedPasswords);
  return { assets, breachedPasswords, languages, placeOf, renderEmail };
}

const publicUrlOf = ({ publicUrl, port }: Config): string => publicUrl ?? `http://localhost:${port}`;

/** What a context is made of before there is a database. */
type Parts = Files & Pick<AppContext, 'log' | 'clock' | 'sources'> & { hashing: Hashing };

async function createContext(config: Config, database: Database, parts: Parts): Promise<OpenedContext> {
  const { log, clock } = parts;
  // Before a secret is made for it.
  await rejectLostDatabase(database);
  const keys = deriveKeys(secretOf(config, database));
  const migrated = await prepareDatabase(config, database, keys, clock);
  const restored = await noticeRestored(database, clock, log);
  const keyring = await openKeyring(database.db, keys.wrap, clock);
  const services = openServices(database, parts);
  const state: State = { application: undefined, isStopping: false };
  const context = assembleContext(config, database, parts, { keys, keyring, services, state });
  const { lastSeen, stateNotes, streams } = services;
  return {
    context,
    database,
    migrated,
    lastSeen,
    stateNotes,
    restored,
    linkTo: (to) => {
      state.application = checkedApplication(to);
    },
    beginStop: () => {
      state.isStopping = true;
      void streams.end();
    },
    close: closeOnce(database, parts, services, state),
  };
}

/** Brings the schema up to date and makes what a new installation needs. @returns The migrations that were applied. */
async function prepareDatabase(
  config: Config,
  database: Database,
  keys: AppContext['keys'],
  clock: Clock,
): Promise<string[]> {
  await database.create();
  const migrated = await database.migrate();
  await database.db.transaction().execute(async (tx) => {
    const now = clock.now();
    const about = { userId: null, actorId: null };
    const isNew = await openInstallation(tx, keys, now);
    if (isNew) await recordEvent(tx, 'installation_created', OPERATOR, about, now);
    await serializeKeyChanges(tx);
    const keyId = await makeFirstKey(tx, keys.wrap, config.signingAlgorithm, now);
    if (isNew && !keyId) throw new Error(DAMAGED);
    if (keyId) await recordEvent(tx, 'key_created', OPERATOR, { ...about, details: { key: keyId } }, now);
  });
  return migrated;
}

/** What runs or is remembered beside the database, and ends or is saved with it. */
interface Services {
  hasher: Hasher;
  lastSeen: LastSeenNotes;
  stateNotes: StateNotes;
  streams: Streams;
}

const openServices = ({ db, file }: Database, { clock, log, hashing }: Parts): Services => ({
  hasher: createHasher({ ...hashing, onFailure: () => log.error('password hashing worker failed') }),
  lastSeen: lastSeenNotes(),
  stateNotes: stateNotes(db, file),
  streams: openStreams(clock, log),
});

/** What changes of a context while it is open. */
interface State {
  application: Application | undefined;
  isStopping: boolean;
}

function assembleContext(
  config: Config,
  database: Database,
  { log, clock, assets, sources, breachedPasswords, languages, placeOf, renderEmail }: Parts,
  {
    keys,
    keyring,
    services: { hasher, lastSeen, stateNotes, streams },
    state,
  }: Pick<AppContext, 'keys' | 'keyring'> & { services: Services; state: State },
): AppContext {
  const publicUrl = publicUrlOf(config);
  const sessionTimeouts = sessionTimeoutsOf(config);
  return {
    config,
    sources,
    publicUrl,
    db: database.db,
    clock,
    keys,
    hasher,
    keyring,
    sessionTimeouts,
    cookieTokens: cookieTokens(publicUrl, longestIdle(sessionTimeouts), keys.cookie),
    accessTokens: accessTokens(
      { issuer: publicUrl, serviceAudiences: config.audiences, lifetime: config.tokenMinutes * 60_000 },
      keyring,
    ),
    refreshTokens: refreshTokens(keys.refresh),
    deviceTokens: deviceTokens(keys.device),
    findActiveSession: prepareFindActiveSession(database, sessionTimeouts),
    lastSeen,
    stateNotes,
    breachedPasswords,
    languages,
    placeOf,
    renderEmail,
    assets,
    hasMailbox: hasMailbox(config, publicUrl),
    mailboxSecret: newSecret(),
    application: () => state.application,
    streams,
    exports: openExports(clock, log),
    metrics: createMetrics({ hashesWaiting: () => hasher.queued(), streams: () => streams.count() }),
    log,
    isStopping: () => state.isStopping,
    ping: () => database.ping(),
    databaseUsage: () => database.usage(),
    startedAt: clock.now(),
  };
}

/** Closes everything in the order in which one needs the other. A second call waits for the first. */
function closeOnce(
  database: Database,
  { log, breachedPasswords }: Parts,
  { hasher, lastSeen, stateNotes, streams }: Services,
  state: State,
): OpenedContext['close'] {
  let closed: Promise<void> | undefined;
  const close = async () => {
    state.isStopping = true;
    await streams.end();
    await hasher.close();
    await lastSeen.save(database.db);
    await stateNotes
      .save()
      .catch((error: Error) => log.error({ error: error.name }, 'database state not saved'));
    await database.close();
    await breachedPasswords?.close();
  };
  return () => {
    closed ??= close();
    return closed;
  };
}

/**
 * Sessions that were signed out, tokens that were used and devices that were removed must not become valid again when
 * an older backup is restored.
 */
async function noticeRestored(
  { db, file }: Database,
  clock: Clock,
  log: Log,
): Promise<OpenedContext['restored']> {
  const noted = await revisionAhead(db, file);
  if (noted === undefined) return undefined;
  const restored = await revokeRestored(db, clock.now(), noted);
  log.warn(restored, events.database_restored[1]);
  return restored;
}

/** Emails are stored for the mailbox page only on a development machine, where nobody else can read them. */
function hasMailbox({ smtpUrl, env }: Config, publicUrl: string): boolean {
  return !smtpUrl && env !== 'production' && isLoopback(new URL(publicUrl).hostname);
}

/** Pages show the name and the path that the host gives for its application, as a link. */
function checkedApplication({ name, path }: Application): Application {
  const base = 'https://usher.invalid';
  const isPath = typeof path === 'string' && /^\/(?!\/)/.test(path) && URL.canParse(path, base);
  if (!isPath || new URL(path, base).origin !== base)
    throw new ConfigError(
      `The path of the application is ${JSON.stringify(path)}; it takes a path of this origin, such as /todos.`,
    );
  if (typeof name !== 'string' || name.trim() === '' || name.length > 60)
    throw new ConfigError('The name of the application takes 1 to 60 characters, such as To-dos.');
  return { name: name.trim(), path };
}

/** Tokens for a service must not be valid at Usher itself. */
function rejectOwnAudience(config: Config): void {
  const own = publicUrlOf(config);
  if (config.audiences.includes(own))
    throw new ConfigError(
      `USHER_AUDIENCES (--audiences) must not include ${own}, the audience of Usher itself: tokens for a service would then also work here. Use a different name for the service.`,
    );
}

function secretOf(config: Config, { file }: Database): string {
  if (config.secret) return config.secret.reveal();
  if (file !== undefined) return secretBeside(file);
  throw new ConfigError(
    'USHER_SECRET is required with a database server. Generate one and store it safely: openssl rand -base64 32',
  );
}

export function trustedProxiesOf({ trustedProxies }: Pick<Config, 'trustedProxies'>): TrustedProxies {
  try {
    return trustProxies(trustedProxies);
  } catch (error) {
    throw new ConfigError(`USHER_TRUSTED_PROXIES (--trusted-proxies): ${(error as Error).message}`);
  }
}
