import { createHash } from 'node:crypto';
import type { PostgresPool, PostgresPoolClient } from 'kysely';
import pg from 'pg';
import type { Target } from './postgres-url.ts';
import { defaultTimeouts } from './timeouts.ts';
import { DatabaseAway } from './unavailable.ts';

/** A pool that says how many of its connections are in use, and how many callers wait for one. */
export interface UsedPool extends PostgresPool {
  usage(): { used: number; max: number; waiting: number };
}

/** Opens a pool in which nothing waits forever, unless one of `timeouts` is 0. */
export function openPool(target: Target, timeouts = defaultTimeouts): UsedPool {
  const pool = new pg.Pool({
    connectionString: target.url,
    max: target.poolMax,
    application_name: 'usher',
    connectionTimeoutMillis: timeouts.connection,
    statement_timeout: timeouts.statement,
    lock_timeout: timeouts.lock,
    idle_in_transaction_session_timeout: timeouts.idle,
    query_timeout: timeouts.answer,
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
    types: { getTypeParser },
    onConnect: rejectOldServer,
  });
  // A connection that dies is replaced on next use; without a listener, these events would crash the process. Those of
  // the client occur while it is checked out and idle.
  pool.on('error', () => {});
  pool.on('connect', (client) => client.on('error', () => {}));
  const lent = new WeakMap<pg.PoolClient, PostgresPoolClient>();
  return {
    async connect() {
      const client = await pool.connect().catch((cause) => {
        const reason = cause.message || cause.code;
        throw new DatabaseAway(
          `Couldn’t connect to PostgreSQL at ${target.server}: ${reason}. Check that it is running, and the database URL.`,
          { cause },
        );
      });
      // Kysely recognizes a connection by this object.
      const known = lent.get(client) ?? lend(client, target.prepare);
      lent.set(client, known);
      return known;
    },
    usage: () => ({
      used: pool.totalCount - pool.idleCount,
      max: target.poolMax,
      waiting: pool.waitingCount,
    }),
    end: () => pool.end(),
  };
}

function lend(client: pg.PoolClient, prepare: boolean): PostgresPoolClient {
  let broken: Error | undefined;
  async function query(text: string, values: unknown[]): Promise<pg.QueryResult> {
    if (broken) throw broken;
    const name = prepare && values.length > 0 ? nameOf(text) : undefined;
    try {
      const result = await client.query(name ? { name, text, values } : { text, values });
      // After a failed statement, PostgreSQL answers COMMIT with a rollback, without an error.
      if (text === 'commit' && result.command === 'ROLLBACK') {
        throw new Error('The transaction was rolled back because one of its statements failed.');
      }
      return result;
    } catch (error) {
      if (isSpent(error as Error)) broken = error as Error;
      throw error;
    }
  }
  // Kysely's type has a second signature, for cursors, which Usher does not use.
  return { query, release: () => client.release(broken) } as unknown as PostgresPoolClient;
}

/**
 * Whether a connection must not be reused: it stopped responding, or a migration changed a table under one of its named
 * statements.
 */
function isSpent({ message }: Error): boolean {
  return message === 'Query read timeout' || message === 'cached plan must not change result type';
}

const names = new Map<string, string>();

/**
 * The name under which a statement is prepared. It is derived from the text, so two processes that share a connection
 * through a pooler never use one name for different statements. After 500 texts, statements stay unnamed, so the server
 * does not keep them all.
 */
function nameOf(text: string): string | undefined {
  let name = names.get(text);
  if (!name && names.size < 500) {
    name = `usher_${createHash('sha256').update(text).digest('hex').slice(0, 32)}`;
    names.set(text, name);
  }
  return name;
}

const { INT8, NUMERIC } = pg.types.builtins;

/** Returns counts, sums and times as numbers, as everywhere else; pg would return strings. */
const getTypeParser = ((oid: number, format?: 'text') =>
  oid === INT8 || oid === NUMERIC
    ? toSafeInteger
    : pg.types.getTypeParser(oid, format)) as typeof pg.types.getTypeParser;

function toSafeInteger(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value))
    throw new RangeError(`The database returned ${text}, which isn’t a safe integer.`);
  return value;
}

async function rejectOldServer(client: pg.ClientBase): Promise<void> {
  const { rows } = await client.query(
    `SELECT current_setting('server_version_num')::int AS number, current_setting('server_version') AS version`,
  );
  const { number, version } = rows[0];
  if (number < 150_000) throw new Error(`Usher requires PostgreSQL 15 or later (found ${version}).`);
}
