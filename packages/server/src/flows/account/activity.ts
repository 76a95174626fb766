import type { World } from '../../context.ts';
import { isByOther, listEvents, type RecordedEvent } from '../../core/events.ts';

export { limitActivity } from '../../core/limits.ts';
export { browserOf } from '../../core/mails/browser.ts';
export { mailAbout } from '../../core/mails/kinds.ts';
export { isByOther };

/** What happened in an account, newest first, and after which event it goes on. */
export async function readActivity(
  { db }: Pick<World, 'db'>,
  { limit, ...asked }: { userId: string; before?: string | undefined; limit: number },
): Promise<{ events: RecordedEvent[]; next: string | null }> {
  const found = await listEvents(db, { ...asked, limit: limit + 1 });
  const events = found.slice(0, limit);
  return { events, next: found.length > limit ? (events.at(-1)?.id ?? null) : null };
}
