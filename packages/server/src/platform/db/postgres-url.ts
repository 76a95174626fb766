import pg from 'pg';

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

/** Reads a `postgres://` URL with our two parameters; throws an Error that does not repeat the URL. */
export function readUrl(url: string): Target {
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
  parameters.delete('pool_max');
  parameters.delete('prepare');
  const rest = parameters.size > 0 ? `${address}?${parameters}` : address;
  const { database, host, port } = understood(rest);
  return {
    url: rest,
    database: database ?? '',
    server: `${host}:${port}`,
    poolMax,
    prepare: prepare === 'true',
  };
}

function understood(url: string): pg.Client {
  try {
    return new pg.Client({ connectionString: url });
  } catch {
    throw new Error(
      'The database URL cannot be understood. Write postgres://USER:PASSWORD@HOST:PORT/NAME, and characters such as @ : / # ? % in the password percent-encoded.',
    );
  }
}
