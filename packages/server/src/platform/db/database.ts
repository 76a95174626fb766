import type { CompiledQuery, Kysely, Transaction } from 'kysely';
import type { Secret } from '../../config.ts';
import type { Tables } from './tables.ts';
import type { Timeouts } from './timeouts.ts';

/**
 * What every query uses. A `Transaction<Tables>` is one too, so a function that takes a `Db` also works inside a
 * transaction.
 */
export type Db = Kysely<Tables>;

/** Only a transaction, for what is true only until it ends. */
export type Tx = Transaction<Tables>;

export interface OpenOptions {
  /** The password of the database server, if the URL contains none. */
  password?: Secret | undefined;
  /** `off` allows a server on another machine without TLS. */
  tls?: 'on' | 'off' | undefined;
  /** The folder to migrate from instead of Usher's own. */
  migrations?: string | undefined;
  /** `defaultTimeouts` by default. */
  timeouts?: Timeouts | undefined;
}

export type ReadRow = readonly unknown[] | undefined;

/** Why `drop` rejects a database that another process has open. */
export const IN_USE = 'A server is using this database. Stop it first.';

/** How large a database is, and how busy. */
export interface DatabaseUsage {
  /** The name of the newest migration. */
  schema: string;
  /** In bytes, as below. */
  size: number;
  /** What is left on the disk of the file, and how large the disk is; undefined for a database server. */
  disk: { free: number; total: number } | undefined;
  /** The connections to a database server; undefined for a file. */
  pool: { used: number; max: number; waiting: number } | undefined;
}

/** An installation's database of either kind. Opening it does not connect: that happens on first use. */
export interface Database {
  db: Db;
  /** The absolute path of the database file, if it is one: related files are stored next to it. */
  file: string | undefined;
  /**
   * Prepares the one read that every request makes, without the query builder's cost per query. The returned function
   * takes the query's parameters in order, and returns the first row's values in the order of its columns.
   */
  prepareRead(query: CompiledQuery): (parameters: readonly string[]) => ReadRow | Promise<ReadRow>;
  /**
   * Applies the `pending` migrations, all or nothing; returns their names. Waits up to 60 s for another process that is
   * migrating. Creates the database first if it is a file.
   */
  migrate(): Promise<string[]>;
  /**
   * The names of the migrations still to apply. @throws Error if the database is newer than this program or a migration
   * was edited.
   */
  pending(): Promise<string[]>;
  /** Whether a database with Usher's tables exists. Creates nothing. */
  exists(): Promise<boolean>;
  /** Creates the empty database if it does not exist. */
  create(): Promise<void>;
  /** Removes Usher's tables and all their data; a database file is closed and deleted. */
  drop(): Promise<void>;
  /** Resolves if the database responds. */
  ping(): Promise<void>;
  usage(): Promise<DatabaseUsage>;
  /** Waits for running queries, then disconnects. */
  close(): Promise<void>;
}
