import { type CompiledQuery, Kysely, PostgresDialect, sql } from 'kysely';
import { type Database, IN_USE, type OpenOptions } from './database.ts';
import { createdBy, type MigrationHost, migrate, newestMigration, pending } from './migrate.ts';
import { openPool, type UsedPool } from './postgres-pool.ts';
import { readUrl, type Target } from './postgres-url.ts';
import type { Tables } from './tables.ts';
import { defaultTimeouts } from './timeouts.ts';

/** Opens the database of a `postgres://` URL. @throws Error if the URL is invalid or unsafe. */
export function openPostgres(url: string, { migrations, timeouts, password, tls }: OpenOptions): Database {
  const target = readUrl(url, { password, tls });
  const pool = openPool(target, timeouts);
  const db = kyselyOn(pool);
  const host = migrationHost(db, target);
  const exists = async () => (await isThere(db)) && (await host.isMigrated(db));
  return {
    db,
    file: undefined,
    exists,
    prepareRead: (query) => async (parameters) => {
      const { rows } = await db.executeQuery<Record<string, unknown>>({
        ...query,
        parameters,
      } as CompiledQuery<Record<string, unknown>>);
      return rows[0] && Object.values(rows[0]);
    },
    migrate: () => migrate(host, migrations),
    pending: async () => pending((await exists()) ? host : undefined, migrations),
    create: async () => {
      if (!(await isThere(db))) await createDatabase(target);
    },
    drop: async () => {
      if (!(await exists())) return;
      await rejectInUse(db);
      await host.alone(60_000, async (transaction) => {
        const { tables, functions } = await createdBy(transaction, migrations);
        // Without CASCADE: what others have built on these tables is theirs to remove.
        await sql`DROP TABLE IF EXISTS ${sql.join(tables.map((name) => sql.table(name)))}`.execute(
          transaction,
        );
        for (const name of functions) await sql`DROP FUNCTION IF EXISTS ${sql.id(name)}`.execute(transaction);
      });
    },
    ping: async () => void (await sql`SELECT 1`.execute(db)),
    usage: async () => {
      const size = sql<{ size: number }>`SELECT pg_database_size(current_database()) AS size`;
      return {
        schema: await newestMigration(db),
        size: (await size.execute(db)).rows[0]?.size ?? 0,
        disk: undefined,
        pool: pool.usage(),
      };
    },
    close: () => db.destroy(),
  };
}

const kyselyOn = (pool: UsedPool): Kysely<Tables> =>
  new Kysely<Tables>({ dialect: new PostgresDialect({ pool }) });

/** Runs `work` on its own connection, without a timeout. */
async function patiently<T>(target: Target, work: (db: Kysely<Tables>) => Promise<T>): Promise<T> {
  const db = kyselyOn(openPool({ ...target, poolMax: 1 }, { ...defaultTimeouts, answer: 0 }));
  try {
    return await work(db);
  } finally {
    await db.destroy();
  }
}

// An arbitrary number that must be the same in every release of Usher.
const MIGRATION_LOCK = 504978072946;

function migrationHost(db: Kysely<Tables>, target: Target): MigrationHost {
  return {
    db,
    name: 'PostgreSQL',
    // Only UTF8 can store any text. The collation is byte order, under the name that the migrations use.
    prelude: `
      DO $$ BEGIN
        IF current_setting('server_encoding') <> 'UTF8' THEN RAISE 'The database must use the encoding UTF8. Create it with ENCODING UTF8.'; END IF;
      END $$;
      CREATE COLLATION IF NOT EXISTS "binary" (provider = libc, locale = 'C')`,
    isMigrated: async (on) => {
      const found = await sql`
        SELECT 1 FROM pg_catalog.pg_tables WHERE schemaname = current_schema() AND tablename = 'migrations'`.execute(
        on,
      );
      return found.rows.length > 0;
    },
    alone: (timeouts, work) =>
      patiently(target, (patient) =>
        // READ COMMITTED, to see what the other process did during the wait.
        patient
          .transaction()
          .setIsolationLevel('read committed')
          .execute(async (transaction) => {
            const run = async (script: string) => void (await sql.raw(script).execute(transaction));
            // Then a short wait again for tables in use: queries that queue behind this one have the usual timeouts.
            await run(`
            SET LOCAL statement_timeout = 0;
            SET LOCAL lock_timeout = ${timeouts};
            SELECT pg_advisory_xact_lock(${MIGRATION_LOCK});
            SET LOCAL lock_timeout = 2000`);
            return work(transaction, run);
          }),
      ),
  };
}

/** Whether the database itself exists, regardless of its tables. */
async function isThere(db: Kysely<Tables>): Promise<boolean> {
  try {
    await sql`SELECT 1`.execute(db);
    return true;
  } catch (error) {
    if (stateOf((error as Error).cause) === '3D000') return false;
    throw error;
  }
}

/**
 * A server would fail at its next request. Its connections have the same name as this one (`openPool`); those of other
 * programs do not count.
 *
 * @throws Error if another process is connected.
 */
async function rejectInUse(db: Kysely<Tables>): Promise<void> {
  const { rows } = await sql`
    SELECT 1 FROM pg_catalog.pg_stat_activity
    WHERE datname = current_database() AND application_name = current_setting('application_name') AND pid <> pg_backend_pid()
    LIMIT 1`.execute(db);
  if (rows.length > 0) throw new Error(IN_USE);
}

async function createDatabase(target: Target): Promise<void> {
  const url = target.url.replace(/^([a-z]+:\/\/[^/?]*)[^?]*/i, '$1/postgres');
  await patiently({ ...target, url }, async (maintenance) => {
    await sql`SET statement_timeout = 0`.execute(maintenance);
    try {
      // These settings belong together, whatever the server's defaults are.
      await sql`
        CREATE DATABASE ${sql.id(target.database)}
        TEMPLATE template0 ENCODING 'UTF8' LOCALE_PROVIDER libc LOCALE 'C'`.execute(maintenance);
    } catch (error) {
      // Another process created it earlier (duplicate_database) or at the same moment (unique_violation).
      const state = stateOf(error);
      if (state !== '42P04' && state !== '23505') throw error;
    }
  });
}

function stateOf(error: unknown): string | undefined {
  return (error as { code?: string } | undefined)?.code;
}
