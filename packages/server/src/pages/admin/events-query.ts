import { z } from 'zod';
import type { EventQuery } from '../../core/events.ts';
import { type EventName, events } from '../../events.ts';
import { NO_USER, userIdOf } from '../../flows/admin/events.ts';
import type { Db } from '../../platform/db/index.ts';

export const PATH = '/admin/events';

export const eventNames = Object.keys(events) as [EventName, ...EventName[]];

/** Periods that end now, in days of UTC: the current one, or so many with it. */
export const ranges = ['today', '7d', '30d'] as const;

/** Invalid parameters are ignored, except those that people type: dropping them would show every event. */
export const eventsQuery = z.object({
  user: typed(),
  name: typed(),
  request: typed(),
  ip: typed(),
  range: z.enum(ranges).optional().catch(undefined),
  since: z.iso.date().optional().catch(undefined),
  until: z.iso.date().optional().catch(undefined),
  cursor: z.uuid().optional().catch(undefined),
});
export type EventsQuery = z.infer<typeof eventsQuery>;
export type EventsFilter = Omit<EventsQuery, 'cursor'>;

/** Whether a parameter names an event that there is; an empty one is for all events. */
export const isEventName = (name: string | undefined): name is EventName =>
  name !== undefined && Object.hasOwn(events, name);

/** What somebody typed; no user or request has a longer name. */
function typed() {
  return z
    .string()
    .transform((text) => text.trim().slice(0, 255))
    .optional()
    .catch(undefined);
}

const DAY = 24 * 60 * 60_000;

/** The query of the page as a query of the audit log. Dates that someone typed count, and a range otherwise. */
export const searchOf = async (
  db: Db,
  { user, name, request, ip, since, until, range, cursor }: EventsQuery,
  now: number,
  limit: number,
): Promise<EventQuery> => ({
  userId: name && !isEventName(name) ? NO_USER : user ? await userIdOf(db, user) : undefined,
  name: isEventName(name) ? name : undefined,
  requestId: request || undefined,
  ip: ip?.toLowerCase() || undefined,
  since: since === undefined ? sinceOf(until === undefined ? range : undefined, now) : Date.parse(since),
  // The last day is included.
  until: endOf(until),
  before: cursor,
  limit,
});

/** Days are those of UTC, as everywhere in the audit log. */
function sinceOf(range: EventsQuery['range'], now: number): number | undefined {
  const today = Math.floor(now / DAY) * DAY;
  if (range === undefined) return undefined;
  return range === 'today' ? today : today - (range === '7d' ? 6 : 29) * DAY;
}

const endOf = (until: string | undefined): number | undefined =>
  until === undefined ? undefined : Date.parse(until) + DAY;

/** Whether new events can belong to the requested page. */
export const isOpenEnded = (query: EventsQuery, now: number): boolean =>
  query.cursor === undefined && (endOf(query.until) ?? Number.POSITIVE_INFINITY) > now;
