import { readFileSync } from 'node:fs';
import pg from 'pg';
import { ConfigError, isEncodedAddress, isLoopback, type Secret } from '../../config.ts';

/** The contents of a `postgres://` URL. */
export interface Target {
  /** The URL without Usher's own parameters. It may contain a password: never print it. */
  url: string;
  /** The name of the database, also if the URL leaves it to PostgreSQL's defaults. */
  database: string;
  /** Host and port, for messages. */
  server: string;
  poolMax: number;
  /** Whether statements are named, so the server parses and plans them only once per connection. */
  prepare: boolean;
}

/** Connection options that are not in the URL. */
export interface Access {
  /** Used if the URL contains none. */
  password?: Secret | undefined;
  /** `off` allows a server on another machine without TLS. */
  tls?: 'on' | 'off' | undefined;
}

/** Parses a `postgres://` URL with Usher's two parameters. @throws Error that does not repeat the URL. */
export function readUrl(url: string, { password, tls = 'on' }: Access = {}): Target {
  if (!isEncodedAddress(url)) throw notUnderstood();
  const [address = '', query = ''] = url.split(/\?(.*)/s);
  const parameters = new URLSearchParams(query);
  const poolMax = Number(parameters.get('pool_max') ?? 10);
  if (!Number.isInteger(poolMax) || poolMax < 1 || poolMax > 1000) {
    throw new Error('In the database URL, pool_max must be a whole number from 1 to 1000.');
  }
  const prepare = parameters.get('prepare') ?? 'true';
  if (prepare !== 'true' && prepare !== 'false') {
    throw new Error('In the database URL, prepare must be true or false.');
  }
  rejectUnknownMode(parameters);
  rejectMissingFile(parameters);
  parameters.delete('pool_max');
  parameters.delete('prepare');
  // pg currently checks the certificate for all of these; a future version will only for the last.
  if (
    /^(prefer|require|verify-ca)$/.test(parameters.get('sslmode') ?? '') &&
    !parameters.has('uselibpqcompat')
  )
    parameters.set('sslmode', 'verify-full');
  if (password) parameters.set('password', password.reveal());
  const rest = parameters.size > 0 ? `${address}?${parameters}` : address;
  const { database, host, port, ssl } = understood(rest);
  if (!ssl && tls === 'on' && !isOnThisMachine(host)) throw unprotected(host);
  return {
    url: rest,
    database: database ?? '',
    server: `${host}:${port}`,
    poolMax,
    prepare: prepare === 'true',
  };
}

/**
 * The modes that `pg` knows. It treats any other as TLS with certificate checks, which may not be what was intended.
 */
const sslModes = ['disable', 'prefer', 'require', 'verify-ca', 'verify-full', 'no-verify'];

function rejectUnknownMode(parameters: URLSearchParams): void {
  if (parameters.getAll('sslmode').every((mode) => sslModes.includes(mode))) return;
  throw new ConfigError(`In the database URL, sslmode must be one of: ${sslModes.join(', ')}.`);
}

function rejectMissingFile(parameters: URLSearchParams): void {
  for (const name of ['sslrootcert', 'sslcert', 'sslkey'])
    for (const path of parameters.getAll(name))
      try {
        readFileSync(path);
      } catch (error) {
        throw new ConfigError(
          `Couldn’t read ${path} (${name} in the database URL): ${(error as Error).message}`,
        );
      }
}

function understood(url: string): pg.Client {
  try {
    return new pg.Client({ connectionString: url });
  } catch {
    throw notUnderstood();
  }
}

const notUnderstood = (): Error =>
  new Error(
    'Invalid database URL. Use postgres://USER:PASSWORD@HOST:PORT/NAME and percent-encode special characters in the password (@ as %40, : as %3A, / as %2F, # as %23, ? as %3F, % as %25).',
  );

/** A Unix socket, or a loopback address. */
const isOnThisMachine = (host: string): boolean => host.startsWith('/') || isLoopback(host);

const unprotected = (host: string): ConfigError =>
  new ConfigError(
    `USHER_DATABASE connects to ${host} without TLS: all data could be read and changed in transit. Add sslmode=verify-full to the URL, or set USHER_DATABASE_TLS=off.`,
  );
