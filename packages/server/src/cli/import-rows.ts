import { once } from 'node:events';
import type { RowOutcome } from '../flows/import/users.ts';
import { printable, printableJson } from './output.ts';

/** What a dry run says that an import would do with a row. */
const actions = { imported: 'create', skipped: 'skip', rejected: 'reject' } as const;

/**
 * Prints the result of each row to standard output, no faster than it is read, so that few rows are in memory.
 *
 * @returns Whether the output is still being read.
 */
export async function printRows(outcomes: readonly RowOutcome[], asJson: boolean): Promise<boolean> {
  const lines = outcomes.map((outcome) =>
    asJson ? printableJson(rowOf(outcome)) : printable(sentenceOf(outcome, true)),
  );
  if (process.stdout.errored) return false;
  if (process.stdout.write(`${lines.join('\n')}\n`)) return true;
  return once(process.stdout, 'drain').then(
    () => true,
    () => false,
  );
}

/** `email` is empty if the row has none; `hash` is the algorithm of the imported hash. */
const rowOf = ({ line, status, email, family, reason }: RowOutcome) => ({
  line,
  action: actions[status],
  email,
  hash: family,
  reason,
});

export function sentenceOf({ line, status, email, family, reason }: RowOutcome, dryRun?: true): string {
  const who = email === '' ? '' : `${email}: `;
  if (status === 'skipped')
    return `line ${line}: ${who}skipped: ${reason ?? 'an account with this email already exists'}`;
  if (status === 'rejected') return `line ${line}: ${who}rejected: ${reason}`;
  return `line ${line}: ${who}${dryRun ? 'would be imported' : 'imported'} (${family === 'none' ? 'no password' : family})`;
}
