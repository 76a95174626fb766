import { existsSync, readFileSync } from 'node:fs';
import { inspect, parseEnv } from 'node:util';
import { closest, distance } from 'fastest-levenshtein';

/** A value that must not be printed: whatever logs, formats or serialises it gets `[secret]`. */
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

/** A setting that cannot be used. Its message names the setting, what is wrong, and what to do. */
export class ConfigError extends Error {
  override name = 'ConfigError';
}

interface Setting<T> {
  /** The name in the environment; the flag is the same in lower case: `USHER_PUBLIC_URL` is `--public-url`. */
  env: string;
  /** What the generated reference and `--help` show as the default. */
  default: string;
  help: string;
  /** From the text to the value. Throws a plain sentence about the text; the caller adds the name. */
  parse: (text: string) => T;
}

const setting = <T>(env: string, fallback: string, parse: (text: string) => T, help: string): Setting<T> => ({
  env,
  default: fallback,
  help,
  parse,
});

/** Every setting there is. A `USHER_` name that is not here refuses to start. */
export const settings = {
  env: setting(
    'USHER_ENV',
    'development',
    oneOf('development', 'production'),
    'Production refuses `db drop` and `db seed`, and insists on https.',
  ),
  port: setting('USHER_PORT', '4000', whole(0, 65_535), 'The port to listen on; 0 takes a free one.'),
  host: setting('USHER_HOST', '127.0.0.1', plain, 'The address to listen on.'),
  publicUrl: setting(
    'USHER_PUBLIC_URL',
    'http://localhost:PORT',
    origin,
    'The address that people and programs see; tokens name it as their issuer (`iss`).',
  ),
  database: setting(
    'USHER_DATABASE',
    'sqlite:usher.db',
    databaseUrl,
    'Where the data is: `sqlite:PATH`, or `postgres://USER@HOST/NAME?sslmode=verify-full`.',
  ),
  databasePassword: setting(
    'USHER_DATABASE_PASSWORD',
    '',
    (text) => new Secret(text),
    'The password of the PostgreSQL user, as it is: apart from the address, so that it is in no command line.',
  ),
  databaseTls: setting(
    'USHER_DATABASE_TLS',
    'on',
    oneOf('on', 'off'),
    'Set to `off` to use a PostgreSQL server on another machine without TLS. Whoever is on the way can then read and change everything.',
  ),
  secret: setting(
    'USHER_SECRET',
    '',
    secret,
    'At least 32 bytes from which every key is derived. Without it a file `usher.key` is made beside the SQLite file; with PostgreSQL it is required.',
  ),
  signup: setting(
    'USHER_SIGNUP',
    'open',
    oneOf('open', 'verified', 'closed'),
    'Who may make an account: anyone (`open`); anyone who first answers a mail (`verified`), so that nothing tells whether an address has an account; or administrators only (`closed`).',
  ),
  audiences: setting(
    'USHER_AUDIENCES',
    'services',
    audiences,
    'The audiences (`aud`) of tokens for services, separated by commas; the first is the default. Tokens for Usher itself have the public URL as their audience.',
  ),
  codesDigits: setting(
    'USHER_CODES_DIGITS',
    '6',
    whole(4, 8),
    'How many digits a mailed code has. Fewer than 6 also need USHER_CODES_SHORT=accepted.',
  ),
  codesShort: setting(
    'USHER_CODES_SHORT',
    'refused',
    oneOf('refused', 'accepted'),
    'Set to `accepted` to have codes of 4 or 5 digits: 3 checks, 5 minutes, 3 wrong a day, and none for administrators.',
  ),
  tokenMinutes: setting(
    'USHER_TOKEN_MINUTES',
    '10',
    whole(1, 60),
    'How long an access token lives, in minutes.',
  ),
  signingAlgorithm: setting(
    'USHER_SIGNING_ALGORITHM',
    'ES256',
    oneOf('ES256', 'EdDSA'),
    'The algorithm of signing keys made from now on.',
  ),
  passwordMin: setting('USHER_PASSWORD_MIN', '8', whole(8, 24), 'The fewest characters of a new password.'),
  breachedPasswords: setting(
    'USHER_BREACHED_PASSWORDS',
    '',
    plain,
    'A file of breached passwords, made by `usher passwords build` or `fetch`; no new password may be one of them.',
  ),
  serviceName: setting(
    'USHER_SERVICE_NAME',
    'Usher',
    plain,
    'What the service is called: on pages, and as a word that no password may be built on.',
  ),
  logo: setting(
    'USHER_LOGO',
    '',
    plain,
    'An SVG file of at most 64 kB that pages show in place of our mark, and browsers as the icon.',
  ),
  accent: setting(
    'USHER_ACCENT',
    '#8a2b3a',
    colour,
    'The colour of buttons and links. Where it could not be read, in light or in dark, a darker or lighter shade is taken.',
  ),
  allowedOrigins: setting(
    'USHER_ALLOWED_ORIGINS',
    '',
    list(origin),
    'Other origins whose pages may call the API with the cookie, separated by commas.',
  ),
  trustedProxies: setting(
    'USHER_TRUSTED_PROXIES',
    '',
    list(plain),
    'Addresses or ranges (CIDR) of the proxies whose X-Forwarded-For is believed, separated by commas.',
  ),
  clientConnections: setting(
    'USHER_CLIENT_CONNECTIONS',
    '256',
    whole(1, 10_000),
    'How many connections one client range (an IPv4 address or an IPv6 /64) may have at a time. Trusted proxies may have as many as they like.',
  ),
  hstsSubdomains: setting(
    'USHER_HSTS_SUBDOMAINS',
    'off',
    oneOf('on', 'off'),
    'Set to `on` to have browsers insist on https for all subdomains of the public URL as well. Each of them must then answer by https for two years.',
  ),
  smtpUrl: setting(
    'USHER_SMTP_URL',
    '',
    smtp,
    'The server that mails are handed to: `smtp://USER:PASSWORD@HOST:587` (STARTTLS) or `smtps://...` (TLS). Without it mails are kept for the page /mailbox, on this machine alone.',
  ),
  smtpTls: setting(
    'USHER_SMTP_TLS',
    'on',
    oneOf('on', 'off'),
    'Set to `off` to hand mails to an `smtp://` server on another machine without TLS. Whoever is on the way can then read them.',
  ),
  mailFrom: setting(
    'USHER_MAIL_FROM',
    'Usher <usher@localhost>',
    mailbox,
    'Who mails come from: `NAME <ADDRESS>`; required with USHER_SMTP_URL.',
  ),
  mailTemplates: setting(
    'USHER_MAIL_TEMPLATES',
    '',
    plain,
    'A folder with templates of mails that replace those of the same name.',
  ),
  eventsDays: setting(
    'USHER_EVENTS_DAYS',
    '365',
    orForever(whole(1, 36_500)),
    'How many days events are kept before they are removed for good; `forever` removes none.',
  ),
  metricsPort: setting(
    'USHER_METRICS_PORT',
    'off',
    optional(whole(0, 65_535)),
    'A port of its own, on USHER_HOST, where /metrics answers without a token.',
  ),
  metricsToken: setting(
    'USHER_METRICS_TOKEN',
    '',
    secret16,
    'With it /metrics also answers on the main port, to `Authorization: Bearer` and this token (16 characters or more).',
  ),
  logLevel: setting(
    'USHER_LOG_LEVEL',
    'info',
    oneOf('debug', 'info', 'warn', 'error', 'silent'),
    'How much is logged; `debug` adds a line for every plain read.',
  ),
  insecureHttp: setting(
    'USHER_INSECURE_HTTP',
    'refused',
    oneOf('refused', 'accepted'),
    'Set to `accepted` to run with a public URL that is plain http and not on this machine. Cookies can then be stolen on the way.',
  ),
} as const;

export type SettingName = keyof typeof settings;
type Parsed = { [K in SettingName]: ReturnType<(typeof settings)[K]['parse']> };

/** Their defaults are words about another setting, or nothing. */
const unsetByDefault = [
  'publicUrl',
  'breachedPasswords',
  'databasePassword',
  'secret',
  'logo',
  'smtpUrl',
  'mailTemplates',
  'metricsToken',
] as const;

/** The settings in force; some may be unset. */
export type Config = Omit<Parsed, (typeof unsetByDefault)[number]> & {
  publicUrl: string | undefined;
  breachedPasswords: string | undefined;
  databasePassword: Secret | undefined;
  secret: Secret | undefined;
  logo: string | undefined;
  smtpUrl: Secret | undefined;
  mailTemplates: string | undefined;
  metricsToken: Secret | undefined;
};

export type Source = 'flag' | 'environment' | 'file' | '.env' | 'option' | 'default';
export interface LoadedConfig {
  config: Config;
  sources: Record<SettingName, Source>;
}

/**
 * Reads the settings of a command: flag, then environment, then `NAME_FILE`, then `.env` in the working
 * folder, then default.
 *
 * @throws ConfigError for an unknown `USHER_` name (with the nearest known one), a value that does not fit,
 * a file that cannot be read, or settings that are unsafe together.
 */
export function loadConfig(
  flags: Partial<Record<SettingName, string>> = {},
  env: NodeJS.ProcessEnv = process.env,
): LoadedConfig {
  const dotEnv = readDotEnv();
  refuseUnknown(Object.keys(env), 'the environment');
  refuseUnknown(Object.keys(dotEnv), 'the file .env');
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

/** The settings of the library form: the same table, given as options in code (numbers and lists as such). */
export function configFromOptions(options: Partial<Record<SettingName, unknown>>): Config {
  const texts: Partial<Record<SettingName, { text: string; source: Source }>> = {};
  for (const [name, value] of Object.entries(options)) {
    if (!(name in settings))
      throw new ConfigError(`There is no option "${name}".${didYouMean(name, settingNames)}`);
    if (value === undefined) continue;
    const text = Array.isArray(value)
      ? value.join(',')
      : String(value instanceof Secret ? value.reveal() : value);
    texts[name as SettingName] = { text, source: 'option' };
  }
  return parseConfig(texts).config;
}

/** Where settings come from that are given in code. */
export const sourcesOfOptions = (
  options: Partial<Record<SettingName, unknown>>,
): Record<SettingName, Source> =>
  Object.fromEntries(
    settingNames.map((name) => [name, options[name] === undefined ? 'default' : 'option']),
  ) as Record<SettingName, Source>;

export const settingNames = Object.keys(settings) as SettingName[];

/** What must stand neither in a command line nor on a page. */
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
  refuseUnsafe(config);
  return { config, sources };
}

/** Named as whoever gave it knows it. */
function parseOne(name: SettingName, { text, source }: { text: string; source: Source }): unknown {
  const { env, parse } = settings[name];
  try {
    if (name === 'database' && source === 'flag') refusePassword(text);
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

/** A command line can be read by everybody on the machine. */
function refusePassword(text: string): void {
  if (passwordIn(text) !== undefined)
    throw new Error(
      'holds a password, and others on this machine can read a command line. Leave it out, and set USHER_DATABASE_PASSWORD or USHER_DATABASE_PASSWORD_FILE.',
    );
}

/** The password of a database server's address; empty where it cannot be told apart for sure. */
function passwordIn(address: string): string | undefined {
  if (!/^postgres(ql)?:/i.test(address)) return undefined;
  if (!isEncodedAddress(address)) return '';
  const url = new URL(address);
  return url.password || url.searchParams.get('password') || undefined;
}

/** P11: what is unsafe refuses to start, unless a second setting says that it is meant. */
function refuseUnsafe(config: Config): void {
  const { publicUrl, host, insecureHttp, env, codesDigits, codesShort, signup } = config;
  if (config.databasePassword && passwordIn(config.database) !== undefined)
    throw new ConfigError(
      'USHER_DATABASE holds a password, and USHER_DATABASE_PASSWORD is set: give one of them.',
    );
  const publicHost = publicUrl ? new URL(publicUrl).hostname : host;
  if (codesDigits < 6 && codesShort !== 'accepted')
    throw new ConfigError(
      `USHER_CODES_DIGITS is ${codesDigits}: so short a code can be guessed. Use 6 or more, or also set USHER_CODES_SHORT=accepted.`,
    );
  if (signup === 'verified' && !config.smtpUrl && (env === 'production' || !isLoopback(publicHost)))
    throw new ConfigError(
      'USHER_SIGNUP is verified, but USHER_SMTP_URL is not set: nobody could sign up. Set it to your mail server, or USHER_SIGNUP to open.',
    );
  if (config.smtpUrl && config.mailFrom === settings.mailFrom.default)
    throw new ConfigError(
      'USHER_SMTP_URL is set, but USHER_MAIL_FROM is not. Set it to who mails come from, as in Accounts <accounts@example.org>.',
    );
  if (!publicUrl && !isLoopback(host))
    throw new ConfigError(
      `USHER_HOST is ${host}, which others can reach, but USHER_PUBLIC_URL is not set. Set it to the https address that people see.`,
    );
  if (!publicUrl) {
    if (env === 'production')
      throw new ConfigError(
        'USHER_ENV is production, but USHER_PUBLIC_URL is not set. Set it to the https address that people see.',
      );
    return;
  }
  const { protocol, hostname } = new URL(publicUrl);
  if (protocol === 'http:' && !isLoopback(hostname) && insecureHttp !== 'accepted')
    throw new ConfigError(
      `USHER_PUBLIC_URL is ${publicUrl}: on plain http a cookie can be stolen on the way. Use https, or also set USHER_INSECURE_HTTP=accepted.`,
    );
}

/** Names of this machine for itself: only there is plain http a secure context. */
export const isLoopback = (host: string): boolean =>
  host === 'localhost' || host === '::1' || host === '[::1]' || /^127(\.\d{1,3}){3}$/.test(host);

function refuseUnknown(names: string[], where: string): void {
  const known = settingNames.flatMap((name) => [settings[name].env, `${settings[name].env}_FILE`]);
  for (const name of names)
    if (name.startsWith('USHER_') && !known.includes(name))
      throw new ConfigError(`${name} in ${where} is not a setting of Usher.${didYouMean(name, known)}`);
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
    throw new ConfigError(
      `${variable}_FILE names ${path}, which cannot be read: ${(error as Error).message}`,
    );
  }
}

/** `.env` in the working folder, if there is one. */
function readDotEnv(): NodeJS.Dict<string> {
  return existsSync('.env') ? parseEnv(readFileSync('.env', 'utf8')) : {};
}

function plain(text: string): string {
  return text.trim();
}

function colour(text: string): string {
  if (!/^#[0-9a-f]{6}$/i.test(text)) throw new Error(`is "${text}"; it takes a colour such as #8a2b3a.`);
  return text.toLowerCase();
}

/** It may hold a password, so a refusal does not repeat it. */
function databaseUrl(text: string): string {
  const url = text.trim();
  if (!/^(sqlite|postgres(ql)?):/i.test(url))
    throw new Error('is no database; it takes sqlite:PATH, or postgres://USER:PASSWORD@HOST/NAME.');
  if (!/^sqlite:/i.test(url) && !isEncodedAddress(url))
    throw new Error(
      'cannot be read; it takes postgres://USER:PASSWORD@HOST:PORT/NAME, with special characters in the password percent-encoded: @ is %40, / is %2F, # is %23, ? is %3F, % is %25. Or leave the password out, and set USHER_DATABASE_PASSWORD to it as it is.',
    );
  return url;
}

/**
 * Whether the address of a database server can be taken apart in one way only. A password with a bare `@`, `/`, `?` or `#` in it
 * would be taken for a part of the host, the path or the query, and be shown with it.
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

function whole(min: number, max: number) {
  return (text: string): number => {
    const value = Number(text);
    if (!/^\d+$/.test(text) || value < min || value > max)
      throw new Error(`is "${text}"; it takes a whole number from ${min} to ${max}.`);
    return value;
  };
}

function oneOf<const T extends string>(...choices: T[]) {
  return (text: string): T => {
    const found = choices.find((choice) => choice === text);
    if (found === undefined) throw new Error(`is "${text}"; it takes one of: ${choices.join(', ')}.`);
    return found;
  };
}

function optional<T>(parse: (text: string) => T) {
  return (text: string): T | undefined => (text === 'off' ? undefined : parse(text));
}

/** There is no number for it: one that says "none" to somebody means the opposite to somebody else. */
function orForever(parse: (text: string) => number) {
  return (text: string): number | 'forever' => {
    if (text === 'forever') return text;
    try {
      return parse(text);
    } catch (error) {
      throw new Error(`${(error as Error).message.slice(0, -1)}, or forever.`);
    }
  };
}

function list<T>(parse: (text: string) => T) {
  return (text: string): T[] =>
    text
      .split(',')
      .map((part) => part.trim())
      .filter((part) => part !== '')
      .map(parse);
}

/** What tokens and their readers compare to the letter, so only what looks the same everywhere. */
function audiences(text: string): string[] {
  const names = list(plain)(text);
  if (names.length === 0) throw new Error('is empty; it takes at least one name, such as services.');
  const strange = names.find((name) => !/^[!-~]{1,200}$/.test(name));
  if (strange !== undefined)
    throw new Error(`has "${strange}"; an audience is 1 to 200 ASCII characters without white space.`);
  return [...new Set(names)];
}

/** An origin (RFC 6454) as browsers write it: scheme, host, port if not the default, and nothing more. */
function origin(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url || (url.protocol !== 'https:' && url.protocol !== 'http:'))
    throw new Error(`is "${text}"; it takes an absolute address such as https://accounts.example.org.`);
  if (text.replace(/\/$/, '') !== url.origin)
    throw new Error(`is "${text}"; it takes scheme, host and port only, as in ${url.origin}.`);
  return url.origin;
}

/** Values that stand in a document somewhere, so that everybody has them. */
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
      `is too short (${Buffer.byteLength(text)} bytes); it takes 32 bytes or more. Make one: openssl rand -base64 32`,
    );
  if (sampleSecrets.some((sample) => sample.test(text)))
    throw new Error('is a value that others know or can guess. Make one: openssl rand -base64 32');
  return new Secret(text);
}

function secret16(text: string): Secret {
  if (text.length < 16) throw new Error('is too short; it takes 16 characters or more.');
  return new Secret(text);
}

/** Says nothing of what was given: there is a password in it. */
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
      'cannot be read; it takes smtp://USER:PASSWORD@HOST:PORT or smtps://..., with @, /, #, ? and % in the password written as %40, %2F, %23, %3F and %25.',
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

/** The name and the address of a mailbox such as `Usher <usher@localhost>`, as `mailbox` accepts them. */
export function splitMailbox(text: string): { name: string; address: string } {
  const [, name = '', bracketed, bare = ''] = mailboxPattern.exec(text) ?? [];
  return { name, address: bracketed ?? bare };
}

function mailbox(text: string): string {
  const { address } = splitMailbox(text.trim());
  if (!/^[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}@[A-Za-z0-9.-]{1,253}$/.test(address))
    throw new Error(
      `is "${text}"; it takes an address, or a name and an address: Accounts <accounts@example.org>.`,
    );
  return text.trim();
}
