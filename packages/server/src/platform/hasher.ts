import { availableParallelism } from 'node:os';
import { HttpError } from '../errors.ts';
import type { Requester } from './fair-queue.ts';
import { createForeignLane, createOwnLane, HashQueueFull } from './hash-lanes.ts';
import type { HashTask } from './hash-worker.ts';
import { readHash } from './hashes/families.ts';
import { type Argon2, costOf, isBounded, type Recipe } from './hashes/recipe.ts';
import { createResponseFloor } from './response-floor.ts';
import { createSeries } from './series.ts';

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
  /** How far its threads step back behind everything else on the machine; those for foreign hashes do so twice as far. */
  niceness?: number;
  /** How many passwords may wait for each thread, all requesters together; 50 unless told. */
  queuePerThread?: number;
}

/** Turns passwords into argon2id hashes, and checks them against these and those of other programs, in threads of its own. */
export interface Hasher {
  /**
   * A new hash of the password, with a new salt, as a PHC string. Rejects with the refusal `stopping`, or `busy` when the
   * queue, or the requester's share of it, is full.
   */
  hash(password: string, requester: Requester): Promise<string>;
  /**
   * Whether the password made this hash, which may be of any family in `hashes/families`. A hash that is malformed, of
   * another kind, or costlier than `hashes/recipe` allows is answered `false` after the same work as `dummy`. A `false`
   * never comes sooner than the slowest hash that was met would take (attack E2). Rejects as `hash` does; with `HashQueueFull`
   * only where nothing was compared, with another refusal where the password may have been found wrong already.
   */
  verify(hash: string, password: string, requester: Requester): Promise<boolean>;
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

/** Failures for one range, or one identifier, that may wait for those before them. */
const failuresInSeries = 8;

/**
 * Starts no thread until the first call. `threads` is how many hash at once (by default one per core);
 * `onFailure` hears, for the log, why a thread died or could not allocate: the caller learns `busy` alone.
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
  const responseFloor = createResponseFloor();
  const failures = createSeries(failuresInSeries);
  let longest = 0;
  let closed = false;
  const queued = () => own.waiting() + foreign.waiting();

  async function run(task: HashTask, requester: Requester): Promise<unknown> {
    if (closed) throw new HashQueueFull('stopping');
    const call = own.run(task, requester);
    longest = Math.max(longest, queued());
    return call;
  }

  /** A foreign hash. The time counts from when it was asked for: what others see includes a wait for a thread. */
  async function verifyForeign(stored: string, password: string, units: number): Promise<boolean> {
    const began = performance.now();
    const call = foreign.run({ kind: 'verify', password, stored }, units);
    longest = Math.max(longest, queued());
    const matches = (await call) === true;
    if (!matches) responseFloor.observe(performance.now() - began, units);
    return matches;
  }

  async function verify(hash: string, password: string, requester: Requester): Promise<boolean> {
    const recipe = boundedRecipe(hash);
    const isForeign = recipe !== undefined && !hasParameters(recipe, parameters);
    const isOwn = recipe !== undefined && !isForeign;
    // The same work in the same threads for everybody, also for who has a foreign hash and for who has none.
    const matches = await run({ kind: 'verify', password, stored: isOwn ? hash : dummy }, requester);
    if (isOwn && matches === true) return true;
    if (!isForeign && responseFloor.floor() === 0) return false;
    // From here on, whoever fails and whoever has a foreign hash do the same, and one after the other: however many are
    // sent side by side, they wait for each other alike, and not for foreign hashes alone (attack E18).
    const answer = failures.run(seriesOf(requester), async () => {
      if (closed) throw new HttpError('stopping');
      // Refused for the work that waits, never for the work this one brings, which would tell of its hash.
      if (foreign.isFull()) throw new HttpError('busy', { retryAfter: 2 });
      const began = performance.now();
      if (isForeign && (await verifyForeign(hash, password, costOf(recipe).units))) return true;
      await responseFloor.wait(performance.now() - began);
      return false;
    });
    if (!answer) throw new HttpError('busy', { retryAfter: 2 });
    return answer;
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
    queued,
    longestQueue: () => {
      const most = longest;
      longest = queued();
      return most;
    },
    close: async () => {
      closed = true;
      await Promise.all([own.close(), foreign.close()]);
    },
  };
}

/** The keys by which failures are put in a row. Somebody known can ask about one account alone, so only that one waits. */
function seriesOf(requester: Requester): string[] {
  if (requester === 'background') return [];
  const { range, account, isKnown } = requester;
  return isKnown ? [`known account ${account}`] : [`range ${range}`, `account ${account}`];
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
