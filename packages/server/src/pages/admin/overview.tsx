import { z } from 'zod';
import type { AppContext } from '../../context.ts';
import type { SampleName } from '../../core/samples.ts';
import { type Series, type Stats, spanNames, statsOf, totalsBefore } from '../../flows/admin/stats.ts';
import type { RouteResponse, SignedInCall } from '../../http/route.ts';
import type { TextKey } from '../../languages/text.ts';
import type { Translator } from '../../languages/translator.ts';
import { Icon, type IconName } from '../icon.tsx';
import { page } from '../layout.tsx';
import { translatorOf, useTranslator } from '../translator.tsx';
import { adminArea } from './area.ts';
import { Chart } from './chart.tsx';
import { Choices } from './choices.tsx';

export const overviewQuery = z.object({ span: z.enum(spanNames).default('week').catch('week') });

const spanLabels = {
  day: 'admin.overview.day',
  week: 'admin.overview.week',
  month: 'admin.overview.month',
} as const satisfies Record<Stats['span'], TextKey>;

/** What the percentages compare with. */
const beforeLabels = {
  day: 'admin.overview.before_day',
  week: 'admin.overview.before_week',
  month: 'admin.overview.before_month',
} as const satisfies Record<Stats['span'], TextKey>;

interface Line {
  of: Series | SampleName;
  label: TextKey;
  isFailure?: true;
}

const charts: { title: TextKey; lines: readonly Line[]; all?: 'most' }[] = [
  {
    title: 'admin.overview.sign_ins',
    lines: [
      { of: 'sign_ins', label: 'admin.overview.successful' },
      { of: 'sign_ins_failed', label: 'admin.overview.failed', isFailure: true },
    ],
  },
  { title: 'admin.overview.sign_ups', lines: [{ of: 'sign_ups', label: 'admin.overview.new_users' }] },
  {
    title: 'admin.overview.emails',
    lines: [
      { of: 'emails_sent', label: 'admin.overview.sent' },
      { of: 'emails_failed', label: 'admin.overview.failed', isFailure: true },
    ],
  },
  {
    title: 'admin.overview.rate_limits',
    lines: [{ of: 'rate_limits_exceeded', label: 'admin.overview.blocked', isFailure: true }],
  },
  {
    title: 'admin.overview.sessions',
    lines: [{ of: 'sessions', label: 'admin.overview.peak' }],
    all: 'most',
  },
  {
    title: 'admin.overview.hashing',
    lines: [{ of: 'hashes_waiting', label: 'admin.overview.peak' }],
    all: 'most',
  },
];

/** Current statistics, and charts of recent activity. */
export async function overviewPage(
  context: AppContext,
  call: SignedInCall<undefined, z.infer<typeof overviewQuery>>,
): Promise<RouteResponse> {
  const { span } = call.query;
  const t = translatorOf(context, call);
  const stats = await statsOf(context, span);
  const before = await totalsBefore(context, span);
  const { users, sessions, emails_waiting, hashes_waiting } = stats.now;
  return page(
    context,
    call,
    { title: t('admin.overview.title'), area: adminArea, at: '/admin' },
    <>
      <div class="headline">
        <h1>{t('admin.overview.title')}</h1>
        <Choices
          label={t('admin.overview.range')}
          choices={spanNames.map((name) => ({
            href: `/admin?span=${name}`,
            label: t(spanLabels[name]),
            isThis: name === span,
          }))}
        />
      </div>
      <ul class="figures">
        <Stat value={users} label={t('admin.overview.users_now', { count: users })} icon="users" />
        <Stat
          value={sessions}
          label={t('admin.overview.sessions_now', { count: sessions })}
          icon="monitor-smartphone"
        />
        <Stat
          value={emails_waiting}
          label={t('admin.overview.emails_now', { count: emails_waiting })}
          icon="mail"
        />
        <Stat
          value={hashes_waiting}
          label={t('admin.overview.hashes_now', { count: hashes_waiting })}
          icon="key-round"
        />
      </ul>
      <div class="charts">
        {charts.map((chart) => (
          <section class="card">
            <ChartOf chart={chart} stats={stats} before={before} />
          </section>
        ))}
      </div>
      <p class="note">
        {t(beforeLabels[span])} {t('admin.overview.utc')}
      </p>
      <script type="module" src={context.assets['chart.js']?.url} />
    </>,
  );
}

interface ChartOfProps {
  chart: (typeof charts)[number];
  stats: Stats;
  before: Record<Series, number>;
}

function ChartOf({ chart: { title, lines, all }, stats: { span, steps }, before }: ChartOfProps) {
  const t = useTranslator();
  const labelsOf = stepLabels(span, t);
  return (
    <Chart
      title={t({ key: title })}
      stepHead={span === 'day' ? t('admin.overview.time') : t('admin.overview.date')}
      beforeLabel={t(beforeLabels[span])}
      {...(all ? { all } : {})}
      series={lines.map(({ of, label, isFailure = false }) => ({
        label: t({ key: label }),
        isFailure,
        before: of in before ? before[of as Series] : undefined,
      }))}
      steps={steps.map((step) => ({
        ...labelsOf(Date.parse(step.at)),
        values: lines.map(({ of }) => step[of]),
      }))}
    />
  );
}

interface StatProps {
  value: number;
  label: string;
  icon: IconName;
}

const Stat = ({ value, label, icon }: StatProps) => (
  <li class="figure">
    <Icon name={icon} />
    <b>{useTranslator().number(value)}</b>
    <span>{label}</span>
  </li>
);

/** The labels of a step: in the table, and a shorter one below the chart. */
function stepLabels(span: Stats['span'], t: Translator): (at: number) => { label: string; short: string } {
  const inUtc = (options: Intl.DateTimeFormatOptions) =>
    new Intl.DateTimeFormat(`${t.language}-u-nu-latn`, { ...options, timeZone: 'UTC' });
  const weekday = inUtc({ weekday: 'short', day: 'numeric', month: 'short' });
  const monthDay = inUtc({ day: 'numeric', month: 'short' });
  return (at) => {
    if (span !== 'day') return { label: weekday.format(at), short: monthDay.format(at) };
    const hour = new Date(at).toISOString().slice(11, 16);
    return { label: `${monthDay.format(at)}, ${hour} UTC`, short: hour };
  };
}
