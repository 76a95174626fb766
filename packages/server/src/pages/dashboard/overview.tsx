import { z } from 'zod';
import type { AppContext } from '../../context.ts';
import { readActivity } from '../../flows/account/activity.ts';
import { ownSessions } from '../../flows/account/where.ts';
import type { RouteResponse, SignedInCall } from '../../http/route.ts';
import { Avatar } from '../avatar.tsx';
import { ButtonLink } from '../form.tsx';
import { Card, Notice, page } from '../layout.tsx';
import { Ago } from '../time.tsx';
import { translatorOf } from '../translator.tsx';
import { OwnFacts } from '../user-facts.tsx';
import { Events } from './activity.tsx';
import { account } from './area.ts';
import { deviceOf } from './device.ts';

const RECENT = 5;

export const overviewQuery = z.object({ done: z.literal('welcome').optional().catch(undefined) });

/** The user's details, sessions and recent activity. */
export async function overviewPage(
  context: AppContext,
  call: SignedInCall<undefined, z.infer<typeof overviewQuery>>,
): Promise<RouteResponse> {
  const { clock, config } = context;
  const { user, session } = call.activeSession;
  const now = clock.now();
  const application = context.application();
  const isEmailVerified = user.email_verified_at !== null;
  const sessions = await ownSessions(context, call.activeSession);
  const { events } = await readActivity(context, { userId: user.id, limit: RECENT });
  return page(
    context,
    call,
    { title: 'Overview', area: account, at: '/dashboard' },
    <>
      <header class="identity">
        <Avatar user={user} isLarge />
        <div>
          <h1>{user.display_name ?? user.username}</h1>
          <p class="lead">Your {config.serviceName} account</p>
        </div>
      </header>
      {call.query.done && <Notice kind="good">Welcome! Your account is ready.</Notice>}
      {application && (
        <p class="actions">
          <ButtonLink href={application.path}>{`Open ${application.name}`}</ButtonLink>
        </p>
      )}
      {!isEmailVerified && (
        <Notice kind="warn">
          Your email isn’t verified. <a href="/dashboard/email">Verify it</a> to make sure you can recover
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
          . This device: {deviceOf(call.client.userAgent, translatorOf(context, call))}, signed in{' '}
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
