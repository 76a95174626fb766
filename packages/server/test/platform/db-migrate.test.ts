import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { sql } from 'kysely';
import ts from 'typescript';
import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest';
import { type Database, openDatabase } from '../../src/platform/db/index.ts';
import { databases, type TestDatabase } from '../support/postgres.ts';

const source = join(import.meta.dirname, '../../src/platform/db/tables.ts');
const userFieldsSource = join(import.meta.dirname, '../../src/user-fields.ts');
const own = join(import.meta.dirname, '../../migrations');
const ownNames = readdirSync(own).sort();
const program = join(import.meta.dirname, '../support/migrate.ts');
const table = (name: string) => `-- A table; of no use.\nCREATE TABLE ${name} (id BIGINT NOT NULL);\n`;
const counting = (end: number) =>
  `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${end}) SELECT count(*) FROM n;\n`;

/** A folder of migrations. */
function folderWith(files: Record<string, string>): string {
  const folder = mkdtempSync(join(inject('folder'), 'migrations-'));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  return folder;
}

describe.each(databases)('$name', ({ name, create, createEmpty }) => {
  let home: TestDatabase;
  const opened: Database[] = [];
  async function open(migrations?: string): Promise<Database> {
    const database = await openDatabase(home.url, migrations ? { migrations } : {});
    opened.push(database);
    return database;
  }
  beforeEach(async () => {
    home = await createEmpty();
  });
  afterEach(async () => {
    await Promise.all(opened.splice(0).map((database) => database.close()));
    await home.remove();
  });

  /** Every table with its columns, in order. */
  async function tables(database: Database): Promise<Record<string, Record<string, string>>> {
    const found: Record<string, Record<string, string>> = {};
    const { rows } = await (name === 'SQLite'
      ? sql<Column>`
          SELECT t.name AS "table", c.name AS "column", c.type AS type, c."notnull" + c.pk > 0 AS required
          FROM sqlite_schema t, pragma_table_info(t.name) c WHERE t.type = 'table'
          AND t.name NOT LIKE 'user_search_trigrams%' AND c.name <> 'number' ORDER BY t.name, c.cid`
      : sql<Column>`
          SELECT table_name AS "table", column_name AS "column", data_type AS type, is_nullable = 'NO' AS required
          FROM information_schema.columns WHERE table_schema = current_schema() ORDER BY 1, ordinal_position`
    ).execute(database.db);
    for (const { table, column, type, required } of rows) {
      found[table] ??= {};
      found[table][column] = `${type.toLowerCase()}${required ? '' : ' or null'}`;
    }
    return found;
  }

  it('migrates once, and says what it does', async () => {
    const database = await open();
    expect(await database.exists()).toBe(false);
    expect(await database.pending()).toEqual(ownNames);
    expect(await database.exists()).toBe(false);
    expect(await database.migrate()).toEqual(ownNames);
    expect(await database.exists()).toBe(true);
    expect(await database.pending()).toEqual([]);
    expect(await database.migrate()).toEqual([]);
  });

  it('has the tables of tables.ts, column for column', async () => {
    const database = await open();
    await database.migrate();
    const { migrations, ...found } = await tables(database);
    expect(migrations).toEqual({ name: 'text', checksum: 'text', applied_at: 'bigint' });
    const declared = declaredTables();
    expect(found).toEqual({ ...declared, users: { ...declared.users, ...declaredUserFields() } });
  });

  it('applies what a newer program adds, and no more', async () => {
    const folder = folderWith({ '0001-a.sql': table('a'), 'notes.txt': 'not one', '2-b.sql': 'nor this' });
    expect(await (await open(folder)).migrate()).toEqual(['0001-a.sql']);
    // A checkout on Windows.
    writeFileSync(join(folder, '0001-a.sql'), table('a').replaceAll('\n', '\r\n'));
    writeFileSync(join(folder, '0010-c.sql'), table('c'));
    writeFileSync(join(folder, '0002-b.sql'), table('b'));
    const database = await open(folder);
    expect(await database.pending()).toEqual(['0002-b.sql', '0010-c.sql']);
    expect(await database.migrate()).toEqual(['0002-b.sql', '0010-c.sql']);
    expect(Object.keys(await tables(database))).toEqual(['a', 'b', 'c', 'migrations']);
  });

  it('does nothing at all when one migration fails', async () => {
    const folder = folderWith({ '0001-a.sql': table('a'), '0002-b.sql': `${table('b')}${table('a')}` });
    const database = await open(folder);
    await expect(database.migrate()).rejects.toThrow('already exists');
    expect(await tables(database)).toEqual({});
    writeFileSync(join(folder, '0002-b.sql'), table('b'));
    expect(await database.migrate()).toHaveLength(2);
  });

  it('applies everything once when three processes start at once', async () => {
    const folder = folderWith({
      '0001-a.sql': table('a'),
      '0002-slow.sql': counting(1_000_000),
      '0003-b.sql': table('b'),
    });
    const run = promisify(execFile);
    const runs = await Promise.all([1, 2, 3].map(() => run(process.execPath, [program, home.url, folder])));
    const applied = runs.map(({ stdout }) => JSON.parse(stdout));
    expect(applied.toSorted((one, other) => one.length - other.length)).toEqual([
      [],
      [],
      readdirSync(folder),
    ]);
    const database = await open(folder);
    const { rows } = await sql`SELECT name FROM migrations ORDER BY name`.execute(database.db);
    expect(rows).toHaveLength(3);
  });

  it('waits for another process longer than any query waits', async () => {
    const database = await open();
    const other = await open();
    await other.create();
    const holding = other.db.transaction().execute(async (transaction) => {
      if (other.file === undefined)
        await sql`SELECT pg_advisory_xact_lock(504978072946)`.execute(transaction);
      await sleep(name === 'SQLite' ? 2500 : 5500);
    });
    await sleep(100);
    expect(await database.migrate()).toEqual(ownNames);
    await holding;
  });

  it('leaves nothing when it is killed', async () => {
    const folder = folderWith({ '0001-a.sql': table('a'), '0002-slow.sql': counting(8_000_000) });
    const child = spawn(process.execPath, [program, home.url, folder], { stdio: 'ignore' });
    const database = await open(folder);
    while (child.exitCode === null && !(await isMigrating(database))) await sleep(10);
    await sleep(100);
    child.kill('SIGKILL');
    await once(child, 'exit');
    expect(child.signalCode).toBe('SIGKILL');
    expect(await database.exists()).toBe(false);
    expect(await tables(database)).toEqual({});
    // It also waits for the server to have noticed.
    writeFileSync(join(folder, '0002-slow.sql'), table('b'));
    expect(await database.migrate()).toHaveLength(2);
  });

  /** Whether some process holds the lock that a migration takes. */
  async function isMigrating(database: Database): Promise<boolean> {
    if (database.file === undefined) {
      const locks = await sql`SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND granted`.execute(
        database.db,
      );
      return locks.rows.length > 0;
    }
    if (!existsSync(database.file)) return false;
    const probe = new DatabaseSync(database.file);
    try {
      probe.exec('BEGIN IMMEDIATE');
      return false;
    } catch (error) {
      return (error as Error).message === 'database is locked';
    } finally {
      probe.close();
    }
  }

  it('rejects a database that is newer than the program', async () => {
    const newer = folderWith({});
    cpSync(own, newer, { recursive: true });
    writeFileSync(join(newer, '9999-later.sql'), table('later'));
    await (await open(newer)).migrate();
    const database = await open();
    const reason = /newer than this version of Usher.*9999-later\.sql.*Upgrade Usher/;
    await expect(database.migrate()).rejects.toThrow(reason);
    await expect(database.pending()).rejects.toThrow(reason);
  });

  it('rejects a migration that was edited after it was applied', async () => {
    const folder = folderWith({ '0001-a.sql': table('a'), '0002-b.sql': table('b') });
    await (await open(folder)).migrate();
    writeFileSync(join(folder, '0002-b.sql'), table('c'));
    const database = await open(folder);
    await expect(database.migrate()).rejects.toThrow(/0002-b\.sql has changed since/);
    await expect(database.pending()).rejects.toThrow(/0002-b\.sql has changed since/);
  });

  it('drops all that is ours, and can begin again', async () => {
    await home.remove();
    home = await create();
    await (await open()).drop();
    const again = await open();
    expect(await again.exists()).toBe(false);
    expect(await again.migrate()).toEqual(ownNames);
  });
});

interface Column {
  table: string;
  column: string;
  type: string;
  required: boolean | number;
}

/** What tables.ts says, in the words of the database. */
function declaredTables(): Record<string, Record<string, string>> {
  const file = ts.createSourceFile(source, readFileSync(source, 'utf8'), ts.ScriptTarget.Latest, true);
  const interfaces = new Map<string, [string, string][]>();
  file.forEachChild((node) => {
    if (!ts.isInterfaceDeclaration(node)) return;
    const members = node.members.filter(ts.isPropertySignature);
    interfaces.set(
      node.name.text,
      members.map((member) => [member.name.getText(), member.type?.getText() ?? '']),
    );
  });
  const columnType = (type: string) =>
    (/^(Generated<)?number/.test(type) ? 'bigint' : 'text') + (type.endsWith('| null') ? ' or null' : '');
  const columns = (type: string) =>
    Object.fromEntries((interfaces.get(type) ?? []).map(([name, of]) => [name, columnType(of)]));
  return Object.fromEntries((interfaces.get('Tables') ?? []).map(([name, type]) => [name, columns(type)]));
}

/** What user-fields.ts says: each field is a call that names the type of its column. */
function declaredUserFields(): Record<string, string> {
  const text = readFileSync(userFieldsSource, 'utf8');
  const types: Record<string, string> = { text: 'text', time: 'bigint' };
  const fields = text.matchAll(/^ {2}(\w+): (maybe)?(text|time)\(\{$/gim);
  return Object.fromEntries(
    [...fields].map(([, name, maybe, type = '']) => [
      name,
      `${types[type.toLowerCase()]}${maybe ? ' or null' : ''}`,
    ]),
  );
}
