import type { Config, SettingName, Source } from './config.ts';
import type { RenderEmail } from './core/emails/render.ts';
import type { Keyring } from './core/keys.ts';
import type { BreachedPasswords } from './core/passwords/breached.ts';
import type { ActiveSession, FindActiveSession } from './core/sessions.ts';
import type { AccessTokens } from './core/tokens/access.ts';
import type { CookieTokens } from './core/tokens/cookie.ts';
import type { DeviceTokens } from './core/tokens/device.ts';
import type { RefreshTokens } from './core/tokens/refresh.ts';
import type { Clock } from './platform/clock.ts';
import type { Db } from './platform/db/index.ts';
import type { Exports } from './platform/exports.ts';
import type { Hasher } from './platform/hasher.ts';
import type { Log } from './platform/log.ts';
import type { Metrics } from './platform/metrics.ts';
import type { Keys } from './platform/secrets.ts';
import type { Streams } from './platform/streams.ts';

/** What every handler gets; `open-context.ts` makes it, once. */
export interface AppContext {
  config: Config;
  /** Where each setting comes from. */
  sources: Record<SettingName, Source>;
  /** The origin of this installation: the issuer of its tokens and the base of its links. */
  publicUrl: string;
  db: Db;
  clock: Clock;
  keys: Keys;
  hasher: Hasher;
  keyring: Keyring;
  cookieTokens: CookieTokens;
  accessTokens: AccessTokens;
  refreshTokens: RefreshTokens;
  deviceTokens: DeviceTokens;
  findActiveSession: FindActiveSession;
  lastSeen: LastSeen;
  stateNotes: StateNotes;
  /** The list that new passwords must not be on, where there is one. */
  breachedPasswords: BreachedPasswords | undefined;
  renderEmail: RenderEmail;
  /** What pages load: style sheet, scripts, pictures. */
  assets: Assets;
  /** Whether emails are kept for the mailbox page, because there is no server to hand them to. */
  hasMailbox: boolean;
  /** The secret of the link to that page; every start has its own. */
  mailboxSecret: string;
  /** The application that is served together with Usher, where there is one. */
  application(): Application | undefined;
  /** Answers that go on. */
  streams: Streams;
  /** Long answers, one for a user at a time. */
  exports: Exports;
  metrics: Metrics;
  log: Log;
  /** Whether a stop has begun: requests should go elsewhere. */
  isStopping(): boolean;
  /** Asks the database for an answer. @throws When it is away. */
  ping(): Promise<void>;
}

/** Where people go on after they signed in. */
export interface Application {
  /** What a link to it says, such as `To-dos`. */
  name: string;
  /** Its first page, as a path of this origin: `/todos`. */
  path: string;
}

/** Files for browsers by name, each with the address that names its version. */
export type Assets = Readonly<Record<string, { text: string; type: string; url: string }>>;

/** Remembers outside the database how far it has come (`jobs/note-state`). */
export interface StateNotes {
  noteRefresh(session: string, number: number): void;
}

/** Remembers when sessions were used, to be written later (`jobs/save-last-seen`). */
export interface LastSeen {
  note(activeSession: ActiveSession, now: number): void;
}
