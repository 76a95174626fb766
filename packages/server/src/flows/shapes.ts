import { z } from 'zod';
import type { ListedDevice } from '../core/devices.ts';
import type { EventView, RecordedEvent } from '../core/events.ts';
import { budgets, type LimitName, type LimitState } from '../core/limits.ts';
import type { ListedSession, Live } from '../core/sessions.ts';
import { roleOf } from '../core/users.ts';

/** What the API shows of things: each schema beside the function that makes it, field by field, never a row. */

const time = z.iso.datetime().describe('RFC 3339, UTC');
const toTime = (milliseconds: number): string => new Date(milliseconds).toISOString();

export const userShape = z
  .object({
    id: z.uuid(),
    username: z.string(),
    email: z.string(),
    email_verified: z.boolean(),
    role: z.enum(['user', 'admin']),
    disabled: z.boolean(),
    created_at: time,
    password_change_required: z
      .boolean()
      .describe('Whether the user must choose a new password before anything else'),
  })
  .meta({ id: 'User' });

export const showUser = (user: Live['user']): z.infer<typeof userShape> => ({
  id: user.id,
  username: user.username,
  email: user.email,
  email_verified: user.email_verified_at !== null,
  role: roleOf(user),
  disabled: user.disabled_at !== null,
  created_at: toTime(user.created_at),
  password_change_required: user.password_change_required_at !== null,
});

export const sessionShape = z
  .object({
    id: z.string(),
    kind: z.enum(['cookie', 'bearer']),
    created_at: time,
    last_seen_at: time.describe('RFC 3339, UTC, to the minute'),
    ip: z.string(),
    user_agent: z.string(),
    current: z.boolean(),
  })
  .meta({ id: 'Session' });

export const showSession = (session: ListedSession, currentId: string): z.infer<typeof sessionShape> => ({
  id: session.id,
  kind: session.kind,
  created_at: toTime(session.created_at),
  last_seen_at: toTime(session.last_seen_at),
  ip: session.ip,
  user_agent: session.user_agent,
  current: session.id === currentId,
});

export const deviceShape = z
  .object({
    id: z.string(),
    kind: z.enum(['cookie', 'bearer']).describe('`cookie` for a browser, `bearer` for an API client'),
    created_at: time,
    last_used_at: time.describe('Last sign-in (RFC 3339, UTC)'),
    ip: z.string(),
    user_agent: z.string(),
    current: z.boolean().describe('Whether this request came from the device'),
  })
  .meta({ id: 'Device' });

export const showDevice = (
  device: ListedDevice,
  currentId: string | undefined,
): z.infer<typeof deviceShape> => ({
  id: device.id,
  kind: device.kind,
  created_at: toTime(device.created_at),
  last_used_at: toTime(device.last_used_at),
  ip: device.ip,
  user_agent: device.user_agent,
  current: device.id === currentId,
});

export const eventShape = z
  .object({
    id: z.uuid(),
    name: z.string(),
    at: time,
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

export const limitShape = z
  .object({
    limit: z.enum(Object.keys(budgets) as [LimitName, ...LimitName[]]),
    why: z.string().describe('Description of the limit'),
    from: z.string().nullable().describe('IP range or name the limit applies to'),
    count: z.int().describe('Attempts counted'),
    most: z.int().describe('Attempts allowed'),
    refused: z.int().describe('Requests blocked since the last allowed one'),
    reached: z.boolean().describe('Whether the next attempt will be blocked'),
    until: time.nullable().describe('When the block ends; null if not blocked, or if it doesn’t expire'),
  })
  .meta({ id: 'Limit' });

const isShown = (of: string): boolean => of === 'range' || of === 'name' || of === 'address and range';

export const showLimit = ({
  limit,
  subject,
  times = 1,
  isReached,
  ...state
}: LimitState): z.infer<typeof limitShape> => {
  const budget = budgets[limit];
  return {
    limit,
    why: budget.why,
    from: isShown(budget.of) ? subject : null,
    count: state.count,
    most: (budget.kind === 'back-off' ? budget.free : budget.most) * times,
    refused: state.refused,
    reached: isReached,
    until: state.until === null ? null : toTime(state.until),
  };
};

export const tokenPairShape = z
  .object({
    access_token: z.string(),
    token_type: z.literal('Bearer'),
    expires_in: z.int().describe('Seconds'),
    refresh_token: z.string(),
  })
  .meta({ id: 'TokenPair' });

/** An answer that is a sentence; the contract's sentences are literal. */
export const saying = <const T extends string>(message: T) => z.object({ message: z.literal(message) });
