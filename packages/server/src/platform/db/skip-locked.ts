import { type SelectQueryBuilder, SqliteAdapter } from 'kysely';
import type { Db } from './database.ts';
import type { Tables } from './tables.ts';

/**
 * Locks the rows of a query and leaves out those that another transaction has locked, so that it waits for none of them.
 * On SQLite there is nothing to skip: only one transaction writes at a time.
 */
export const skipLocked = <Table extends keyof Tables, Row>(
  db: Db,
  query: SelectQueryBuilder<Tables, Table, Row>,
): SelectQueryBuilder<Tables, Table, Row> =>
  db.getExecutor().adapter instanceof SqliteAdapter ? query : query.forUpdate().skipLocked();
