import {
  accessSync,
  closeSync,
  constants,
  existsSync,
  openSync,
  rmSync,
  type Stats,
  statSync,
} from 'node:fs';
import { dirname, resolve } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { IN_USE } from './database.ts';
import { whileBusy } from './sqlite-busy.ts';
import { TOO_LONG } from './sqlite-checkpoint.ts';
import { SQLITE_BUSY, sqliteResult } from './unavailable.ts';

/** The absolute path of a usable database file. @throws Error that says what to change. */
export function fitPath(path: string): string {
  if (path === '' || path === ':memory:') {
    throw new Error('The SQLite database needs a file path, e.g. sqlite:usher.db.');
  }
  if (path.startsWith('//')) {
    throw new Error(
      'Write the SQLite path without "//", e.g. sqlite:usher.db or sqlite:/var/lib/usher/usher.db.',
    );
  }
  const file = resolve(path);
  if (!statOf(dirname(file))?.isDirectory()) {
    throw new Error(`Directory ${dirname(file)} doesn’t exist. Create it: mkdir -p ${dirname(file)}`);
  }
  if (statOf(file)?.isDirectory()) {
    throw new Error(`${file} is a directory. Use a file path, e.g. sqlite:${file}/usher.db`);
  }
  rejectOpenToOthers(file);
  return file;
}

/**
 * Creates the file if it does not exist, before SQLite does, which would let other users read it. SQLite gives the -wal
 * and -shm files the same mode.
 */
export function createFile(file: string): void {
  try {
    closeSync(openSync(file, 'wx', 0o600));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
}

/** Opens the writer first: SQLite needs it to close last, to write the log back to the database file. */
export async function openFile(file: string): Promise<{ writer: DatabaseSync; reader: DatabaseSync }> {
  if (!existsSync(file)) throw new Error(`No database at ${file}. Create it with: usher db create`);
  // SQLite creates two files beside it, and would name none of them in its error.
  for (const path of [dirname(file), file]) accessSync(path, constants.R_OK | constants.W_OK);
  const writer = new DatabaseSync(file, { timeout: 2000 });
  try {
    rejectOldSqlite(writer.prepare('SELECT sqlite_version() AS version').get()?.version as string);
    // Switching to WAL fails with "busy" if another process does so at the same time.
    const mode = await whileBusy(2000, () => writer.prepare('PRAGMA journal_mode = WAL').get()?.journal_mode);
    if (mode !== 'wal')
      throw new Error(`${file} is on a file system that doesn’t support WAL. Use a local disk.`);
    // `Log` forces commits to disk, and `Checkpointer` writes them back; SQLite would do both in this thread. Where
    // fsync does not reach the disk itself (macOS), fullfsync does.
    writer.exec('PRAGMA synchronous = NORMAL; PRAGMA fullfsync = ON; PRAGMA foreign_keys = ON');
    writer.exec(`PRAGMA wal_autocheckpoint = ${TOO_LONG}`);
    // From here on `whileBusy` waits for other processes.
    writer.exec('PRAGMA busy_timeout = 0');
    const reader = new DatabaseSync(file, { timeout: 2000 });
    reader.exec('PRAGMA query_only = ON');
    return { writer, reader };
  } catch (cause) {
    writer.close();
    throw new Error(`Couldn’t open the database ${file}: ${(cause as Error).message}`, { cause });
  }
}

/**
 * A process that has the file open keeps a shared lock on it (https://sqlite.org/wal.html#noshm), and would go on writing
 * to a deleted file.
 *
 * @throws Error if another connection is open.
 */
export function rejectInUse(file: string): void {
  const database = new DatabaseSync(file, { timeout: 0 });
  try {
    database.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE; ROLLBACK');
  } catch (cause) {
    if (sqliteResult(cause) !== SQLITE_BUSY) throw cause;
    throw new Error(IN_USE);
  } finally {
    database.close();
  }
}

export function removeFile(file: string): void {
  for (const part of parts(file)) rmSync(part, { force: true });
}

/** Before 3.51.3, two connections to one log could lose a commit (https://sqlite.org/wal.html#walresetbug). */
export function rejectOldSqlite(version: string): void {
  const [major = 0, minor = 0, patch = 0] = version.split('.').map(Number);
  if (major * 1e6 + minor * 1e3 + patch >= 3_051_003) return;
  throw new Error(
    `Usher needs SQLite 3.51.3 or later (this Node.js has ${version}). Upgrade to the latest Node.js 24.`,
  );
}

function rejectOpenToOthers(file: string): void {
  // Windows has no such modes: the folder determines who can read the file.
  if (process.platform === 'win32') return;
  const open = parts(file).filter((part) => ((statOf(part)?.mode ?? 0) & 0o077) !== 0);
  if (open.length === 0) return;
  throw new Error(
    `The database file ${file} is readable by other users. Restrict it with: chmod 600 ${open.join(' ')}`,
  );
}

function parts(file: string): string[] {
  return [file, `${file}-wal`, `${file}-shm`];
}

function statOf(path: string): Stats | undefined {
  return statSync(path, { throwIfNoEntry: false });
}
