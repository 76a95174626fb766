import { z } from 'zod';
import type { World } from '../../context.ts';
import type { RecordedEvent } from '../../core/events.ts';
import type { Answer, SignedInCall } from '../../edge/route.ts';
import { followRecord } from '../../flows/admin/audit.ts';
import { showRecordedEvent } from '../../flows/shapes/events.ts';
import { detailLabels, eventLabel } from './event-labels.ts';
import { eventsQuery, PATH, searchOf } from './events-query.ts';

/** The most events that one look sends; the page says when there were more. */
const MOST = 100;

export const followQuery = eventsQuery.omit({ cursor: true }).extend({
  after: z.uuid().optional().catch(undefined),
});

/**
 * Streams new events, oldest first. It does not extend the session: an open page alone keeps no one signed in, however often
 * its script reconnects, and the stream ends with the session.
 */
export async function followEvents(
  world: World,
  call: SignedInCall<undefined, z.infer<typeof followQuery>>,
): Promise<Answer> {
  const { query, headers, origin, live } = call;
  const last = z.uuid().safeParse(headers.get('last-event-id')).data ?? query.after;
  const look = followRecord(world, await searchOf(world.db, query, MOST), last);
  let newest = last ?? '';
  const next = async () => {
    const { events, isCut, names } = await look();
    if (events.length === 0) return undefined;
    for (const { id } of events) if (id > newest) newest = id;
    return {
      event: 'events',
      id: newest,
      data: {
        events: events.reverse().map(showWithLabels),
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
    // Without this, some proxies buffer the response.
    headers: { 'x-accel-buffering': 'no' },
  };
}

/** With the labels, so that the script shows what the page would show. */
const showWithLabels = (event: RecordedEvent) => ({
  ...showRecordedEvent(event),
  label: eventLabel(event.name),
  detail_labels: detailLabels(event),
});
