import { z } from 'zod';
import type { AppContext } from '../../context.ts';
import type { RecordedEvent } from '../../core/events.ts';
import { readActivity } from '../../flows/account/activity.ts';
import type { RouteResponse, SignedInCall } from '../../http/route.ts';
import { Pages } from '../admin/choices.tsx';
import { DeviceAtPlace } from '../device-place.tsx';
import { Card, Empty, page } from '../layout.tsx';
import { Ago } from '../time.tsx';
import { translatorOf, useTranslator } from '../translator.tsx';
import { isNotable, otherOf, wordsFor } from './activity-words.ts';
import { account } from './area.ts';
import { deviceOf } from './device.ts';

const PATH = '/dashboard/activity';
const PAGE = 50;

export const activityQuery = z.object({ cursor: z.uuid().optional().catch(undefined) });

/** The activity in an account, by the user and by others. */
export async function activityPage(
  context: AppContext,
  call: SignedInCall<undefined, z.infer<typeof activityQuery>>,
): Promise<RouteResponse> {
  const before = call.query.cursor;
  const { events, next: cursor } = await readActivity(context, {
    userId: call.activeSession.user.id,
    before,
    limit: PAGE,
  });
  const t = translatorOf(context, call);
  const title = t('activity_page.title');
  return page(
    context,
    call,
    { title, area: account, at: PATH },
    <>
      <h1>{title}</h1>
      <p class="lead">
        {t.rich('activity_page.lead', { link: (text) => <a href="/dashboard/security">{text}</a> })}
      </p>
      <Card>
        <Events events={events} now={context.clock.now()} />
      </Card>
      <Pages
        path={PATH}
        parameters={{ cursor: before }}
        cursor={cursor}
        labels={[t('activity_page.newest'), t('activity_page.older')]}
      />
    </>,
  );
}

export function Events({ events, now }: { events: RecordedEvent[]; now: number }) {
  const t = useTranslator();
  if (events.length === 0)
    return (
      <Empty>
        <p>{t('activity_page.empty')}</p>
      </Empty>
    );
  return (
    <ul class="rows">
      {events.map((event) => (
        <li>
          <div>
            <p>
              {wordsFor(event, t)} {isNotable(event) && <NotYou />}
            </p>
            <ClientCell event={event} />
          </div>
          <span class="note">
            <Ago at={event.at} now={now} />
          </span>
        </li>
      ))}
    </ul>
  );
}

/** Links to the password page, because changing the password also signs out everyone else. */
const NotYou = () => (
  <a class="badge warn" href="/dashboard/security">
    {useTranslator()('activity_page.not_you')}
  </a>
);

/** The client of an event, or who performed it: an administrator's browser and IP address are private. */
function ClientCell({ event }: { event: RecordedEvent }) {
  const t = useTranslator();
  const other = otherOf(event);
  if (other !== undefined) return <p class="note">{t(other)}</p>;
  if (event.ip === null) return null;
  return (
    <p class="note">
      <DeviceAtPlace device={deviceOf(event.userAgent, t)} ip={event.ip} />
    </p>
  );
}
