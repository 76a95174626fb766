/** Prefixes that spreadsheets treat as a formula, which they evaluate when the file is opened (CSV injection). */
const formula = /^'*[=+\-@\t\r]/;

/**
 * A line of CSV (RFC 4180). A cell that looks like a formula is prefixed with an apostrophe, which `plainCell` removes.
 */
export function csvLine(cells: readonly string[]): string {
  return `${cells.map(csvCell).join(',')}\r\n`;
}

function csvCell(text: string): string {
  const harmless = formula.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(harmless) ? `"${harmless.replaceAll('"', '""')}"` : harmless;
}

/** The original text of a cell. */
export const plainCell = (cell: string): string =>
  cell.startsWith("'") && formula.test(cell) ? cell.slice(1) : cell;
