import type { AppContext } from '../../context.ts';
import { readEvents } from '../../flows/admin/audit.ts';
import { eventLabel } from '../../flows/admin/event-labels.ts';
import { NO_USER } from '../../flows/admin/events.ts';
import type { RouteResponse, SignedInCall } from '../../http/route.ts';
import type { Translator } from '../../languages/translator.ts';
import { CopyButton } from '../copyable.tsx';
import { Button } from '../form.tsx';
import { Empty, page } from '../layout.tsx';
import { translatorOf, useTranslator } from '../translator.tsx';
import { adminArea } from './area.ts';
import { Chips, Choices, Pages, Select, withQuery } from './choices.tsx';
import {
  type EventsFilter,
  type EventsQuery,
  eventNames,
  isEventName,
  isOpenEnded,
  PATH,
  ranges,
  searchOf,
} from './events-query.ts';
import { EventsTable } from './events-table.tsx';
import { Follow } from './follow.tsx';
import { Exports } from './users.tsx';

const PAGE = 50;

/** The audit log, to search. */
export async function eventsPage(
  context: AppContext,
  call: SignedInCall<undefined, EventsQuery>,
): Promise<RouteResponse> {
  const { query } = call;
  const t = translatorOf(context, call);
  const now = context.clock.now();
  const search = await searchOf(context.db, query, now, PAGE);
  const { events, next: cursor, names } = await readEvents(context, search);
  const isNameKnown = !query.name || isEventName(query.name);
  const { cursor: _, ...filter } = query;
  return page(
    context,
    call,
    { title: t('admin.events.title'), area: adminArea, at: PATH },
    <>
      <div class="headline">
        <h1>{t('admin.events.title')}</h1>
        <Exports path={PATH} parameters={filter} />
      </div>
      <Ranges filter={filter} />
      <Filter
        query={query}
        isUserKnown={!isNameKnown || search.userId !== NO_USER}
        isNameKnown={isNameKnown}
      />
      <View url={`${context.publicUrl}${withQuery(PATH, filter)}`} filter={filter} />
      {isOpenEnded(query, now) && <Follow context={context} filter={filter} newest={events[0]?.id} />}
      {events.length === 0 && (
        <Empty>
          <p>{cursor === null ? t('admin.events.none') : t('admin.events.none_so_far')}</p>
          {query.request !== undefined && <p>{t('admin.events.none_of_request')}</p>}
        </Empty>
      )}
      <div id="found" hidden={events.length === 0}>
        <EventsTable events={events} names={names} filter={filter} />
      </div>
      <Pages path={PATH} parameters={query} cursor={cursor} />
    </>,
  );
}

/** The usual periods; others are typed into the form. */
function Ranges({ filter }: { filter: EventsFilter }) {
  const t = useTranslator();
  const isTyped = filter.since !== undefined || filter.until !== undefined;
  const choiceOf = (range: EventsFilter['range'], label: string) => ({
    href: withQuery(PATH, { ...filter, since: undefined, until: undefined, range }),
    label,
    isThis: !isTyped && filter.range === range,
  });
  return (
    <Choices
      label={t('admin.events.period')}
      choices={[
        choiceOf(undefined, t('admin.events.any_time')),
        ...ranges.map((range) => choiceOf(range, rangeLabels(t)[range])),
      ]}
    />
  );
}

const rangeLabels = (t: Translator) => ({
  today: t('admin.events.today'),
  '7d': t('admin.list.last_days', { count: 7 }),
  '30d': t('admin.list.last_days', { count: 30 }),
});

/** The filters of the list, and a link to it: a view that someone keeps is a link. */
function View({ url, filter }: { url: string; filter: EventsFilter }) {
  const t = useTranslator();
  const { name, user, request, ip, since, until, range } = filter;
  return (
    <div class="view">
      <Chips
        path={PATH}
        parameters={filter}
        labels={{
          name: name && eventLabel(name, t),
          user: user && t('admin.events.of_user', { user }),
          ip: ip && t('admin.events.from_ip', { ip }),
          request: request && t('admin.events.of_request', { id: request }),
          since: since && t('admin.events.from_day', { day: t.day(Date.parse(since)) }),
          until: until && t('admin.events.to_day', { day: t.day(Date.parse(until)) }),
          range: since === undefined && until === undefined && range ? rangeLabels(t)[range] : undefined,
        }}
      />
      <span class="copyable">
        <CopyButton value={url} label={t('admin.events.copy_link')} isShown />
      </span>
    </div>
  );
}

interface FilterProps {
  query: EventsQuery;
  isUserKnown: boolean;
  isNameKnown: boolean;
}

function Filter({ query, isUserKnown, isNameKnown }: FilterProps) {
  const t = useTranslator();
  const names = eventNames.map((name) => [name, eventLabel(name, t)] as const);
  return (
    <form method="get" action={PATH} class="wide filter">
      <Select
        name="name"
        label={t('admin.events.type')}
        value={query.name}
        options={[['', t('admin.events.all')], ...names]}
        error={isNameKnown ? undefined : t('admin.events.no_type')}
      />
      <Text
        name="user"
        label={t('admin.events.user')}
        value={query.user}
        placeholder={t('admin.events.user_hint')}
        error={isUserKnown ? undefined : t('admin.events.no_user')}
      />
      <Text name="ip" label={t('admin.events.ip')} value={query.ip} />
      <Text name="request" label={t('admin.events.request')} value={query.request} />
      <Text name="since" label={t('admin.events.since')} value={query.since} type="date" />
      <Text name="until" label={t('admin.events.until')} value={query.until} type="date" />
      {query.range && <input type="hidden" name="range" value={query.range} />}
      <Button weight="plain">{t('admin.list.apply')}</Button>
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
