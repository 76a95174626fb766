import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { open, rename, rm } from 'node:fs/promises';
import { join, parse } from 'node:path';
import { z } from 'zod';

/**
 * What a file beside a database remembers of it (`jobs/note-state`), so that an older copy of the database is noticed when
 * somebody puts it back.
 */
const shape = z.strictObject({
  installation: z.string(),
  /** The database had come as far as this. */
  revision: z.int(),
  /** What it also held, at a moment when its revision was about to be raised. */
  pending: z
    .strictObject({
      event: z.string(),
      refreshed: z.strictObject({ session: z.string(), number: z.int() }).optional(),
    })
    .optional(),
});
export type StateFile = z.infer<typeof shape>;

/** Where it lies: `usher.state` beside `usher.db`. */
export function stateFileOf(databaseFile: string): string {
  const { dir, name } = parse(databaseFile);
  return join(dir, `${name}.state`);
}

/** @returns undefined when there is none, or it says nothing that we wrote. @throws When it cannot be read. */
export function readStateFile(path: string): StateFile | undefined {
  try {
    return shape.safeParse(JSON.parse(readFileSync(path, 'utf8'))).data;
  } catch (error) {
    if (error instanceof SyntaxError || (error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** Writes all of it or, when the machine stops meanwhile, nothing. Closed to other users of the machine. */
export async function writeStateFile(path: string, state: StateFile): Promise<void> {
  const aside = `${path}.${randomBytes(6).toString('hex')}`;
  try {
    const file = await open(aside, 'wx', 0o600);
    try {
      await file.writeFile(`${JSON.stringify(state)}\n`);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(aside, path);
  } catch (error) {
    await rm(aside, { force: true });
    throw error;
  }
}
