import { readFileSync, realpathSync, statSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { progress } from '@clack/prompts';
import type { Command } from 'commander';
import { fileFault } from '../config.ts';
import type { FirebaseParameters } from '../core/passwords/imported.ts';
import {
  type Columns,
  columnFinder,
  type Field,
  fieldLabel,
  fieldLabels,
  fieldNamed,
  findColumns,
} from '../flows/import/columns.ts';
import { type RowOutcome, type SourceRow, userImporter } from '../flows/import/users.ts';
import { isUnavailable } from '../platform/db/index.ts';
import { createIdMap, type IdMap } from './import-map.ts';
import { openReport } from './import-report.ts';
import { printRows, sentenceOf } from './import-rows.ts';
import { type ImportSource, openSource } from './import-source.ts';
import { withContext } from './open.ts';
import { canAsk, Misuse, printableJson, printJson, say } from './output.ts';

export interface ImportOptions {
  dryRun?: true;
  format?: 'csv' | 'jsonl';
  column?: string[];
  admins?: true;
  resetRejected?: true;
  firebase?: string;
  report?: string;
  map?: string;
  json?: true;
}

/** Rows per transaction: few enough that concurrent sign-ins do not wait. */
const BATCH = 250;

/** How many rejected rows are shown; a report has all of them. */
const MAX_SHOWN = 20;

export async function importUsers(place: string, options: ImportOptions, command: Command): Promise<void> {
  const given = readColumns(options.column ?? []);
  const firebase = options.firebase === undefined ? undefined : readFirebase(options.firebase);
  checkFiles(place, options);
  const source = await openSource(place, options.format);
  try {
    if (source.columns) say(inWords(checkedColumns(source.columns, given, options)));
    await withContext(command, async (context) => {
      const rules = {
        columns: columnFinder(given),
        admins: options.admins === true,
        resetRejected: options.resetRejected === true,
        dryRun: options.dryRun === true,
        withoutIds: options.map === undefined,
        firebase,
      };
      const map = options.map === undefined ? undefined : createIdMap(options.map);
      try {
        await takeAll(source, userImporter(context, rules).add, options, map);
      } finally {
        map?.discard();
      }
    });
  } finally {
    await source.close();
  }
}

/** @throws Misuse for files that would replace each other, or a map of accounts that are not created. */
function checkFiles(place: string, { report, map, dryRun }: ImportOptions): void {
  if (report !== undefined && targetOf(report) === targetOf(place))
    throw new Misuse('--report can’t be the file being imported.');
  if (map === undefined) return;
  if (dryRun)
    throw new Misuse('--map has the ids of new accounts, and --dry-run creates none: leave one of them out.');
  if (report !== undefined && targetOf(report) === targetOf(map))
    throw new Misuse('--map and --report name the same file: name two.');
}

/** What a path leads to, through links and in any spelling: a file, or the place of a new one. */
function targetOf(path: string): string {
  try {
    const { dev, ino } = statSync(path, { bigint: true });
    return `${dev}:${ino}`;
  } catch {
    // There is no such file yet.
  }
  try {
    return join(realpathSync(dirname(path)), basename(path));
  } catch {
    return resolve(path);
  }
}

async function takeAll(
  source: ImportSource,
  add: (rows: SourceRow[]) => Promise<RowOutcome[]>,
  options: ImportOptions,
  map: IdMap | undefined,
): Promise<void> {
  const report = options.report === undefined ? undefined : openReport(options.report);
  const bar = canAsk() ? progress({ max: 1_000, output: process.stderr }) : undefined;
  bar?.start('Reading');
  const tally = newTally();
  let shown = 0;
  try {
    for await (const rows of batchesOf(source)) {
      const outcomes = await add(rows);
      tally.count(outcomes);
      map?.write(outcomes);
      report?.write(options.dryRun ? outcomes : outcomes.filter(({ status }) => status !== 'imported'));
      // Otherwise only rejected rows are reported, at the end and up to a maximum.
      const isRead = !options.dryRun || (await printRows(outcomes, options.json === true));
      // If the output was closed early (`| head`), no partial totals are printed; a report is still completed.
      if (!isRead && !report) return bar?.stop('Output closed');
      bar?.advance(Math.round(((source.done() ?? 0) - shown) * 1_000), tally.inWords(options.dryRun));
      shown = source.done() ?? 0;
    }
  } catch (error) {
    bar?.stop(tally.inWords(options.dryRun));
    throw stopped(error, tally.lastLine(), options.dryRun);
  } finally {
    report?.close();
  }
  bar?.stop('Read');
  keepMap(map, options.map);
  finish(tally, options);
}

function keepMap(map: IdMap | undefined, file: string | undefined): void {
  if (!map) return;
  const { written, missing, unverified } = map.keep();
  const lacking = missing === 0 ? '' : ` ${missing} without an id in the source are left out.`;
  const accounts = unverified === 1 ? '1 account' : `${unverified} accounts`;
  const strangers =
    unverified === 0
      ? ''
      : ` ${accounts} with an email that is not verified ${unverified === 1 ? 'is' : 'are'} left out: somebody else may have signed up with it. --report lists them.`;
  say(`Ids of ${written} users written to ${file}.${lacking}${strangers}`);
}

async function* batchesOf(source: ImportSource): AsyncGenerator<SourceRow[]> {
  let batch: SourceRow[] = [];
  try {
    for await (const row of source.rows()) {
      batch.push(row);
      if (batch.length < BATCH) continue;
      yield batch;
      batch = [];
    }
  } catch (error) {
    // Rows read before the error count.
    if (batch.length > 0) yield batch;
    throw error;
  }
  if (batch.length > 0) yield batch;
}

interface Tally {
  count(outcomes: readonly RowOutcome[]): void;
  lastLine(): number;
  inWords(dryRun: true | undefined): string;
  totals(): { imported: number; skipped: number; rejected: number; hashes: Record<string, number> };
  firstRejected(): RowOutcome[];
}

function newTally(): Tally {
  const totals = { imported: 0, skipped: 0, rejected: 0 };
  const hashes: Record<string, number> = {};
  const rejected: RowOutcome[] = [];
  let lastLine = 0;
  return {
    count(outcomes) {
      for (const outcome of outcomes) {
        totals[outcome.status]++;
        lastLine = Math.max(lastLine, outcome.line);
        if (outcome.family) hashes[outcome.family] = (hashes[outcome.family] ?? 0) + 1;
        if (outcome.status === 'rejected' && rejected.length < MAX_SHOWN) rejected.push(outcome);
      }
    },
    lastLine: () => lastLine,
    inWords: (dryRun) =>
      `${dryRun ? 'Would import' : 'Imported'} ${totals.imported}. ${dryRun ? 'Would skip' : 'Skipped'} ${totals.skipped} existing. ${dryRun ? 'Would reject' : 'Rejected'} ${totals.rejected}.`,
    totals: () => ({ ...totals, hashes }),
    firstRejected: () => rejected,
  };
}

/** @throws Error if rows were rejected, so that the exit code says so. */
function finish(tally: Tally, { json, dryRun, report }: ImportOptions): void {
  const totals = tally.totals();
  // The last line, after the rows.
  if (json && dryRun) process.stdout.write(`${printableJson({ dry_run: true, ...totals })}\n`);
  else if (json) printJson({ dry_run: false, ...totals });
  say(tally.inWords(dryRun));
  const families = Object.entries(totals.hashes).map(([family, count]) => `${count} ${family}`);
  if (families.length > 0) say(`Hashes: ${families.join(', ')}.`);
  if (totals.rejected === 0) return;
  if (!dryRun && !json) for (const outcome of tally.firstRejected()) say(sentenceOf(outcome));
  const all = report === undefined ? ' Use --report FILE to save all reasons.' : '';
  const rows = totals.rejected === 1 ? '1 row was' : `${totals.rejected} rows were`;
  throw new Error(
    `${rows} rejected. Fix ${totals.rejected === 1 ? 'it' : 'them'} and import the file again.${all}`,
  );
}

/** The error of an interrupted import: earlier rows are kept, and a second run continues after them. */
function stopped(error: unknown, lastLine: number, dryRun: true | undefined): Error {
  const words = error instanceof Error ? error.message : String(error);
  const why = isUnavailable(error) ? `Database error: ${words}.` : words;
  const after = lastLine === 0 ? 'at the start' : `after line ${lastLine}`;
  const then = dryRun ? '' : ' Earlier rows were imported. Run the import again to continue.';
  return new Error(`Stopped ${after}. ${why}${then}`);
}

/** Parses column options such as `email=Mail address`. */
function readColumns(given: string[]): Columns {
  const columns: Columns = {};
  for (const text of given) {
    const [, label = '', name = ''] = /^([^=]+)=(.*)$/s.exec(text) ?? [];
    const field = fieldNamed(label);
    if (!field)
      throw new Misuse(`--column must be FIELD=NAME, where FIELD is one of: ${fieldLabels.join(', ')}.`);
    columns[field] = name;
  }
  return columns;
}

function checkedColumns(names: string[], given: Columns, { map }: ImportOptions): Columns {
  const named = names.filter((name) => name !== '').join(', ');
  if (named === '') throw new Misuse('The file has no columns. Its first line must name them.');
  for (const name of Object.values(given))
    if (name !== '' && !names.includes(name))
      throw new Misuse(`Column "${name}" not found. Available columns: ${named}.`);
  const columns = findColumns(names, given);
  if (!columns.email)
    throw new Misuse(`No email column found. Available columns: ${named}. Set it with --column email=NAME.`);
  if (map !== undefined && !columns.id)
    throw new Misuse(
      `--map needs a column with user IDs. Available columns: ${named}. Set it with --column id=NAME.`,
    );
  return columns;
}

const inWords = (columns: Columns): string =>
  `Columns: ${Object.entries(columns)
    .map(([field, name]) => [fieldLabel(field as Field), name])
    .map(([label, name]) => (label === name ? label : `${label} from ${name}`))
    .join(', ')}.`;

/** The parameters in the format of the Firebase console, or as JSON. They are secret, hence a file and not a flag. */
function readFirebase(file: string): FirebaseParameters {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw new Misuse(`Couldn’t read ${file} (--firebase): ${fileFault(error)}. Check the path.`);
  }
  const read = (name: string) =>
    new RegExp(`"?${name}"?\\s*:\\s*"?([A-Za-z0-9+/=_-]+)"?`).exec(text)?.[1] ?? '';
  const parameters = {
    signerKey: read('base64_signer_key'),
    saltSeparator: read('base64_salt_separator'),
    rounds: Number(read('rounds')),
    memCost: Number(read('mem_cost')),
  };
  if (!parameters.signerKey || !parameters.rounds || !parameters.memCost)
    throw new Misuse(
      `${file} is missing base64_signer_key, rounds or mem_cost. Copy the password hash parameters from the Firebase console.`,
    );
  return parameters;
}
