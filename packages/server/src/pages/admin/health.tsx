import type { Child } from 'hono/jsx';
import manifest from '../../../package.json' with { type: 'json' };
import type { AppContext } from '../../context.ts';
import { type Grade, type Graded, type Health, healthOf } from '../../flows/admin/health.ts';
import type { RouteResponse, SignedInCall } from '../../http/route.ts';
import type { PlainKey } from '../../languages/text.ts';
import { Badge, Facts, page } from '../layout.tsx';
import { Ago, Day } from '../time.tsx';
import { translatorOf, useTranslator } from '../translator.tsx';
import { adminArea } from './area.ts';

const PATH = '/admin/health';

/** What the operator watches: each figure, whether it is good, and what to do if it is not. */
export async function healthPage(context: AppContext, call: SignedInCall): Promise<RouteResponse> {
  const t = translatorOf(context, call);
  const health = await healthOf(context);
  return page(
    context,
    call,
    { title: t('admin.health.title'), area: adminArea, at: PATH },
    <>
      <h1>{t('admin.health.title')}</h1>
      <p class="lead">{t('admin.health.lead')}</p>
      <section class="card">
        <ul class="rows">
          <Figures health={health} now={context.clock.now()} />
        </ul>
      </section>
      <section class="card">
        <h2>{t('admin.health.about')}</h2>
        <Facts
          of={[
            [t('admin.health.version'), manifest.version],
            [t('admin.health.schema'), <bdi>{health.schema}</bdi>],
            [t('admin.health.size'), <Size bytes={health.size} />],
            [t('admin.health.started'), <Ago at={health.startedAt} now={context.clock.now()} />],
          ]}
        />
      </section>
    </>,
  );
}

function Figures({ health, now }: { health: Health; now: number }) {
  const t = useTranslator();
  const { emails, failedEmails, hashing, pool, key, disk } = health;
  const { oldest, waiting } = emails.value;
  return (
    <>
      <Figure of={emails} label={t('admin.health.emails')} help={t('admin.health.emails_help')}>
        {t('admin.health.emails_value', { count: waiting })}{' '}
        {oldest !== null && (
          <>
            {t('admin.health.oldest')} <Ago at={oldest} now={now} />
          </>
        )}
      </Figure>
      <Figure of={failedEmails} label={t('admin.health.failed')} help={t('admin.health.failed_help')}>
        {t('admin.health.failed_value', { count: failedEmails.value })}
      </Figure>
      <Figure of={hashing} label={t('admin.health.hashing')} help={t('admin.health.hashing_help')}>
        {t('admin.health.hashing_value', { count: hashing.value })}
      </Figure>
      {pool && (
        <Figure of={pool} label={t('admin.health.pool')} help={t('admin.health.pool_help')}>
          {t('admin.health.pool_value', { ...pool.value })}
        </Figure>
      )}
      <Figure of={key} label={t('admin.health.key')} help={t('admin.health.key_help')}>
        {t('admin.health.key_created')} <Day at={now - key.value.age} />, {t('admin.health.key_rotates')}{' '}
        <Day at={key.value.rotatesAt} />
      </Figure>
      {disk && (
        <Figure of={disk} label={t('admin.health.disk')} help={t('admin.health.disk_help')}>
          {t('admin.health.disk_free')} <Size bytes={disk.value.free} /> / <Size bytes={disk.value.total} />
        </Figure>
      )}
    </>
  );
}

const gradeLabels = {
  good: 'admin.health.good',
  warn: 'admin.health.warn',
  bad: 'admin.health.bad',
} as const satisfies Record<Grade, PlainKey>;

interface FigureProps {
  of: Graded<unknown>;
  label: string;
  /** What to do if it is not good. */
  help: string;
  children: Child;
}

function Figure({ of: { grade }, label, help, children }: FigureProps) {
  const t = useTranslator();
  return (
    <li>
      <div>
        <p>
          <strong>{label}</strong>
        </p>
        <p>{children}</p>
        {grade !== 'good' && <p class="note">{help}</p>}
      </div>
      <Badge kind={grade}>{t(gradeLabels[grade])}</Badge>
    </li>
  );
}

/** `1.2 GB`, or megabytes below one. */
function Size({ bytes }: { bytes: number }) {
  const [amount, unit] = bytes >= 1e9 ? [bytes / 1e9, 'GB'] : [bytes / 1e6, 'MB'];
  return (
    <bdi dir="ltr">
      {useTranslator().number(Math.round(amount * 10) / 10)} {unit}
    </bdi>
  );
}
