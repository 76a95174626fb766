import type { ListedDevice } from '../../core/devices.ts';
import type { RateLimitName } from '../../core/rate-limits.ts';
import type { ListedSession } from '../../core/sessions.ts';
import type { DescribedLimit, UserDetails } from '../../flows/admin/user-details.ts';
import type { PlainKey } from '../../languages/text.ts';
import { DeviceItem } from '../device-item.tsx';
import { Badge, Card, Empty } from '../layout.tsx';
import { Ago, Until } from '../time.tsx';
import { useTranslator } from '../translator.tsx';
import { EventsTable } from './events-table.tsx';

/** The sessions and the known devices of a user. */
export function Sessions({ details, now }: { details: UserDetails; now: number }) {
  const { sessions, devices } = details;
  const t = useTranslator();
  return (
    <>
      <Card title={t('admin.user_sessions', { count: sessions.length })}>
        {sessions.length === 0 ? (
          <Empty icon="monitor-smartphone">{t('admin.user_no_sessions')}</Empty>
        ) : (
          <ul class="rows">
            {sessions.map((session) => (
              <Session session={session} now={now} />
            ))}
          </ul>
        )}
      </Card>
      <Card title={t('admin.user_devices')}>
        {devices.length === 0 ? (
          <Empty icon="laptop">{t('admin.user_no_devices')}</Empty>
        ) : (
          <ul class="rows">
            {devices.map((device) => (
              <KnownDevice device={device} now={now} />
            ))}
          </ul>
        )}
      </Card>
    </>
  );
}

function Session({ session, now }: { session: ListedSession; now: number }) {
  const t = useTranslator();
  const times = (
    <>
      {t('admin.user_last_active')} <Ago at={session.last_seen_at} now={now} /> · {t('admin.user_signed_in')}{' '}
      <Ago at={session.created_at} now={now} />
    </>
  );
  return <DeviceItem device={session} times={times} />;
}

function KnownDevice({ device, now }: { device: ListedDevice; now: number }) {
  const t = useTranslator();
  const times = (
    <>
      {t('admin.user_last_sign_in')} <Ago at={device.last_used_at} now={now} /> ·{' '}
      {t('admin.user_first_sign_in')} <Ago at={device.created_at} now={now} />
    </>
  );
  return <DeviceItem device={device} times={times} />;
}

/** What is counted for a user. */
export function Limits({ limits, now }: { limits: DescribedLimit[]; now: number }) {
  const t = useTranslator();
  const isBlocked = limits.some(({ isExceeded }) => isExceeded);
  return (
    <section class="card">
      <div class="headline">
        <h2>{t('admin.user_limits')}</h2>
        {isBlocked ? (
          <Badge kind="warn">{t('admin.user_is_blocked')}</Badge>
        ) : (
          <Badge>{t('admin.user_not_blocked')}</Badge>
        )}
      </div>
      {limits.length === 0 ? (
        <Empty>{t('admin.user_no_limits')}</Empty>
      ) : (
        <ul class="rows">
          {limits.map((limit) => (
            <Limit limit={limit} now={now} />
          ))}
        </ul>
      )}
    </section>
  );
}

function Limit({ limit: of, now }: { limit: DescribedLimit; now: number }) {
  const { limit, label, subject, count, isExceeded, until, description, isOneOfSeveral } = of;
  const t = useTranslator();
  return (
    <li>
      <div>
        <p>
          <span title={limit}>{t(label)}</span>
          {isOneOfSeveral && (
            <>
              {' '}
              · <bdi>{subject}</bdi>
            </>
          )}
          : {t(counted(limit), { count })}
        </p>
        <p class="note">
          <bdi lang="en" dir="ltr">
            {description}
          </bdi>
        </p>
      </div>
      {isExceeded && (
        <Badge kind="warn">
          {until === null ? t(endWithoutTime(limit)) : <Until at={until} now={now} />}
        </Badge>
      )}
    </li>
  );
}

/** What a rate limit counts. */
function counted(limit: RateLimitName) {
  if (/emails|notices/.test(limit)) return 'admin.user_emails_sent';
  return /changes|rotations|revocations/.test(limit) ? 'admin.user_changes' : 'admin.user_attempts';
}

/** How a rate limit without an expiry is ended. */
const endWithoutTime = (limit: RateLimitName): PlainKey & `admin.user_until_${string}` =>
  limit === 'passwords_per_account_total' ? 'admin.user_until_reset' : 'admin.user_until_link';

/** The newest events of a user. */
export function Events({ details: { events, names, user } }: { details: UserDetails }) {
  const t = useTranslator();
  return (
    <section class="events">
      <div class="headline">
        <h2>{t('admin.user_events')}</h2>
        <a href={`/admin/events?user=${user.id}`}>{t('admin.user_all_events')}</a>
      </div>
      {events.length === 0 ? (
        <Empty icon="scroll-text">{t('admin.user_no_events')}</Empty>
      ) : (
        <EventsTable events={events} names={names} />
      )}
    </section>
  );
}
