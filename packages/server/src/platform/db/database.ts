import type { CompiledQuery, Kysely, Transaction } from 'kysely';
import type { Secret } from '../../config.ts';
import type { Tables } from './tables.ts';
import type { Timeouts } from './timeouts.ts';

/** What every query goes through. A `Transaction<Tables>` is one too, so a function that takes a `Db` runs inside either. */
export type Db = Kysely<Tables>;

/** A transaction and nothing else, for what is only true until one ends. */
export type Tx = Transaction<Tables>;

export interface OpenOptions {
  /** The password of a database server, where the URL has none. */
  password?: Secret | undefined;
  /** `off` lets a server on another machine do without TLS. */
  tls?: 'on' | 'off' | undefined;
  /** The folder to migrate from instead of Usher's own. */
  migrations?: string | undefined;
  /** `defaultTimeouts` unless told. */
  timeouts?: Timeouts | undefined;
}

export type ReadRow = readonly unknown[] | undefined;

/** An installation's database, whichever kind it is. Opening one connects to nothing: that happens at the first use. */
export interface Database {
  db: Db;
  /** The absolute path of the database file, where there is one: files that belong to it go beside it. */
  file: string | undefined;
  /**
   * Prepares the one read that every request makes, past all that a query builder does per query. The function takes the
   * query's parameters in order, and gives the first row's values in the order of its columns.
   */
  prepareRead(query: CompiledQuery): (parameters: readonly string[]) => ReadRow | Promise<ReadRow>;
  /**
   * Applies what `pending` lists, all or nothing; returns the names. Waits up to 60 s for another process that is at it.
   * Makes the database first if it is a file.
   */
  migrate(): Promise<string[]>;
  /** The names of the migrations still to apply. Throws if the database is newer than this program or a migration was edited. */
  pending(): Promise<string[]>;
  /** Whether there is a database with Usher's tables. Creates nothing. */
  exists(): Promise<boolean>;
  /** Makes the empty database unless it is there. */
  create(): Promise<void>;
  /** Removes Usher's tables and all they hold; a database that is a file is closed and removed with it. */
  drop(): Promise<void>;
  /** Resolves when the database answers. */
  ping(): Promise<void>;
  /** Waits for what is running, then disconnects. */
  close(): Promise<void>;
}
