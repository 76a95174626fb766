import { z } from 'zod';
import type { AppContext } from '../../context.ts';
import type { SampleName } from '../../core/samples.ts';
import { type Series, type Stats, spanNames, statsOf } from '../../flows/admin/stats.ts';
import type { RouteResponse, SignedInCall } from '../../http/route.ts';
import { page } from '../layout.tsx';
import { adminArea } from './area.ts';
import { Chart } from './chart.tsx';
import { Choices } from './choices.tsx';

export const overviewQuery = z.object({ span: z.enum(spanNames).default('week').catch('week') });

const spanLabels = { day: 'Last 24 hours', week: 'Last 7 days', month: 'Last 30 days' };

const charts: {
  title: string;
  of: readonly (readonly [Series | SampleName, string])[];
  all?: 'most';
}[] = [
  {
    title: 'Sign-ins',
    of: [
      ['sign_ins', 'Successful'],
      ['sign_ins_failed', 'Failed'],
    ],
  },
  { title: 'Sign-ups', of: [['sign_ups', 'New users']] },
  {
    title: 'Emails',
    of: [
      ['emails_sent', 'Sent'],
      ['emails_failed', 'Failed'],
    ],
  },
  { title: 'Blocked by rate limits', of: [['rate_limits_exceeded', 'Requests blocked']] },
  { title: 'Active sessions', of: [['sessions', 'Peak']], all: 'most' },
  { title: 'Sign-in queue (password hashing)', of: [['hashes_waiting', 'Peak']], all: 'most' },
];

/** Current statistics, and charts of recent activity. */
export async function overviewPage(
  context: AppContext,
  call: SignedInCall<undefined, z.infer<typeof overviewQuery>>,
): Promise<RouteResponse> {
  const { span } = call.query;
  const stats = await statsOf(context, span);
  const { users, sessions, emails_waiting, hashes_waiting } = stats.now;
  return page(
    context,
    call,
    { title: 'Overview', area: adminArea, at: '/admin' },
    <>
      <h1>Overview</h1>
      <ul class="figures">
        <Stat value={users} one="user" many="users" />
        <Stat value={sessions} one="active session" many="active sessions" />
        <Stat value={emails_waiting} one="email queued" many="emails queued" />
        <Stat value={hashes_waiting} one="queued sign-in" many="queued sign-ins" />
      </ul>
      <Choices
        label="Time range"
        choices={spanNames.map((name) => ({
          href: `/admin?span=${name}`,
          label: spanLabels[name],
          isThis: name === span,
        }))}
      />
      {charts.map(({ title, of, all }) => (
        <section class="card">
          <Chart
            title={title}
            stepHead={span === 'day' ? 'Time (UTC)' : 'Date (UTC)'}
            {...(all ? { all } : {})}
            series={of.map(([, label]) => label) as [string, ...string[]]}
            steps={stats.steps.map((step) => ({
              label: labelOf(step.at, span),
              values: of.map(([series]) => step[series]),
            }))}
          />
        </section>
      ))}
    </>,
  );
}

function Stat({ value, one, many }: { value: number; one: string; many: string }) {
  return (
    <li class="figure">
      <b>{value.toLocaleString('en')}</b>
      <span>{value === 1 ? one : many}</span>
    </li>
  );
}

const weekday = new Intl.DateTimeFormat('en-US', {
  weekday: 'short',
  day: 'numeric',
  month: 'short',
  timeZone: 'UTC',
});

/** The label of a step, as short as the length of the step allows. */
const labelOf = (at: string, span: Stats['span']): string =>
  span === 'day' ? `${at.slice(11, 16)}` : weekday.format(Date.parse(at));
