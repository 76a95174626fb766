import { extname } from 'node:path';
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { Piscina } from 'piscina';
import type { Mutex } from './mutex.ts';

/** Pages of 4 kB. SQLite would bring home a log of this length in the middle of a commit, while nobody is answered. */
const LONG = 1_000;
/** From this length on it does so after all: the thread is behind, or cannot work. */
export const TOO_LONG = 16_000;
/** How long the last part waits for a turn among the writers, in milliseconds. */
const TIMEOUT = 5_000;

/** Brings the write-ahead log home from time to time, beside those who write. */
export class Checkpointer {
  readonly #file: string;
  readonly #turn: Mutex;
  #thread: Promise<Piscina> | undefined;
  #length: StatementSync | undefined;
  #isRunning = false;

  constructor(file: string, turn: Mutex) {
    this.#file = file;
    this.#turn = turn;
  }

  /** To be called by whoever has the turn, after a commit. */
  afterCommit(writer: DatabaseSync): void {
    if (this.#isRunning) return;
    this.#length ??= writer.prepare('PRAGMA wal_checkpoint(NOOP)');
    const { log, checkpointed } = this.#length.get() as { log: number; checkpointed: number };
    if (log - checkpointed < LONG) return;
    this.#isRunning = true;
    // A thread that cannot start or cannot work is no reason to end: see `TOO_LONG`.
    this.#checkpoint()
      .catch(() => undefined)
      .finally(() => {
        this.#isRunning = false;
      });
  }

  /**
   * Most of it beside the writers; then, while they wait, what they wrote meanwhile. Only a log that is home to its last page
   * is begun anew, and among writers without a pause it would never be.
   */
  async #checkpoint(): Promise<void> {
    this.#thread ??= startThread();
    const thread = await this.#thread;
    await thread.run(this.#file);
    await this.#turn.lock(TIMEOUT);
    try {
      await thread.run(this.#file);
    } finally {
      this.#turn.unlock();
    }
  }

  /** Ends the thread; nobody else has the turn, and nobody gets it any more. */
  async close(): Promise<void> {
    await (await this.#thread)?.destroy();
  }
}

/** Loaded when there is something to do: short commands never need it. */
async function startThread(): Promise<Piscina> {
  const { Piscina } = await import('piscina');
  const thread = new Piscina({
    filename: new URL(`./sqlite-checkpoint-worker${extname(import.meta.url)}`, import.meta.url).href,
    minThreads: 0,
    maxThreads: 1,
    idleTimeout: 5_000,
    recordTiming: false,
  });
  // Whoever waits for the thread hears of it, too.
  thread.on('error', () => undefined);
  return thread;
}
