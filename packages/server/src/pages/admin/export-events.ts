import type { AppContext } from '../../context.ts';
import type { RecordedEvent } from '../../core/events.ts';
import { readAllEvents } from '../../flows/admin/audit.ts';
import { recordEventExport } from '../../flows/admin/exports.ts';
import { csvLine } from '../../flows/export/csv.ts';
import { showRecordedEvent } from '../../flows/shapes/events.ts';
import { download } from '../../http/download.ts';
import type { RouteResponse, SignedInCall } from '../../http/route.ts';
import { type EventsQuery, searchOf } from './events-query.ts';

/** The most events in one file: an archive is made with `usher events` and its cursor. */
const MAX_EXPORTED = 100_000;

const fields = [
  'at',
  'name',
  'user_id',
  'actor_id',
  'ip',
  'user_agent',
  'session_id',
  'request_id',
  'id',
] as const;

/** The events of the list, newest first, one per line. */
export const exportEventList =
  (format: 'csv' | 'jsonl') =>
  async (context: AppContext, call: SignedInCall<undefined, EventsQuery>): Promise<RouteResponse> =>
    download(context, call, {
      name: `events.${format}`,
      type: format === 'csv' ? 'text/csv' : 'application/jsonl',
      parts: linesOf(context, call, format),
    });

async function* linesOf(
  context: AppContext,
  call: SignedInCall<undefined, EventsQuery>,
  format: 'csv' | 'jsonl',
): AsyncGenerator<string> {
  const search = await searchOf(context.db, call.query, context.clock.now(), MAX_EXPORTED);
  await recordEventExport(context, call);
  if (format === 'csv') yield csvLine([...fields, 'details']);
  const lineOf = format === 'csv' ? csvOf : jsonOf;
  for await (const events of readAllEvents(context, search)) yield events.map(lineOf).join('');
}

const jsonOf = (event: RecordedEvent): string => `${JSON.stringify(showRecordedEvent(event))}\n`;

function csvOf(event: RecordedEvent): string {
  const shown = showRecordedEvent(event);
  return csvLine([...fields.map((field) => shown[field] ?? ''), JSON.stringify(shown.details)]);
}
