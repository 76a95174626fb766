import { z } from 'zod';
import { type EventName, events } from '../../events.ts';

export const PATH = '/admin/events';

export const eventNames = Object.keys(events) as [EventName, ...EventName[]];

/** What does not fit is as if it were not there. */
export const eventsQuery = z.object({
  user: z.uuid().optional().catch(undefined),
  name: z.enum(eventNames).optional().catch(undefined),
  request: z.uuid().optional().catch(undefined),
  since: z.iso.date().optional().catch(undefined),
  until: z.iso.date().optional().catch(undefined),
  cursor: z.uuid().optional().catch(undefined),
});
export type EventsQuery = z.infer<typeof eventsQuery>;

const DAY = 24 * 60 * 60_000;

/** Which events are asked for, in the words of the audit record. */
export const asked = ({ user, name, request, since, until, cursor }: EventsQuery, limit: number) => ({
  userId: user,
  name,
  requestId: request,
  since: since === undefined ? undefined : Date.parse(since),
  // The day that is named belongs to it.
  until: until === undefined ? undefined : Date.parse(until) + DAY,
  before: cursor,
  limit,
});

/** Whether what happens from now on may belong to the page that is asked for. */
export const isOpenEnded = (query: EventsQuery, now: number): boolean =>
  query.cursor === undefined && (asked(query, 0).until ?? Number.POSITIVE_INFINITY) > now;
