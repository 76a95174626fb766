import { randomBytes } from 'node:crypto';
import {
  closeSync,
  existsSync,
  fsyncSync,
  linkSync,
  lstatSync,
  openSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { fileFault } from '../config.ts';

/** A file that only its owner may read, and that appears under its name once it is complete. */
export interface PrivateFile {
  write(text: string): void;
  /** Moves the file to its final name. */
  keep(): void;
  /** Deletes the file; does nothing after `keep`. */
  discard(): void;
}

/**
 * Creates a file that only its owner may read. It is written under an unpredictable name and created exclusively
 * (`wx`), so a file or symbolic link that someone else planted is never opened (attack L9). An existing file with the
 * final name stays until `keep`, and if anything fails.
 *
 * @param replaces Whether an older regular file of that name is replaced; nothing else ever is.
 * @throws Error that says why there can be no such file, without a period.
 */
export function createPrivateFile(path: string, { replaces }: { replaces: boolean }): PrivateFile {
  const older = lstatSync(path, { throwIfNoEntry: false });
  if (older && !replaces) throw new Error('the file already exists');
  if (older && !older.isFile()) throw new Error('not a regular file');
  if (!existsSync(dirname(path)))
    throw new Error(`the folder ${dirname(path)} doesn’t exist. Create it, or choose another place`);
  const part = `${path}.${randomBytes(8).toString('hex')}.part`;
  const descriptor = create(part);
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
      // Unlike a rename, it fails if a file of this name exists by now.
      linkSync(part, path);
      rmSync(part);
    },
    discard() {
      close();
      rmSync(part, { force: true });
    },
  };
}

/** @throws Error without the name of the part, which nobody has given. */
function create(part: string): number {
  try {
    return openSync(part, 'wx', 0o600);
  } catch (cause) {
    throw new Error(`${fileFault(cause)}. Give the user that runs usher access, or choose another place`, {
      cause,
    });
  }
}
