import { hashSync, verifySync } from '@node-rs/argon2';
import { readHash } from './hashes/families.ts';
import { fits } from './hashes/fits.ts';
import { isBounded } from './hashes/recipe.ts';

/** One piece of work: verify `password` against `stored`, or hash it anew with these parameters. */
export type HashTask =
  | { kind: 'hash'; password: string; memoryKib: number; passes: number }
  /** With `after`, a password that does not fit is compared with that one as well, for the work alone. */
  | { kind: 'verify'; password: string; stored: string; after?: string }
  | { kind: 'nothing' };

/** What came of a verification. */
export interface Verified {
  matches: boolean;
  /** How long it took, in milliseconds; the wait for a thread is no part of it. */
  took: number;
}

/**
 * Runs in a thread of its own, so the synchronous calls are right here: the asynchronous ones would run on
 * libuv's shared pool, where a storm of sign-ins delays every file and DNS access of the process (attack D2).
 * Throws when the memory cannot be allocated.
 */
export default function work(task: HashTask): string | Verified | undefined {
  if (task.kind === 'nothing') return undefined;
  if (task.kind === 'verify') return verify(task);
  return hashSync(task.password, {
    algorithm: 2, // argon2id: RFC 9106 section 4 recommends no other for passwords
    version: 1, // 0x13, the only version of RFC 9106; written `v=19`
    memoryCost: task.memoryKib,
    timeCost: task.passes,
    parallelism: 1,
    outputLen: 32,
  });
}

function verify({ password, stored, after }: HashTask & { kind: 'verify' }): Verified {
  const began = performance.now();
  const recipe = readHash(stored)?.recipe;
  // Asked before the task was given, and here again: nothing may choose what this thread allocates (attack U10).
  const matches = recipe !== undefined && isBounded(recipe) && fits(recipe, password);
  if (!matches && after !== undefined) verifySync(after, password);
  return { matches, took: performance.now() - began };
}
