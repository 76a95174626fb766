import { closeSync, existsSync, openSync, readdirSync, readFileSync, readSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';

/** The file that holds the secret of a database that was given none (`platform/secrets`). */
export const secretFileOf = (databaseFile: string): string => join(dirname(databaseFile), 'usher.key');

/** What a generated secret looks like: 48 random bytes and a line end. */
const generated = /^[A-Za-z0-9_-]{64}\n$/;

/**
 * The generated secret file that is worth nothing any more once this database is gone; nothing when the file was
 * written by somebody else, or another database lies in the same folder and may have been made with it.
 *
 * @param databaseFile A file that is still there and not empty.
 */
export function secretFileToRemove(databaseFile: string): string | undefined {
  const path = secretFileOf(databaseFile);
  if (!existsSync(path) || !generated.test(readFileSync(path, 'utf8'))) return undefined;
  return hasSibling(databaseFile) ? undefined : path;
}

/** Whether another file in the folder begins as this one does: databases of a kind say so in their first bytes. */
function hasSibling(file: string): boolean {
  const head = headOf(file);
  return readdirSync(dirname(file))
    .filter((name) => name !== basename(file))
    .some((name) => mayBegin(join(dirname(file), name), head));
}

/** A file that cannot be read counts as one that does: better a file too many than a database that is lost. */
function mayBegin(path: string, head: Buffer): boolean {
  try {
    // To open a pipe would wait for ever.
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
