import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { CompiledQuery, DatabaseConnection, Driver, QueryResult } from 'kysely';
import type { ReadRow } from './database.ts';
import { Mutex } from './mutex.ts';
import { whileBusy } from './sqlite-busy.ts';
import { Checkpointer } from './sqlite-checkpoint.ts';
import { Log } from './sqlite-log.ts';
import { Statements } from './sqlite-statements.ts';
import { defaultTimeouts, type Timeouts } from './timeouts.ts';

type Handle = { writer: DatabaseSync; reader: DatabaseSync };

/**
 * Two handles for one file. Reads run at once on the reader, which sees what is committed and never waits; every write
 * and transaction takes its turn on the writer. A commit resolves when it is on disk; the next writer need not wait for
 * that. A Kysely connection itself costs nothing and locks nothing.
 */
export class SqliteDriver implements Driver {
  readonly #open: () => Promise<Handle>;
  /** A write waits for earlier writes in this process (`turn`), then for other processes (`lock`). */
  readonly #patience: Timeouts;
  readonly #log: Log;
  readonly #checkpointer: Checkpointer;
  readonly #turn = new Mutex();
  readonly #idle: SqliteConnection[] = [];
  #writer!: Statements;
  #reader!: Statements;

  constructor(file: string, open: (file: string) => Promise<Handle>, timeouts = defaultTimeouts) {
    this.#patience = timeouts;
    this.#open = () => open(file);
    this.#log = new Log(file);
    this.#checkpointer = new Checkpointer(file, this.#turn);
  }

  async init(): Promise<void> {
    const { writer, reader } = await this.#open();
    this.#writer = new Statements(writer);
    this.#reader = new Statements(reader);
  }

  async acquireConnection(): Promise<DatabaseConnection> {
    return this.#idle.pop() ?? new SqliteConnection(this);
  }

  async releaseConnection(connection: DatabaseConnection): Promise<void> {
    this.#idle.push(connection as SqliteConnection);
  }

  async beginTransaction(connection: DatabaseConnection): Promise<void> {
    await this.#turn.lock(this.#patience.turn);
    try {
      this.#log.throwIfFailed();
      // IMMEDIATE, so a transaction never discovers halfway that another process is writing.
      await whileBusy(this.#patience.lock, () => this.#writer.database.exec('BEGIN IMMEDIATE'));
    } catch (error) {
      this.#turn.unlock();
      throw error;
    }
    (connection as SqliteConnection).transaction = 'running';
  }

  async commitTransaction(connection: DatabaseConnection): Promise<void> {
    rejectAborted(connection as SqliteConnection);
    this.#writer.database.exec('COMMIT');
    this.#checkpointer.afterCommit(this.#writer.database);
    this.#end(connection);
    await this.#log.force();
  }

  async rollbackTransaction(connection: DatabaseConnection): Promise<void> {
    // Committed, but not yet on disk: the writer's current transaction belongs to someone else.
    if ((connection as SqliteConnection).transaction === 'none') return;
    try {
      // After some failures, such as a full disk, SQLite has already rolled back.
      if (this.#writer.database.isTransaction) this.#writer.database.exec('ROLLBACK');
    } finally {
      this.#end(connection);
    }
  }

  async destroy(): Promise<void> {
    // Closing rolls back a transaction that hangs for this long.
    await this.#turn.lock(this.#patience.turn).catch(() => undefined);
    await this.#checkpointer.close();
    await this.#log.close();
    this.#reader.database.close();
    this.#writer.database.close();
    this.#turn.unlock();
  }

  read<R>(query: CompiledQuery): QueryResult<R> {
    return this.#reader.run(query);
  }

  /** Prepares a statement on the reader that returns its first row as an array, for `Database.prepareRead`. */
  prepareRead({ sql }: CompiledQuery): (parameters: readonly string[]) => ReadRow {
    let statement: StatementSync | undefined;
    return (parameters) => {
      if (!statement) {
        statement = this.#reader.database.prepare(sql);
        statement.setReturnArrays(true);
      }
      return statement.get(...parameters) as unknown as ReadRow;
    };
  }

  async write<R>(query: CompiledQuery): Promise<QueryResult<R>> {
    const result = await this.#inTurn<R>(query);
    await this.#log.force();
    return result;
  }

  async #inTurn<R>(query: CompiledQuery): Promise<QueryResult<R>> {
    await this.#turn.lock(this.#patience.turn);
    try {
      this.#log.throwIfFailed();
      const result = await whileBusy(this.#patience.lock, () => this.#writer.run<R>(query));
      this.#checkpointer.afterCommit(this.#writer.database);
      return result;
    } finally {
      this.#turn.unlock();
    }
  }

  writeInTransaction<R>(query: CompiledQuery): QueryResult<R> {
    return this.#writer.run(query);
  }

  /** Runs several statements at once; call it only inside a transaction. */
  script(sql: string): void {
    this.#writer.database.exec(sql);
  }

  #end(connection: DatabaseConnection): void {
    (connection as SqliteConnection).transaction = 'none';
    this.#turn.unlock();
  }
}

class SqliteConnection implements DatabaseConnection {
  readonly #driver: SqliteDriver;
  transaction: 'none' | 'running' | 'aborted' = 'none';

  constructor(driver: SqliteDriver) {
    this.#driver = driver;
  }

  async executeQuery<R>(query: CompiledQuery): Promise<QueryResult<R>> {
    if (this.transaction === 'none')
      return onlyReads(query) ? this.#driver.read(query) : this.#driver.write(query);
    rejectAborted(this);
    try {
      return this.#driver.writeInTransaction(query);
    } catch (error) {
      this.transaction = 'aborted';
      throw error;
    }
  }

  // biome-ignore lint/correctness/useYield: there is nothing to yield
  async *streamQuery(): AsyncGenerator<never> {
    // An open statement would keep every later read on this handle at its own old snapshot.
    throw new Error('This database driver can’t stream. Read page by page.');
  }
}

/**
 * As in PostgreSQL, a transaction can only be rolled back after a failed statement, so code behaves the same on both.
 */
function rejectAborted(connection: SqliteConnection): void {
  if (connection.transaction === 'aborted') {
    throw new Error('The transaction can only be rolled back because one of its statements failed.');
  }
}

function onlyReads({ query, sql }: CompiledQuery): boolean {
  return query.kind === 'SelectQueryNode' || (query.kind === 'RawNode' && /^\s*select\b/i.test(sql));
}
