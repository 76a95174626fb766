import { existsSync, readFileSync } from 'node:fs';
import { inspect, parseEnv } from 'node:util';
import { closest, distance } from 'fastest-levenshtein';

/** A value that must not be printed: logging, formatting or serializing it yields `[secret]`. */
export class Secret {
  readonly #value: string;
  constructor(value: string) {
    this.#value = value;
  }
  /** The value itself; call it only where the value is used. */
  reveal(): string {
    return this.#value;
  }
  toString(): string {
    return '[secret]';
  }
  toJSON(): string {
    return '[secret]';
  }
  [inspect.custom](): string {
    return '[secret]';
  }
}

/** An unusable setting. The message names the setting, what is wrong, and what to do. */
export class ConfigError extends Error {
  override name = 'ConfigError';
}

interface Setting<T> {
  /** The environment variable; the flag is the same in lower case: `USHER_PUBLIC_URL` is `--public-url`. */
  env: string;
  /** The default that the generated reference and `--help` show. */
  default: string;
  help: string;
  /** Parses the text. Throws an Error with a sentence about the text; the caller adds the name. */
  parse: (text: string) => T;
}

const setting = <T>(env: string, fallback: string, parse: (text: string) => T, help: string): Setting<T> => ({
  env,
  default: fallback,
  help,
  parse,
});

/** Every setting. The server does not start with a `USHER_` variable that is not listed here. */
export const settings = {
  env: setting(
    'USHER_ENV',
    'development',
    oneOf('development', 'production'),
    '`development` or `production`. Production requires https and blocks `db drop` and `db seed`.',
  ),
  port: setting('USHER_PORT', '4000', whole(0, 65_535), 'Port to listen on; 0 picks a free port.'),
  host: setting('USHER_HOST', '127.0.0.1', plain, 'Network address to listen on.'),
  publicUrl: setting(
    'USHER_PUBLIC_URL',
    'http://localhost:PORT',
    origin,
    'Public base URL. Also the token issuer (`iss`).',
  ),
  database: setting(
    'USHER_DATABASE',
    'sqlite:usher.db',
    databaseUrl,
    'Database URL: `sqlite:PATH` or `postgres://USER@HOST/NAME?sslmode=verify-full`.',
  ),
  databasePassword: setting(
    'USHER_DATABASE_PASSWORD',
    '',
    (text) => new Secret(text),
    'Password of the PostgreSQL user, not percent-encoded. Keeps the password out of the database URL.',
  ),
  databaseTls: setting(
    'USHER_DATABASE_TLS',
    'on',
    oneOf('on', 'off'),
    'Set to `off` to allow a PostgreSQL server on another machine without TLS. All data can then be read and changed in transit.',
  ),
  secret: setting(
    'USHER_SECRET',
    '',
    secret,
    'Master secret, at least 32 bytes. Required with PostgreSQL; with SQLite, generated as `usher.key` next to the database if unset.',
  ),
  signup: setting(
    'USHER_SIGNUP',
    'open',
    oneOf('open', 'verified', 'closed'),
    'Who can sign up: anyone (`open`), anyone who verifies their email first (`verified`; hides whether an email is registered), or only people an administrator adds (`closed`).',
  ),
  audiences: setting(
    'USHER_AUDIENCES',
    'services',
    audiences,
    'Comma-separated audiences (`aud`) of access tokens for your services; the first is the default. Tokens for Usher itself have the public URL as their audience.',
  ),
  codesDigits: setting(
    'USHER_CODES_DIGITS',
    '6',
    whole(4, 8),
    'Length of email codes. Fewer than 6 digits requires USHER_CODES_SHORT=accepted.',
  ),
  codesShort: setting(
    'USHER_CODES_SHORT',
    'refused',
    oneOf('refused', 'accepted'),
    'Set to `accepted` to allow 4- and 5-digit codes (3 attempts, 5 minutes, 3 failures per day; never for administrators).',
  ),
  tokenMinutes: setting('USHER_TOKEN_MINUTES', '10', whole(1, 60), 'Access token lifetime, in minutes.'),
  signingAlgorithm: setting(
    'USHER_SIGNING_ALGORITHM',
    'ES256',
    oneOf('ES256', 'EdDSA'),
    'Algorithm for new signing keys.',
  ),
  passwordMin: setting('USHER_PASSWORD_MIN', '8', whole(8, 24), 'Minimum password length.'),
  breachedPasswords: setting(
    'USHER_BREACHED_PASSWORDS',
    '',
    plain,
    'File of breached passwords, created with `usher passwords build` or `usher passwords fetch`. New passwords in this file are rejected.',
  ),
  serviceName: setting(
    'USHER_SERVICE_NAME',
    'Usher',
    plain,
    'Service name, shown on pages and in emails. Passwords can’t be based on it.',
  ),
  logo: setting('USHER_LOGO', '', plain, 'Logo and favicon: an SVG file, up to 64 KB.'),
  accent: setting(
    'USHER_ACCENT',
    '#8a2b3a',
    colour,
    'Accent color of buttons and links. Adjusted automatically where contrast is too low.',
  ),
  allowedOrigins: setting(
    'USHER_ALLOWED_ORIGINS',
    '',
    list(origin),
    'Comma-separated origins allowed to call the API with the session cookie (CORS).',
  ),
  trustedProxies: setting(
    'USHER_TRUSTED_PROXIES',
    '',
    list(plain),
    'Comma-separated IPs or CIDR ranges of proxies whose X-Forwarded-For is trusted.',
  ),
  clientConnections: setting(
    'USHER_CLIENT_CONNECTIONS',
    '256',
    whole(1, 10_000),
    'Maximum number of concurrent connections from one IPv4 address or IPv6 /64 range. Trusted proxies have no limit.',
  ),
  hstsSubdomains: setting(
    'USHER_HSTS_SUBDOMAINS',
    'off',
    oneOf('on', 'off'),
    'Set to `on` to make browsers require https for all subdomains of the public URL as well (HSTS `includeSubDomains`). Each subdomain must then use https for two years.',
  ),
  smtpUrl: setting(
    'USHER_SMTP_URL',
    '',
    smtp,
    'SMTP server URL: `smtp://USER:PASSWORD@HOST:587` (STARTTLS) or `smtps://...` (TLS). If unset, emails go to the development mailbox at /mailbox, on localhost only.',
  ),
  smtpTls: setting(
    'USHER_SMTP_TLS',
    'on',
    oneOf('on', 'off'),
    'Set to `off` to allow unencrypted SMTP. Emails can then be read in transit.',
  ),
  emailFrom: setting(
    'USHER_EMAIL_FROM',
    'Usher <usher@localhost>',
    mailbox,
    'Sender of emails, as `NAME <ADDRESS>`. Required with USHER_SMTP_URL.',
  ),
  emailTemplates: setting(
    'USHER_EMAIL_TEMPLATES',
    '',
    plain,
    'Folder with custom email templates; overrides built-in templates by name.',
  ),
  language: setting(
    'USHER_LANGUAGE',
    'en',
    plain,
    'Language of pages, emails and API messages for everyone who prefers none that is available. Built in: `de` and `en`.',
  ),
  messages: setting(
    'USHER_MESSAGES',
    '',
    plain,
    'Folder with messages of your own, `LANGUAGE.json`; they override built-in messages by key, or add a language.',
  ),
  eventsDays: setting(
    'USHER_EVENTS_DAYS',
    '365',
    orForever(whole(1, 36_500, ' or forever')),
    'Days to keep audit events, or `forever`.',
  ),
  metricsPort: setting(
    'USHER_METRICS_PORT',
    'off',
    optional(whole(0, 65_535, ' or off')),
    'Separate port on USHER_HOST for /metrics, without authentication.',
  ),
  metricsToken: setting(
    'USHER_METRICS_TOKEN',
    '',
    secret16,
    'Bearer token that enables /metrics on the main port (at least 16 characters).',
  ),
  logLevel: setting(
    'USHER_LOG_LEVEL',
    'info',
    oneOf('debug', 'info', 'warn', 'error', 'silent'),
    'Log level. `debug` also logs read requests.',
  ),
  insecureHttp: setting(
    'USHER_INSECURE_HTTP',
    'refused',
    oneOf('refused', 'accepted'),
    'Set to `accepted` to allow a non-local public URL over plain HTTP. Session cookies can then be stolen.',
  ),
} as const;

export type SettingName = keyof typeof settings;
type Parsed = { [K in SettingName]: ReturnType<(typeof settings)[K]['parse']> };

/** Settings whose default is empty or describes another setting. */
const unsetByDefault = [
  'publicUrl',
  'breachedPasswords',
  'databasePassword',
  'secret',
  'logo',
  'smtpUrl',
  'emailTemplates',
  'messages',
  'metricsToken',
] as const;

/** The effective settings; some may be unset. */
export type Config = Omit<Parsed, (typeof unsetByDefault)[number]> & {
  publicUrl: string | undefined;
  breachedPasswords: string | undefined;
  databasePassword: Secret | undefined;
  secret: Secret | undefined;
  logo: string | undefined;
  smtpUrl: Secret | undefined;
  emailTemplates: string | undefined;
  messages: string | undefined;
  metricsToken: Secret | undefined;
};

/** The sources of a setting, with the labels that people read. */
export const sourceLabels = {
  flag: 'Command-line flag',
  environment: 'Environment variable',
  file: 'File',
  '.env': '.env file',
  option: 'Option in code',
  default: 'Default',
} as const;
export type Source = keyof typeof sourceLabels;
export interface LoadedConfig {
  config: Config;
  sources: Record<SettingName, Source>;
}

/**
 * Loads the settings of a command: flag, then environment, then `NAME_FILE`, then `.env` in the working directory, then
 * default.
 *
 * @throws ConfigError for an unknown `USHER_` name (with the nearest known one), an invalid value, a file that cannot
 * be read, or settings that are unsafe together.
 */
export function loadConfig(
  flags: Partial<Record<SettingName, string>> = {},
  env: NodeJS.ProcessEnv = process.env,
): LoadedConfig {
  const dotEnv = readDotEnv();
  rejectUnknown(Object.keys(env), 'the environment');
  rejectUnknown(Object.keys(dotEnv), '.env');
  const texts: Partial<Record<SettingName, { text: string; source: Source }>> = {};
  for (const name of settingNames) {
    const variable = settings[name].env;
    const found =
      given(flags[name], 'flag') ??
      given(env[variable], 'environment') ??
      given(readSettingFile(variable, env[`${variable}_FILE`] ?? dotEnv[`${variable}_FILE`]), 'file') ??
      given(dotEnv[variable], '.env');
    if (found) texts[name] = found;
  }
  return parseConfig(texts);
}

/** The settings of the library: the same table, given as options in code (including numbers and lists). */
export function configFromOptions(options: Partial<Record<SettingName, unknown>>): Config {
  const texts: Partial<Record<SettingName, { text: string; source: Source }>> = {};
  for (const [name, value] of Object.entries(options)) {
    if (!(name in settings))
      throw new ConfigError(`Unknown option "${name}".${didYouMean(name, settingNames)}`);
    if (value === undefined) continue;
    const text = Array.isArray(value)
      ? value.join(',')
      : String(value instanceof Secret ? value.reveal() : value);
    texts[name as SettingName] = { text, source: 'option' };
  }
  return parseConfig(texts).config;
}

/** The sources of settings that are given in code. */
export const sourcesOfOptions = (
  options: Partial<Record<SettingName, unknown>>,
): Record<SettingName, Source> =>
  Object.fromEntries(
    settingNames.map((name) => [name, options[name] === undefined ? 'default' : 'option']),
  ) as Record<SettingName, Source>;

export const settingNames = Object.keys(settings) as SettingName[];

/** Whether a setting must appear neither on a command line nor on a page. */
export const isSecretSetting = (name: SettingName): boolean =>
  ['databasePassword', 'secret', 'smtpUrl', 'metricsToken'].includes(name);

/** `publicUrl` as a command-line flag: `--public-url`. */
export const flagName = (name: SettingName): string =>
  `--${settings[name].env.slice('USHER_'.length).toLowerCase().replaceAll('_', '-')}`;

/** Whether the caller is a person at a terminal who can answer a question. */
export const isInteractive = (env: NodeJS.ProcessEnv = process.env): boolean =>
  process.stdin.isTTY === true && process.stdout.isTTY === true && !env['CI'];

function parseConfig(texts: Partial<Record<SettingName, { text: string; source: Source }>>): LoadedConfig {
  const values: Record<string, unknown> = {};
  const sources = {} as Record<SettingName, Source>;
  for (const name of settingNames) {
    const found = texts[name];
    sources[name] = found?.source ?? 'default';
    values[name] = found ? parseOne(name, found) : defaultOf(name);
  }
  const config = values as unknown as Config;
  rejectUnsafe(config);
  return { config, sources };
}

/** Errors name a setting the way it is given: an option in code, otherwise the environment variable and the flag. */
function parseOne(name: SettingName, { text, source }: { text: string; source: Source }): unknown {
  const { env, parse } = settings[name];
  try {
    if (name === 'database' && source === 'flag') rejectPassword(text);
    return parse(text);
  } catch (error) {
    const flag = isSecretSetting(name) ? '' : ` (${flagName(name)})`;
    const label = source === 'option' ? `The option ${name}` : `${env}${flag}`;
    throw new ConfigError(`${label} ${(error as Error).message}`);
  }
}

/** Defaults go through the same parser. */
function defaultOf(name: SettingName): unknown {
  const isUnset = unsetByDefault.some((unset) => unset === name);
  return isUnset ? undefined : settings[name].parse(settings[name].default);
}

/** Every user of the machine can read a command line. */
function rejectPassword(text: string): void {
  if (passwordIn(text) !== undefined)
    throw new Error(
      'contains a password, which other users of this machine could read in the command line. Remove it and set USHER_DATABASE_PASSWORD or USHER_DATABASE_PASSWORD_FILE.',
    );
}

/** The password in a database URL; empty if it cannot be parsed unambiguously, undefined if there is none. */
function passwordIn(address: string): string | undefined {
  if (!/^postgres(ql)?:/i.test(address)) return undefined;
  if (!isEncodedAddress(address)) return '';
  const url = new URL(address);
  return url.password || url.searchParams.get('password') || undefined;
}

/** P11: an unsafe setting prevents the start unless a second setting confirms it. */
function rejectUnsafe(config: Config): void {
  const { publicUrl, host, insecureHttp, env, codesDigits, codesShort, signup } = config;
  if (config.databasePassword && passwordIn(config.database) !== undefined)
    throw new ConfigError(
      'USHER_DATABASE contains a password, and USHER_DATABASE_PASSWORD is set, too. Use only one of them.',
    );
  const publicHost = publicUrl ? new URL(publicUrl).hostname : host;
  if (codesDigits < 6 && codesShort !== 'accepted')
    throw new ConfigError(
      `USHER_CODES_DIGITS is ${codesDigits}: short codes are easier to guess. Use at least 6 digits, or set USHER_CODES_SHORT=accepted.`,
    );
  if (signup === 'verified' && !config.smtpUrl && (env === 'production' || !isLoopback(publicHost)))
    throw new ConfigError('USHER_SIGNUP=verified needs email. Set USHER_SMTP_URL, or use USHER_SIGNUP=open.');
  if (config.smtpUrl && config.emailFrom === settings.emailFrom.default)
    throw new ConfigError(
      'USHER_SMTP_URL needs a sender. Set USHER_EMAIL_FROM, e.g. Accounts <accounts@example.org>.',
    );
  if (!publicUrl && !isLoopback(host))
    throw new ConfigError(
      `USHER_HOST (${host}) is reachable from other machines. Set USHER_PUBLIC_URL to your public https URL.`,
    );
  if (!publicUrl) {
    if (env === 'production')
      throw new ConfigError(
        'USHER_PUBLIC_URL is required when USHER_ENV is production. Set it to your public https URL.',
      );
    return;
  }
  const { protocol, hostname } = new URL(publicUrl);
  if (protocol === 'http:' && !isLoopback(hostname) && insecureHttp !== 'accepted')
    throw new ConfigError(
      `USHER_PUBLIC_URL is ${publicUrl}: over plain HTTP, session cookies can be stolen. Use https, or set USHER_INSECURE_HTTP=accepted.`,
    );
}

/** Loopback names: only there is plain http a secure context. */
export const isLoopback = (host: string): boolean =>
  host === 'localhost' || host === '::1' || host === '[::1]' || /^127(\.\d{1,3}){3}$/.test(host);

function rejectUnknown(names: string[], where: string): void {
  const known = settingNames.flatMap((name) => [settings[name].env, `${settings[name].env}_FILE`]);
  for (const name of names)
    if (name.startsWith('USHER_') && !known.includes(name))
      throw new ConfigError(`Unknown setting ${name} in ${where}.${didYouMean(name, known)}`);
}

function didYouMean(name: string, known: string[]): string {
  const nearest = closest(name, known);
  return distance(name, nearest) <= Math.max(3, name.length / 3) ? ` Did you mean ${nearest}?` : '';
}

const given = (text: string | undefined, source: Source) =>
  text === undefined || text === '' ? undefined : { text, source };

function readSettingFile(variable: string, path: string | undefined): string | undefined {
  if (!path) return undefined;
  try {
    return readFileSync(path, 'utf8').trim();
  } catch (error) {
    throw new ConfigError(`Couldn’t read ${path} (${variable}_FILE): ${(error as Error).message}`);
  }
}

/** `.env` in the working directory, if there is one. */
function readDotEnv(): NodeJS.Dict<string> {
  return existsSync('.env') ? parseEnv(readFileSync('.env', 'utf8')) : {};
}

function plain(text: string): string {
  return text.trim();
}

function colour(text: string): string {
  if (!/^#[0-9a-f]{6}$/i.test(text)) throw new Error(`must be a hex color such as #8a2b3a (got "${text}").`);
  return text.toLowerCase();
}

/** The URL may contain a password, so errors do not repeat it. */
function databaseUrl(text: string): string {
  const url = text.trim();
  if (!/^(sqlite|postgres(ql)?):/i.test(url))
    throw new Error('must be sqlite:PATH or postgres://USER:PASSWORD@HOST/NAME.');
  if (!/^sqlite:/i.test(url) && !isEncodedAddress(url))
    throw new Error(
      'must be postgres://USER:PASSWORD@HOST:PORT/NAME, with special characters in the password percent-encoded (@ as %40, / as %2F, # as %23, ? as %3F, % as %25). Or leave out the password and set USHER_DATABASE_PASSWORD.',
    );
  return url;
}

/**
 * Whether a database URL can be parsed in only one way. A password with an unencoded `@`, `/`, `?` or `#` would be
 * mistaken for part of the host, the path or the query, and be shown with it.
 */
export function isEncodedAddress(address: string): boolean {
  const [, userAndHost = '', rest = ''] = /^[a-z]+:\/\/([^/?#]*)(.*)$/is.exec(address) ?? [];
  const url = URL.canParse(address) ? new URL(address) : undefined;
  return (
    url !== undefined &&
    /^[a-z]+:\/\//i.test(address) &&
    /^[^@]*@?[^@]*$/.test(userAndHost) &&
    !/[@#\s]/.test(rest) &&
    /^(?:[A-Za-z0-9._-]|%2F)*$|^\[[0-9A-Fa-f:.]+\]$/i.test(url.hostname) &&
    [url.username, url.password, url.pathname].every(isEncoded)
  );
}

function whole(min: number, max: number, orElse = '') {
  return (text: string): number => {
    const value = Number(text);
    if (!/^\d+$/.test(text) || value < min || value > max)
      throw new Error(`must be a whole number from ${min} to ${max}${orElse} (got "${text}").`);
    return value;
  };
}

function oneOf<const T extends string>(...choices: T[]) {
  return (text: string): T => {
    const found = choices.find((choice) => choice === text);
    if (found === undefined) throw new Error(`must be one of: ${choices.join(', ')} (got "${text}").`);
    return found;
  };
}

function optional<T>(parse: (text: string) => T) {
  return (text: string): T | undefined => (text === 'off' ? undefined : parse(text));
}

/** "Unlimited" is a word rather than a number: a 0 that means "none" to some means the opposite to others. */
function orForever(parse: (text: string) => number) {
  return (text: string): number | 'forever' => (text === 'forever' ? text : parse(text));
}

function list<T>(parse: (text: string) => T) {
  return (text: string): T[] =>
    text
      .split(',')
      .map((part) => part.trim())
      .filter((part) => part !== '')
      .map(parse);
}

/** Tokens and services compare audiences exactly, so only characters that look the same everywhere are allowed. */
function audiences(text: string): string[] {
  const names = list(plain)(text);
  if (names.length === 0) throw new Error('is empty. Set at least one audience, such as services.');
  const strange = names.find((name) => !/^[!-~]{1,200}$/.test(name));
  if (strange !== undefined)
    throw new Error(`contains "${strange}". An audience must be 1 to 200 ASCII characters without spaces.`);
  return [...new Set(names)];
}

/** An origin (RFC 6454) as browsers write it: scheme, host, port if not the default, and nothing more. */
function origin(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url || (url.protocol !== 'https:' && url.protocol !== 'http:'))
    throw new Error(`must be an absolute URL such as https://accounts.example.org (got "${text}").`);
  if (text.replace(/\/$/, '') !== url.origin)
    throw new Error(`must contain only scheme, host and port, e.g. ${url.origin} (got "${text}").`);
  return url.origin;
}

/** Publicly known values, such as those in documentation. */
const sampleSecrets = [
  /^(.)\1*$/,
  /change[-_ ]?me/i,
  /example/i,
  /secret.{0,4}secret/i,
  /256[-_ ]?bit/i,
  /^0123456789/,
];

function secret(text: string): Secret {
  if (Buffer.byteLength(text) < 32)
    throw new Error(
      `must be at least 32 bytes (it has ${Buffer.byteLength(text)}). Generate one with: openssl rand -base64 32`,
    );
  if (sampleSecrets.some((sample) => sample.test(text)))
    throw new Error('is a known sample value. Generate one with: openssl rand -base64 32');
  return new Secret(text);
}

function secret16(text: string): Secret {
  if (text.length < 16) throw new Error('must be at least 16 characters.');
  return new Secret(text);
}

/** Errors do not repeat the value: it contains a password. */
function smtp(text: string): Secret {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const fits =
    url !== undefined &&
    /^smtps?:$/.test(url.protocol) &&
    /^[A-Za-z0-9.:[\]-]+$/.test(url.hostname) &&
    /^\/?$/.test(url.pathname + url.search + url.hash) &&
    [url.username, url.password].every(isEncoded);
  if (!fits)
    throw new Error(
      'must be smtp://USER:PASSWORD@HOST:PORT or smtps://..., with special characters in the password percent-encoded (@ as %40, / as %2F, # as %23, ? as %3F, % as %25).',
    );
  return new Secret(text);
}

function isEncoded(text: string): boolean {
  try {
    return !/\p{C}/u.test(decodeURIComponent(text));
  } catch {
    return false;
  }
}

const mailboxPattern = /^(?:([^<>"\\\p{C}]{1,64}?) *<([^<>]+)>|([^<>\s]+))$/u;

/** Splits a mailbox such as `Usher <usher@localhost>`, as `mailbox` accepts it, into its name and its address. */
export function splitMailbox(text: string): { name: string; address: string } {
  const [, name = '', bracketed, bare = ''] = mailboxPattern.exec(text) ?? [];
  return { name, address: bracketed ?? bare };
}

function mailbox(text: string): string {
  const { address: url } = splitMailbox(text.trim());
  if (!/^[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}@[A-Za-z0-9.-]{1,253}$/.test(url))
    throw new Error(
      `must be an email address, optionally with a name: Accounts <accounts@example.org> (got "${text}").`,
    );
  return text.trim();
}
