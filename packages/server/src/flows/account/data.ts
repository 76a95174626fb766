import { z } from 'zod';
import type { World } from '../../context.ts';
import { devicesOf } from '../../core/devices.ts';
import { type EventView, pagesOfEventsOf } from '../../core/events.ts';
import { sessionsOf } from '../../core/sessions.ts';
import { findById } from '../../core/users.ts';
import type { Answer, SignedInCall } from '../../edge/route.ts';
import { deviceIdOf } from '../../edge/side-cookies.ts';
import { Refusal } from '../../errors.ts';
import { eventShape, showEvent } from '../shapes/events.ts';
import { deviceShape, sessionShape, showDevice, showSession } from '../shapes/sessions.ts';
import { ownUserShape, showOwnUser } from '../shapes/users.ts';

const MOST_EVENTS = 10_000;

export const myDataShape = z.object({
  exported_at: z.iso.datetime(),
  user: ownUserShape,
  sessions: z.array(sessionShape),
  devices: z.array(deviceShape),
  events: z.array(eventShape).describe(`The latest ${MOST_EVENTS} events`),
});

/** Everything that is kept about the caller, but for the hash of the password, as a file to keep. */
export async function downloadMyData(
  world: World,
  { live, headers, origin, checkAgain }: SignedInCall,
): Promise<Answer> {
  const { db, clock, exports } = world;
  const now = clock.now();
  const user = await findById(db, live.user.id);
  if (!user) throw new Refusal('invalid_token');
  const sessions = await sessionsOf(db, live.user, now, live.session.id);
  const devices = await devicesOf(db, user.id, now);
  const facts: Omit<z.infer<typeof myDataShape>, 'events'> = {
    exported_at: new Date(now).toISOString(),
    user: showOwnUser(user),
    sessions: sessions.map((one) => showSession(one, live.session.id)),
    devices: devices.map((one) => showDevice(one, deviceIdOf(world, headers, user.id))),
  };
  const stream = exports.open({
    userId: user.id,
    requestId: origin.requestId,
    parts: withEvents(facts, pagesOfEventsOf(db, user.id, MOST_EVENTS)),
    check: checkAgain,
  });
  return {
    status: 200,
    stream,
    type: 'application/json; charset=utf-8',
    headers: { 'content-disposition': 'attachment; filename="my-data.json"' },
  };
}

/** The facts as JSON, with the events as their last member, page by page. */
async function* withEvents(facts: object, pages: AsyncIterable<EventView[]>): AsyncGenerator<string> {
  yield `${JSON.stringify(facts).slice(0, -1)},"events":[`;
  let separator = '';
  for await (const events of pages) {
    yield separator + events.map((event) => JSON.stringify(showEvent(event))).join(',');
    separator = ',';
  }
  yield ']}';
}
