const WIDTH = 640;
const HEIGHT = 120;
const TALLEST = HEIGHT - 4;
/** The gap between two bars, as a share of the width per bar. */
const GAP = 0.25;

interface ChartProps {
  title: string;
  /** The names of the series; the bars of several are stacked. */
  series: readonly [string, ...string[]];
  steps: readonly { label: string; values: readonly number[] }[];
  /** The heading of the column of steps in the table. */
  stepHead: string;
  /** The total of a series: the sum of its steps, or the highest of them. */
  all?: 'sum' | 'most';
}

/** Bars drawn by the server, without a script, and the same values in a table. */
export function Chart({ title, series, steps, stepHead, all = 'sum' }: ChartProps) {
  const most = Math.max(...steps.map(({ values }) => sum(values)));
  const total = (index: number) => {
    const values = steps.map((step) => step.values[index] ?? 0);
    return all === 'sum' ? sum(values) : Math.max(...values);
  };
  const said = series.map((name, index) => `${name} ${total(index)}`).join(', ');
  return (
    <figure class="chart">
      <figcaption>
        <h2>{title}</h2>
        <ul class="legend">
          {series.map((name, index) => (
            <li class={`series-${index}`}>
              {name} <b>{total(index)}</b>
            </li>
          ))}
        </ul>
      </figcaption>
      <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} role="img" aria-label={`${title}: ${said}`}>
        <line class="base" x1="0" y1={HEIGHT} x2={WIDTH} y2={HEIGHT} />
        {steps.flatMap(({ label, values }, step) =>
          values.map((value, index) => (
            <Bar
              {...place(step, steps.length, sum(values.slice(0, index)) / (most || 1), value / (most || 1))}
              look={`series-${index}`}
              title={`${label}, ${series[index] ?? ''}: ${value}`}
            />
          )),
        )}
      </svg>
      <div class="axis" aria-hidden="true">
        <span>{steps[0]?.label}</span>
        <span>Peak: {most}</span>
        <span>{steps.at(-1)?.label}</span>
      </div>
      <DataTable title={title} series={series} steps={steps} stepHead={stepHead} />
    </figure>
  );
}

/** The same values as a table, for screen readers. */
const DataTable = ({ title, series, steps, stepHead }: Omit<ChartProps, 'all'>) => (
  <details>
    <summary>View data table</summary>
    <table>
      <caption class="unseen">{title}</caption>
      <thead>
        <tr>
          <th scope="col">{stepHead}</th>
          {series.map((name) => (
            <th scope="col" class="number">
              {name}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {steps.map(({ label, values }) => (
          <tr>
            <th scope="row">{label}</th>
            {values.map((value) => (
              <td class="number">{value}</td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  </details>
);

const sum = (values: readonly number[]): number => values.reduce((all, one) => all + one, 0);

/** The position of a bar on the bars below it. A value above zero is always visible. */
function place(step: number, steps: number, below: number, part: number) {
  const room = WIDTH / steps;
  const height = part === 0 ? 0 : Math.max(2, part * TALLEST);
  return {
    x: round((step + GAP / 2) * room),
    y: round(HEIGHT - below * TALLEST - height),
    width: round(room * (1 - GAP)),
    height: round(height),
  };
}

const round = (value: number): number => Math.round(value * 10) / 10;

interface BarProps {
  x: number;
  y: number;
  width: number;
  height: number;
  look: string;
  title: string;
}

const Bar = ({ x, y, width, height, look, title }: BarProps) => (
  <rect class={look} x={x} y={y} width={width} height={height}>
    <title>{title}</title>
  </rect>
);
