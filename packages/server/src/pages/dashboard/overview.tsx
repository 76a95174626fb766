import { z } from 'zod';
import type { World } from '../../context.ts';
import type { Answer, SignedInCall } from '../../edge/route.ts';
import { readActivity } from '../../flows/account/activity.ts';
import { ownSessions } from '../../flows/account/where.ts';
import { ButtonLink } from '../form.tsx';
import { Card, Notice, page } from '../layout.tsx';
import { Ago } from '../time.tsx';
import { OwnFacts } from '../user-facts.tsx';
import { Events } from './activity.tsx';
import { account } from './area.ts';
import { deviceOf } from './device.ts';

const RECENT = 5;

export const overviewQuery = z.object({ done: z.literal('welcome').optional().catch(undefined) });

/** Who I am, where I am signed in, and what happened last. */
export async function overviewPage(
  world: World,
  call: SignedInCall<undefined, z.infer<typeof overviewQuery>>,
): Promise<Answer> {
  const { clock, config } = world;
  const { user, session } = call.live;
  const now = clock.now();
  const application = world.application();
  const isProven = user.email_verified_at !== null;
  const sessions = await ownSessions(world, call.live);
  const { events } = await readActivity(world, { userId: user.id, limit: RECENT });
  return page(
    world,
    call,
    { title: 'Overview', area: account, at: '/dashboard' },
    <>
      <h1>{user.username}</h1>
      <p class="lead">Your {config.serviceName} account</p>
      {call.query.done && <Notice kind="good">Welcome! Your account is ready.</Notice>}
      {application && (
        <p class="actions">
          <ButtonLink href={application.path}>{`Open ${application.name}`}</ButtonLink>
        </p>
      )}
      {!isProven && (
        <Notice kind="warn">
          Your email isn’t verified. <a href="/dashboard/address">Verify it</a> to make sure you can recover
          your account if you forget your password.
        </Notice>
      )}
      <Card title="Profile">
        <OwnFacts user={user} now={now} />
      </Card>
      <Card title="Devices">
        <p>
          Signed in on{' '}
          <a href="/dashboard/sessions">
            {sessions.length === 1 ? '1 device' : `${sessions.length} devices`}
          </a>
          . This device: {deviceOf(call.origin.userAgent)}, signed in{' '}
          <Ago at={session.created_at} now={now} />.
        </p>
      </Card>
      <Card title="Recent activity">
        <Events events={events} now={now} />
        <p class="actions">
          <a href="/dashboard/activity">View all activity</a>
        </p>
      </Card>
    </>,
  );
}
