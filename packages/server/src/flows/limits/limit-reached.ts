import type { World } from '../../context.ts';
import { type NewEvent, type Origin, recordEvent } from '../../core/events.ts';
import { type Budget, budgets, type Refused } from '../../core/limits.ts';
import { Refusal } from '../../errors.ts';
import type { Db } from '../../platform/db/index.ts';

/** So many refusals of a limit are recorded one by one. */
const EACH = 10;

/**
 * Records that a limit refused an attempt: the first ten since it let one pass, then each time their number has doubled,
 * so that a flood fills no disk. The log names the limit of every refusal. What a refusal rolls back would be lost, so the
 * caller's transaction goes on to its end, and throws after it.
 */
export async function recordReached(
  tx: Db,
  { metrics, clock }: Pick<World, 'metrics' | 'clock'>,
  origin: Origin,
  { limit, count, refused, retryAfter }: Refused,
  about: NewEvent,
): Promise<void> {
  metrics.limit(limit);
  if (refused > EACH && !Number.isInteger(Math.log2(refused / EACH))) return;
  const details = { ...about.details, limit, count, refused, retry_after: Math.ceil(retryAfter / 1000) };
  await recordEvent(tx, 'limit_reached', origin, { ...about, details }, clock.now());
}

/** Records it, about no account unless one is given, and makes what the caller is told. */
export async function refuseReached(
  world: World,
  origin: Origin,
  refused: Refused,
  about: NewEvent = { userId: null, actorId: null },
): Promise<Refusal> {
  await recordReached(world.db, world, origin, refused, about);
  return tooMany(refused);
}

/**
 * What a caller is told of a limit that tells nothing of an account: what there were too many of, and how long to wait. Only
 * limits that count an IP range name the network.
 */
export const tooMany = ({ limit, retryAfter }: Refused, message?: string): Refusal => {
  const { of, noun = 'attempts' }: Budget = budgets[limit];
  const what = of === 'range' ? `${noun} from your network` : noun;
  return new Refusal('too_many_requests', {
    retryAfter: retryAfter / 1000,
    limit,
    message: message ?? `Too many ${what}. Try again in ${waitInWords(retryAfter)}.`,
  });
};

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

/** `4 minutes`, rounded up; in hours from more than one hour on. @param wait Milliseconds. */
export function waitInWords(wait: number): string {
  const [count, unit] =
    wait > HOUR ? [Math.ceil(wait / HOUR), 'hour'] : [Math.max(1, Math.ceil(wait / MINUTE)), 'minute'];
  return count === 1 ? `1 ${unit}` : `${count} ${unit}s`;
}
