import { closeSync, openSync, writeSync } from 'node:fs';
import type { RowOutcome } from '../flows/import/users.ts';
import { csvLine } from './csv.ts';

/** A file that says row by row what became of it: CSV if it is called so, JSON lines otherwise. */
export interface Report {
  write(outcomes: readonly RowOutcome[]): void;
  close(): void;
}

/** Only its owner may read it: there are addresses in it. */
export function openReport(file: string): Report {
  const handle = saying(file, () => openSync(file, 'w', 0o600));
  const put = (text: string) => saying(file, () => writeSync(handle, text));
  const isCsv = /\.csv$/i.test(file);
  if (isCsv) put(csvLine(['line', 'status', 'email', 'hash', 'reason']));
  return {
    write: (outcomes) => {
      const lines = outcomes.map((outcome) => (isCsv ? asCsv(outcome) : `${JSON.stringify(outcome)}\n`));
      if (lines.length > 0) put(lines.join(''));
    },
    close: () => closeSync(handle),
  };
}

const asCsv = ({ line, status, email, family = '', reason = '' }: RowOutcome): string =>
  csvLine([String(line), status, email, family, reason]);

function saying<T>(file: string, write: () => T): T {
  try {
    return write();
  } catch (error) {
    throw new Error(`The report ${file} cannot be written: ${(error as Error).message}`);
  }
}
