import type { AppContext } from '../../context.ts';
import type { RecordedEvent } from '../../core/events.ts';
import { readAllEvents, readEvents } from '../../flows/admin/audit.ts';
import { eventLabel } from '../../flows/admin/event-labels.ts';
import { NO_USER } from '../../flows/admin/events.ts';
import { showRecordedEvent } from '../../flows/shapes/events.ts';
import { download } from '../../http/download.ts';
import type { RouteResponse, SignedInCall } from '../../http/route.ts';
import { Button } from '../form.tsx';
import { Empty, page } from '../layout.tsx';
import { adminArea } from './area.ts';
import { Pages, withQuery } from './choices.tsx';
import { type EventsQuery, eventNames, isEventName, isOpenEnded, PATH, searchOf } from './events-query.ts';
import { EventsTable } from './events-table.tsx';
import { Follow } from './follow.tsx';
import { Select } from './users.tsx';

const PAGE = 50;
const MAX_EXPORTED = 10_000;

/** The audit log, to search. */
export async function eventsPage(
  context: AppContext,
  call: SignedInCall<undefined, EventsQuery>,
): Promise<RouteResponse> {
  const { query } = call;
  const now = context.clock.now();
  const search = await searchOf(context.db, query, PAGE);
  const { events, next: cursor, names } = await readEvents(context, search);
  const isNameKnown = !query.name || isEventName(query.name);
  const { cursor: _, ...filter } = query;
  return page(
    context,
    call,
    { title: 'Audit log', area: adminArea, at: PATH },
    <>
      <div class="headline">
        <h1>Audit log</h1>
        <a class="button plain small" href={withQuery('/admin/events.jsonl', filter)} download>
          Export (JSONL)
        </a>
      </div>
      <Filter
        query={query}
        isUserKnown={!isNameKnown || search.userId !== NO_USER}
        isNameKnown={isNameKnown}
      />
      {isOpenEnded(query, now) && <Follow context={context} filter={filter} newest={events[0]?.id} />}
      {events.length === 0 && (
        <Empty>
          <p>No events match your filters.</p>
          {query.request !== undefined && (
            <p>
              Rate limits that block many requests log only some of them. Check the server log for the rest.
            </p>
          )}
        </Empty>
      )}
      <div id="found" hidden={events.length === 0}>
        <EventsTable events={events} names={names} />
      </div>
      <Pages path={PATH} parameters={query} cursor={cursor} />
    </>,
  );
}

/** The audit log as a file with one event per line. */
export async function exportEvents(
  context: AppContext,
  call: SignedInCall<undefined, EventsQuery>,
): Promise<RouteResponse> {
  const parts = asLines(readAllEvents(context, await searchOf(context.db, call.query, MAX_EXPORTED)));
  return download(context, call, { name: 'events.jsonl', type: 'application/jsonl', parts });
}

async function* asLines(pages: AsyncIterable<RecordedEvent[]>): AsyncGenerator<string> {
  for await (const events of pages)
    yield events.map((event) => `${JSON.stringify(showRecordedEvent(event))}\n`).join('');
}

interface FilterProps {
  query: EventsQuery;
  isUserKnown: boolean;
  isNameKnown: boolean;
}

function Filter({ query, isUserKnown, isNameKnown }: FilterProps) {
  return (
    <form method="get" action={PATH} class="wide filter">
      <Select
        name="name"
        label="Event type"
        value={query.name}
        options={[
          ['', 'All events'],
          ...eventNames.map((name): [string, string] => [name, eventLabel(name)]),
        ]}
        error={isNameKnown ? undefined : 'There is no event of this type.'}
      />
      <Text name="request" label="Request ID" value={query.request} />
      <Text
        name="user"
        label="User"
        value={query.user}
        placeholder="Username, email or ID"
        error={isUserKnown ? undefined : 'No user has this username, email or ID.'}
      />
      <Text name="since" label="From" value={query.since} type="date" />
      <Text name="until" label="To" value={query.until} type="date" />
      <Button weight="plain">Apply</Button>
    </form>
  );
}

interface TextProps {
  name: string;
  label: string;
  value: string | undefined;
  type?: 'text' | 'date';
  placeholder?: string;
  error?: string | undefined;
}

function Text({ name, label, value, type = 'text', placeholder, error }: TextProps) {
  return (
    <div class="field">
      <label for={name}>{label}</label>
      <input
        id={name}
        name={name}
        type={type}
        value={value}
        placeholder={placeholder}
        autocomplete="off"
        spellcheck={false}
        aria-invalid={error && 'true'}
        aria-describedby={error && `${name}-error`}
      />
      {error && (
        <span class="error" id={`${name}-error`}>
          {error}
        </span>
      )}
    </div>
  );
}
