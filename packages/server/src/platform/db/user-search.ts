import { type RawBuilder, type SqlBool, SqliteAdapter, sql } from 'kysely';
import type { Db } from './database.ts';
import type { UserSearchTable } from './tables.ts';

/**
 * Rows of `user_search` whose text contains each of these trigrams (three code points), at most so many and in no
 * order. Reads an index only: FTS5 on SQLite, GIN on PostgreSQL.
 */
export const withTrigrams = (
  db: Db,
  trigrams: readonly string[],
  most: number,
): RawBuilder<UserSearchTable> =>
  isSqlite(db)
    ? sql`SELECT user_id, text FROM user_search WHERE number IN (
        SELECT rowid FROM user_search_trigrams WHERE user_search_trigrams MATCH ${trigrams.map(asPhrase).join(' AND ')} LIMIT ${most})`
    : sql`SELECT user_id, text FROM user_search WHERE usher_trigrams(text) @> ${trigrams}::TEXT[] LIMIT ${most}`;

/** Whether the column contains the text; nothing in the text is a pattern. */
export const contains = (db: Db, column: string, text: string): RawBuilder<SqlBool> =>
  isSqlite(db) ? sql`instr(${sql.ref(column)}, ${text}) > 0` : sql`strpos(${sql.ref(column)}, ${text}) > 0`;

/** In quotes, nothing is an operator of FTS5. */
const asPhrase = (trigram: string): string => `"${trigram.replaceAll('"', '""')}"`;

const isSqlite = (db: Db): boolean => db.getExecutor().adapter instanceof SqliteAdapter;
