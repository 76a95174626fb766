import { availableParallelism } from 'node:os';
import { extname } from 'node:path';
import { Piscina } from 'piscina';
import { Refusal } from '../errors.ts';
import type { HashTask, Verified } from './hash-worker.ts';
import { readHash } from './hashes/families.ts';
import { type Argon2, costOf, isBounded, type Recipe } from './hashes/recipe.ts';
import { createPace } from './pace.ts';

/** What a hash costs to compute: memory in KiB, and how many times it is passed over (RFC 9106 section 3.1). */
export interface HashParameters {
  memoryKib: number;
  passes: number;
}

/** Every new hash has these. OWASP's floor for argon2id is 19 MiB with 2 passes. */
export const standardParameters: HashParameters = { memoryKib: 32_768, passes: 3 };

/** What hashing costs, the machine and those beside it. */
export interface Hashing {
  /** Of every new hash; `standardParameters` unless told. */
  parameters?: HashParameters;
  /** How far its threads step back behind everything else on the machine. */
  niceness?: number;
}

/** Turns passwords into argon2id hashes, and checks them against these and those of other programs, in threads of its own. */
export interface Hasher {
  /** A new hash of the password, with a new salt, as a PHC string. Rejects with the refusal `busy` or `stopping`. */
  hash(password: string): Promise<string>;
  /**
   * Whether the password made this hash, which may be of any family in `hashes/families`. A hash that is malformed, of
   * another kind, or costlier than `hashes/recipe` allows is answered `false` after the same work as `dummy`. A `false`
   * never comes sooner than the slowest hash that was met would take (attack E2). Rejects with `busy` or `stopping`.
   */
  verify(hash: string, password: string): Promise<boolean>;
  /**
   * True if a new hash would be stronger: for one of another kind always, for argon2id never in exchange for less
   * memory or fewer passes (attack U13).
   */
  needsRehash(hash: string): boolean;
  /** How many calls wait for a thread. */
  queued(): number;
  /** The most that waited at once since this was asked last. */
  longestQueue(): number;
  /** Refuses new calls, finishes those that were taken, ends the threads. */
  close(): Promise<void>;
  /** A well-formed hash of our parameters that no password matches: the work for an account that does not exist. */
  readonly dummy: string;
}

/**
 * In units of our own hash: about two seconds of work at 24 to 40 ms each; more waiting would only answer people who have
 * left (attack D1).
 */
const queuePerThread = 50;

/** Milliseconds. A thread costs about 7 MB, and 50 ms to start: a burst keeps its threads, a quiet server has none. */
const idleTimeout = 30_000;

/**
 * Starts no thread until the first call. `threads` is how many hash at once (by default one per core);
 * `onFailure` hears, for the log, why a thread died or could not allocate: the caller learns `busy` alone.
 */
export function createHasher(
  options: Hashing & { threads?: number; onFailure?: (error: unknown) => void } = {},
): Hasher {
  const { threads = availableParallelism(), parameters = standardParameters } = options;
  const { niceness = 10, onFailure = () => {} } = options;
  const dummy = dummyHash(parameters);
  const pool = createPool(threads, niceness, onFailure);
  const pace = createPace();
  const unfinished = new Set<Promise<unknown>>();
  let load = 0;
  let longest = 0;
  let closed = false;

  const queued = () => Math.max(0, unfinished.size - threads);

  async function run(task: HashTask, units: number): Promise<unknown> {
    if (closed) throw new Refusal('stopping');
    // Whoever comes is refused for the work that waits, never for the work he brings, which would tell of his hash.
    if (load >= threads * (1 + queuePerThread)) throw new Refusal('busy', { retryAfter: 2 });
    const call = attempt(pool, task, onFailure);
    unfinished.add(call);
    longest = Math.max(longest, queued());
    load += units;
    try {
      return await call;
    } finally {
      unfinished.delete(call);
      load -= units;
    }
  }

  async function verify(hash: string, password: string): Promise<boolean> {
    const recipe = boundedRecipe(hash);
    const isForeign = recipe !== undefined && !hasParameters(recipe, parameters);
    // A foreign hash may be much cheaper than ours: with ours on top, a failure is never the cheaper one.
    const task = { kind: 'verify', password, stored: recipe ? hash : dummy } as const;
    const units = isForeign ? 1 + costOf(recipe).units : 1;
    const { matches, took } = (await run(isForeign ? { ...task, after: dummy } : task, units)) as Verified;
    if (recipe && matches) return true;
    if (isForeign) pace.learn(took, units);
    await pace.keep(took);
    return false;
  }

  return {
    dummy,
    hash: async (password) => String(await run({ kind: 'hash', password, ...parameters }, 1)),
    verify,
    needsRehash: (hash) => {
      const recipe = boundedRecipe(hash);
      return recipe !== undefined && (!isArgon2id(recipe) || isWeaker(recipe, parameters));
    },
    queued,
    longestQueue: () => {
      const most = longest;
      longest = queued();
      return most;
    },
    close: async () => {
      closed = true;
      await Promise.allSettled(unfinished);
      await pool.destroy();
    },
  };
}

function createPool(threads: number, niceness: number, onFailure: (error: unknown) => void): Piscina {
  const pool = new Piscina({
    // Beside this file, as `.ts` in the sources and as `.js` in the build.
    filename: new URL(`./hash-worker${extname(import.meta.url)}`, import.meta.url).href,
    minThreads: 0,
    maxThreads: threads,
    idleTimeout,
    // Linux alone counts niceness per thread; elsewhere in Unix it would slow the whole process.
    niceIncrement: process.platform === 'linux' ? niceness : 0,
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
async function attempt(pool: Piscina, task: HashTask, onFailure: (error: unknown) => void): Promise<unknown> {
  try {
    return await pool.run(task);
  } catch (error) {
    onFailure(error);
    throw new Refusal('busy', { retryAfter: 2 });
  }
}

/** Built from the parameters themselves, so that the work for nobody cannot part from the work for somebody. */
function dummyHash({ memoryKib, passes }: HashParameters): string {
  return `$argon2id$v=19$m=${memoryKib},t=${passes},p=1$${base64(Buffer.alloc(16, 'usher'))}$${base64(Buffer.alloc(32))}`;
}

function boundedRecipe(hash: string): Recipe | undefined {
  const recipe = readHash(hash)?.recipe;
  return recipe && isBounded(recipe) ? recipe : undefined;
}

function hasParameters(recipe: Recipe, { memoryKib, passes }: HashParameters): boolean {
  return (
    isArgon2id(recipe) && recipe.memoryKib === memoryKib && recipe.passes === passes && recipe.lanes === 1
  );
}

const isArgon2id = (recipe: Recipe): recipe is Argon2 =>
  recipe.kind === 'argon2' && recipe.variant === 'argon2id';

function isWeaker(theirs: HashParameters, ours: HashParameters): boolean {
  const lower = theirs.memoryKib < ours.memoryKib || theirs.passes < ours.passes;
  return lower && theirs.memoryKib <= ours.memoryKib && theirs.passes <= ours.passes;
}

/** Standard alphabet, no padding: what PHC strings use. */
function base64(bytes: Buffer): string {
  return bytes.toString('base64').replaceAll('=', '');
}
