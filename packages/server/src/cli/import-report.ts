import { fileFault } from '../config.ts';
import { csvLine } from '../flows/export/csv.ts';
import type { RowOutcome } from '../flows/import/users.ts';
import { createPrivateFile } from './private-file.ts';

/** A file with the result of each row: CSV if its name ends in .csv, JSON lines otherwise. */
export interface Report {
  write(outcomes: readonly RowOutcome[]): void;
  /** Moves the report to its final name, unless writing failed: then an older report stays. */
  close(): void;
}

/** Readable by its owner only, because it contains emails. */
export function openReport(file: string): Report {
  const target = saying(file, () => createPrivateFile(file, { replaces: true }));
  let isWhole = true;
  const attempt = (act: () => void) =>
    saying(file, () => {
      try {
        act();
      } catch (error) {
        isWhole = false;
        target.discard();
        throw error;
      }
    });
  const put = (text: string) => attempt(() => target.write(text));
  const isCsv = /\.csv$/i.test(file);
  if (isCsv) put(csvLine(['line', 'status', 'email', 'hash', 'reason']));
  return {
    write: (outcomes) => {
      const lines = outcomes.map((outcome) => (isCsv ? asCsv(outcome) : asJson(outcome)));
      if (lines.length > 0) put(lines.join(''));
    },
    close: () => {
      if (isWhole) attempt(() => target.keep());
    },
  };
}

const asJson = ({ line, status, email, family, reason }: RowOutcome): string =>
  `${JSON.stringify({ line, status, email, family, reason })}\n`;

const asCsv = ({ line, status, email, family = '', reason = '' }: RowOutcome): string =>
  csvLine([String(line), status, email, family, reason]);

function saying<T>(file: string, write: () => T): T {
  try {
    return write();
  } catch (error) {
    throw new Error(`Couldn’t write the report ${file}: ${fileFault(error)}.`);
  }
}
