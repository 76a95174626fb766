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
  const t = translatorOf(context, call);
  const application = context.application();
  const isEmailVerified = user.email_verified_at !== null;
  const sessions = await ownSessions(context, call.activeSession);
  const { events } = await readActivity(context, { userId: user.id, limit: RECENT });
  return page(
    context,
    call,
    { title: t('account.nav_overview'), area: account, at: '/dashboard' },
    <>
      <header class="identity">
        <Avatar user={user} isLarge />
        <div>
          <h1>
            <bdi>{user.display_name ?? user.username}</bdi>
          </h1>
          <p class="lead">{t('account.of_service', { service: config.serviceName })}</p>
        </div>
      </header>
      {call.query.done && <Notice kind="good">{t('account.welcome')}</Notice>}
      {application && (
        <p class="actions">
          <ButtonLink href={application.path}>
            {t('account.open_application', { name: application.name })}
          </ButtonLink>
        </p>
      )}
      {!isEmailVerified && (
        <Notice kind="warn">
          <p>
            {t.rich('account.email_not_verified', {
              link: (children) => <a href="/dashboard/email">{children}</a>,
            })}
          </p>
        </Notice>
      )}
      <Card title={t('account.nav_profile')}>
        <OwnFacts user={user} now={now} />
      </Card>
      <Card title={t('account.nav_devices')}>
        <p>
          {t.rich('account.signed_in_on', {
            count: sessions.length,
            device: deviceOf(call.client.userAgent, t),
            link: (children) => <a href="/dashboard/sessions">{children}</a>,
            ago: () => <Ago at={session.created_at} now={now} />,
          })}
        </p>
      </Card>
      <Card title={t('account.recent_activity')}>
        <Events events={events} now={now} />
        <p class="actions">
          <a href="/dashboard/activity">{t('account.all_activity')}</a>
        </p>
      </Card>
    </>,
  );
}
