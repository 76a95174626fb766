import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { Readable, Writable } from 'node:stream';
import { inject } from 'vitest';
import { createUsher } from '../../src/app.ts';
import { run as runCommand } from '../../src/cli/cli.ts';
import { createLog } from '../../src/platform/log.ts';
import type { DatabaseKind, TestDatabase } from '../support/postgres.ts';
import { TIMEOUT } from '../support/timeouts.ts';
import { type Per, withStarted } from '../support/with-app.ts';

/** What `node` starts to have the program in a process of its own. */
export const bin = resolve(import.meta.dirname, '../../bin/usher.js');

export interface Ended {
  /** The exit code; null when a signal ended it. */
  code: number | null;
  stdout: string;
  stderr: string;
}

let last: Promise<unknown> = Promise.resolve();

/**
 * Runs a command in a folder, with no terminal, and with these variables as all there is of an environment. It runs in this
 * process, which takes a tenth of the time: commands run one after the other, since they share the working directory and the
 * streams of the process. Use `runProcess` for what only a process shows, such as a signal, and for `serve`.
 */
export function run(folder: string, env: Record<string, string>, args: string[], input = ''): Promise<Ended> {
  const ended = last.then(() => inPlaceOf(folder, env, input, () => runCommand(['node', 'usher', ...args])));
  last = ended.catch(() => {});
  return ended;
}

/** Does something as if this process had been started for it. */
async function inPlaceOf(
  folder: string,
  env: Record<string, string>,
  input: string,
  work: () => Promise<void>,
): Promise<Ended> {
  const [stdout, stderr] = [capture(), capture()];
  const own = { cwd: process.cwd(), env: process.env, exitCode: process.exitCode };
  const streams = { stdin: Readable.from(Buffer.from(input)), stdout: stdout.stream, stderr: stderr.stream };
  const ownStreams = Object.keys(streams).map(
    (name) => [name, Object.getOwnPropertyDescriptor(process, name) ?? {}] as const,
  );
  process.chdir(folder);
  process.env = { ...env };
  process.exitCode = undefined;
  for (const [name, value] of Object.entries(streams))
    Object.defineProperty(process, name, { value, configurable: true });
  try {
    await work();
    return { code: Number(process.exitCode ?? 0), stdout: stdout.text(), stderr: stderr.text() };
  } finally {
    for (const [name, descriptor] of ownStreams) Object.defineProperty(process, name, descriptor);
    process.exitCode = own.exitCode;
    process.env = own.env;
    process.chdir(own.cwd);
  }
}

function capture(): { stream: Writable; text(): string } {
  const chunks: Buffer[] = [];
  const stream = new Writable({
    write(chunk, _encoding, done) {
      chunks.push(chunk);
      done();
    },
  });
  return { stream, text: () => Buffer.concat(chunks).toString() };
}

/** The same, by the built program in a process of its own. */
export async function runProcess(
  folder: string,
  env: Record<string, string>,
  args: string[],
  input = '',
): Promise<Ended> {
  const child = spawn(process.execPath, [bin, ...args], { cwd: folder, env, timeout: TIMEOUT });
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

export async function newPlace({ createEmpty }: DatabaseKind): Promise<Place> {
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

/** A place with tables, for each test or for all tests of a suite; see `withStarted`. */
export const withPlace = (kind: DatabaseKind, per: Per = 'test'): Place =>
  withStarted(
    async () => {
      const place = await newPlace(kind);
      await place.create().catch(async (error) => {
        await place.remove();
        throw error;
      });
      return place;
    },
    (it) => it.remove(),
    per,
  );

/** The cells of a printed table or record, line by line. */
export const wordsOf = (table: string): string[][] =>
  table
    .trim()
    .split('\n')
    .map((line) => line.trim().split(/ {2,}/));
