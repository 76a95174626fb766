import { setTimeout as sleep } from 'node:timers/promises';
import { type Command, InvalidArgumentError } from 'commander';
import { distance } from 'fastest-levenshtein';
import type { AppContext } from '../context.ts';
import { eventFollower } from '../core/events/follow.ts';
import { type EventQuery, listEventPage, type RecordedEvent } from '../core/events.ts';
import { type EventName, events } from '../events.ts';
import { showRecordedEvent } from '../flows/shapes/events.ts';
import { systemClock } from '../platform/clock.ts';
import { withContext } from './open.ts';
import { minuteOf, printLine, printTable, say } from './output.ts';
import { withSettings } from './settings.ts';
import { getUser, isId } from './user-named.ts';

const LARGEST_PAGE = 1_000;
/** How often `--follow` polls, in milliseconds. */
const PAUSE = 1_000;

interface EventsOptions {
  user?: string;
  name?: EventName;
  request?: string;
  since?: number;
  until?: number;
  cursor?: string;
  limit: number;
  follow?: true;
  json?: true;
}

export function addEvents(program: Command): void {
  withSettings(program.command('events'), ['database'])
    .description('Search the audit log, newest first.')
    .option('--user <name>', 'Filter by username, email or user ID.')
    .option('--name <event>', 'Filter by event type, e.g. rate_limit_exceeded.', toName)
    .option('--request <id>', 'Filter by request ID.', toRequest)
    .option('--since <time>', 'Events after this time: 2026-03-01T12:00Z, or relative: 15m, 2h, 7d.', toTime)
    .option('--until <time>', 'Events before this time.', toTime)
    .option('--limit <number>', `Maximum number of results (up to ${LARGEST_PAGE}).`, toLimit, 50)
    .option('--cursor <id>', 'Continue from this cursor.', toEvent)
    .option('--follow', 'Stream new events until interrupted (oldest first).')
    .option('--json', 'Output JSON Lines, one event per line.')
    .addHelpText('after', '\nExample:\n  usher events --request 3f0f1cd8-9a0e-4b6c-8d9e-2f6f1f7f5a11')
    .action(list);
}

async function list(options: EventsOptions, command: Command): Promise<void> {
  const { user, name, request, since, until, cursor, limit, follow, json } = options;
  await withContext(command, async (context) => {
    const query: EventQuery = {
      userId: user === undefined ? undefined : await idOf(context, user),
      name,
      requestId: request,
      since,
      until,
      before: cursor,
      limit,
    };
    const { events: page, next } = await listEventPage(context.db, query);
    if (follow) return followEvents(context, query, page.reverse(), json);
    if (json) for (const event of page) printEvent(event);
    else if (page.length > 0) printTable(HEADS, page.map(rowOf));
    else say(request ? NONE_OF_REQUEST : 'No events found.');
    if (next !== null) say(`More results: --cursor ${next}`);
  });
}

const NONE_OF_REQUEST =
  'No events for this request. Rate limits that block many requests log only some of them as events; see the server log for this request.';

/** The events of a deleted user can only be found by ID. */
const idOf = async ({ db }: Pick<AppContext, 'db'>, name: string): Promise<string> =>
  isId(name) ? name.toLowerCase() : (await getUser(db, name)).id;

async function followEvents(
  { db, clock }: Pick<AppContext, 'db' | 'clock'>,
  { before: _, ...query }: EventQuery,
  first: RecordedEvent[],
  json: true | undefined,
): Promise<void> {
  const print = json ? printEvent : (event: RecordedEvent) => printLine(rowOf(event).join('  '));
  const stop = new AbortController();
  process.once('SIGINT', () => stop.abort()).once('SIGTERM', () => stop.abort());
  for (const event of first) print(event);
  const look = eventFollower(db, { ...query, limit: LARGEST_PAGE }, first.at(-1)?.id);
  while (!stop.signal.aborted) {
    for (const event of (await look(clock.now())).events.reverse()) print(event);
    await sleep(PAUSE, undefined, { signal: stop.signal }).catch(() => undefined);
  }
}

const HEADS = ['WHEN (UTC)', 'EVENT', 'USER', 'IP', 'DETAILS'];

const rowOf = ({ at, name, userId, ip, details }: RecordedEvent): string[] => [
  minuteOf(at),
  name,
  userId ?? '',
  ip ?? '',
  Object.entries(details)
    .map(([key, value]) => `${key}=${value}`)
    .join(' '),
];

const printEvent = (event: RecordedEvent): void => printLine(JSON.stringify(showRecordedEvent(event)));

/** How many names an unknown one is answered with. */
const NAMES_SHOWN = 3;

function toName(text: string): EventName {
  if (text in events) return text as EventName;
  const nearest = Object.keys(events)
    .sort((a, b) => distance(text, a) - distance(text, b))
    .slice(0, NAMES_SHOWN);
  throw new InvalidArgumentError(`Unknown event. The nearest names: ${nearest.join(', ')}.`);
}

function toRequest(text: string): string {
  if (isId(text)) return text.toLowerCase();
  throw new InvalidArgumentError('Expected a request ID (`request_id`) from a response or the log.');
}

function toEvent(text: string): string {
  if (isId(text)) return text.toLowerCase();
  throw new InvalidArgumentError('Expected an event ID.');
}

const UNITS = { m: 60_000, h: 3_600_000, d: 86_400_000 };

function toTime(text: string): number {
  const [, count, unit] = /^(\d{1,5})([mhd])$/.exec(text) ?? [];
  if (count && unit) return systemClock.now() - Number(count) * UNITS[unit as keyof typeof UNITS];
  const time = /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d{1,3})?)?(Z|[+-]\d\d:\d\d))?$/.test(text)
    ? Date.parse(text)
    : Number.NaN;
  if (Number.isNaN(time))
    throw new InvalidArgumentError('Expected a time (2026-03-01T12:00Z) or a duration (15m, 2h, 7d).');
  return time;
}

function toLimit(text: string): number {
  const limit = Number(text);
  if (/^\d+$/.test(text) && limit >= 1 && limit <= LARGEST_PAGE) return limit;
  throw new InvalidArgumentError(`Expected a whole number from 1 to ${LARGEST_PAGE}.`);
}
