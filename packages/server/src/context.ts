import type { Config, SettingName, Source } from './config.ts';
import type { RenderEmail } from './core/emails/render.ts';
import type { Keyring } from './core/keys.ts';
import type { BreachedPasswords } from './core/passwords/breached.ts';
import type { PlaceOf } from './core/places.ts';
import type { SessionTimeouts } from './core/sessions/timeouts.ts';
import type { ActiveSession, FindActiveSession } from './core/sessions.ts';
import type { AccessTokens } from './core/tokens/access.ts';
import type { CookieTokens } from './core/tokens/cookie.ts';
import type { DeviceTokens } from './core/tokens/device.ts';
import type { RefreshTokens } from './core/tokens/refresh.ts';
import type { Languages } from './languages/languages.ts';
import type { Clock } from './platform/clock.ts';
import type { DatabaseUsage, Db } from './platform/db/index.ts';
import type { Exports } from './platform/exports.ts';
import type { Hasher } from './platform/hasher.ts';
import type { Log } from './platform/log.ts';
import type { Metrics } from './platform/metrics.ts';
import type { Keys } from './platform/secrets.ts';
import type { Streams } from './platform/streams.ts';

/** What every handler receives; `open-context.ts` creates it, once. */
export interface AppContext {
  config: Config;
  /** The source of each setting. */
  sources: Record<SettingName, Source>;
  /** The origin of this installation: the issuer of its tokens and the base of its links. */
  publicUrl: string;
  db: Db;
  clock: Clock;
  keys: Keys;
  hasher: Hasher;
  keyring: Keyring;
  /** How long sessions last. */
  sessionTimeouts: SessionTimeouts;
  cookieTokens: CookieTokens;
  accessTokens: AccessTokens;
  refreshTokens: RefreshTokens;
  deviceTokens: DeviceTokens;
  findActiveSession: FindActiveSession;
  lastSeen: LastSeen;
  stateNotes: StateNotes;
  /** The list of breached passwords that new passwords are checked against, if there is one. */
  breachedPasswords: BreachedPasswords | undefined;
  languages: Languages;
  /** Where an IP address probably is, if the installation has a database of places. */
  placeOf: PlaceOf;
  renderEmail: RenderEmail;
  /** What pages load: style sheets, scripts, images. */
  assets: Assets;
  /** Whether emails are stored for the mailbox page because no mail server is configured. */
  hasMailbox: boolean;
  /** The secret of the link to the mailbox page; every start creates a new one. */
  mailboxSecret: string;
  /** The application that is served together with Usher, if any. */
  application(): Application | undefined;
  /** Open streams. */
  streams: Streams;
  /** Long-running downloads, one per user at a time. */
  exports: Exports;
  metrics: Metrics;
  log: Log;
  /** Whether shutdown has begun, so that requests should go elsewhere. */
  isStopping(): boolean;
  /** Sends a query to the database. @throws When it is unavailable. */
  ping(): Promise<void>;
  databaseUsage(): Promise<DatabaseUsage>;
  /** When this process opened the database; milliseconds since 1970. */
  startedAt: number;
}

/** Where users continue after they sign in. */
export interface Application {
  /** The text of a link to it, such as `To-dos`. */
  name: string;
  /** Its first page, as a path of this origin: `/todos`. */
  path: string;
}

/** Assets by name, each with its versioned URL. */
export type Assets = Readonly<Record<string, { text: string; type: string; url: string }>>;

/** Records the state of the database outside of it (`jobs/note-state`). */
export interface StateNotes {
  noteRefresh(session: string, number: number): void;
}

/** Records when sessions were last used, to be written later (`jobs/save-last-seen`). */
export interface LastSeen {
  note(activeSession: ActiveSession, now: number): void;
}
