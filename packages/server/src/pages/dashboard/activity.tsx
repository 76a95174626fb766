import { type EventView, eventsOf } from '../../core/events.ts';
import type { Answer, SignedInCall } from '../../edge/route.ts';
import type { World } from '../../edge/world.ts';
import { Badge, Card, Empty, page } from '../layout.tsx';
import { Ago } from '../time.tsx';
import { isNotable, wordsFor } from './activity-words.ts';
import { account } from './area.ts';
import { deviceOf } from './device.ts';

const MOST = 100;

/** What was done in or to the account, by whomever, in words. */
export async function activityPage(world: World, call: SignedInCall): Promise<Answer> {
  const events = await eventsOf(world.db, call.live.user.id, MOST);
  return page(
    world,
    call,
    { title: 'Activity', area: account, at: '/dashboard/activity' },
    <>
      <h1>Activity</h1>
      <p class="lead">
        What happened in your account, the newest first. If you did not do something here,{' '}
        <a href="/dashboard/security">change your password</a>.
      </p>
      <Card>
        <Events events={events} now={world.clock.now()} />
        {events.length === MOST && (
          <p class="note">
            These are the newest {MOST}. <a href="/dashboard/data">Download your data</a> for more.
          </p>
        )}
      </Card>
    </>,
  );
}

export function Events({ events, now }: { events: EventView[]; now: number }) {
  if (events.length === 0)
    return (
      <Empty>
        <p>Nothing has happened yet.</p>
      </Empty>
    );
  return (
    <ul class="rows">
      {events.map(({ name, at, ip, userAgent }) => (
        <li>
          <div>
            <p>
              {wordsFor(name)} {isNotable(name) && <Badge kind="warn">Was it you?</Badge>}
            </p>
            {ip !== null && (
              <p class="note">
                {deviceOf(userAgent)} · {ip}
              </p>
            )}
          </div>
          <span class="note">
            <Ago at={at} now={now} />
          </span>
        </li>
      ))}
    </ul>
  );
}
