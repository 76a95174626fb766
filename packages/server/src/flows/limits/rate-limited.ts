import type { AppContext } from '../../context.ts';
import { type ClientInfo, type NewEvent, recordEvent } from '../../core/events.ts';
import { type RateLimit, type RateLimited, rateLimits } from '../../core/rate-limits.ts';
import { HttpError } from '../../errors.ts';
import { type Text, text } from '../../languages/text.ts';
import type { Db } from '../../platform/db/index.ts';

/** This many rejections by a rate limit are recorded one by one. */
const EACH = 10;

/**
 * Records that a rate limit rejected an attempt: each of the first ten since an attempt was last allowed, then each
 * time the number has doubled, so that a flood does not fill the disk. The request log names the limit of every
 * rejection. A rollback would lose the record, so callers let their transaction commit and throw afterwards.
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

/** Records the rejection, without an account unless one is given, and returns the error for the caller. */
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
 * The error for a rate limit that reveals nothing about an account: its message says what was limited and how long to
 * wait. It mentions the network only for limits that count an IP range.
 */
export const rateLimitError = ({ limit, retryAfter }: RateLimited, message?: Text): HttpError => {
  const { of, noun = 'attempts' }: RateLimit = rateLimits[limit];
  const values = { what: text(`noun.${noun}`), wait: waitInWords(retryAfter) };
  return new HttpError('too_many_requests', {
    retryAfter: retryAfter / 1000,
    limit,
    text: message ?? text(of === 'range' ? 'limit.exceeded_network' : 'limit.exceeded', values),
  });
};

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

/**
 * A duration such as `4 minutes`, rounded up; in hours if it is longer than one hour.
 *
 * @param wait Milliseconds.
 */
export function waitInWords(wait: number): Text {
  return wait > HOUR
    ? text('wait.hours', { count: Math.ceil(wait / HOUR) })
    : text('wait.minutes', { count: Math.max(1, Math.ceil(wait / MINUTE)) });
}
