import { existsSync } from 'node:fs';
import { extname } from 'node:path';
import type { Command } from 'commander';
import { fileFault } from '../config.ts';
import { OPERATOR, recordEvent } from '../core/events.ts';
import { csvLine } from '../flows/export/csv.ts';
import { type ExportedUser, exportedFields, exportUsers } from '../flows/export/users.ts';
import { withContext } from './open.ts';
import { consent, Misuse, say } from './output.ts';
import { createPrivateFile, type PrivateFile } from './private-file.ts';

export interface ExportOptions {
  format?: 'csv' | 'jsonl';
  withHashes?: true;
  yes?: true;
}

const WARNING =
  'This exports all password hashes. Anyone who obtains them can attempt to crack passwords offline.';

export async function exportAll(
  file: string | undefined,
  { format, withHashes, yes }: ExportOptions,
  command: Command,
): Promise<void> {
  const kind = format ?? (file !== undefined && extname(file).toLowerCase() === '.csv' ? 'csv' : 'jsonl');
  if (file !== undefined && existsSync(file)) throw new Error(`${file} already exists. Choose another name.`);
  if (withHashes) await consent(yes, WARNING, 'hashes');
  else if (yes) throw new Misuse('--yes only applies to --with-hashes.');
  const fields = exportedFields(withHashes === true);
  await withContext(command, async ({ db, clock }) => {
    const lines = linesOf(exportUsers(db), fields, kind);
    const users = file === undefined ? await print(lines) : await save(file, lines);
    const about = { userId: null, actorId: 'operator', details: { users, hashes: withHashes === true } };
    await recordEvent(db, 'users_exported', OPERATOR, about, clock.now());
    const hashes = withHashes
      ? 'with password hashes'
      : 'without password hashes (use --with-hashes to include them)';
    say(`Exported ${users} ${users === 1 ? 'user' : 'users'} ${hashes}.`);
  });
}

type Fields = ReturnType<typeof exportedFields>;

async function* linesOf(
  users: AsyncIterable<ExportedUser>,
  fields: Fields,
  kind: 'csv' | 'jsonl',
): AsyncGenerator<{ text: string; users: number }> {
  if (kind === 'csv') yield { text: csvLine(fields), users: 0 };
  for await (const user of users) {
    const text =
      kind === 'csv'
        ? csvLine(fields.map((field) => user[field]))
        : `${JSON.stringify(Object.fromEntries(fields.map((field) => [field, user[field] || null])))}\n`;
    yield { text, users: 1 };
  }
}

async function print(lines: AsyncIterable<{ text: string; users: number }>): Promise<number> {
  let count = 0;
  for await (const { text, users } of lines) {
    count += users;
    if (!process.stdout.write(text)) await new Promise((drained) => process.stdout.once('drain', drained));
  }
  return count;
}

async function save(file: string, lines: AsyncIterable<{ text: string; users: number }>): Promise<number> {
  let target: PrivateFile | undefined;
  try {
    target = createPrivateFile(file, { replaces: false });
    let count = 0;
    let waiting = '';
    for await (const { text, users } of lines) {
      count += users;
      waiting += text;
      if (waiting.length < 65_536) continue;
      target.write(waiting);
      waiting = '';
    }
    target.write(waiting);
    target.keep();
    return count;
  } catch (error) {
    target?.discard();
    throw new Error(`Couldn’t write ${file}: ${fileFault(error)}.`, { cause: error });
  }
}
