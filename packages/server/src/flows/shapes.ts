import { z } from 'zod';
import type { EventView } from '../core/events.ts';
import type { ListedSession, Live } from '../core/sessions.ts';
import { roleOf } from '../core/users.ts';

/** What the API shows of things: each schema beside the function that makes it, field by field, never a row. */

const time = z.iso.datetime().describe('RFC 3339, in UTC');
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
});

export const sessionShape = z
  .object({
    id: z.string(),
    kind: z.enum(['cookie', 'bearer']),
    created_at: time,
    last_seen_at: time.describe('RFC 3339, in UTC, accurate to a minute'),
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
