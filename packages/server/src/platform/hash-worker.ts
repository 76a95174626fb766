import { hashSync } from '@node-rs/argon2';
import { readHash } from './hashes/families.ts';
import { isBounded } from './hashes/recipe.ts';
import { verifyHash } from './hashes/verify.ts';

/** One task: verify `password` against `stored`, or hash it with these parameters. */
export type HashTask =
  | { kind: 'hash'; password: string; memoryKib: number; passes: number }
  | { kind: 'verify'; password: string; stored: string }
  | { kind: 'nothing' };

/**
 * Runs in its own thread, so it calls the synchronous functions: the asynchronous ones would use libuv's shared pool,
 * where a burst of sign-ins delays every file and DNS access of the process (attack D2).
 *
 * @throws Error if the memory cannot be allocated.
 */
export default function work(task: HashTask): string | boolean | undefined {
  if (task.kind === 'nothing') return undefined;
  if (task.kind === 'verify') {
    const recipe = readHash(task.stored)?.recipe;
    // Checked before the task was sent, and again here: no stored value may decide how much this thread allocates
    // (attack U10).
    return recipe !== undefined && isBounded(recipe) && verifyHash(recipe, task.password);
  }
  return hashSync(task.password, {
    algorithm: 2, // argon2id: RFC 9106 section 4 recommends no other for passwords
    version: 1, // 0x13, the only version in RFC 9106; written as `v=19`
    memoryCost: task.memoryKib,
    timeCost: task.passes,
    parallelism: 1,
    outputLen: 32,
  });
}
