import { extname } from 'node:path';
import { Piscina } from 'piscina';
import { HttpError } from '../errors.ts';
import type { HashTask } from './hash-worker.ts';

/** Threads that hash, one call at a time each. */
export interface HashThreads {
  /**
   * Runs a task on the next free thread, in order of arrival.
   *
   * @throws HttpError `busy` if its thread died or could not allocate memory (fault F35). It reveals nothing about the
   * task (attack L1).
   */
  run(task: HashTask): Promise<unknown>;
  /** Stops the threads. */
  end(): Promise<void>;
}

export interface HashThreadsOptions {
  most: number;
  /** Milliseconds after which an idle thread stops; `Infinity` keeps it. */
  idleTimeout: number;
  /** How much lower than the rest of the process their priority is; 19 is the lowest priority. */
  niceness: number;
  /** Receives, for the log, why a thread died. */
  onFailure: (error: unknown) => void;
}

export function startHashThreads({
  most,
  idleTimeout,
  niceness,
  onFailure,
}: HashThreadsOptions): HashThreads {
  const pool = new Piscina({
    // Next to this file, `.ts` in the sources and `.js` in the build.
    filename: new URL(`./hash-worker${extname(import.meta.url)}`, import.meta.url).href,
    minThreads: 0,
    maxThreads: most,
    idleTimeout,
    // Only Linux has a niceness per thread; on other Unix systems it would slow the whole process.
    niceIncrement: process.platform === 'linux' ? niceness : 0,
    // Without it, a call that finds no free thread goes back to the end of the queue.
    stricterFIFO: true,
    recordTiming: false,
  });
  pool.on('error', onFailure); // a thread that could not start
  const run = (task: HashTask) => attempt(pool, task, onFailure);
  let started = false;
  pool.on('workerCreate', () => {
    started = true;
  });
  // The pool starts a thread only when a call arrives: if the last one has died, the waiting calls need another call.
  // If no thread can start, they are rejected, because they would otherwise wait forever.
  const revive = () => {
    if (pool.queueSize === 0 || pool.threads.length > 0) return;
    if (started) run({ kind: 'nothing' }).catch(() => {});
    else void pool.destroy();
    started = false;
  };
  pool.on('workerDestroy', () => queueMicrotask(revive));
  return { run, end: () => pool.destroy() };
}

async function attempt(pool: Piscina, task: HashTask, onFailure: (error: unknown) => void): Promise<unknown> {
  try {
    return await pool.run(task);
  } catch (error) {
    onFailure(error);
    throw new HttpError('busy', { retryAfter: 2 });
  }
}
