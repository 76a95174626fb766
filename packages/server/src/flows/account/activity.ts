import type { AppContext } from '../../context.ts';
import { isByOther, listEvents, type RecordedEvent } from '../../core/events.ts';

export { browserOf } from '../../core/emails/browser.ts';
export { emailAbout } from '../../core/emails/kinds.ts';
export { limitActivity } from '../../core/rate-limits.ts';
export { isByOther };

/** One page of an account's events, newest first; `next` is the cursor of the next page. */
export async function readActivity(
  { db }: Pick<AppContext, 'db'>,
  { limit, ...asked }: { userId: string; before?: string | undefined; limit: number },
): Promise<{ events: RecordedEvent[]; next: string | null }> {
  const found = await listEvents(db, { ...asked, limit: limit + 1 });
  const events = found.slice(0, limit);
  return { events, next: found.length > limit ? (events.at(-1)?.id ?? null) : null };
}
