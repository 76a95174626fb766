import type { AppContext } from '../../context.ts';
import type { ClientInfo } from '../../core/events.ts';
import { countInRanges } from '../../core/rate-limits.ts';
import { clientRanges } from '../../http/client-ip.ts';
import { recordRateLimitError } from './rate-limited.ts';

/**
 * Counts a request against a limit on the IP ranges that its client is in. The request is about no account.
 *
 * @throws HttpError `too_many_requests`
 */
export async function countIp(
  context: AppContext,
  client: ClientInfo & { ip: string },
  limit: Parameters<typeof countInRanges>[2],
): Promise<void> {
  const { db, clock, keys } = context;
  const counted = await countInRanges(db, keys.rateLimits, limit, clientRanges(client.ip), clock.now());
  if (!counted.allowed) throw await recordRateLimitError(context, client, counted);
}
