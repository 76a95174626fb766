import { availableParallelism } from 'node:os';
import { extname } from 'node:path';
import { Piscina } from 'piscina';
import { Refusal } from '../errors.ts';
import type { HashTask } from './hash-worker.ts';

/** What a hash costs to compute: memory in KiB, and how many times it is passed over (RFC 9106 section 3.1). */
export interface HashParameters {
  memoryKib: number;
  passes: number;
}

/** Every new hash has these. OWASP's floor for argon2id is 19 MiB with 2 passes. */
export const standardParameters: HashParameters = { memoryKib: 32_768, passes: 3 };

/** Turns passwords into argon2id hashes and checks them, in threads of its own. */
export interface Hasher {
  /** A new hash of the password, with a new salt, as a PHC string. Rejects with the refusal `busy` or `stopping`. */
  hash(password: string): Promise<string>;
  /**
   * Whether the password made this hash. A hash that is malformed, of another kind, or costlier than
   * `hardestAccepted` is answered `false` after the same work as `dummy`. Rejects with `busy` or `stopping`.
   */
  verify(hash: string, password: string): Promise<boolean>;
  /** True if a new hash would be stronger: never in exchange for less memory or fewer passes (attack U13). */
  needsRehash(hash: string): boolean;
  /** How many calls wait for a thread. */
  queued(): number;
  /** Refuses new calls, finishes those that were taken, ends the threads. */
  close(): Promise<void>;
  /** A well-formed hash of our parameters that no password matches: the work for an account that does not exist. */
  readonly dummy: string;
}

/** Above these a stored hash did not come from us; to follow it would let a database choose our memory (attack U10). */
const hardestAccepted = { memoryKib: 262_144, passes: 10, lanes: 4 };

/** About two seconds of work at 24 to 40 ms a hash; more waiting would only answer people who have left (attack D1). */
const queuePerThread = 50;

/** Milliseconds. A thread costs about 7 MB, and 50 ms to start: a burst keeps its threads, a quiet server has none. */
const idleTimeout = 30_000;

/**
 * Starts no thread until the first call. `threads` is how many hash at once (by default one per core);
 * `onFailure` hears, for the log, why a thread died or could not allocate: the caller learns `busy` alone.
 */
export function createHasher(
  options: { threads?: number; parameters?: HashParameters; onFailure?: (error: unknown) => void } = {},
): Hasher {
  const { threads = availableParallelism(), parameters = standardParameters, onFailure = () => {} } = options;
  const dummy = dummyHash(parameters);
  const pool = createPool(threads, onFailure);
  const unfinished = new Set<Promise<unknown>>();
  let closed = false;

  async function run(task: HashTask): Promise<string | boolean> {
    if (closed) throw new Refusal('stopping');
    if (unfinished.size >= threads * (1 + queuePerThread)) throw new Refusal('busy', { retryAfter: 2 });
    const call = attempt(pool, task, onFailure);
    unfinished.add(call);
    try {
      return await call;
    } finally {
      unfinished.delete(call);
    }
  }

  return {
    dummy,
    hash: async (password) => String(await run({ kind: 'hash', password, ...parameters })),
    verify: async (hash, password) => {
      const acceptable = readParameters(hash) !== undefined;
      const matches = await run({ kind: 'verify', password, stored: acceptable ? hash : dummy });
      return acceptable && matches === true;
    },
    needsRehash: (hash) => isWeaker(readParameters(hash) ?? parameters, parameters),
    queued: () => Math.max(0, unfinished.size - threads),
    close: async () => {
      closed = true;
      await Promise.allSettled(unfinished);
      await pool.destroy();
    },
  };
}

function createPool(threads: number, onFailure: (error: unknown) => void): Piscina {
  const pool = new Piscina({
    // Beside this file, as `.ts` in the sources and as `.js` in the build.
    filename: new URL(`./hash-worker${extname(import.meta.url)}`, import.meta.url).href,
    minThreads: 0,
    maxThreads: threads,
    idleTimeout,
    // Linux alone counts niceness per thread; elsewhere in Unix it would slow the whole process.
    niceIncrement: process.platform === 'linux' ? 10 : 0,
    // Without it a call that finds no free thread goes back to the end of the queue.
    stricterFIFO: true,
    recordTiming: false,
  });
  pool.on('error', onFailure); // a thread that could not start
  let started = false;
  pool.on('workerCreate', () => {
    started = true;
  });
  // The pool starts a thread only when a call comes: once the last one is gone, those that wait need such a call.
  // Where none can start, they are refused instead, or they would wait for ever.
  const revive = () => {
    if (pool.queueSize === 0 || pool.threads.length > 0) return;
    if (started) attempt(pool, { kind: 'nothing' }, onFailure).catch(() => {});
    else void pool.destroy();
    started = false;
  };
  pool.on('workerDestroy', () => queueMicrotask(revive));
  return pool;
}

/** One call. It fails closed (fault F35), and its failure carries nothing of what the thread was given (attack L1). */
async function attempt(pool: Piscina, task: HashTask, onFailure: (error: unknown) => void) {
  try {
    return (await pool.run(task)) as string | boolean;
  } catch (error) {
    onFailure(error);
    throw new Refusal('busy', { retryAfter: 2 });
  }
}

/** Built from the parameters themselves, so that the work for nobody cannot part from the work for somebody. */
function dummyHash({ memoryKib, passes }: HashParameters): string {
  return `$argon2id$v=19$m=${memoryKib},t=${passes},p=1$${base64(Buffer.alloc(16, 'usher'))}$${base64(Buffer.alloc(32))}`;
}

/** The PHC string of argon2id, 200 characters at most: salt of 8 to 48 bytes, output of 16 to 64, no leading zeros. */
const phc =
  /^\$argon2id\$v=19\$m=([1-9]\d{0,5}),t=([1-9]\d?),p=([1-9])\$([A-Za-z0-9+/]{11,64})\$([A-Za-z0-9+/]{22,86})$/;

/** The cost of a stored hash; `undefined` if argon2 must not be asked about it. */
function readParameters(hash: string): HashParameters | undefined {
  const [, memory, time, lanes, salt = '', output = ''] = phc.exec(hash) ?? [];
  const [memoryKib, passes] = [Number(memory), Number(time)];
  const acceptable =
    memoryKib <= hardestAccepted.memoryKib &&
    memoryKib >= 8 * Number(lanes) && // RFC 9106 section 3.1
    passes <= hardestAccepted.passes &&
    Number(lanes) <= hardestAccepted.lanes &&
    [salt, output].every((text) => base64(Buffer.from(text, 'base64')) === text); // no second spelling
  return acceptable ? { memoryKib, passes } : undefined;
}

function isWeaker(theirs: HashParameters, ours: HashParameters): boolean {
  const lower = theirs.memoryKib < ours.memoryKib || theirs.passes < ours.passes;
  return lower && theirs.memoryKib <= ours.memoryKib && theirs.passes <= ours.passes;
}

/** Standard alphabet, no padding: what PHC strings use. */
function base64(bytes: Buffer): string {
  return bytes.toString('base64').replaceAll('=', '');
}
