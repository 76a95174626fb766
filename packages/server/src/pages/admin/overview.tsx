import { z } from 'zod';
import type { AppContext } from '../../context.ts';
import type { SampleName } from '../../core/samples.ts';
import { type Series, type Stats, spanNames, statsOf, totalsBefore } from '../../flows/admin/stats.ts';
import type { RouteResponse, SignedInCall } from '../../http/route.ts';
import { Icon, type IconName } from '../icon.tsx';
import { page } from '../layout.tsx';
import { adminArea } from './area.ts';
import { Chart } from './chart.tsx';
import { Choices } from './choices.tsx';

export const overviewQuery = z.object({ span: z.enum(spanNames).default('week').catch('week') });

const spanLabels = { day: 'Last 24 hours', week: 'Last 7 days', month: 'Last 30 days' };

const beforeLabels = { day: 'previous 24 hours', week: 'previous 7 days', month: 'previous 30 days' };

interface Line {
  of: Series | SampleName;
  label: string;
  isFailure?: true;
}

const charts: { title: string; lines: readonly Line[]; all?: 'most' }[] = [
  {
    title: 'Sign-ins',
    lines: [
      { of: 'sign_ins', label: 'Successful' },
      { of: 'sign_ins_failed', label: 'Failed', isFailure: true },
    ],
  },
  { title: 'Sign-ups', lines: [{ of: 'sign_ups', label: 'New users' }] },
  {
    title: 'Emails',
    lines: [
      { of: 'emails_sent', label: 'Sent' },
      { of: 'emails_failed', label: 'Failed', isFailure: true },
    ],
  },
  {
    title: 'Blocked by rate limits',
    lines: [{ of: 'rate_limits_exceeded', label: 'Requests blocked', isFailure: true }],
  },
  { title: 'Active sessions', lines: [{ of: 'sessions', label: 'Peak' }], all: 'most' },
  {
    title: 'Sign-in queue (password hashing)',
    lines: [{ of: 'hashes_waiting', label: 'Peak' }],
    all: 'most',
  },
];

/** Current statistics, and charts of recent activity. */
export async function overviewPage(
  context: AppContext,
  call: SignedInCall<undefined, z.infer<typeof overviewQuery>>,
): Promise<RouteResponse> {
  const { span } = call.query;
  const stats = await statsOf(context, span);
  const before = await totalsBefore(context, span);
  const { users, sessions, emails_waiting, hashes_waiting } = stats.now;
  return page(
    context,
    call,
    { title: 'Overview', area: adminArea, at: '/admin' },
    <>
      <div class="headline">
        <h1>Overview</h1>
        <Choices
          label="Time range"
          choices={spanNames.map((name) => ({
            href: `/admin?span=${name}`,
            label: spanLabels[name],
            isThis: name === span,
          }))}
        />
      </div>
      <ul class="figures">
        <Stat value={users} one="user" many="users" icon="users" />
        <Stat value={sessions} one="active session" many="active sessions" icon="monitor-smartphone" />
        <Stat value={emails_waiting} one="email queued" many="emails queued" icon="mail" />
        <Stat value={hashes_waiting} one="queued sign-in" many="queued sign-ins" icon="key-round" />
      </ul>
      <div class="charts">
        {charts.map((chart) => (
          <section class="card">
            <ChartOf chart={chart} stats={stats} before={before} />
          </section>
        ))}
      </div>
      <p class="note">Percentages compare with the {beforeLabels[span]}. Dates and times are in UTC.</p>
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
  return (
    <Chart
      title={title}
      stepHead={span === 'day' ? 'Time (UTC)' : 'Date (UTC)'}
      beforeLabel={beforeLabels[span]}
      {...(all ? { all } : {})}
      series={lines.map(({ of, ...line }) => ({
        ...line,
        before: of in before ? before[of as Series] : undefined,
      }))}
      steps={steps.map((step) => ({
        ...labelsOf(step.at, span),
        values: lines.map(({ of }) => step[of]),
      }))}
    />
  );
}

interface StatProps {
  value: number;
  one: string;
  many: string;
  icon: IconName;
}

const Stat = ({ value, one, many, icon }: StatProps) => (
  <li class="figure">
    <Icon name={icon} />
    <b>{value.toLocaleString('en-US')}</b>
    <span>{value === 1 ? one : many}</span>
  </li>
);

const inUtc = (options: Intl.DateTimeFormatOptions) =>
  new Intl.DateTimeFormat('en-US', { ...options, timeZone: 'UTC' });
const weekday = inUtc({ weekday: 'short', day: 'numeric', month: 'short' });
const monthDay = inUtc({ day: 'numeric', month: 'short' });

/** The labels of a step: in the table, and a shorter one below the chart. */
function labelsOf(at: string, span: Stats['span']): { label: string; short: string } {
  const time = Date.parse(at);
  if (span === 'day') {
    const hour = at.slice(11, 16);
    return { label: `${monthDay.format(time)}, ${hour} UTC`, short: hour };
  }
  return { label: weekday.format(time), short: monthDay.format(time) };
}
