import type { RowOutcome } from '../flows/import/users.ts';
import { csvLine } from './csv.ts';
import { createPrivateFile } from './private-file.ts';

/** A file that says which id here belongs to which id in the source (CSV). */
export interface IdMap {
  write(outcomes: readonly RowOutcome[]): void;
  /** Gives the map its name. @returns How many users are in it, and how many have no id in the source. */
  keep(): { written: number; missing: number };
  /** Removes what was written; a second run writes all of it again. Does nothing after `keep`. */
  discard(): void;
}

/**
 * Creates the map, which only its owner may read. It never replaces a file: the map of another import may have no copy.
 *
 * @throws Error for a file that is there already, or cannot be written.
 */
export function createIdMap(file: string): IdMap {
  const target = saying(file, () => createPrivateFile(file, { replaces: false }));
  let written = 0;
  let missing = 0;
  const put = (text: string) => saying(file, () => target.write(text));
  put(csvLine(['old_id', 'new_id']));
  return {
    write(outcomes) {
      const accounts = outcomes.filter(({ id }) => id !== undefined);
      const mapped = accounts.filter(({ sourceId }) => sourceId);
      put(mapped.map(({ sourceId = '', id = '' }) => csvLine([sourceId, id])).join(''));
      written += mapped.length;
      missing += accounts.length - mapped.length;
    },
    keep() {
      saying(file, () => target.keep());
      return { written, missing };
    },
    discard: () => target.discard(),
  };
}

function saying<T>(file: string, write: () => T): T {
  try {
    return write();
  } catch (error) {
    throw new Error(
      `The map ${file} cannot be written: ${(error as Error).message}. Name another file with --map; an import that is repeated writes the whole map again.`,
    );
  }
}
