/** The database is unavailable, as detected by Usher itself: it was not reached, or not in time. */
export class DatabaseAway extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'DatabaseAway';
  }
}

/** SQLite's primary result codes (https://sqlite.org/rescode.html). */
export const SQLITE_BUSY = 5;
const awayResults = new Set([
  SQLITE_BUSY,
  6, // LOCKED
  7, // NOMEM
  8, // READONLY
  9, // INTERRUPT
  10, // IOERR
  11, // CORRUPT
  13, // FULL
  14, // CANTOPEN
  15, // PROTOCOL
  26, // NOTADB
]);

/**
 * PostgreSQL's SQLSTATEs: connection lost (08), transaction rolled back to let others proceed (40), out of resources
 * (53), operator intervention (57P0), failure outside PostgreSQL (58), now read-only (25006), idle too long (25P03),
 * lock or statement timeout (55P03, 57014), corrupt (XX001, XX002).
 */
const awayState = /^(08...|40...|53...|57P0.|58...|25006|25P03|55P03|57014|XX001|XX002)$/;

const awayCodes = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
]);

/** Driver errors without a code, by message. */
const awayMessage =
  /^(Connection terminated|Query read timeout|timeout exceeded when trying to connect|Client (has encountered a connection error|was closed)|Cannot use a pool after|driver has already been destroyed|database is not open|statement has been finalized|cached plan must not change)/;

/**
 * Whether an error means that the database is unreachable, busy, full, damaged, too slow or closed, rather than that a
 * query is wrong. The client then gets 503 and may retry; any other error is a bug and a 500.
 */
export function isUnavailable(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if (error instanceof DatabaseAway || awayMessage.test(error.message)) return true;
  const result = sqliteResult(error);
  if (result !== undefined) return awayResults.has(result);
  const { code, cause } = error as NodeJS.ErrnoException;
  if (code && (awayCodes.has(code) || awayState.test(code))) return true;
  return cause !== undefined && isUnavailable(cause);
}

const damagedResults = new Set([11, 26]); // CORRUPT, NOTADB
const damagedState = /^XX00[12]$/;

/**
 * Whether an error means that stored data is damaged: the database is then unavailable too, but waiting does not help.
 */
export function isDamaged(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const { code, cause } = error as NodeJS.ErrnoException;
  if (damagedResults.has(sqliteResult(error) ?? 0) || damagedState.test(code ?? '')) return true;
  return isDamaged(cause);
}

/** SQLite's primary result code; extended codes differ only in the higher bits. */
export function sqliteResult(error: unknown): number | undefined {
  const { errcode } = error as { errcode?: number };
  return typeof errcode === 'number' ? errcode & 0xff : undefined;
}
