import { HttpError } from '../errors.ts';
import { createFairQueue, type Requester } from './fair-queue.ts';
import { type HashThreads, startHashThreads } from './hash-threads.ts';
import type { HashTask } from './hash-worker.ts';

/** The queue had no place for a password: it was compared with nothing, so the client learned nothing about it. */
export class HashQueueFull extends HttpError {}

/** Threads with a queue. */
interface Lane {
  /** The number of calls that wait for a thread. */
  waiting(): number;
  /** Finishes accepted calls, then stops the threads. */
  close(): Promise<void>;
}

export interface OwnLane extends Lane {
  /**
   * @throws HashQueueFull `busy` if the queue or the requester's share of it is full; HttpError `busy` if the thread
   * died.
   */
  run(task: HashTask, requester: Requester): Promise<unknown>;
}

export interface ForeignLane extends Lane {
  /** @param units The cost, in units of Usher's own hash. @throws HttpError `busy` if the thread died. */
  run(task: HashTask, units: number): Promise<unknown>;
  /** Whether more work waits than can be done soon. */
  isFull(): boolean;
}

interface LaneOptions {
  threads: number;
  niceness: number;
  onFailure: (error: unknown) => void;
}

/**
 * About two seconds of work at 24 to 40 ms each; a longer queue would only serve clients that have given up (attack
 * D1).
 */
const standardQueue = 50;

/**
 * The same for foreign hashes, in units of Usher's own hash: at half the speed, since they get the remaining CPU time.
 */
const unitsPerThread = 100;

/** Milliseconds. A thread costs about 7 MB, and 50 ms to start: a burst keeps its threads, an idle server has none. */
const idleTimeout = 30_000;

/** Computes Usher's own hashes, one for every sign-in. Requesters take turns. */
export function createOwnLane({
  threads,
  niceness,
  queuePerThread = standardQueue,
  onFailure,
}: LaneOptions & { queuePerThread?: number | undefined }): OwnLane {
  const pool = startHashThreads({ most: threads, idleTimeout, niceness, onFailure });
  const queue = createFairQueue<() => Promise<void>>(threads * (1 + queuePerThread));
  const unfinished = new Set<Promise<unknown>>();
  let running = 0;

  function startNext(): void {
    const start = running < threads ? queue.take() : undefined;
    if (!start) return;
    running++;
    void start().finally(() => {
      running--;
      startNext();
    });
  }

  return {
    async run(task, requester) {
      const { promise, resolve } = Promise.withResolvers<unknown>();
      const start = async () => {
        const call = pool.run(task).finally(() => queue.release(requester));
        resolve(call);
        await call.catch(() => {});
      };
      if (!queue.add(requester, start)) throw new HashQueueFull('busy', { retryAfter: 2 });
      unfinished.add(promise);
      startNext();
      return promise.finally(() => unfinished.delete(promise));
    },
    waiting: () => queue.waiting(),
    close: async () => {
      await Promise.allSettled(unfinished);
      await pool.end();
    },
  };
}

/**
 * Computes the hashes of other programs, in separate threads with the lowest priority: one can take as long as fifty of
 * Usher's own, and must not slow other users' sign-ins, which would reveal that an account has one (attack E18). The
 * threads start with the first call and keep running, because starting one takes measurable time, too.
 */
export function createForeignLane({ threads, niceness, onFailure }: LaneOptions): ForeignLane {
  let pool: HashThreads | undefined;
  const unfinished = new Set<Promise<unknown>>();
  let load = 0;

  function start(): HashThreads {
    const started = startHashThreads({
      most: threads,
      idleTimeout: Number.POSITIVE_INFINITY,
      niceness,
      onFailure,
    });
    for (let i = 0; i < threads; i++) started.run({ kind: 'nothing' }).catch(() => {});
    return started;
  }

  return {
    async run(task, units) {
      pool ??= start();
      const call = pool.run(task);
      unfinished.add(call);
      load += units;
      try {
        return await call;
      } finally {
        unfinished.delete(call);
        load -= units;
      }
    },
    isFull: () => load >= threads * unitsPerThread,
    waiting: () => Math.max(0, unfinished.size - threads),
    close: async () => {
      await Promise.allSettled(unfinished);
      await pool?.end();
    },
  };
}
