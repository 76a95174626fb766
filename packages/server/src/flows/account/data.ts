import { z } from 'zod';
import type { AppContext } from '../../context.ts';
import { devicesOf } from '../../core/devices.ts';
import { type EventView, pagesOfEventsOf } from '../../core/events.ts';
import { sessionsOf } from '../../core/sessions.ts';
import { findById } from '../../core/users.ts';
import { HttpError } from '../../errors.ts';
import { download } from '../../http/download.ts';
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

/** Everything that is kept about the caller, but for the hash of the password, as a file to keep. */
export async function downloadMyData(context: AppContext, call: SignedInCall): Promise<RouteResponse> {
  const { db, clock } = context;
  const { activeSession, headers } = call;
  const now = clock.now();
  const user = await findById(db, activeSession.user.id);
  if (!user) throw new HttpError('invalid_token');
  const sessions = await sessionsOf(context, activeSession.user, now, activeSession.session.id);
  const devices = await devicesOf(db, user.id, now);
  const facts: Omit<z.infer<typeof myDataShape>, 'events'> = {
    exported_at: new Date(now).toISOString(),
    user: showOwnUser(user),
    sessions: sessions.map((one) => showSession(one, activeSession.session.id)),
    devices: devices.map((one) => showDevice(one, deviceIdOf(context, headers, user.id))),
  };
  const parts = withEvents(facts, pagesOfEventsOf(db, user.id, MAX_EVENTS));
  return download(context, call, { name: 'my-data.json', type: 'application/json', parts });
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
