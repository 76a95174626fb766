import { z } from 'zod';
import { listEvents } from '../../core/events.ts';
import { sessionsOf } from '../../core/sessions.ts';
import { roleOf } from '../../core/users.ts';
import type { Answer, SignedInCall } from '../../edge/route.ts';
import type { World } from '../../edge/world.ts';
import { ButtonLink } from '../form.tsx';
import { Card, Facts, Notice, page } from '../layout.tsx';
import { Ago, Day } from '../time.tsx';
import { Events } from './activity.tsx';
import { Proven } from './address.tsx';
import { account } from './area.ts';
import { deviceOf } from './device.ts';

const RECENT = 5;

export const overviewQuery = z.object({ done: z.literal('welcome').optional().catch(undefined) });

/** Who I am, where I am signed in, and what happened last. */
export async function overviewPage(
  world: World,
  call: SignedInCall<undefined, z.infer<typeof overviewQuery>>,
): Promise<Answer> {
  const { db, clock, config } = world;
  const { user, session } = call.live;
  const now = clock.now();
  const application = world.application();
  const isProven = user.email_verified_at !== null;
  const sessions = await sessionsOf(db, user, now, session.id);
  const events = await listEvents(db, { userId: user.id, limit: RECENT });
  return page(
    world,
    call,
    { title: 'Overview', area: account, at: '/dashboard' },
    <>
      <h1>{user.username}</h1>
      <p class="lead">Your account at {config.serviceName}.</p>
      {call.query.done && (
        <Notice kind="good">Welcome! Your account is made, and you are signed in to it.</Notice>
      )}
      {application && (
        <p class="actions">
          <ButtonLink href={application.path}>{`Open ${application.name}`}</ButtonLink>
        </p>
      )}
      {!isProven && (
        <Notice kind="warn">
          Your e-mail address is not proven yet. <a href="/dashboard/address">Prove it</a>, so that it can
          bring you back should you forget your password.
        </Notice>
      )}
      <Card title="You">
        <Facts
          of={[
            ['User name', user.username],
            [
              'E-mail address',
              <>
                {user.email} <Proven isProven={isProven} />
              </>,
            ],
            ['Role', roleOf(user) === 'admin' ? 'Administrator' : 'User'],
            ['Here since', <Day at={user.created_at} />],
          ]}
        />
      </Card>
      <Card title="Signed in">
        <p>
          You have{' '}
          <a href="/dashboard/sessions">
            {sessions.length === 1 ? 'one session' : `${sessions.length} sessions`}
          </a>
          : this one, in {deviceOf(call.origin.userAgent)}, began <Ago at={session.created_at} now={now} />.
        </p>
      </Card>
      <Card title="Lately">
        <Events events={events} now={now} />
        <p class="actions">
          <a href="/dashboard/activity">All activity</a>
        </p>
      </Card>
    </>,
  );
}
