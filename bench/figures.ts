/** One line of the result: a value for each round. */
export interface Figure {
  name: string;
  unit: string;
  values: number[];
  /** What the median should be at most or at least. */
  aim?: { most: number } | { least: number };
}

export interface Part {
  title: string;
  figures: Figure[];
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const [low = Number.NaN, high = Number.NaN] = [sorted[middle - 1], sorted[middle]];
  return sorted.length % 2 === 1 ? high : (low + high) / 2;
}

/** @param sorted Ascending. @param share 0.99 for the 99th percentile. */
export function percentile(sorted: Float64Array, share: number): number {
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? Number.NaN;
}

/** Round by round, so that what else the machine was doing is in both. */
export const ratios = (values: readonly number[], base: readonly number[]): number[] =>
  values.map((value, round) => value / (base[round] ?? Number.NaN));

export function isMet({ values, aim }: Figure): boolean | undefined {
  if (aim === undefined) return undefined;
  return 'most' in aim ? median(values) <= aim.most : median(values) >= aim.least;
}

/** A part as a table for the terminal. */
export function tableOf({ title, figures }: Part): string {
  const rows = figures.map((figure) => {
    const { name, unit, values, aim } = figure;
    const write = (value: number) => value.toFixed(digitsFor(median(values)));
    const spread = `${write(Math.min(...values))} – ${write(Math.max(...values))}`;
    const wanted = aim && ('most' in aim ? `at most ${aim.most}` : `at least ${aim.least}`);
    const verdict = wanted ? `${wanted}: ${isMet(figure) ? 'met' : 'MISSED'}` : '';
    return [name, write(median(values)), unit, spread, verdict];
  });
  const all = [['', 'median', '', 'min – max', 'aim'], ...rows];
  const widths = [0, 1, 2, 3, 4].map((column) => Math.max(...all.map((row) => row[column]?.length ?? 0)));
  const lines = all.map((row) =>
    row
      .map((cell, column) =>
        column === 1 ? cell.padStart(widths[1] ?? 0) : cell.padEnd(widths[column] ?? 0),
      )
      .join('  ')
      .trimEnd(),
  );
  return `${title}\n${lines.map((line) => `  ${line}`).join('\n')}\n`;
}

const digitsFor = (value: number): number => (value >= 100 ? 0 : value >= 10 ? 1 : 2);
