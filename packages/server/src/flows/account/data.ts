import { z } from 'zod';
import type { AppContext } from '../../context.ts';
import { devicesOf } from '../../core/devices.ts';
import { type EventView, pagesOfEventsOf } from '../../core/events.ts';
import { sessionsOf } from '../../core/sessions.ts';
import { findById } from '../../core/users.ts';
import { HttpError } from '../../errors.ts';
import { deviceIdOf } from '../../http/other-cookies.ts';
import type { RouteResponse, SignedInCall } from '../../http/route.ts';
import { eventShape, showEvent } from '../shapes/events.ts';
import { deviceShape, sessionShape, showDevice, showSession } from '../shapes/sessions.ts';
import { ownUserShape, showOwnUser } from '../shapes/users.ts';

const MAX_EVENTS = 10_000;

export const myDataShape = z.object({
  exported_at: z.iso.datetime(),
  user: ownUserShape,
  sessions: z.array(sessionShape),
  devices: z.array(deviceShape),
  events: z.array(eventShape).describe(`The latest ${MAX_EVENTS} events`),
});

/** Downloads everything stored about the caller, except the password hash, as a file. */
export async function downloadMyData(
  context: AppContext,
  { activeSession, headers, client, checkAgain }: SignedInCall,
): Promise<RouteResponse> {
  const { db, clock, exports } = context;
  const now = clock.now();
  const user = await findById(db, activeSession.user.id);
  if (!user) throw new HttpError('invalid_token');
  const sessions = await sessionsOf(db, activeSession.user, now, activeSession.session.id);
  const devices = await devicesOf(db, user.id, now);
  const facts: Omit<z.infer<typeof myDataShape>, 'events'> = {
    exported_at: new Date(now).toISOString(),
    user: showOwnUser(user),
    sessions: sessions.map((one) => showSession(one, activeSession.session.id)),
    devices: devices.map((one) => showDevice(one, deviceIdOf(context, headers, user.id))),
  };
  const stream = exports.open({
    userId: user.id,
    requestId: client.requestId,
    parts: withEvents(facts, pagesOfEventsOf(db, user.id, MAX_EVENTS)),
    check: checkAgain,
  });
  return {
    status: 200,
    stream,
    type: 'application/json; charset=utf-8',
    headers: { 'content-disposition': 'attachment; filename="my-data.json"' },
  };
}

/** The facts as JSON, with the events as the last member, streamed page by page. */
async function* withEvents(facts: object, pages: AsyncIterable<EventView[]>): AsyncGenerator<string> {
  yield `${JSON.stringify(facts).slice(0, -1)},"events":[`;
  let separator = '';
  for await (const events of pages) {
    yield separator + events.map((event) => JSON.stringify(showEvent(event))).join(',');
    separator = ',';
  }
  yield ']}';
}
