import type { World } from '../../context.ts';
import type { Origin } from '../../core/events.ts';
import { budgets, countInWindow, type WriteLimit } from '../../core/limits.ts';
import type { Live } from '../../core/sessions.ts';
import { recordReached, tooMany, waitInWords } from './limit-reached.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

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
  const { most, length, noun } = budgets[limit];
  throw tooMany(
    counted,
    `Too many ${noun}: the limit is ${most} per ${periodOf(length)}. Try again in ${waitInWords(counted.retryAfter)}.`,
  );
}

/** @param length Milliseconds. */
function periodOf(length: number): string {
  if (length === DAY) return 'day';
  return length === HOUR ? 'hour' : waitInWords(length);
}
