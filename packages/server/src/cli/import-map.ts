import { fileFault } from '../config.ts';
import { csvLine } from '../flows/export/csv.ts';
import type { RowOutcome } from '../flows/import/users.ts';
import { createPrivateFile } from './private-file.ts';

/** A CSV file that maps user IDs here to IDs in the source. */
export interface IdMap {
  write(outcomes: readonly RowOutcome[]): void;
  /**
   * Moves the map to its final name.
   *
   * @returns The number of users in it, the number without an ID in the source, and the number of existing accounts that
   * may belong to somebody else.
   */
  keep(): { written: number; missing: number; unverified: number };
  /** Deletes the file; a second run writes all of it again. Does nothing after `keep`. */
  discard(): void;
}

/**
 * Creates the map, readable by its owner only. It never replaces a file: the map of an earlier import may be the only
 * copy.
 *
 * @throws Error if the file exists or cannot be written.
 */
export function createIdMap(file: string): IdMap {
  const target = saying(file, () => createPrivateFile(file, { replaces: false }));
  let written = 0;
  let missing = 0;
  let unverified = 0;
  const put = (text: string) => saying(file, () => target.write(text));
  put(csvLine(['old_id', 'new_id']));
  return {
    write(outcomes) {
      const accounts = outcomes.filter(({ id }) => id !== undefined);
      const mapped = accounts.filter(({ sourceId }) => sourceId);
      put(mapped.map(({ sourceId = '', id = '' }) => csvLine([sourceId, id])).join(''));
      written += mapped.length;
      missing += accounts.length - mapped.length;
      unverified += outcomes.filter(({ status, id }) => status === 'skipped' && id === undefined).length;
    },
    keep() {
      saying(file, () => target.keep());
      return { written, missing, unverified };
    },
    discard: () => target.discard(),
  };
}

function saying<T>(file: string, write: () => T): T {
  try {
    return write();
  } catch (error) {
    throw new Error(
      `Couldn’t write the map ${file}: ${fileFault(error)}. Name another file with --map; an import that is repeated writes the whole map again.`,
    );
  }
}
