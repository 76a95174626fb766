import type { AppContext } from '../../context.ts';
import { type ClientInfo, type NewEvent, recordEvent } from '../../core/events.ts';
import { type RateLimit, type RateLimited, rateLimits } from '../../core/rate-limits.ts';
import { HttpError } from '../../errors.ts';
import type { Db } from '../../platform/db/index.ts';

/** So many refusals of a limit are recorded one by one. */
const EACH = 10;

/**
 * Records that a limit refused an attempt: the first ten since it let one pass, then each time their number has doubled,
 * so that a flood fills no disk. The log names the limit of every refusal. What a refusal rolls back would be lost, so the
 * caller's transaction goes on to its end, and throws after it.
 */
export async function recordRateLimit(
  tx: Db,
  { metrics, clock }: Pick<AppContext, 'metrics' | 'clock'>,
  client: ClientInfo,
  { limit, count, rejected, retryAfter }: RateLimited,
  about: NewEvent,
): Promise<void> {
  metrics.limit(limit);
  if (rejected > EACH && !Number.isInteger(Math.log2(rejected / EACH))) return;
  const details = { ...about.details, limit, count, rejected, retry_after: Math.ceil(retryAfter / 1000) };
  await recordEvent(tx, 'rate_limit_exceeded', client, { ...about, details }, clock.now());
}

/** Records it, about no account unless one is given, and makes what the caller is told. */
export async function recordRateLimitError(
  context: AppContext,
  client: ClientInfo,
  rateLimited: RateLimited,
  about: NewEvent = { userId: null, actorId: null },
): Promise<HttpError> {
  await recordRateLimit(context.db, context, client, rateLimited, about);
  return rateLimitError(rateLimited);
}

/**
 * What a caller is told of a limit that tells nothing of an account: what there were too many of, and how long to wait. Only
 * limits that count an IP range name the network.
 */
export const rateLimitError = ({ limit, retryAfter }: RateLimited, message?: string): HttpError => {
  const { of, noun = 'attempts' }: RateLimit = rateLimits[limit];
  const what = of === 'range' ? `${noun} from your network` : noun;
  return new HttpError('too_many_requests', {
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
