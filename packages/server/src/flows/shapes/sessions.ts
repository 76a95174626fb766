import { z } from 'zod';
import type { ListedDevice } from '../../core/devices.ts';
import type { ListedSession } from '../../core/sessions.ts';
import { timeShape, toTime } from './times.ts';

export const sessionShape = z
  .object({
    id: z.string(),
    kind: z.enum(['cookie', 'bearer']),
    created_at: timeShape,
    last_seen_at: timeShape.describe('RFC 3339, UTC, to the minute'),
    kept_until: timeShape
      .nullable()
      .describe('When it ends at the latest if the user chose “Keep me signed in”; otherwise null'),
    ip: z.string(),
    user_agent: z.string(),
    device_id: z.string().nullable().describe('Its known device; null if the device is no longer known'),
    name: z.string().nullable().describe('The name that the user gave to the known device'),
    current: z.boolean(),
  })
  .meta({ id: 'Session' });

export const showSession = (session: ListedSession, currentId: string): z.infer<typeof sessionShape> => ({
  id: session.id,
  kind: session.kind,
  created_at: toTime(session.created_at),
  last_seen_at: toTime(session.last_seen_at),
  kept_until: session.kept_until === null ? null : toTime(session.kept_until),
  ip: session.ip,
  user_agent: session.user_agent,
  device_id: session.device_id,
  name: session.name,
  current: session.id === currentId,
});

export const deviceShape = z
  .object({
    id: z.string(),
    kind: z.enum(['cookie', 'bearer']).describe('`cookie` for a browser, `bearer` for an API client'),
    created_at: timeShape,
    last_used_at: timeShape.describe('Last sign-in (RFC 3339, UTC)'),
    ip: z.string(),
    user_agent: z.string(),
    name: z.string().nullable().describe('The name that the user gave to it'),
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
  name: device.name,
  current: device.id === currentId,
});

export const tokenPairShape = z
  .object({
    access_token: z.string(),
    token_type: z.literal('Bearer'),
    expires_in: z.int().describe('Seconds'),
    refresh_token: z.string(),
  })
  .meta({ id: 'TokenPair' });

export type TokenPair = z.infer<typeof tokenPairShape>;
