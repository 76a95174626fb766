import { closeSync, existsSync, openSync, readdirSync, readFileSync, readSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';

/** The file with the generated secret of a database that was given none (`platform/secrets`). */
export const secretFileOf = (databaseFile: string): string => join(dirname(databaseFile), 'usher.key');

/** The format of a generated secret: 48 random bytes and a line ending. */
const generated = /^[A-Za-z0-9_-]{64}\n$/;

/**
 * The generated secret file that becomes useless once this database is deleted. Undefined if the file was not
 * generated, or if another database in the folder may depend on it.
 *
 * @param databaseFile An existing file that is not empty.
 */
export function secretFileToRemove(databaseFile: string): string | undefined {
  const path = secretFileOf(databaseFile);
  if (!existsSync(path) || !generated.test(readFileSync(path, 'utf8'))) return undefined;
  return hasSibling(databaseFile) ? undefined : path;
}

/** Whether another file in the folder starts with the same bytes, as databases of one kind do. */
function hasSibling(file: string): boolean {
  const head = headOf(file);
  return readdirSync(dirname(file))
    .filter((name) => name !== basename(file))
    .some((name) => mayBegin(join(dirname(file), name), head));
}

/** A file that cannot be read counts as a match: keeping a useless secret is better than losing a database. */
function mayBegin(path: string, head: Buffer): boolean {
  try {
    // Opening a named pipe would block forever.
    return statSync(path).isFile() && headOf(path).equals(head);
  } catch {
    return true;
  }
}

function headOf(path: string): Buffer {
  const descriptor = openSync(path, 'r');
  try {
    const bytes = Buffer.alloc(16);
    return bytes.subarray(0, readSync(descriptor, bytes));
  } finally {
    closeSync(descriptor);
  }
}
