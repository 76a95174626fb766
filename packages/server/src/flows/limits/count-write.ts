import type { AppContext } from '../../context.ts';
import type { ClientInfo } from '../../core/events.ts';
import { countInWindow, rateLimits, type WriteRateLimit } from '../../core/rate-limits.ts';
import type { ActiveSession } from '../../core/sessions.ts';
import { type Text, text } from '../../languages/text.ts';
import { rateLimitError, recordRateLimit, waitInWords } from './rate-limited.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/**
 * Counts a write that a signed-in user can repeat, before it runs. Each such write records an event, so without a rate
 * limit one user could fill the disk and slow down every reader of the events.
 *
 * @throws HttpError `too_many_requests` with a message that names the limit.
 */
export async function countWrite(
  context: AppContext,
  { user, session }: ActiveSession,
  client: ClientInfo,
  limit: WriteRateLimit,
): Promise<void> {
  const { db, clock, keys } = context;
  const counted = await countInWindow(db, keys.rateLimits, limit, user.id, clock.now());
  if (counted.allowed) return;
  await recordRateLimit(db, context, client, counted, {
    userId: user.id,
    actorId: user.id,
    sessionId: session.id,
  });
  const { max, length, noun } = rateLimits[limit];
  throw rateLimitError(
    counted,
    text('limit.exceeded_of', {
      what: text(`noun.${noun}`),
      max,
      period: periodOf(length),
      wait: waitInWords(counted.retryAfter),
    }),
  );
}

/** @param length Milliseconds. */
function periodOf(length: number): Text {
  if (length === DAY) return text('wait.period_day');
  return length === HOUR ? text('wait.period_hour') : waitInWords(length);
}
