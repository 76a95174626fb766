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
    throw new Error('The parameter pool_max of the database URL must be a whole number from 1 to 1000.');
  }
  const prepare = parameters.get('prepare') ?? 'true';
  if (prepare !== 'true' && prepare !== 'false') {
    throw new Error('The parameter prepare of the database URL must be true or false.');
  }
  refuseUnknownMode(parameters);
  refuseMissingFile(parameters);
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

function refuseUnknownMode(parameters: URLSearchParams): void {
  if (parameters.getAll('sslmode').every((mode) => sslModes.includes(mode))) return;
  throw new ConfigError(`The parameter sslmode of the database URL must be one of: ${sslModes.join(', ')}.`);
}

function refuseMissingFile(parameters: URLSearchParams): void {
  for (const name of ['sslrootcert', 'sslcert', 'sslkey'])
    for (const path of parameters.getAll(name))
      try {
        readFileSync(path);
      } catch (error) {
        throw new ConfigError(
          `The parameter ${name} of the database URL names ${path}, which cannot be read: ${(error as Error).message}`,
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
    'The database URL cannot be understood. Write postgres://USER:PASSWORD@HOST:PORT/NAME, and characters such as @ : / # ? % in the password percent-encoded.',
  );

/** By a socket that is a file, or by an address that leads back here. */
const isOnThisMachine = (host: string): boolean => host.startsWith('/') || isLoopback(host);

const unprotected = (host: string): ConfigError =>
  new ConfigError(
    `USHER_DATABASE is on ${host}, without TLS: on the way everything can be read and changed. Add sslmode=verify-full to the address, or also set USHER_DATABASE_TLS=off.`,
  );
