import type { Origin } from '../core/events.ts';
import { budgets, countInWindow, type WriteLimit } from '../core/limits.ts';
import type { Live } from '../core/sessions.ts';
import type { World } from '../edge/world.ts';
import { recordReached, tooMany, waitInWords } from './limit-reached.ts';

/** What a caller is told that there were too many of. */
const names: Record<WriteLimit, string> = {
  profileChanges: 'profile changes',
  sessionChanges: 'requests to sign out devices',
  passwordChanges: 'password changes',
  emailRequests: 'verification emails',
  adminChanges: 'changes to users and emails',
  keyRotations: 'new signing keys',
};

const HOUR = 60 * 60_000;
const DAY = 24 * HOUR;

const periods: Record<(typeof budgets)[WriteLimit]['length'], string> = {
  [HOUR]: 'hour',
  [DAY]: 'day',
};

/**
 * Counts something that somebody who is signed in can write again and again, before it is written: each such write leaves
 * an event, so without a limit one user could fill the disk and slow down whoever reads the events.
 *
 * @throws Refusal `too_many_requests`, with a message that names the limit.
 */
export async function countWrite(
  world: World,
  { user, session }: Live,
  origin: Origin,
  limit: WriteLimit,
): Promise<void> {
  const { db, clock, keys } = world;
  const counted = await countInWindow(db, keys.limits, limit, user.id, clock.now());
  if (counted.allowed) return;
  await recordReached(db, world, origin, counted, {
    userId: user.id,
    actorId: user.id,
    sessionId: session.id,
  });
  const { most, length } = budgets[limit];
  throw tooMany(
    counted,
    `Too many ${names[limit]}: the limit is ${most} per ${periods[length]}. Try again in ${waitInWords(counted.retryAfter)}.`,
  );
}
