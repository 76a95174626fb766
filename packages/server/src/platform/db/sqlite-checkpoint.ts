import { extname } from 'node:path';
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { Piscina } from 'piscina';
import type { Mutex } from './mutex.ts';

/** Pages of 4 kB. At this length SQLite would checkpoint the log in the middle of a commit, blocking all requests. */
const LONG = 1_000;
/** From this length on SQLite does so anyway: the thread is behind, or cannot work. */
export const TOO_LONG = 16_000;
/** How long the last part waits for its turn among the writers, in milliseconds. */
const TIMEOUT = 5_000;

/** Checkpoints the write-ahead log periodically, concurrently with writers. */
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

  /** Call after a commit, while holding the turn to write. */
  afterCommit(writer: DatabaseSync): void {
    if (this.#isRunning) return;
    this.#length ??= writer.prepare('PRAGMA wal_checkpoint(NOOP)');
    const { log, checkpointed } = this.#length.get() as { log: number; checkpointed: number };
    if (log - checkpointed < LONG) return;
    this.#isRunning = true;
    // A thread that cannot start or work must not end the process: see `TOO_LONG`.
    this.#checkpoint()
      .catch(() => undefined)
      .finally(() => {
        this.#isRunning = false;
      });
  }

  /**
   * Checkpoints most of the log concurrently with the writers; then, while they wait, what they wrote meanwhile. The
   * log restarts only once its last page is written back, which would never happen under constant writes.
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

  /** Stops the thread. Call it while no one has the turn, nor will get it. */
  async close(): Promise<void> {
    await (await this.#thread)?.destroy();
  }
}

/** Loaded when there is work: short commands never need it. */
async function startThread(): Promise<Piscina> {
  const { Piscina } = await import('piscina');
  const thread = new Piscina({
    filename: new URL(`./sqlite-checkpoint-worker${extname(import.meta.url)}`, import.meta.url).href,
    minThreads: 0,
    maxThreads: 1,
    idleTimeout: 5_000,
    recordTiming: false,
  });
  // The caller that waits for the thread gets the error, too.
  thread.on('error', () => undefined);
  return thread;
}
