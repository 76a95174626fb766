import { mkdtempSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import fc from 'fast-check';
import pg from 'pg';
import { beforeAll, describe, expect, inject, it } from 'vitest';
import { openSource } from '../../src/cli/import-source.ts';
import { csvLine, plainCell } from '../../src/flows/export/csv.ts';
import type { SourceRow } from '../../src/flows/import/users.ts';
import { postgres } from '../support/postgres.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(inject('folder'), 'import-'));
});

let files = 0;
/** What is read of a file of this content: each row in short, and what stopped it. */
async function read(content: string | Buffer, ending = 'csv'): Promise<{ rows: unknown[]; stop?: string }> {
  const file = join(folder, `${++files}.${ending}`);
  writeFileSync(file, content);
  return readFrom(file);
}

async function readFrom(place: string): Promise<{ rows: unknown[]; stop?: string }> {
  const rows: unknown[] = [];
  try {
    const source = await openSource(place);
    try {
      for await (const row of source.rows()) rows.push(inShort(row));
    } finally {
      await source.close();
    }
    return { rows };
  } catch (error) {
    return { rows, stop: (error as Error).message.replace(place, 'FILE') };
  }
}

const inShort = ({ line, cells, fault }: SourceRow) => [line, cells ? Object.fromEntries(cells) : fault];
const ADA = { email: 'ada@example.org', name: 'Ada' };
const GRACE = { email: 'grace@example.org', name: 'Grace, B.' };

describe('a CSV file', () => {
  const plain = 'email,name\nada@example.org,Ada\ngrace@example.org,"Grace, B."\n';
  it.each([
    ['as it should be', plain],
    ['with a byte order mark', `\ufeff${plain}`],
    ['with CRLF', plain.replaceAll('\n', '\r\n')],
    ['without a last line end', plain.trimEnd()],
    ['with semicolons', 'email;name\nada@example.org;Ada\ngrace@example.org;Grace, B.\n'],
    ['with tabs', 'email\tname\nada@example.org\tAda\ngrace@example.org\tGrace, B.\n'],
  ])('%s is read', async (_, content) => {
    expect(await read(content)).toEqual({
      rows: [
        [2, ADA],
        [3, GRACE],
      ],
    });
  });

  it('with empty lines keeps its numbers', async () => {
    expect(await read('email,name\n\nada@example.org,Ada\n\n')).toEqual({ rows: [[3, ADA]] });
  });

  it('in Latin-1 loses the rows that are none in UTF-8, and no other', async () => {
    const latin = Buffer.from(`${plain}x@example.org,Jos\u00e9\n`, 'latin1');
    const { rows } = await read(latin);
    expect(rows.slice(0, 2)).toEqual([
      [2, ADA],
      [3, GRACE],
    ]);
    expect(rows[2]).toEqual([4, 'This row isn’t valid UTF-8. Save the file as UTF-8.']);
  });

  it.each([
    ['UTF-16 (little)', Buffer.from(`\ufeff${plain}`, 'utf16le'), 'FILE is UTF-16. Save it as UTF-8.'],
    ['UTF-16 (big)', Buffer.from(`\ufeff${plain}`, 'utf16le').swap16(), 'FILE is UTF-16. Save it as UTF-8.'],
    [
      'a spreadsheet',
      Buffer.from('PK\u0003\u0004'),
      'FILE is a spreadsheet or an archive. Save it as CSV (UTF-8).',
    ],
    ['compressed', Buffer.from([0x1f, 0x8b, 8, 0]), 'FILE is compressed. Decompress it first: gunzip FILE'],
    ['NULs', 'email\0\n', 'FILE isn’t a text file.'],
    ['two columns of one name', 'email,email\n', 'Duplicate column "email" in FILE.'],
  ])('that is %s is rejected as a whole', async (_, content, stop) => {
    expect(await read(content)).toEqual({ rows: [], stop });
  });

  it('that ends half-way loses its last row alone', async () => {
    expect(await read(`${plain}x@exam`)).toEqual({
      rows: [
        [2, ADA],
        [3, GRACE],
        [4, 'This row has 1 columns; the header has 2.'],
      ],
    });
    expect(await read(`${plain}x@example.org,"X`)).toEqual({
      rows: [
        [2, ADA],
        [3, GRACE],
      ],
      stop: 'Line 4: unclosed quotation mark.',
    });
  });

  it('is read up to a quotation mark that has no place', async () => {
    expect(await read(`${plain}x@example.org,"X"x\n${plain}`)).toEqual({
      rows: [
        [2, ADA],
        [3, GRACE],
      ],
      stop: 'Line 4: unexpected quotation mark.',
    });
  });

  it('is read up to a row of 10 MB, which is never held', async () => {
    const before = process.memoryUsage().arrayBuffers;
    const { rows, stop } = await read(`${plain}"${'x'.repeat(10_000_000)}",x\n`);
    expect(rows).toEqual([
      [2, ADA],
      [3, GRACE],
    ]);
    expect(stop).toBe('Line 4: row longer than 1 MB. Check for an unclosed quotation mark.');
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(8_000_000);
  });

  it('that is empty has no rows', async () => {
    expect(await read('')).toEqual({ rows: [] });
    expect(await read('email\n')).toEqual({ rows: [] });
  });
});

describe('JSON lines', () => {
  const line = (value: unknown) => `${JSON.stringify(value)}\n`;
  it('are read one by one, whatever is wrong with some', async () => {
    const content = Buffer.concat([
      Buffer.from(`\ufeff${line(ADA)}\r\n`),
      Buffer.from('{"email":"half@exam\n[1]\n"text"\n'),
      Buffer.from([0x7b, 0xe9, 0x7d, 0x0a]),
      Buffer.from(line({ email: 'x'.repeat(10_000_000) })),
      Buffer.from(line({ email: null, age: 7, admin: true, emails: ['a@b.org', 'c@d.org'] })),
      Buffer.from('{"email":"end@exam'),
    ]);
    const noObject = 'This row isn’t a complete JSON object.';
    expect(await read(content, 'jsonl')).toEqual({
      rows: [
        [1, ADA],
        [3, noObject],
        [4, noObject],
        [5, noObject],
        [6, 'This row isn’t valid UTF-8. Save the file as UTF-8.'],
        [7, 'This row is longer than 1 MB.'],
        [8, { age: '7', admin: 'true', emails: '["a@b.org","c@d.org"]' }],
        [9, noObject],
      ],
    });
  });

  it('are asked for where a file is one document', async () => {
    expect((await read('[{"email":"a@b.org"}]', 'json')).stop).toContain("jq -c '.[]' FILE > users.jsonl");
    expect((await read('{"users": [\n', 'json')).stop).toContain("jq -c '.users[]' FILE > users.jsonl");
  });
});

it('a file that is none, or of no known kind, is named', async () => {
  expect((await readFrom(join(folder, 'none.csv'))).stop).toBe(
    'Couldn’t read FILE: no such file or directory. Check the path.',
  );
  expect((await readFrom(folder)).stop).toBe('FILE is a folder. Name the file to import.');
  expect((await readFrom(join(folder, 'users.xml'))).stop).toBe(
    'Can’t tell the format of FILE. Use --format csv or --format jsonl.',
  );
});

describe('a table', () => {
  const script = `
    CREATE TABLE "user" (id INTEGER, email TEXT, "password" TEXT, active BOOLEAN, joined TIMESTAMP);
    INSERT INTO "user" VALUES (1, 'ada@example.org', 'x', TRUE, '2020-01-02 03:04:05'), (9007199254740993, 'g', NULL, FALSE, NULL);`;

  it('of a SQLite file is read, and nothing is written', async () => {
    const file = join(folder, 'flask.db');
    const database = new DatabaseSync(file);
    database.exec(script.replace('BOOLEAN', 'INTEGER'));
    database.close();
    expect(await readFrom(`sqlite:${file}?table=user`)).toEqual({
      rows: [
        [1, { id: '1', email: 'ada@example.org', password: 'x', active: '1', joined: '2020-01-02 03:04:05' }],
        [2, { id: '9007199254740993', email: 'g', active: '0' }],
      ],
    });
    expect((await readFrom(`sqlite:${file}?table=x"; DROP TABLE user; --`)).stop).toMatch(
      /^Couldn’t read the table: no such table/,
    );
    expect((await readFrom(`sqlite:${file}`)).stop).toBe('Add ?table=NAME to the database URL.');
    expect((await readFrom(`sqlite:${file}.none?table=user`)).stop).toBe(
      `Database file not found: ${file}.none.`,
    );
  });

  it('of a PostgreSQL server is read as it was at one moment', async () => {
    const database = await postgres.createEmpty();
    const client = new pg.Client({ connectionString: database.url });
    await client.connect();
    try {
      await client.query(script.replace('INTEGER', 'BIGINT'));
      await client.query(
        `INSERT INTO "user" (id, email) SELECT n, 'u' || n FROM generate_series(1, 1200) AS n`,
      );
      const { rows } = await readFrom(`${database.url}?table=public.user`);
      expect(rows.slice(0, 2)).toEqual([
        [1, { id: '1', email: 'ada@example.org', password: 'x', active: 't', joined: '2020-01-02 03:04:05' }],
        [2, { id: '9007199254740993', email: 'g', active: 'f' }],
      ]);
      expect(rows).toHaveLength(1_202);
      const failed = await readFrom(`${database.url}?table=nothing`);
      expect(failed.stop).toBe('Couldn’t read the table: relation "nothing" does not exist');
    } finally {
      await client.end();
      await database.remove();
    }
  });
});

describe('a cell that looks like a formula', () => {
  it.each(['=1+1', '+1', '-1', '@SUM(A1)', '\t=1', '\r=1', "'=1", "''@x"])('is defused: %j', (cell) => {
    const written = csvLine([cell]).replace(/^"|"?\r\n$/g, '');
    expect(written).toMatch(/^'/);
    expect(plainCell(written)).toBe(cell);
  });

  it.each(['＝1+1', '＋1', '－1', '＠SUM(A1)', "'＝1"])('is defused in full width: %j', (cell) => {
    expect(csvLine([cell])).toBe(`'${cell}\r\n`);
    expect(plainCell(`'${cell}`)).toBe(cell);
  });

  it.each([
    [';=1', `";'=1"`],
    ['Ada;＝1;x', `"Ada;'＝1;x"`],
    ["a;'@b;-1", `"a;''@b;'-1"`],
    ['a\n=1', `"a\n'=1"`],
    ['a;b', '"a;b"'],
    ['a=1-2', 'a=1-2'],
  ])('is defused where a semicolon separates the cells: %j', (cell, written) => {
    expect(csvLine([cell])).toBe(`${written}\r\n`);
    expect(plainCell(written.replace(/^"|"$/g, ''))).toBe(cell);
  });

  it('is as it was after the round trip, whatever the signs', () => {
    const text = fc.string({ unit: fc.constantFrom(...'\'=＝-;\t\r\n"a') });
    fc.assert(
      fc.property(text, (cell) => {
        const written = csvLine([cell]).slice(0, -2);
        const unquoted = written.replace(/^"|"$/g, '').replaceAll('""', '"');
        expect(plainCell(written.startsWith('"') ? unquoted : written)).toBe(cell);
        expect(unquoted).not.toMatch(/(?:^|[;\t\r\n])[=＝\-\t\r]/);
      }),
    );
  });

  it('is as it was after the round trip, like every other', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.string({ unit: 'grapheme' }), { minLength: 2, maxLength: 2 }),
        async ([a = '', b = '']) => {
          fc.pre(!/\0/.test(a + b));
          const { rows } = await read(csvLine(['a', 'b']) + csvLine([a, b]));
          expect(rows).toEqual([[expect.any(Number), { a, b }]]);
        },
      ),
      { numRuns: 200, examples: [[["=cmd|'/C calc'!A0", '\'"\n']], [['\ufeff', ',']]] },
    );
  });
});
