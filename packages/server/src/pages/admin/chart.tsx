import type { Translator } from '../../languages/translator.ts';
import { Icon } from '../icon.tsx';
import { useTranslator } from '../translator.tsx';

/** The height of a chart in its own units; its width is one unit per step. */
const HEIGHT = 100;
/** The gap between two bars, as a share of the width per step. */
const GAP = 0.28;
/** The most labels that fit below a chart. */
const MAX_LABELS = 7;

interface Series {
  label: string;
  /** Failures have a color of their own. */
  isFailure?: boolean;
  /** The total of the period before, if it can be compared. */
  before?: number | undefined;
}

interface Step {
  /** Below the chart. */
  short: string;
  /** In the table and with the values. */
  label: string;
  /** One per series; null if nothing was recorded. */
  values: readonly (number | null)[];
}

interface ChartProps {
  title: string;
  /** The bars of several series are stacked. */
  series: readonly Series[];
  steps: readonly Step[];
  /** The heading of the column of steps in the table. */
  stepHead: string;
  /** What the totals are compared with. */
  beforeLabel: string;
  /** The total of a series: the sum of its steps, or the highest of them. */
  all?: 'sum' | 'most';
}

/**
 * Bars drawn by the server. The values of a step are shown on hover, on tap and on focus, which `assets/chart.js` moves
 * with the arrow keys. The same values are in a table.
 */
export function Chart({ title, series, steps, stepHead, beforeLabel, all = 'sum' }: ChartProps) {
  const t = useTranslator();
  const { top, ticks } = scaleOf(Math.max(0, ...steps.map(({ values }) => sum(values))));
  const hasData = steps.some(({ values }) => values.some((value) => value !== null));
  return (
    <figure class="chart">
      <figcaption>
        <h2>{title}</h2>
        <ul class="legend">
          {series.map((one, index) => (
            <li class={lookOf(one)}>
              <span>{one.label}</span>
              <b>{shown(amount(steps, index, all), t)}</b>
              <Change now={amount(steps, index, all)} before={one.before} label={beforeLabel} />
            </li>
          ))}
        </ul>
      </figcaption>
      {hasData ? (
        <>
          <div class="plot">
            <div class="ticks" aria-hidden="true">
              {ticks.map((tick) => (
                <span>{t.number(tick)}</span>
              ))}
            </div>
            <div class="canvas">
              <Bars series={series} steps={steps} top={top} lines={ticks.length} />
              <Values title={title} series={series} steps={steps} />
            </div>
            <Axis steps={steps} />
          </div>
          <DataTable title={title} series={series} steps={steps} stepHead={stepHead} />
        </>
      ) : (
        <p class="no-data">
          <Icon name="info" />
          {t('admin.chart.empty')}
        </p>
      )}
    </figure>
  );
}

interface ChangeProps {
  now: number | null;
  before: number | undefined;
  label: string;
}

/** The change since the period before, in percent. */
function Change({ now, before, label }: ChangeProps) {
  const t = useTranslator();
  if (now === null || before === undefined || before === 0) return null;
  const percent = Math.round(((now - before) / before) * 100);
  // As much as that means that there was hardly anything before, as on a new installation.
  if (percent >= 1_000) return null;
  const sign = percent > 0 ? '+' : percent < 0 ? '−' : '±';
  return (
    <span class="change">
      {sign}
      {t.number(Math.abs(percent))}%<span class="unseen"> {label}</span>
    </span>
  );
}

interface DrawnProps {
  series: readonly Series[];
  steps: readonly Step[];
}

/** One path per series, and a shade where nothing was recorded. */
function Bars({ series, steps, top, lines }: DrawnProps & { top: number; lines: number }) {
  return (
    <svg viewBox={`0 0 ${steps.length} ${HEIGHT}`} preserveAspectRatio="none" aria-hidden="true">
      {Array.from({ length: lines }, (_, line) => {
        const y = round((line / (lines - 1)) * HEIGHT);
        return <path class="grid" d={`M0 ${y}H${steps.length}`} />;
      })}
      <path
        class="gap"
        d={steps.map(({ values }, at) => (values[0] === null ? `M${at} 0h1v${HEIGHT}h-1z` : '')).join('')}
      />
      {series.map((one, index) => (
        <path class={`bar ${lookOf(one)}`} d={pathOf(steps, index, top)} />
      ))}
    </svg>
  );
}

/** The bars of a series, each on those of the series before. A value above zero is always visible. */
const pathOf = (steps: readonly Step[], index: number, top: number): string =>
  steps
    .map(({ values }, at) => {
      const value = values[index] ?? 0;
      const below = (sum(values.slice(0, index)) / top) * HEIGHT;
      return value === 0 ? '' : box(at, below, Math.max(1.5, (value / top) * HEIGHT));
    })
    .join('');

const box = (at: number, from: number, height: number): string => {
  const y = round(HEIGHT - from);
  return `M${round(at + GAP / 2)} ${y}v${-round(height)}h${round(1 - GAP)}v${round(height)}z`;
};

/** What the bars say, one element per step over its bar. Only the last one is in the tab order. */
function Values({ title, series, steps }: DrawnProps & { title: string }) {
  const t = useTranslator();
  const valuesOf = (values: Step['values']): string[] =>
    series.map((one, index) => `${one.label}: ${shown(values[index], t)}`);
  return (
    <section class="hits" aria-label={t('admin.chart.values', { title })}>
      {steps.map(({ label, values }, at) => (
        <span
          class="hit"
          role="img"
          tabindex={at === steps.length - 1 ? 0 : -1}
          aria-label={[label, ...valuesOf(values)].join('\n')}
        />
      ))}
    </section>
  );
}

/** The labels of as many steps as have room, the last one included. */
function Axis({ steps }: { steps: readonly Step[] }) {
  const every = Math.ceil(steps.length / MAX_LABELS);
  return (
    <div class="axis" aria-hidden="true">
      {steps.map(({ short }, at) => {
        const isShown = (steps.length - 1 - at) % every === 0;
        return <span>{isShown && <i>{short}</i>}</span>;
      })}
    </div>
  );
}

/** The same values for screen readers, and for those who prefer numbers. */
function DataTable({ title, series, steps, stepHead }: DrawnProps & { title: string; stepHead: string }) {
  const t = useTranslator();
  return (
    <details>
      <summary>{t('admin.chart.table')}</summary>
      <table>
        <caption class="unseen">{title}</caption>
        <thead>
          <tr>
            <th scope="col">{stepHead}</th>
            {series.map(({ label }) => (
              <th scope="col" class="number">
                {label}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {steps.map(({ label, values }) => (
            <tr>
              <th scope="row">{label}</th>
              {values.map((value) => (
                <td class="number">{shown(value, t)}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </details>
  );
}

const lookOf = ({ isFailure }: Series): string => (isFailure ? 'is-failure' : 'is-success');

/** Gridlines at round values, from the top down to zero. */
function scaleOf(most: number): { top: number; ticks: number[] } {
  const rough = Math.max(1, most / 4);
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = Math.ceil(([1, 2, 5, 10].find((one) => one * power >= rough) ?? 10) * power);
  const count = Math.max(2, Math.ceil(most / step));
  return { top: count * step, ticks: Array.from({ length: count + 1 }, (_, line) => (count - line) * step) };
}

/** The total of a series; null if nothing was recorded. */
function amount(steps: readonly Step[], index: number, all: 'sum' | 'most'): number | null {
  const values = steps.map(({ values }) => values[index]).filter((value) => typeof value === 'number');
  if (values.length === 0) return null;
  return all === 'sum' ? sum(values) : Math.max(...values);
}

const sum = (values: readonly (number | null)[]): number =>
  values.reduce<number>((all, one) => all + (one ?? 0), 0);
const shown = (value: number | null | undefined, t: Translator): string =>
  value == null ? t('admin.chart.no_data') : t.number(value);
const round = (value: number): number => Math.round(value * 100) / 100;
