import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { open, rename, rm } from 'node:fs/promises';
import { join, parse } from 'node:path';
import { z } from 'zod';

/**
 * What a file next to the database records about it (`jobs/note-state`), to detect when an older backup is restored.
 */
const shape = z.strictObject({
  installation: z.string(),
  /** The revision that the database had reached. */
  revision: z.int(),
  /** What else it held when its revision was about to be raised. */
  pending: z
    .strictObject({
      event: z.string(),
      refreshed: z.strictObject({ session: z.string(), number: z.int() }).optional(),
    })
    .optional(),
});
export type StateFile = z.infer<typeof shape>;

/** The path of the state file: `usher.state` next to `usher.db`. */
export function stateFileOf(databaseFile: string): string {
  const { dir, name } = parse(databaseFile);
  return join(dir, `${name}.state`);
}

/** @returns undefined if there is no file, or Usher did not write its content. @throws Error if it cannot be read. */
export function readStateFile(path: string): StateFile | undefined {
  try {
    return shape.safeParse(JSON.parse(readFileSync(path, 'utf8'))).data;
  } catch (error) {
    if (error instanceof SyntaxError || (error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** Writes the file atomically, even if the machine stops meanwhile. Other users of the machine cannot read it. */
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
