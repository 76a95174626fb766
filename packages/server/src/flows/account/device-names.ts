import { z } from 'zod';
import type { AppContext } from '../../context.ts';
import { type ListedDevice, nameDevice } from '../../core/devices.ts';
import { deviceOfSession, sessionsOf } from '../../core/sessions.ts';
import { parseDisplayName } from '../../core/users/display-name.ts';
import { fieldError, HttpError } from '../../errors.ts';
import { readDevice } from '../../http/other-cookies.ts';
import type { RouteResponse, SignedInCall } from '../../http/route.ts';
import { text } from '../../languages/text.ts';
import { showDevice, showSession } from '../shapes/sessions.ts';
import type { deviceParams } from './devices.ts';
import type { sessionParams } from './sessions.ts';

export const deviceNameBody = z.strictObject({
  name: z.string().describe('At most 64 characters; empty to remove the name'),
});
type Named<Params extends z.ZodType> = SignedInCall<
  z.infer<typeof deviceNameBody>,
  undefined,
  z.infer<Params>
>;

/** Names one of the caller's known devices. The name is for the owner alone and is kept when the device signs in again. */
export async function renameDevice(
  context: AppContext,
  { body, params, activeSession, headers }: Named<typeof deviceParams>,
): Promise<RouteResponse> {
  const device = await rename(context, activeSession.user.id, params.id, body.name);
  if (!device) throw new HttpError('not_found', { text: text('error.device_not_found') });
  const current = await readDevice(context, headers, activeSession.user.id);
  return { status: 200, body: { device: showDevice(device, current) } };
}

/**
 * Names the known device of one of the caller's sessions.
 *
 * @throws HttpError `conflict` if the device is no longer known.
 */
export async function renameSession(
  context: AppContext,
  { body, params, activeSession }: Named<typeof sessionParams>,
): Promise<RouteResponse> {
  const { user, session } = activeSession;
  const found = await deviceOfSession(context.db, params.id, user.id);
  if (!found) throw new HttpError('not_found', { text: text('error.session_not_found') });
  if (!(await rename(context, user.id, found.device_id ?? '', body.name)))
    throw new HttpError('conflict', { text: text('error.device_not_known') });
  const sessions = await sessionsOf(context, user, context.clock.now(), session.id);
  const named = sessions.find(({ id }) => id === params.id);
  if (!named) throw new HttpError('not_found', { text: text('error.session_not_found') });
  return { status: 200, body: { session: showSession(named, session.id) } };
}

async function rename(
  { db, clock }: Pick<AppContext, 'db' | 'clock'>,
  userId: string,
  id: string,
  given: string,
): Promise<ListedDevice | undefined> {
  const parsed = parseDisplayName(given, 'device_name');
  if (!parsed.ok) throw new HttpError('invalid_request', { fields: [fieldError('name', parsed)] });
  return nameDevice(db, id, userId, parsed.displayName, clock.now());
}
