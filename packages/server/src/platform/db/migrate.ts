import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Kysely } from 'kysely';
import { systemClock } from '../clock.ts';
import type { Db } from './database.ts';

/** What a kind of database provides for migrations. */
export interface MigrationHost {
  db: Db;
  /** Its name in a migration: a line `-- Only NAME:` begins a part for one kind of database. */
  name: 'SQLite' | 'PostgreSQL';
  /** What must exist before the first migration. */
  prelude: string;
  /** Whether the table `migrations` exists. */
  isMigrated(db: Db): Promise<boolean>;
  /**
   * Runs `work` in one transaction, after waiting up to `timeouts` milliseconds for other processes to finish theirs.
   * `run` executes a script of several statements inside it.
   */
  alone<T>(
    timeouts: number,
    work: (transaction: Db, run: (script: string) => Promise<void>) => Promise<T>,
  ): Promise<T>;
}

interface Migration {
  name: string;
  script: string;
  checksum: string;
}

/** The applied migrations, by name. */
interface MigrationsTable {
  name: string;
  /** SHA-256 of the file when it was applied. */
  checksum: string;
  applied_at: number;
}

const TIMEOUT = 60_000;
// Two levels above this module, both in `src` and in `dist`.
const ownFolder = fileURLToPath(new URL('../../../migrations/', import.meta.url));

/** Applies the pending migrations in the order of their names, all or nothing; returns the names. */
export async function migrate(host: MigrationHost, folder = ownFolder): Promise<string[]> {
  const migrations = readMigrations(folder);
  return host.alone(TIMEOUT, async (transaction, run) => {
    const migrated = await host.isMigrated(transaction);
    const todo = unapplied(migrations, migrated ? await readApplied(transaction) : []);
    // If there is nothing to do, the right to create tables is not needed.
    if (todo.length === 0) return [];
    if (!migrated) await run(`${host.prelude}; ${MIGRATIONS_TABLE}`);
    for (const { name, script, checksum } of todo) {
      await run(partsFor(host.name, script));
      await withMigrations(transaction)
        .insertInto('migrations')
        .values({ name, checksum, applied_at: systemClock.now() })
        .execute();
    }
    return todo.map(({ name }) => name);
  });
}

/** The name of the newest migration. */
export async function newestMigration(db: Db): Promise<string> {
  const query = withMigrations(db).selectFrom('migrations').select('name').orderBy('name', 'desc').limit(1);
  return (await query.executeTakeFirstOrThrow()).name;
}

/** The names of the migrations still to apply: all of them if there is no host yet. */
export async function pending(host: MigrationHost | undefined, folder = ownFolder): Promise<string[]> {
  const applied = host ? await readApplied(host.db) : [];
  return unapplied(readMigrations(folder), applied).map(({ name }) => name);
}

/** A script without the parts for the other kind of database. */
function partsFor(name: MigrationHost['name'], script: string): string {
  const [shared = '', ...parts] = script.split(/^-- Only (?=\w+:$)/m);
  const own = parts.filter((part) => part.startsWith(`${name}:`)).map((part) => part.slice(name.length + 1));
  return shared + own.join('');
}

/**
 * Every table that the migrations ever created, newest first, and `migrations` itself; and every function. Throws as
 * `pending` does.
 */
export async function createdBy(
  db: Db,
  folder = ownFolder,
): Promise<{ tables: string[]; functions: string[] }> {
  const migrations = readMigrations(folder);
  unapplied(migrations, await readApplied(db));
  const scripts = migrations.map(({ script }) => script).join('\n');
  const namesAfter = (start: RegExp) => [
    ...new Set([...scripts.matchAll(start)].map(([, name]) => name as string)),
  ];
  return {
    tables: [...namesAfter(/^CREATE TABLE (\w+)/gm).reverse(), 'migrations'],
    functions: namesAfter(/^CREATE OR REPLACE FUNCTION (\w+)/gm),
  };
}

const MIGRATIONS_TABLE = `
  CREATE TABLE migrations (
    name TEXT NOT NULL PRIMARY KEY,
    checksum TEXT NOT NULL,
    applied_at BIGINT NOT NULL
  )`;

function readMigrations(folder: string): Migration[] {
  const names = readdirSync(folder).filter((name) => /^\d{4}-[a-z0-9-]+\.sql$/.test(name));
  return names.sort().map((name) => {
    // A checkout on Windows may have different line endings; it is the same migration.
    const script = readFileSync(join(folder, name), 'utf8').replaceAll('\r\n', '\n');
    return { name, script, checksum: createHash('sha256').update(script).digest('hex') };
  });
}

function readApplied(db: Db): Promise<MigrationsTable[]> {
  return withMigrations(db).selectFrom('migrations').selectAll().execute();
}

function withMigrations(db: Db): Kysely<{ migrations: MigrationsTable }> {
  return db.withTables<{ migrations: MigrationsTable }>();
}

function unapplied(migrations: Migration[], applied: MigrationsTable[]): Migration[] {
  const known = new Map(migrations.map((migration) => [migration.name, migration]));
  for (const { name, checksum } of applied) {
    const migration = known.get(name);
    if (!migration) {
      throw new Error(`The database is newer than this version of Usher (migration ${name}). Upgrade Usher.`);
    }
    if (migration.checksum !== checksum) {
      throw new Error(
        `Migration ${name} has changed since it was applied. Restore the original file from its release.`,
      );
    }
  }
  const done = new Set(applied.map(({ name }) => name));
  return migrations.filter(({ name }) => !done.has(name));
}
