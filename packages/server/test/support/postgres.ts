import { randomUUID } from 'node:crypto';
import { copyFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { inject } from 'vitest';
import { stateFileOf } from '../../src/platform/state-file.ts';

export interface TestDatabase {
  /** For `openDatabase`, or for `USHER_DATABASE`. */
  url: string;
  remove(): Promise<void>;
}

/** A kind of database. */
export interface DatabaseKind {
  name: 'SQLite' | 'PostgreSQL';
  /** A fresh database with Usher's tables, all of them empty. */
  create(): Promise<TestDatabase>;
  /** A fresh database without tables. */
  createEmpty(): Promise<TestDatabase>;
}

export const sqlite: DatabaseKind = {
  name: 'SQLite',
  async create() {
    const database = newFile();
    copyFileSync(inject('templates').file, database.file);
    return database;
  },
  async createEmpty() {
    return newFile();
  },
};

export const postgres: DatabaseKind = {
  name: 'PostgreSQL',
  create: () => newPostgres(inject('templates').name),
  createEmpty: () => newPostgres('template1'),
};

/** What a test that concerns the database runs on: `describe.each(databases)('$name', ({ create }) => ...)`. */
export const databases: DatabaseKind[] = [sqlite, postgres];

/** SQLite makes the file when it is migrated. */
function newFile(): TestDatabase & { file: string } {
  const file = join(inject('folder'), `${randomUUID()}.db`);
  return {
    file,
    url: `sqlite:${file}`,
    remove: async () => {
      for (const part of [file, `${file}-wal`, `${file}-shm`, stateFileOf(file)])
        rmSync(part, { force: true });
    },
  };
}

async function newPostgres(template: string): Promise<TestDatabase> {
  const name = `usher_${randomUUID().replaceAll('-', '')}`;
  // Faster than the default strategy on a server without fsync, because it writes less.
  await maintain(`CREATE DATABASE ${name} TEMPLATE ${template} STRATEGY file_copy`);
  return {
    url: inject('maintenance').replace(/postgres$/, name),
    // FORCE also closes the connections that a failed test left open.
    remove: () => maintain(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`),
  };
}

async function maintain(statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: inject('maintenance') });
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}
