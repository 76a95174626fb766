const WIDTH = 640;
const HEIGHT = 120;
const TALLEST = HEIGHT - 4;
/** Between two bars, as a part of the room that each has. */
const GAP = 0.25;

interface ChartProps {
  title: string;
  /** What is counted; of several, one stands on the other. */
  series: readonly [string, ...string[]];
  steps: readonly { label: string; values: readonly number[] }[];
  /** What the steps come to: one added to the other, or the most of them. */
  all?: 'sum' | 'most';
}

/** Bars drawn by the server, without a script; the same figures stand below as a table. */
export function Chart({ title, series, steps, all = 'sum' }: ChartProps) {
  const most = Math.max(...steps.map(({ values }) => sum(values)));
  const total = (index: number) => {
    const values = steps.map((step) => step.values[index] ?? 0);
    return all === 'sum' ? sum(values) : Math.max(...values);
  };
  const said = series.map((name, index) => `${total(index)} ${name}`).join(', ');
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
              title={`${label}: ${value} ${series[index] ?? ''}`}
            />
          )),
        )}
      </svg>
      <div class="axis" aria-hidden="true">
        <span>{steps[0]?.label}</span>
        <span>most {most}</span>
        <span>{steps.at(-1)?.label}</span>
      </div>
      <details>
        <summary>As a table</summary>
        <table>
          <caption class="unseen">{title}</caption>
          <thead>
            <tr>
              <th scope="col">When (UTC)</th>
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
    </figure>
  );
}

const sum = (values: readonly number[]): number => values.reduce((all, one) => all + one, 0);

/** Where a bar is, on what stands below it; what is more than nothing can be seen. */
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
