/** PostgreSQL's SQLSTATE, and SQLite's extended result code (https://sqlite.org/rescode.html#constraint_unique). */
const UNIQUE_VIOLATION = '23505';
const CONSTRAINT_UNIQUE = 2067;

/** Whether a statement failed because another row already has a value that must be unique. */
export function isConflict(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const { code, errcode } = error as { code?: string; errcode?: number };
  return code === UNIQUE_VIOLATION || errcode === CONSTRAINT_UNIQUE;
}
