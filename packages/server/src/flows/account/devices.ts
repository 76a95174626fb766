import { z } from 'zod';
import type { AppContext } from '../../context.ts';
import { devicesOf, removeDevice } from '../../core/devices.ts';
import { recordEvent } from '../../core/events.ts';
import { HttpError } from '../../errors.ts';
import { readDevice } from '../../http/other-cookies.ts';
import type { RouteResponse, SignedInCall } from '../../http/route.ts';
import { text } from '../../languages/text.ts';
import { showDevice } from '../shapes/sessions.ts';

/** Lists the caller's known devices, the last used first. They always fit on one page. */
export async function listDevices(
  context: AppContext,
  { activeSession, headers }: SignedInCall,
): Promise<RouteResponse> {
  const { id: userId } = activeSession.user;
  const devices = await devicesOf(context.db, userId, context.clock.now());
  const current = await readDevice(context, headers, userId);
  return {
    status: 200,
    body: { devices: devices.map((one) => showDevice(one, current)), next_cursor: null },
  };
}

export const deviceParams = z.strictObject({
  id: z.string().regex(/^[A-Za-z0-9_-]{22}$/, 'Invalid device ID'),
});

/** Removes one of the caller's known devices. Another user's device is not found, like one that does not exist. */
export async function removeOneDevice(
  context: AppContext,
  {
    params,
    activeSession,
    headers,
    client,
  }: SignedInCall<undefined, undefined, z.infer<typeof deviceParams>>,
): Promise<RouteResponse> {
  const { db, clock } = context;
  const { id: userId } = activeSession.user;
  const current = await readDevice(context, headers, userId);
  const removed = await db.transaction().execute(async (tx) => {
    if (!(await removeDevice(tx, params.id, userId))) return false;
    const about = {
      userId,
      actorId: userId,
      sessionId: activeSession.session.id,
      details: { device: params.id },
    };
    await recordEvent(tx, 'device_removed', client, about, clock.now());
    return true;
  });
  if (!removed) throw new HttpError('not_found', { text: text('error.device_not_found') });
  const response: RouteResponse = { status: 200, body: { message: 'Device removed.' } };
  return params.id === current ? { ...response, otherCookies: { device: 'unset' } } : response;
}
