import { existsSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import pg from 'pg';
import { isEncodedAddress } from '../../config.ts';

/** A row of another program's table, as texts; NULLs are left out. */
export type ForeignRow = ReadonlyMap<string, string>;

/** A table in another program's database. It is only read. */
export interface ForeignTable {
  /** The names of its columns, in order. */
  columns: string[];
  rows(): AsyncIterable<ForeignRow>;
  close(): Promise<void>;
}

const PAGE = 500;

/**
 * Opens the table given by the parameter `table` of a database URL, optionally with its schema:
 * `sqlite:PATH?table=users`, `postgres://USER@HOST/NAME?table=public.users`. PostgreSQL's own environment variables
 * apply to what the URL omits.
 *
 * @throws Error that says what to change, and does not repeat the URL, which may contain a password.
 */
export async function openForeignTable(url: string): Promise<ForeignTable> {
  const [address = '', query = ''] = url.split(/\?(.*)/s);
  const parameters = new URLSearchParams(query);
  const table = parameters.get('table') ?? '';
  if (!/^[^.]+(\.[^.]+)?$/.test(table)) throw new Error('Add ?table=NAME to the database URL.');
  parameters.delete('table');
  const name = table
    .split('.')
    .map((part) => `"${part.replaceAll('"', '""')}"`)
    .join('.');
  if (/^sqlite:/i.test(address)) return openInFile(address.slice('sqlite:'.length), name);
  return openOnServer(parameters.size > 0 ? `${address}?${parameters}` : address, name);
}

function openInFile(path: string, table: string): ForeignTable {
  if (!existsSync(path)) throw new Error(`Database file not found: ${path}.`);
  const database = new DatabaseSync(path, { readOnly: true });
  try {
    const statement = database.prepare(`SELECT * FROM ${table}`);
    statement.setReadBigInts(true);
    return {
      columns: statement.columns().map(({ name }) => name),
      async *rows() {
        for (const row of statement.iterate()) yield asTexts(row);
      },
      close: async () => database.close(),
    };
  } catch (error) {
    database.close();
    throw new Error(`Couldn’t read the table: ${(error as Error).message}`);
  }
}

async function openOnServer(url: string, table: string): Promise<ForeignTable> {
  if (!isEncodedAddress(url))
    throw new Error(
      'Invalid database URL. Percent-encode special characters in the password (@ as %40, : as %3A, / as %2F, # as %23, ? as %3F, % as %25).',
    );
  const client = new pg.Client({
    connectionString: url,
    application_name: 'usher',
    connectionTimeoutMillis: 5_000,
    types: { getTypeParser: asWritten },
  });
  client.on('error', () => {});
  try {
    await client.connect();
    // A single snapshot, whatever happens to the table meanwhile.
    await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
    await client.query(`DECLARE usher_rows NO SCROLL CURSOR FOR SELECT * FROM ${table}`);
    const { fields } = await client.query('FETCH 0 FROM usher_rows');
    return {
      columns: fields.map(({ name }) => name),
      async *rows() {
        for (;;) {
          const { rows } = await client.query(`FETCH ${PAGE} FROM usher_rows`);
          for (const row of rows) yield asTexts(row);
          if (rows.length < PAGE) return;
        }
      },
      close: () => client.end(),
    };
  } catch (error) {
    await client.end().catch(() => {});
    throw new Error(`Couldn’t read the table: ${(error as Error).message}`);
  }
}

/** As the server formats it: a time without a zone must not be read in this machine's zone. Bytes are in hex. */
const asWritten = ((oid: number) =>
  oid === pg.types.builtins.BYTEA
    ? (text: string) => Buffer.from(text.slice(2), 'hex')
    : (text: string) => text) as typeof pg.types.getTypeParser;

function asTexts(row: Record<string, unknown>): ForeignRow {
  const cells = Object.entries(row).filter(([, value]) => value !== null);
  return new Map(cells.map(([name, value]) => [name, textOf(value)]));
}

/** Some programs store hashes as bytes; they are text all the same. */
const textOf = (value: unknown): string =>
  value instanceof Uint8Array ? Buffer.from(value).toString('utf8') : String(value);
