import { z } from 'zod';
import { listEvents } from '../../core/events.ts';
import type { Answer, SignedInCall } from '../../edge/route.ts';
import type { World } from '../../edge/world.ts';
import { type EventName, events } from '../../events.ts';
import { showRecordedEvent } from '../shapes.ts';

const LARGEST_PAGE = 100;

/** RFC 3339, as milliseconds since 1970. */
const time = z.iso
  .datetime({ offset: true, error: 'Invalid time. Use RFC 3339, e.g. 2026-03-01T12:00:00Z' })
  .transform((text) => Date.parse(text));

export const listEventsQuery = z.strictObject({
  user: z.uuid('Invalid user ID').optional().describe('Those about this user'),
  name: z.enum(Object.keys(events) as [EventName, ...EventName[]]).optional(),
  request: z.uuid('Invalid request ID').optional().describe('Those of one request, by its id'),
  since: time.optional().describe('Those from this time on'),
  until: time.optional().describe('Those before this time'),
  cursor: z.uuid().optional().describe('`next_cursor` of the page before'),
  limit: z.coerce.number().int().min(1).max(LARGEST_PAGE).default(50),
});

/** A page of the audit record, newest first. */
export async function showEvents(
  { db }: World,
  { query }: SignedInCall<undefined, z.infer<typeof listEventsQuery>>,
): Promise<Answer> {
  const { user, name, request, since, until, cursor, limit } = query;
  const found = await listEvents(db, {
    userId: user,
    name,
    requestId: request,
    since,
    until,
    before: cursor,
    limit: limit + 1,
  });
  const page = found.slice(0, limit);
  const next = found.length > limit ? (page.at(-1)?.id ?? null) : null;
  return { status: 200, body: { events: page.map(showRecordedEvent), next_cursor: next } };
}
