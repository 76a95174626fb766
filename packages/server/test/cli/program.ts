import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { inject } from 'vitest';
import { createUsher } from '../../src/app.ts';
import { createLog } from '../../src/platform/log.ts';
import type { databases, TestDatabase } from '../support/postgres.ts';

const bin = resolve(import.meta.dirname, '../../bin/usher.js');
/** A command that has not ended by then does not end by itself; in milliseconds. */
const PATIENCE = 25_000;

export interface Ended {
  /** The exit code; null when it had to be killed. */
  code: number | null;
  stdout: string;
  stderr: string;
}

/** Runs the program in a folder, with no terminal, and with these variables as all there is of an environment. */
export async function run(
  folder: string,
  env: Record<string, string>,
  args: string[],
  input = '',
): Promise<Ended> {
  const child = spawn(process.execPath, [bin, ...args], { cwd: folder, env, timeout: PATIENCE });
  const ended: Ended = { code: null, stdout: '', stderr: '' };
  child.stdout.setEncoding('utf8').on('data', (text) => {
    ended.stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text) => {
    ended.stderr += text;
  });
  // A command that reads no input may end before it is written.
  child.stdin.on('error', () => {}).end(input);
  [ended.code] = await once(child, 'close');
  return ended;
}

/** A folder of its own with a database that the program is told of, and no table in it yet. */
export interface Place {
  folder: string;
  database: TestDatabase;
  secret: string;
  /** Makes the tables, as `usher db create` does. */
  create(): Promise<void>;
  /** Runs `usher` there. */
  usher(args: string[], more?: { input?: string; env?: Record<string, string> }): Promise<Ended>;
  remove(): Promise<void>;
}

export async function newPlace({ createEmpty }: (typeof databases)[number]): Promise<Place> {
  const folder = mkdtempSync(join(inject('folder'), 'cli-'));
  const database = await createEmpty();
  const secret = randomBytes(32).toString('base64');
  const env = { USHER_DATABASE: database.url, USHER_SECRET: secret };
  return {
    folder,
    database,
    secret,
    async create() {
      const usher = await createUsher({ database: database.url, secret, log: createLog('silent') });
      await usher.close();
    },
    usher: (args, more = {}) => run(folder, { ...env, ...more.env }, args, more.input),
    async remove() {
      await database.remove();
      rmSync(folder, { recursive: true });
    },
  };
}

/** The cells of a printed table or record, line by line. */
export const wordsOf = (table: string): string[][] =>
  table
    .trim()
    .split('\n')
    .map((line) => line.trim().split(/ {2,}/));
