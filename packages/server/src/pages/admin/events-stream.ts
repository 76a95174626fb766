import { z } from 'zod';
import type { AppContext } from '../../context.ts';
import type { RecordedEvent } from '../../core/events.ts';
import { followRecord } from '../../flows/admin/audit.ts';
import { detailLabels, eventLabel } from '../../flows/admin/event-labels.ts';
import { showRecordedEvent } from '../../flows/shapes/events.ts';
import type { RouteResponse, SignedInCall } from '../../http/route.ts';
import type { Translator } from '../../languages/translator.ts';
import { translatorOf } from '../translator.tsx';
import { eventsQuery, PATH, searchOf } from './events-query.ts';
import { severityOf } from './severity.ts';

/** The most events that one look sends; the page says when there were more. */
const MOST = 100;

export const followQuery = eventsQuery.omit({ cursor: true }).extend({
  after: z.uuid().optional().catch(undefined),
});

/**
 * Streams new events, oldest first. It does not extend the session: an open page alone keeps no one signed in, however
 * often its script reconnects, and the stream ends with the session.
 */
export async function followEvents(
  context: AppContext,
  call: SignedInCall<undefined, z.infer<typeof followQuery>>,
): Promise<RouteResponse> {
  const { query, headers, client, activeSession } = call;
  const last = z.uuid().safeParse(headers.get('last-event-id')).data ?? query.after;
  const look = followRecord(context, await searchOf(context.db, query, context.clock.now(), MOST), last);
  const t = translatorOf(context, call);
  let newest = last ?? '';
  const next = async () => {
    const { events, isCut, names } = await look();
    if (events.length === 0) return undefined;
    for (const { id } of events) if (id > newest) newest = id;
    return {
      event: 'events',
      id: newest,
      data: {
        events: events.reverse().map((event) => showWithLabels(event, t)),
        names: Object.fromEntries(names),
        is_cut: isCut,
      },
    };
  };
  const about = { request_id: client.requestId, route: `${PATH}/stream`, user: activeSession.user.id };
  return {
    status: 200,
    stream: context.streams.open({ next, check: call.checkAgain, about }),
    type: 'text/event-stream; charset=utf-8',
    // Without this, some proxies buffer the response.
    headers: { 'x-accel-buffering': 'no' },
  };
}

/** With the labels in the language of the page, so that the script shows what the page would show. */
const showWithLabels = (event: RecordedEvent, t: Translator) => ({
  ...showRecordedEvent(event),
  label: eventLabel(event.name, t),
  detail_labels: detailLabels(event, t),
  severity: severityOf(event.name),
});
