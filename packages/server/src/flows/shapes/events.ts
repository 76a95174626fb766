import { z } from 'zod';
import type { EventView, RecordedEvent } from '../../core/events.ts';
import { timeShape, toTime } from './times.ts';

export const eventShape = z
  .object({
    id: z.uuid(),
    name: z.string(),
    at: timeShape,
    session_id: z.string().nullable(),
    ip: z.string().nullable(),
    user_agent: z.string().nullable(),
  })
  .meta({ id: 'Event' });

export const showEvent = (event: EventView): z.infer<typeof eventShape> => ({
  id: event.id,
  name: event.name,
  at: toTime(event.at),
  session_id: event.sessionId,
  ip: event.ip,
  user_agent: event.userAgent,
});

export const recordedEventShape = eventShape
  .extend({
    user_id: z.string().nullable().describe('User the event is about'),
    actor_id: z.string().nullable().describe('User who performed the action; `operator` for the CLI'),
    request_id: z.string().nullable(),
    details: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])),
  })
  .meta({ id: 'RecordedEvent' });

export const showRecordedEvent = (event: RecordedEvent): z.infer<typeof recordedEventShape> => ({
  ...showEvent(event),
  user_id: event.userId,
  actor_id: event.actorId,
  request_id: event.requestId,
  details: event.details,
});
