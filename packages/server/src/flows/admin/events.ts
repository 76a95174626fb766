import { z } from 'zod';
import type { AppContext } from '../../context.ts';
import { listEventPage } from '../../core/events.ts';
import { parseEmail, parseUsername } from '../../core/identifiers.ts';
import { findByIdentifier } from '../../core/users.ts';
import { type EventName, events as eventTable } from '../../events.ts';
import type { RouteResponse, SignedInCall } from '../../http/route.ts';
import type { Db } from '../../platform/db/index.ts';
import { showRecordedEvent } from '../shapes/events.ts';

const LARGEST_PAGE = 100;

/** RFC 3339, as milliseconds since 1970. */
const time = z.iso
  .datetime({ offset: true, error: 'Invalid time. Use RFC 3339, e.g. 2026-03-01T12:00:00Z' })
  .transform((text) => Date.parse(text));

export const listEventsQuery = z.strictObject({
  user: z.uuid('Invalid user ID').optional().describe('Filter by user ID'),
  name: z.enum(Object.keys(eventTable) as [EventName, ...EventName[]]).optional(),
  request: z.uuid('Invalid request ID').optional().describe('Filter by request ID'),
  since: time.optional().describe('Start time'),
  until: time.optional().describe('End time (exclusive)'),
  cursor: z.uuid().optional().describe('`next_cursor` from the previous page'),
  limit: z.coerce.number().int().min(1).max(LARGEST_PAGE).default(50),
});

/** A page of audit events, newest first. */
export async function showEvents(
  { db }: Pick<AppContext, 'db'>,
  { query }: SignedInCall<undefined, z.infer<typeof listEventsQuery>>,
): Promise<RouteResponse> {
  const { user, request, cursor, ...filter } = query;
  const { events, next } = await listEventPage(db, {
    ...filter,
    userId: user,
    requestId: request,
    before: cursor,
  });
  return { status: 200, body: { events: events.map(showRecordedEvent), next_cursor: next } };
}

/** An id without events, for a username or email without an account. */
const NO_USER = '';

/**
 * Finds the id of a user by username, email or id, to filter events. The events of a deleted user are found only by id.
 */
export async function userIdOf(db: Db, text: string): Promise<string> {
  if (z.uuid().safeParse(text).success) return text.toLowerCase();
  const by = text.includes('@') ? 'email' : 'username';
  const parsed = by === 'email' ? parseEmail(text) : parseUsername(text);
  const user = parsed.ok ? await findByIdentifier(db, by, parsed.key) : undefined;
  return user?.id ?? NO_USER;
}
