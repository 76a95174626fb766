import { z } from 'zod';
import type { World } from '../../context.ts';
import { devicesOf, removeDevice } from '../../core/devices.ts';
import { recordEvent } from '../../core/events.ts';
import type { Answer, SignedInCall } from '../../edge/route.ts';
import { readDevice } from '../../edge/side-cookies.ts';
import { Refusal } from '../../errors.ts';
import { showDevice } from '../shapes/sessions.ts';

/** The browsers and programs that the caller's account knows, the one used last first. There are never more than fit a page. */
export async function listDevices(world: World, { live, headers }: SignedInCall): Promise<Answer> {
  const { id: userId } = live.user;
  const devices = await devicesOf(world.db, userId, world.clock.now());
  const current = await readDevice(world, headers, userId);
  return {
    status: 200,
    body: { devices: devices.map((one) => showDevice(one, current)), next_cursor: null },
  };
}

export const deviceParams = z.strictObject({
  id: z.string().regex(/^[A-Za-z0-9_-]{22}$/, 'Invalid device ID'),
});

/** Removes one of the devices that the caller's account knows. Another user's is not found, like one that does not exist. */
export async function removeOneDevice(
  world: World,
  { params, live, headers, origin }: SignedInCall<undefined, undefined, z.infer<typeof deviceParams>>,
): Promise<Answer> {
  const { db, clock } = world;
  const { id: userId } = live.user;
  const current = await readDevice(world, headers, userId);
  const removed = await db.transaction().execute(async (tx) => {
    if (!(await removeDevice(tx, params.id, userId))) return false;
    const about = { userId, actorId: userId, sessionId: live.session.id, details: { device: params.id } };
    await recordEvent(tx, 'device_removed', origin, about, clock.now());
    return true;
  });
  if (!removed) throw new Refusal('not_found', { message: 'Device not found or already removed.' });
  const answer: Answer = { status: 200, body: { message: 'Device removed.' } };
  return params.id === current ? { ...answer, sideCookies: { device: 'unset' } } : answer;
}
