import type { Database, OpenOptions } from './database.ts';

export { isConflict } from './conflict.ts';
export type { Database, DatabaseUsage, Db, Tx } from './database.ts';
export type { Timeouts } from './timeouts.ts';
export { isDamaged, isUnavailable } from './unavailable.ts';

/**
 * Opens the database of a URL: `sqlite:PATH`, or `postgres://USER:PASSWORD@HOST:PORT/NAME`. The latter may have
 * `pool_max` (maximum number of connections, 10), `prepare=false` (no named statements, for poolers that do not support
 * them), and the usual parameters such as `sslmode`; a server on another machine requires TLS, unless `options.tls` is
 * `off`.
 *
 * `options.migrations` is the folder to migrate from instead of Usher's own; `options.timeouts` replaces the default
 * timeouts.
 *
 * @throws Error that says what to change. It never repeats the URL, which may contain a password.
 */
export async function openDatabase(url: string, options: OpenOptions = {}): Promise<Database> {
  // Only the driver in use is loaded, because loading takes time at every start.
  if (/^sqlite:/i.test(url)) {
    const { openSqlite } = await import('./sqlite.ts');
    return openSqlite(url.slice('sqlite:'.length), options);
  }
  if (/^postgres(ql)?:\/\//i.test(url)) {
    const { openPostgres } = await import('./postgres.ts');
    return openPostgres(url, options);
  }
  const scheme = /^[a-z][a-z0-9+.-]*:/i.exec(url)?.[0];
  throw new Error(
    `The database URL ${scheme ? `starts with "${scheme}"` : 'has no scheme'}. Use sqlite:PATH or postgres://USER:PASSWORD@HOST:PORT/NAME.`,
  );
}

/** Whether a text is a database URL rather than the path of a file. */
export const namesDatabase = (text: string): boolean => /^(sqlite:|postgres(ql)?:\/\/)/i.test(text);
