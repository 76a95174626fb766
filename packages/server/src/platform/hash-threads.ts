import { extname } from 'node:path';
import { Piscina } from 'piscina';
import { HttpError } from '../errors.ts';
import type { HashTask } from './hash-worker.ts';

/** Threads that hash, each one call at a time. */
export interface HashThreads {
  /**
   * Gives a call to the thread that is free next, in the order they come. Rejects with the refusal `busy` when its thread
   * died or could not allocate (fault F35), and tells nothing of what the thread was given (attack L1).
   */
  run(task: HashTask): Promise<unknown>;
  /** Ends the threads. */
  end(): Promise<void>;
}

export interface HashThreadsOptions {
  most: number;
  /** Milliseconds after which a thread without a call ends; `Infinity` keeps it. */
  idleTimeout: number;
  /** How much lower than the rest of the process their priority is; 19 is the lowest. */
  niceness: number;
  /** Hears, for the log, why a thread died. */
  onFailure: (error: unknown) => void;
}

export function startHashThreads({
  most,
  idleTimeout,
  niceness,
  onFailure,
}: HashThreadsOptions): HashThreads {
  const pool = new Piscina({
    // Beside this file, as `.ts` in the sources and as `.js` in the build.
    filename: new URL(`./hash-worker${extname(import.meta.url)}`, import.meta.url).href,
    minThreads: 0,
    maxThreads: most,
    idleTimeout,
    // Linux alone counts niceness per thread; elsewhere in Unix it would slow the whole process.
    niceIncrement: process.platform === 'linux' ? niceness : 0,
    // Without it a call that finds no free thread goes back to the end of the queue.
    stricterFIFO: true,
    recordTiming: false,
  });
  pool.on('error', onFailure); // a thread that could not start
  const run = (task: HashTask) => attempt(pool, task, onFailure);
  let started = false;
  pool.on('workerCreate', () => {
    started = true;
  });
  // The pool starts a thread only when a call comes: once the last one is gone, those that wait need such a call.
  // Where none can start, they are refused instead, or they would wait for ever.
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
