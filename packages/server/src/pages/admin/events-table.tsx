import type { Child } from 'hono/jsx';
import type { RecordedEvent } from '../../core/events.ts';
import { detailLabels, eventLabel } from '../../flows/admin/event-labels.ts';
import { showRecordedEvent } from '../../flows/shapes/events.ts';
import { english } from '../../languages/translator.ts';
import { as, Row, Table } from '../layout.tsx';
import { exactTime } from '../time.tsx';
import { severityOf } from './severity.ts';
import { UserLink } from './user-link.tsx';

const head = ['Time (UTC)', 'Event', 'User', 'IP address', 'Details', 'Record'] as const;

interface EventsTableProps {
  events: RecordedEvent[];
  names: ReadonlyMap<string, string>;
}

/** Events, newest first, under a heading for each day. `assets/follow.js` writes the same rows. */
export function EventsTable({ events, names }: EventsTableProps) {
  return (
    <Table caption="Events" head={head}>
      {events.map((event, index) => {
        const day = english.day(event.at);
        const previous = events[index - 1];
        const isNewDay = previous === undefined || english.day(previous.at) !== day;
        return (
          <>
            {isNewDay && <DayHeading day={day} />}
            <EventRow event={event} names={names} />
          </>
        );
      })}
    </Table>
  );
}

const DayHeading = ({ day }: { day: string }) => (
  <tr class="day" {...as('row')}>
    <th scope="rowgroup" {...as('rowheader')} colspan={head.length}>
      {day}
    </th>
  </tr>
);

interface EventRowProps {
  event: RecordedEvent;
  names: ReadonlyMap<string, string>;
}

function EventRow({ event, names }: EventRowProps) {
  const label = eventLabel(event.name);
  return (
    <Row
      head={head}
      nameAt={1}
      cells={[
        <time datetime={new Date(event.at).toISOString()} title={exactTime(event.at)}>
          {timeOf(event.at)}
        </time>,
        <span class={`severity ${severityOf(event.name)}`} title={event.name}>
          {label}
        </span>,
        <People event={event} names={names} />,
        event.ip,
        detailLabels(event).map((detail) => <span class="detail">{detail}</span>),
        <details class="record">
          <summary>
            View<span class="unseen"> record: {label}</span>
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
function People({ event: { userId, actorId }, names }: EventRowProps): Child {
  const isOther = actorId !== null && actorId !== userId;
  if (userId === null) return isOther ? <UserLink id={actorId} names={names} /> : null;
  return (
    <>
      <UserLink id={userId} names={names} />
      {isOther && (
        <p>
          by <UserLink id={actorId} names={names} />
        </p>
      )}
    </>
  );
}
