import { availableParallelism } from 'node:os';
import { HttpError } from '../errors.ts';
import type { Requester } from './fair-queue.ts';
import {
  createForeignLane,
  createOwnLane,
  type ForeignLane,
  HashQueueFull,
  type OwnLane,
} from './hash-lanes.ts';
import type { HashTask } from './hash-worker.ts';
import { readHash } from './hashes/families.ts';
import { type Argon2, costOf, isBounded, type Recipe } from './hashes/recipe.ts';
import { createResponseFloor } from './response-floor.ts';
import { createSeries } from './series.ts';

/** The cost of a hash: memory in KiB, and the number of passes over it (RFC 9106 section 3.1). */
export interface HashParameters {
  memoryKib: number;
  passes: number;
}

/** The parameters of every new hash. OWASP's minimum for argon2id is 19 MiB with 2 passes. */
export const standardParameters: HashParameters = { memoryKib: 32_768, passes: 3 };

/** How much of the machine hashing may use. */
export interface Hashing {
  /** For new hashes; `standardParameters` by default. */
  parameters?: HashParameters;
  /** How much lower than the rest of the machine its threads' priority is; twice as much for foreign hashes. */
  niceness?: number;
  /** How many passwords may wait per thread, for all requesters together; 50 by default. */
  queuePerThread?: number;
}

/** Hashes passwords with argon2id, and verifies these hashes and those of other programs, in its own threads. */
export interface Hasher {
  /**
   * Hashes a password with a new salt, as a PHC string.
   *
   * @throws HttpError `stopping`, or `busy` if the queue, or the requester's share of it, is full.
   */
  hash(password: string, requester: Requester): Promise<string>;
  /**
   * Whether the hash was made from the password; it may be of any family in `hashes/families`. For a hash that is
   * malformed, of another kind, or costlier than `hashes/recipe` allows, it returns false after the same work as
   * `dummy`. A false result never takes less time than the slowest hash verified so far (attack E2).
   *
   * @throws As `hash`: a `HashQueueFull` only if nothing was compared, another HttpError if the password may already
   * have been found wrong.
   */
  verify(hash: string, password: string, requester: Requester): Promise<boolean>;
  /**
   * Whether a new hash would be stronger: always true for another kind, but never at the price of less memory or fewer
   * passes for argon2id (attack U13).
   */
  needsRehash(hash: string): boolean;
  /** The number of calls that wait for a thread. */
  queued(): number;
  /** The maximum that waited at once since the last call. */
  longestQueue(): number;
  /** Rejects new calls, finishes accepted ones, and stops the threads. */
  close(): Promise<void>;
  /**
   * A well-formed hash with Usher's parameters that no password matches: the work for an account that does not exist.
   */
  readonly dummy: string;
}

/** How many failures per IP range, or per identifier, may wait for earlier ones. */
const failuresInSeries = 8;

/**
 * Starts no thread until the first call.
 *
 * `threads` is how many hash at once (one per core by default). `onFailure` receives, for the log, why a thread died or
 * could not allocate memory: the caller only gets `busy`.
 */
export function createHasher(
  options: Hashing & { threads?: number; onFailure?: (error: unknown) => void } = {},
): Hasher {
  const { threads = availableParallelism(), parameters = standardParameters } = options;
  const { niceness = 10, queuePerThread, onFailure = () => {} } = options;
  const dummy = dummyHash(parameters);
  const own = createOwnLane({ threads, niceness, queuePerThread, onFailure });
  const foreign = createForeignLane({
    threads: Math.max(2, Math.ceil(threads / 2)),
    // 19 is the lowest priority there is.
    niceness: Math.min(19, 2 * niceness),
    onFailure,
  });
  const queue = watchQueue(own, foreign);
  let closed = false;
  const failures = createFailures(foreign, queue.observe, () => closed);

  async function run(task: HashTask, requester: Requester): Promise<unknown> {
    if (closed) throw new HashQueueFull('stopping');
    const call = own.run(task, requester);
    queue.observe();
    return call;
  }

  async function verify(hash: string, password: string, requester: Requester): Promise<boolean> {
    const recipe = boundedRecipe(hash);
    const isForeign = recipe !== undefined && !hasParameters(recipe, parameters);
    const isOwn = recipe !== undefined && !isForeign;
    // The same work in the same threads for everyone, whether the account has a foreign hash or not.
    const matches = await run({ kind: 'verify', password, stored: isOwn ? hash : dummy }, requester);
    if (isOwn && matches === true) return true;
    if (!isForeign && failures.endAtOnce()) return false;
    return failures.verify(hash, isForeign ? recipe : undefined, password, requester);
  }

  return {
    dummy,
    hash: async (password, requester) =>
      String(await run({ kind: 'hash', password, ...parameters }, requester)),
    verify,
    needsRehash: (hash) => {
      const recipe = boundedRecipe(hash);
      return recipe !== undefined && (!isArgon2id(recipe) || isWeaker(recipe, parameters));
    },
    queued: queue.length,
    longestQueue: queue.longest,
    close: async () => {
      closed = true;
      await Promise.all([own.close(), foreign.close()]);
    },
  };
}

/** Counts the calls that wait for a thread. */
function watchQueue(own: OwnLane, foreign: ForeignLane) {
  let longest = 0;
  const length = () => own.waiting() + foreign.waiting();
  return {
    length,
    /** Call it whenever a call was added. */
    observe: () => {
      longest = Math.max(longest, length());
    },
    /** The maximum since the last call of this function. */
    longest: () => {
      const most = longest;
      longest = length();
      return most;
    },
  };
}

/**
 * What follows when a password did not match one of our own hashes: all failures and all foreign hashes are handled
 * alike, one after the other. Concurrent ones wait for each other regardless of the kind of hash (attack E18).
 */
function createFailures(foreign: ForeignLane, onAdded: () => void, isClosed: () => boolean) {
  const responseFloor = createResponseFloor();
  const series = createSeries(failuresInSeries);

  /** Verifies a foreign hash. The time counts from the call: others can observe the wait for a thread, too. */
  async function verifyForeign(stored: string, password: string, units: number): Promise<boolean> {
    const began = performance.now();
    const call = foreign.run({ kind: 'verify', password, stored }, units);
    onAdded();
    const matches = (await call) === true;
    if (!matches) responseFloor.observe(performance.now() - began, units);
    return matches;
  }

  return {
    /** Whether no foreign hash has been verified yet, so that a failure ends at once. */
    endAtOnce: () => responseFloor.floor() === 0,

    /** @param recipe The recipe of a foreign hash; undefined if the password has already failed. */
    verify(
      stored: string,
      recipe: Recipe | undefined,
      password: string,
      requester: Requester,
    ): Promise<boolean> {
      const result = series.run(seriesOf(requester), async () => {
        if (isClosed()) throw new HttpError('stopping');
        // Rejected because of the work that waits, never because of this call's own cost, which would reveal its hash.
        if (foreign.isFull()) throw new HttpError('busy', { retryAfter: 2 });
        const began = performance.now();
        if (recipe && (await verifyForeign(stored, password, costOf(recipe).units))) return true;
        await responseFloor.wait(performance.now() - began);
        return false;
      });
      if (!result) throw new HttpError('busy', { retryAfter: 2 });
      return result;
    },
  };
}

/** The keys by which failures are serialized. A known requester can only try one account, so only that one waits. */
function seriesOf(requester: Requester): string[] {
  if (requester === 'background') return [];
  const { range, account, isKnown } = requester;
  return isKnown ? [`known account ${account}`] : [`range ${range}`, `account ${account}`];
}

/** Built from the parameters themselves, so the work for a missing account always matches that for an existing one. */
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

/** Standard alphabet without padding, as in PHC strings. */
function base64(bytes: Buffer): string {
  return bytes.toString('base64').replaceAll('=', '');
}
