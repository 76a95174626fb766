import { readFileSync } from 'node:fs';
import pg from 'pg';
import { ConfigError, isEncodedAddress, isLoopback, type Secret } from '../../config.ts';

/** What a `postgres://` URL says. */
export interface Target {
  /** The URL without the parameters that are Usher's own. It may hold a password: never print it. */
  url: string;
  /** The name of the database, also where the URL leaves it to PostgreSQL's rules. */
  database: string;
  /** Host and port, to be printed. */
  server: string;
  poolMax: number;
  /** Whether statements are named, so that the server parses and plans them once for a connection. */
  prepare: boolean;
}

/** What counts beside the URL. */
export interface Access {
  /** Where the URL holds none. */
  password?: Secret | undefined;
  /** `off` lets a server on another machine do without TLS. */
  tls?: 'on' | 'off' | undefined;
}

/** Reads a `postgres://` URL with our two parameters; throws an Error that does not repeat the URL. */
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
  // pg checks the certificate for all of these now, and will for the last alone.
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

/** As `pg` knows them. Anything else it takes for TLS with certificates checked, which may not be what was meant. */
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

/** By a socket that is a file, or by an address that leads back here. */
const isOnThisMachine = (host: string): boolean => host.startsWith('/') || isLoopback(host);

const unprotected = (host: string): ConfigError =>
  new ConfigError(
    `USHER_DATABASE connects to ${host} without TLS: all data could be read and changed in transit. Add sslmode=verify-full to the URL, or set USHER_DATABASE_TLS=off.`,
  );
