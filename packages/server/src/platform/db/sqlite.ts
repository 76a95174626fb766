import { existsSync } from 'node:fs';
import { stat, statfs } from 'node:fs/promises';
import { type Dialect, Kysely, SqliteAdapter, SqliteIntrospector, SqliteQueryCompiler, sql } from 'kysely';
import type { Database, DatabaseUsage, OpenOptions } from './database.ts';
import { type MigrationHost, migrate, newestMigration, pending } from './migrate.ts';
import { whileBusy } from './sqlite-busy.ts';
import { SqliteDriver } from './sqlite-driver.ts';
import { createFile, fitPath, openFile, rejectInUse, removeFile } from './sqlite-file.ts';
import type { Tables } from './tables.ts';

/**
 * Opens the database in the file at `path`. @throws Error if the file cannot be used, or other users of the machine can
 * access it.
 */
export function openSqlite(path: string, { migrations, timeouts }: OpenOptions): Database {
  const file = fitPath(path);
  const driver = new SqliteDriver(file, openFile, timeouts);
  const db = new Kysely<Tables>({ dialect: dialectOn(driver) });
  const host = migrationHost(db, driver);
  const exists = async () => existsSync(file) && (await host.isMigrated(db));
  return {
    db,
    file,
    exists,
    prepareRead: (query) => driver.prepareRead(query),
    migrate: async () => {
      createFile(file);
      return migrate(host, migrations);
    },
    pending: async () => pending((await exists()) ? host : undefined, migrations),
    create: async () => createFile(file),
    drop: async () => {
      await db.destroy();
      rejectInUse(file);
      removeFile(file);
    },
    // A bare `SELECT 1` would not access the file.
    ping: async () => void (await sql`SELECT count(*) FROM sqlite_schema`.execute(db)),
    usage: async () => ({ schema: await newestMigration(db), pool: undefined, ...(await sizeOf(file)) }),
    close: () => db.destroy(),
  };
}

/** The size of the file with its log, and of the disk that it is on. */
async function sizeOf(file: string): Promise<Pick<DatabaseUsage, 'size' | 'disk'>> {
  const sizes = await Promise.all(
    [file, `${file}-wal`].map((path) =>
      stat(path).then(
        ({ size }) => size,
        () => 0,
      ),
    ),
  );
  const { bavail, blocks, bsize } = await statfs(file);
  return {
    size: sizes.reduce((sum, size) => sum + size, 0),
    disk: { free: bavail * bsize, total: blocks * bsize },
  };
}

function dialectOn(driver: SqliteDriver): Dialect {
  return {
    createDriver: () => driver,
    createAdapter: () => new SqliteAdapter(),
    createIntrospector: (db) => new SqliteIntrospector(db),
    createQueryCompiler: () => new SqliteQueryCompiler(),
  };
}

function migrationHost(db: Kysely<Tables>, driver: SqliteDriver): MigrationHost {
  return {
    db,
    name: 'SQLite',
    // SQLite has a built-in collation of that name.
    prelude: '',
    isMigrated: async (on) => {
      const found =
        await sql`SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'migrations'`.execute(on);
      return found.rows.length > 0;
    },
    // Only BEGIN can be busy here: nothing has been done that would be done twice.
    alone: (timeouts, work) =>
      whileBusy(timeouts, () =>
        db.transaction().execute((transaction) => work(transaction, async (script) => driver.script(script))),
      ),
  };
}
