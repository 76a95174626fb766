import { z } from 'zod';
import type { World } from '../../context.ts';
import type { Answer, SignedInCall } from '../../edge/route.ts';
import { followRecord } from '../../flows/admin/audit.ts';
import { showRecordedEvent } from '../../flows/shapes/events.ts';
import { asked, eventsQuery, PATH } from './events-query.ts';

/** At a look; what is more is not sent, and the page says so. */
const MOST = 100;

export const followQuery = eventsQuery.omit({ cursor: true }).extend({
  after: z.uuid().optional().catch(undefined),
});

/**
 * The events that come in, as they do, oldest first. It is no use of the session: an open page alone keeps nobody signed in,
 * however often its script connects again, and what ends the session ends this.
 */
export function followEvents(
  world: World,
  call: SignedInCall<undefined, z.infer<typeof followQuery>>,
): Answer {
  const { query, headers, origin, live } = call;
  const last = z.uuid().safeParse(headers.get('last-event-id')).data ?? query.after;
  const look = followRecord(world, asked(query, MOST), last);
  let newest = last ?? '';
  const next = async () => {
    const { events, isCut, names } = await look();
    if (events.length === 0) return undefined;
    for (const { id } of events) if (id > newest) newest = id;
    return {
      event: 'events',
      id: newest,
      data: {
        events: events.reverse().map(showRecordedEvent),
        names: Object.fromEntries(names),
        is_cut: isCut,
      },
    };
  };
  const about = { request_id: origin.requestId, route: `${PATH}/stream`, user: live.user.id };
  return {
    status: 200,
    stream: world.streams.open({ next, check: call.checkAgain, about }),
    type: 'text/event-stream; charset=utf-8',
    // Some proxies collect an answer before they pass it on, unless it says this.
    headers: { 'x-accel-buffering': 'no' },
  };
}
