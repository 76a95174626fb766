import type { Child } from 'hono/jsx';
import type { RecordedEvent } from '../../core/events.ts';
import { detailLabels, eventLabel } from '../../flows/admin/event-labels.ts';
import { showRecordedEvent } from '../../flows/shapes/events.ts';
import type { Translator } from '../../languages/translator.ts';
import { as, Row, Table } from '../layout.tsx';
import { useTranslator } from '../translator.tsx';
import { withQuery } from './choices.tsx';
import { type EventsFilter, PATH } from './events-query.ts';
import { severityOf } from './severity.ts';
import { UserLink } from './user-link.tsx';

const headOf = (t: Translator): string[] => [
  t('admin.events.time'),
  t('admin.events.event'),
  t('admin.events.user'),
  t('admin.events.ip'),
  t('admin.events.details'),
  t('admin.events.record'),
];

interface EventsTableProps {
  events: RecordedEvent[];
  names: ReadonlyMap<string, string>;
  /** The filters of the list: the event and the IP address of a row are links that add another. */
  filter?: EventsFilter;
}

/** Events, newest first, under a heading for each day. `assets/follow.js` writes the same rows. */
export function EventsTable({ events, names, filter = {} }: EventsTableProps) {
  const t = useTranslator();
  const head = headOf(t);
  return (
    <Table caption={t('admin.events.caption')} head={head}>
      {events.map((event, index) => {
        const day = t.day(event.at);
        const previous = events[index - 1];
        const isNewDay = previous === undefined || t.day(previous.at) !== day;
        return (
          <>
            {isNewDay && <DayHeading day={day} columns={head.length} />}
            <EventRow event={event} names={names} filter={filter} head={head} />
          </>
        );
      })}
    </Table>
  );
}

const DayHeading = ({ day, columns }: { day: string; columns: number }) => (
  <tr class="day" {...as('row')}>
    <th scope="rowgroup" {...as('rowheader')} colspan={columns}>
      {day}
    </th>
  </tr>
);

interface EventRowProps {
  event: RecordedEvent;
  names: ReadonlyMap<string, string>;
  filter: EventsFilter;
  head: readonly string[];
}

function EventRow({ event, names, filter, head }: EventRowProps) {
  const t = useTranslator();
  const label = eventLabel(event.name, t);
  return (
    <Row
      head={head}
      nameAt={1}
      cells={[
        <time datetime={new Date(event.at).toISOString()} title={t.time(event.at)}>
          {timeOf(event.at)}
        </time>,
        <span class={`severity ${severityOf(event.name)}`} title={event.name}>
          <a class="refine" href={withQuery(PATH, { ...filter, name: event.name })}>
            {label}
          </a>
        </span>,
        <People event={event} names={names} />,
        event.ip && (
          <a class="refine" href={withQuery(PATH, { ...filter, ip: event.ip })}>
            <bdi>{event.ip}</bdi>
          </a>
        ),
        detailLabels(event, t).map((detail) => <span class="detail">{detail}</span>),
        <details class="record">
          <summary>
            {t('admin.events.view')}
            <span class="unseen"> {t('admin.events.view_record', { label })}</span>
          </summary>
          <pre>{JSON.stringify(showRecordedEvent(event), null, 2)}</pre>
        </details>,
      ]}
    />
  );
}

/** The time of the day, as the day is in the heading. */
const timeOf = (at: number): string => new Date(at).toISOString().slice(11, 19);

/** The user an event is about, and who performed the action if that was someone else. */
function People({ event: { userId, actorId }, names }: Pick<EventRowProps, 'event' | 'names'>): Child {
  const t = useTranslator();
  const isOther = actorId !== null && actorId !== userId;
  if (userId === null) return isOther ? <UserLink id={actorId} names={names} /> : null;
  return (
    <>
      <UserLink id={userId} names={names} />
      {isOther && (
        <p>
          {t('admin.events.by')} <UserLink id={actorId} names={names} />
        </p>
      )}
    </>
  );
}
