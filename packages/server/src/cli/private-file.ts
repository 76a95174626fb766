import { randomBytes } from 'node:crypto';
import { closeSync, fsyncSync, linkSync, lstatSync, openSync, renameSync, rmSync, writeSync } from 'node:fs';

/** A file that only its owner may read, and that gets its name when it is whole. */
export interface PrivateFile {
  write(text: string): void;
  /** Gives the file its name. */
  keep(): void;
  /** Removes what was written; does nothing after `keep`. */
  discard(): void;
}

/**
 * Creates a file for what nobody else may read. It is written under a name that nobody can know before, created there
 * exclusively (`wx`), so neither a file nor a symbolic link that somebody else has put there is opened (attack L9).
 * Whatever has the final name stays as it is until `keep`; when something fails, for good.
 *
 * @param replaces Whether an older regular file of that name is replaced; nothing else ever is.
 * @throws Error of the file system, or one that says what has the name already.
 */
export function createPrivateFile(path: string, { replaces }: { replaces: boolean }): PrivateFile {
  const older = lstatSync(path, { throwIfNoEntry: false });
  if (older && !replaces) throw new Error('the file already exists');
  if (older && !older.isFile()) throw new Error('not a regular file');
  const part = `${path}.${randomBytes(8).toString('hex')}.part`;
  const descriptor = openSync(part, 'wx', 0o600);
  let isOpen = true;
  const close = () => {
    if (isOpen) closeSync(descriptor);
    isOpen = false;
  };
  return {
    write(text) {
      const bytes = Buffer.from(text);
      for (let at = 0; at < bytes.length; ) at += writeSync(descriptor, bytes, at);
    },
    keep() {
      fsyncSync(descriptor);
      close();
      if (replaces) return renameSync(part, path);
      // Unlike a renaming it fails when there is a file of this name by now.
      linkSync(part, path);
      rmSync(part);
    },
    discard() {
      close();
      rmSync(part, { force: true });
    },
  };
}
