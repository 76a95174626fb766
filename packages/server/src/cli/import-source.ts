import { createReadStream, type ReadStream, statSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { extname } from 'node:path';
import { parse } from 'csv-parse';
import { fileFault } from '../config.ts';
import { plainCell } from '../flows/export/csv.ts';
import type { SourceRow } from '../flows/import/users.ts';
import { namesDatabase } from '../platform/db/index.ts';
import { Misuse } from './output.ts';

/** The source that users are imported from. */
export interface ImportSource {
  /** The column names; undefined if each row has its own. */
  columns: string[] | undefined;
  /** Yields the rows in order, with few in memory at a time. @throws Error if the rest cannot be read */
  rows(): AsyncIterable<SourceRow>;
  /** The share that was read, from 0 to 1; undefined if the total is unknown. */
  done(): number | undefined;
  close(): Promise<void>;
}

/** In bytes; a hundred times the size of a typical row. */
const LONGEST_ROW = 1024 * 1024;

const formats: Record<string, 'csv' | 'jsonl'> = {
  '.csv': 'csv',
  '.tsv': 'csv',
  '.txt': 'csv',
  '.jsonl': 'jsonl',
  '.ndjson': 'jsonl',
  '.json': 'jsonl',
};

/**
 * @throws Misuse if the source is not recognized as CSV, JSON lines or a database; Error if the file cannot be read.
 */
export async function openSource(place: string, format?: 'csv' | 'jsonl'): Promise<ImportSource> {
  if (namesDatabase(place)) return fromDatabase(place);
  if (statSync(place, { throwIfNoEntry: false })?.isDirectory())
    throw new Misuse(`${place} is a folder. Name the file to import.`);
  const kind = format ?? formats[extname(place).toLowerCase()];
  if (!kind) throw new Misuse(`Can’t tell the format of ${place}. Use --format csv or --format jsonl.`);
  const head = await readHead(place);
  const fault = faultOfFile(head) ?? (kind === 'jsonl' ? faultOfJson(head) : undefined);
  if (fault) throw new Error(`${place} ${fault}`);
  const stream = createReadStream(place, { start: head.subarray(0, 3).equals(BYTE_ORDER_MARK) ? 3 : 0 });
  const { size } = statSync(place);
  const shared = {
    done: () => (size === 0 ? 1 : stream.bytesRead / size),
    close: async () => void stream.destroy(),
  };
  if (kind === 'jsonl') return { ...shared, columns: undefined, rows: () => jsonRows(stream) };
  const records = csvRecords(stream, head)[Symbol.asyncIterator]();
  const header = (await records.next()).value as CsvRecord | undefined;
  const columns = header?.cells.map((cell) => textOfCell(cell)?.trim() ?? '') ?? [];
  const twice = columns.find((name, at) => name !== '' && columns.indexOf(name) !== at);
  if (twice) throw new Misuse(`Duplicate column "${twice}" in ${place}.`);
  return { ...shared, columns, rows: () => csvRows({ [Symbol.asyncIterator]: () => records }, columns) };
}

async function fromDatabase(url: string): Promise<ImportSource> {
  // Loads the database drivers only if they are needed.
  const { openForeignTable } = await import('../platform/db/foreign-table.ts');
  const table = await openForeignTable(url);
  return {
    columns: table.columns,
    async *rows() {
      let line = 0;
      for await (const cells of table.rows()) yield { line: ++line, cells };
    },
    done: () => undefined,
    close: table.close,
  };
}

const HEAD = 65_536;
const BYTE_ORDER_MARK = Buffer.from('\ufeff');

async function readHead(file: string): Promise<Buffer> {
  const handle = await open(file).catch((error) => {
    throw new Error(`Couldn’t read ${file}: ${fileFault(error)}. Check the path.`);
  });
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(HEAD), 0, HEAD, 0);
    return buffer.subarray(0, bytesRead);
  } catch (error) {
    throw new Error(`Couldn’t read ${file}: ${fileFault(error)}.`);
  } finally {
    await handle.close();
  }
}

function faultOfFile(head: Buffer): string | undefined {
  const [first = 0, second = 0] = head;
  if ((first === 0xff && second === 0xfe) || (first === 0xfe && second === 0xff))
    return 'is UTF-16. Save it as UTF-8.';
  if (first === 0x50 && second === 0x4b) return 'is a spreadsheet or an archive. Save it as CSV (UTF-8).';
  if (first === 0x1f && second === 0x8b) return 'is compressed. Decompress it first: gunzip FILE';
  return head.includes(0) ? 'isn’t a text file.' : undefined;
}

/** A single JSON document, which many programs export, cannot be read line by line. */
function faultOfJson(head: Buffer): string | undefined {
  const begin = head.toString('utf8').replace(/^[\ufeff\s]+/, '');
  if (begin.startsWith('['))
    return "is a JSON array. Convert it to JSON Lines: jq -c '.[]' FILE > users.jsonl";
  if (/^\{\s*"users"\s*:\s*\[/.test(begin))
    return "is a single JSON document. Convert it to JSON Lines: jq -c '.users[]' FILE > users.jsonl";
  return undefined;
}

interface CsvRecord {
  line: number;
  /** One character for each byte. */
  cells: string[];
}

/**
 * Yields records up to the first one whose end is unclear: anything after it may be wrong.
 *
 * @throws Error for that record
 */
async function* csvRecords(stream: ReadStream, head: Buffer): AsyncGenerator<CsvRecord> {
  let fault: CsvFault | undefined;
  const parser = parse({
    delimiter: delimiterOf(head),
    // One character for each byte: invalid UTF-8 must be detected, not replaced.
    encoding: 'latin1',
    info: true,
    max_record_size: LONGEST_ROW,
    relax_column_count: true,
    skip_empty_lines: true,
    // A parser that throws would discard the records it has already read.
    skip_records_with_error: true,
    on_skip: (error) => {
      fault ??= error;
      stream.unpipe(parser);
      parser.end();
    },
  });
  stream.on('error', (error) => parser.destroy(error)).pipe(parser);
  try {
    for await (const { record, info } of parser) {
      if (fault && info.lines >= (fault.lines ?? 0)) break;
      yield { line: info.lines, cells: record };
    }
  } catch (error) {
    fault = error as CsvFault;
  }
  if (fault) throw new Error(sentenceOf(fault));
}

type CsvFault = Error & { code?: string; lines?: number };

/** The delimiter: of the usual ones, the most frequent in the first line. */
function delimiterOf(head: Buffer): string {
  const [line = ''] = head.toString('latin1').split(/\r?\n/, 1);
  const counts = [',', ';', '\t'].map((sign) => ({ sign, count: line.split(sign).length }));
  return counts.reduce((most, one) => (one.count > most.count ? one : most)).sign;
}

function sentenceOf({ code, lines, message }: CsvFault): string {
  const where = `Line ${lines}`;
  if (code === 'CSV_QUOTE_NOT_CLOSED') return `${where}: unclosed quotation mark.`;
  if (code === 'CSV_MAX_RECORD_SIZE')
    return `${where}: row longer than 1 MB. Check for an unclosed quotation mark.`;
  if (lines !== undefined) return `${where}: unexpected quotation mark.`;
  return `Couldn’t read the file: ${message}`;
}

async function* csvRows(records: AsyncIterable<CsvRecord>, columns: string[]): AsyncGenerator<SourceRow> {
  for await (const { line, cells } of records) {
    const texts = cells.map(textOfCell);
    if (cells.length !== columns.length)
      yield { line, fault: `This row has ${cells.length} columns; the header has ${columns.length}.` };
    else if (texts.includes(undefined)) yield { line, fault: NOT_UTF8 };
    else yield { line, cells: new Map(columns.map((name, at) => [name, plainCell(texts[at] ?? '')])) };
  }
}

async function* jsonRows(stream: ReadStream): AsyncGenerator<SourceRow> {
  for await (const { line, bytes } of linesOf(stream)) {
    if (!bytes) {
      yield { line, fault: 'This row is longer than 1 MB.' };
      continue;
    }
    const text = textOf(bytes)
      ?.replace(/^\ufeff/, '')
      .trim();
    if (text === undefined) yield { line, fault: NOT_UTF8 };
    else if (text !== '') yield jsonRow(line, text);
  }
}

const NOT_UTF8 = 'This row isn’t valid UTF-8. Save the file as UTF-8.';

function jsonRow(line: number, text: string): SourceRow {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
      const cells = Object.entries(value).filter(([, cell]) => cell !== null);
      return { line, cells: new Map(cells.map(([name, cell]) => [name, cellOf(cell)])) };
    }
  } catch {
    // Reported below; the parser's own message would quote the content.
  }
  return { line, fault: 'This row isn’t a complete JSON object.' };
}

const cellOf = (cell: unknown): string => (typeof cell === 'object' ? JSON.stringify(cell) : String(cell));

/** The lines of a file, as bytes without line endings. A line that is too long is discarded. */
async function* linesOf(stream: ReadStream): AsyncGenerator<{ line: number; bytes: Buffer | undefined }> {
  let line = 1;
  let parts: Buffer[] = [];
  let length = 0;
  const take = () => {
    const bytes = length > LONGEST_ROW ? undefined : Buffer.concat(parts);
    parts = [];
    length = 0;
    return { line: line++, bytes };
  };
  const put = (part: Buffer) => {
    length += part.length;
    if (length <= LONGEST_ROW) parts.push(part);
    else parts = [];
  };
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    let from = 0;
    for (let end = chunk.indexOf(10); end !== -1; end = chunk.indexOf(10, from)) {
      put(chunk.subarray(from, end));
      yield take();
      from = end + 1;
    }
    put(chunk.subarray(from));
  }
  if (length > 0) yield take();
}

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

const textOfCell = (cell: string): string | undefined =>
  /[^\0-\x7f]/.test(cell) ? textOf(Buffer.from(cell, 'latin1')) : cell;

/** The decoded text; undefined if the bytes are not valid UTF-8. */
function textOf(bytes: Uint8Array): string | undefined {
  try {
    return decoder.decode(bytes);
  } catch {
    return undefined;
  }
}
