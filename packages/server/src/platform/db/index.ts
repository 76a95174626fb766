import type { Database, OpenOptions } from './database.ts';

export { isConflict } from './conflict.ts';
export type { Database, Db, Tx } from './database.ts';
export type { Timeouts } from './timeouts.ts';
export { isDamaged, isUnavailable } from './unavailable.ts';

/**
 * Opens the database that a URL names: `sqlite:PATH`, or `postgres://USER:PASSWORD@HOST:PORT/NAME`. The latter may carry
 * `pool_max` (connections at most, 10), `prepare=false` (no named statements, for a pooler that cannot carry them), and the
 * usual parameters such as `sslmode`; a server on another machine needs TLS, unless `options.tls` is `off`. Throws an Error that
 * says what to change; it never repeats the URL, which may hold a password.
 *
 * `options.migrations` is the folder to migrate from instead of Usher's own; `options.patience` how long it waits, if not
 * for the standard time.
 */
export async function openDatabase(url: string, options: OpenOptions = {}): Promise<Database> {
  // Only the one that is used is loaded: it is a part of every start.
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

/** Whether a text names a database, rather than a file. */
export const namesDatabase = (text: string): boolean => /^(sqlite:|postgres(ql)?:\/\/)/i.test(text);
