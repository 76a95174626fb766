import type { AppContext } from '../../context.ts';
import { isByOther, listEventPage, type RecordedEvent } from '../../core/events.ts';

export { browserOf } from '../../core/emails/browser.ts';
export { emailAbout } from '../../core/emails/kinds.ts';
export { limitActivity } from '../../core/rate-limits.ts';
export { isByOther };

/** What happened in an account, newest first, and after which event it goes on. */
export const readActivity = (
  { db }: Pick<AppContext, 'db'>,
  query: { userId: string; before?: string | undefined; limit: number },
): Promise<{ events: RecordedEvent[]; next: string | null }> => listEventPage(db, query);
