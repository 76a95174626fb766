import { existsSync, readFileSync } from 'node:fs';
import { getSystemErrorMessage, inspect, parseEnv } from 'node:util';
import { closest, distance } from 'fastest-levenshtein';
import { z } from 'zod';

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

interface Setting<Schema> {
  /** The environment variable; the flag is the same in lower case: `USHER_PUBLIC_URL` is `--public-url`. */
  env: string;
  /** The default that the generated reference and `--help` show. */
  default: string;
  help: string;
  /** Parses the text. The message of an issue is a sentence about the text; the caller adds the name. */
  schema: Schema;
}

const setting = <Schema extends z.ZodType<unknown, string>>(
  env: string,
  fallback: string,
  schema: Schema,
  help: string,
): Setting<Schema> => ({ env, default: fallback, help, schema });

/** The sentence of a rule, with the text that breaks it. Not for settings that can contain a secret. */
const got =
  (rule: string) =>
  ({ input }: { input?: unknown }) =>
    `${rule} (got "${input}").`;

const plain = z.string().trim();

const colour = z
  .string()
  .regex(/^#[0-9a-f]{6}$/i, { error: got('must be a hex color such as #8a2b3a') })
  .toLowerCase();

/** The URL may contain a password, so errors do not repeat it. */
const databaseUrl = plain
  .regex(/^(sqlite|postgres(ql)?):/i, {
    error: 'must be sqlite:PATH or postgres://USER@HOST/NAME, with the password in USHER_DATABASE_PASSWORD.',
    abort: true,
  })
  .refine((url) => /^sqlite:/i.test(url) || isEncodedAddress(url), {
    error:
      'must be postgres://USER:PASSWORD@HOST:PORT/NAME, with special characters in the password percent-encoded (@ as %40, / as %2F, # as %23, ? as %3F, % as %25). Or leave out the password and set USHER_DATABASE_PASSWORD.',
  });

const whole = (min: number, max: number, orElse = '') =>
  z
    .string()
    .refine((text) => /^\d+$/.test(text) && Number(text) >= min && Number(text) <= max, {
      error: got(`must be a whole number from ${min} to ${max}${orElse}`),
    })
    .transform(Number);

const oneOf = <const T extends string>(...choices: T[]) =>
  z.enum(choices, { error: got(`must be one of: ${choices.join(', ')}`) });

const portOrOff = z
  .string()
  .transform((text) => (text === 'off' ? undefined : text))
  .pipe(whole(0, 65_535, ' or off').optional());

/** "Unlimited" is a word rather than a number: a 0 that means "none" to some means the opposite to others. */
const daysOrForever = z.union([z.literal('forever'), whole(1, 36_500)], {
  error: got('must be a whole number from 1 to 36500 or forever'),
});

const units = { m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** A duration as settings write it, such as 30m, 12h or 7d, in milliseconds; NaN for any other text. */
export function millisecondsOf(text: string): number {
  const [, count, unit] = /^(\d{1,6})([mhd])$/.exec(text) ?? [];
  return Number(count) * units[unit as keyof typeof units];
}

const isWithin = (text: string, min: string, max: string): boolean =>
  millisecondsOf(text) >= millisecondsOf(min) && millisecondsOf(text) <= millisecondsOf(max);

const duration = (min: string, max: string) =>
  z.string().refine((text) => isWithin(text, min, max), {
    error: got(`must be a duration from ${min} to ${max}, such as 30m, 12h or 7d`),
  });

const durationOrOff = (min: string, max: string) =>
  z.string().refine((text) => text === 'off' || isWithin(text, min, max), {
    error: got(`must be a duration from ${min} to ${max}, such as 30d, or off`),
  });

const list = <Item extends z.ZodType<unknown, string>>(item: Item) =>
  z
    .string()
    .transform((text) =>
      text
        .split(',')
        .map((part) => part.trim())
        .filter((part) => part !== ''),
    )
    .pipe(z.array(item));

/** Tokens and services compare audiences exactly, so only characters that look the same everywhere are allowed. */
const audience = z.string().regex(/^[!-~]{1,200}$/, {
  error: ({ input }) => `contains "${input}". An audience must be 1 to 200 ASCII characters without spaces.`,
});
const audiences = list(audience)
  .refine((names) => names.length > 0, { error: 'is empty. Set at least one audience, such as services.' })
  .transform((names) => [...new Set(names)]);

/**
 * An origin (RFC 6454) as browsers write it: scheme, host, port if not the default, and nothing but spaces around. A URL
 * parser drops tabs and line breaks inside, so they are rejected first: another origin than the written one would count.
 */
const origin = plain
  .regex(/^[^\s\p{C}]*$/u, { error: got('must not contain spaces or control characters'), abort: true })
  .pipe(
    z.url({
      protocol: /^https?$/,
      error: got('must be an absolute URL such as https://accounts.example.org'),
      abort: true,
    }),
  )
  .refine((text) => text.replace(/\/$/, '') === new URL(text).origin, {
    error: ({ input }) =>
      `must contain only scheme, host and port, e.g. ${new URL(String(input)).origin} (got "${input}").`,
  })
  .transform((text) => new URL(text).origin);

/** Publicly known values, such as those in documentation. */
const sampleSecrets = [
  /^(.)\1*$/,
  /change[-_ ]?me/i,
  /example/i,
  /secret.{0,4}secret/i,
  /256[-_ ]?bit/i,
  /^0123456789/,
];

const hidden = (text: string): Secret => new Secret(text);
const databasePassword = z.string().transform(hidden);

const secret = z
  .string()
  .refine((text) => Buffer.byteLength(text) >= 32, {
    error: ({ input }) =>
      `must be at least 32 bytes (it has ${Buffer.byteLength(String(input))}). Generate one with: openssl rand -base64 32`,
    abort: true,
  })
  .refine((text) => !sampleSecrets.some((sample) => sample.test(text)), {
    error: 'is a known sample value. Generate one with: openssl rand -base64 32',
  })
  .transform(hidden);

const secret16 = z.string().min(16, { error: 'must be at least 16 characters.' }).transform(hidden);

/** Errors do not repeat the value: it contains a password. */
const smtp = z
  .string()
  .refine(isSmtpUrl, {
    error:
      'must be smtp://USER:PASSWORD@HOST:PORT or smtps://..., with special characters in the password percent-encoded (@ as %40, / as %2F, # as %23, ? as %3F, % as %25).',
  })
  .transform(hidden);

const mailbox = plain.refine(
  (text) => /^[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}@[A-Za-z0-9.-]{1,253}$/.test(splitMailbox(text).address),
  { error: got('must be an email address, optionally with a name: Accounts <accounts@example.org>') },
);

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
    databasePassword,
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
    'Length of email codes. Fewer than 6 digits requires USHER_CODES_SHORT=allow.',
  ),
  codesShort: setting(
    'USHER_CODES_SHORT',
    'reject',
    oneOf('reject', 'allow'),
    '`allow` accepts 4- and 5-digit codes (3 attempts, 5 minutes, 3 failures per day; never for administrators).',
  ),
  sessionIdle: setting(
    'USHER_SESSION_IDLE',
    '10m',
    duration('5m', '24h'),
    'How long a session in a browser lasts without a request: `30m`, `8h`.',
  ),
  sessionMax: setting(
    'USHER_SESSION_MAX',
    '12h',
    duration('10m', '30d'),
    'How long a session in a browser lasts at most. Those of administrators never last longer than 4 hours.',
  ),
  keepSignedIn: setting(
    'USHER_KEEP_SIGNED_IN',
    'off',
    durationOrOff('1d', '365d'),
    'Shows “Keep me signed in” on the sign-in page. A session for which it is chosen lasts this long, such as `30d`, and ends after USHER_REFRESH_IDLE without a request. Never for administrators.',
  ),
  refreshIdle: setting(
    'USHER_REFRESH_IDLE',
    '14d',
    duration('1h', '90d'),
    'How long a refresh token lasts without use.',
  ),
  refreshMax: setting(
    'USHER_REFRESH_MAX',
    '30d',
    duration('1h', '365d'),
    'How long a session of an API client lasts at most, however often its tokens are refreshed. Those of administrators never last longer than 4 hours.',
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
  geoip: setting(
    'USHER_GEOIP',
    '',
    plain,
    'Database of places by IP address in MaxMind’s format (.mmdb), such as GeoLite2 City. Devices, activity and security emails then name the approximate place.',
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
    'Language of pages, emails and API messages for everyone who prefers none that is available. The guide “Use another language” lists those of Usher.',
  ),
  messages: setting(
    'USHER_MESSAGES',
    '',
    plain,
    'Folder with messages of your own, `LANGUAGE.json`; they override built-in messages by key, or add a language.',
  ),
  eventsDays: setting('USHER_EVENTS_DAYS', '365', daysOrForever, 'Days to keep audit events, or `forever`.'),
  metricsPort: setting(
    'USHER_METRICS_PORT',
    'off',
    portOrOff,
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
    'reject',
    oneOf('reject', 'allow'),
    '`allow` accepts a non-local public URL over plain HTTP. Session cookies can then be stolen.',
  ),
} as const;

export type SettingName = keyof typeof settings;
type Parsed = { [K in SettingName]: z.output<(typeof settings)[K]['schema']> };

/** Settings whose default is empty or describes another setting. */
const unsetByDefault = [
  'publicUrl',
  'breachedPasswords',
  'geoip',
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
  geoip: string | undefined;
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
  rejectInvertedDurations(config);
  return { config, sources };
}

/** Errors name a setting the way it is given: an option in code, otherwise the environment variable and the flag. */
function parseOne(name: SettingName, { text, source }: { text: string; source: Source }): unknown {
  const { env, schema } = settings[name];
  const { data, error } = schema.safeParse(text);
  const fault = name === 'database' && source === 'flag' ? faultOfFlag(text) : undefined;
  const message = fault ?? error?.issues[0]?.message;
  if (message === undefined) return data;
  const flag = isSecretSetting(name) ? '' : ` (${flagName(name)})`;
  const label = source === 'option' ? `The option ${name}` : `${env}${flag}`;
  throw new ConfigError(`${label} ${message}`);
}

/** Defaults go through the same schema. */
function defaultOf(name: SettingName): unknown {
  const isUnset = unsetByDefault.some((unset) => unset === name);
  return isUnset ? undefined : settings[name].schema.parse(settings[name].default);
}

/** Every user of the machine can read a command line. */
const faultOfFlag = (text: string): string | undefined =>
  passwordIn(text) === undefined
    ? undefined
    : 'contains a password, which other users of this machine could read in the command line. Remove it and set USHER_DATABASE_PASSWORD or USHER_DATABASE_PASSWORD_FILE.';

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
  if (codesDigits < 6 && codesShort !== 'allow')
    throw new ConfigError(
      `USHER_CODES_DIGITS is ${codesDigits}: short codes are easier to guess. Use at least 6 digits, or set USHER_CODES_SHORT=allow.`,
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
  if (protocol === 'http:' && !isLoopback(hostname) && insecureHttp !== 'allow')
    throw new ConfigError(
      `USHER_PUBLIC_URL is ${publicUrl}: over plain HTTP, session cookies can be stolen. Use https, or set USHER_INSECURE_HTTP=allow.`,
    );
}

/** A session cannot last longer without use than it lasts at all. */
function rejectInvertedDurations({ sessionIdle, sessionMax, keepSignedIn, refreshIdle, refreshMax }: Config) {
  const pairs = [
    ['USHER_SESSION_IDLE', sessionIdle, 'USHER_SESSION_MAX', sessionMax],
    ['USHER_REFRESH_IDLE', refreshIdle, 'USHER_REFRESH_MAX', refreshMax],
    ['USHER_SESSION_MAX', sessionMax, 'USHER_KEEP_SIGNED_IN', keepSignedIn],
  ] as const;
  for (const [shorter, is, longer, than] of pairs)
    if (millisecondsOf(is) > millisecondsOf(than))
      throw new ConfigError(
        `${shorter} (${is}) is longer than ${longer} (${than}). Shorten ${shorter}, or lengthen ${longer}.`,
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

/** Why the system rejected a file or folder, in words, without the name of the system call. */
export function fileFault(error: unknown): string {
  const { errno, message } = error as NodeJS.ErrnoException;
  return errno === undefined ? message : getSystemErrorMessage(errno);
}

function readSettingFile(variable: string, path: string | undefined): string | undefined {
  if (!path) return undefined;
  try {
    return readFileSync(path, 'utf8').trim();
  } catch (error) {
    throw new ConfigError(
      `Couldn’t read ${path}: ${fileFault(error)}. Set ${variable}_FILE to a file that the user that runs usher can read.`,
    );
  }
}

/** `.env` in the working directory, if there is one. */
function readDotEnv(): NodeJS.Dict<string> {
  return existsSync('.env') ? parseEnv(readFileSync('.env', 'utf8')) : {};
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

function isSmtpUrl(text: string): boolean {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  return (
    url !== undefined &&
    /^smtps?:$/.test(url.protocol) &&
    /^[A-Za-z0-9.:[\]-]+$/.test(url.hostname) &&
    /^\/?$/.test(url.pathname + url.search + url.hash) &&
    [url.username, url.password].every(isEncoded)
  );
}

function isEncoded(text: string): boolean {
  try {
    return !/\p{C}/u.test(decodeURIComponent(text));
  } catch {
    return false;
  }
}

/** Splits a mailbox such as `Usher <usher@localhost>`, as `mailbox` accepts it, into its name and its address. */
export function splitMailbox(text: string): { name: string; address: string } {
  const pattern = /^(?:([^<>"\\\p{C}]{1,64}?) *<([^<>]+)>|([^<>\s]+))$/u;
  const [, name = '', bracketed, bare = ''] = pattern.exec(text) ?? [];
  return { name, address: bracketed ?? bare };
}
