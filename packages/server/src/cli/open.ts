import type { Command } from 'commander';
import type { Config } from '../config.ts';
import type { AppContext } from '../context.ts';
import { type OpenedContext, openContext } from '../open-context.ts';
import { type Database, openDatabase } from '../platform/db/index.ts';
import { createLog, type Log } from '../platform/log.ts';
import { settingsOf } from './settings.ts';

/** Opens a database for a command, and always closes it. */
export async function withDatabase<T>(config: Config, work: (database: Database) => Promise<T>): Promise<T> {
  const database = await openDatabase(config.database, {
    password: config.databasePassword,
    tls: config.databaseTls,
  });
  try {
    return await work(database);
  } finally {
    await database.close();
  }
}

/**
 * Opens an installation for a command, and always closes it. It neither creates the database nor migrates it: only
 * `usher db create` and `usher db migrate` do.
 */
export async function withContext<T>(
  command: Command,
  work: (context: AppContext, restored: OpenedContext['restored']) => Promise<T>,
): Promise<T> {
  const { config } = settingsOf(command);
  await withDatabase(config, async (database) => {
    await rejectMissing(config, database);
    const { length } = await database.pending();
    if (length > 0)
      throw new Error(
        `The database at ${placeOf(config, database)} has ${length} pending ${length === 1 ? 'migration' : 'migrations'}. Apply ${length === 1 ? 'it' : 'them'} with: usher db migrate`,
      );
  });
  const opened = await openContext(config, { log: logOf(config) });
  try {
    return await work(opened.context, opened.restored);
  } finally {
    await opened.close();
  }
}

export async function rejectMissing(config: Config, database: Database): Promise<void> {
  if (await database.exists()) return;
  throw new Error(`No database at ${placeOf(config, database)}. Create it with: usher db create`);
}

/** The log of a command goes to standard error, like its messages. */
export const logOf = (config: Config): Log => createLog(config.logLevel, process.stderr);

/** Describes the location of a database without its password: the file, or the server and name. */
export function placeOf(config: Config, { file }: Database): string {
  if (file !== undefined) return file;
  const url = URL.canParse(config.database) ? new URL(config.database) : undefined;
  // The rest of a password that was not URL-encoded can end up in the path.
  return url?.host && !url.pathname.includes('@') ? `${url.host}${url.pathname}` : 'the configured URL';
}

export const migrations = (count: number): string => `${count} ${count === 1 ? 'migration' : 'migrations'}`;
