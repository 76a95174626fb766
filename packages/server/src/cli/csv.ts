/** What a spreadsheet would take for a formula (a cell that begins so is computed when somebody opens the file). */
const formula = /^'*[=+\-@\t\r]/;

/** A line of CSV (RFC 4180). A cell that looks like a formula begins with an apostrophe, which `plainCell` takes away. */
export function csvLine(cells: readonly string[]): string {
  return `${cells.map(csvCell).join(',')}\r\n`;
}

function csvCell(text: string): string {
  const harmless = formula.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(harmless) ? `"${harmless.replaceAll('"', '""')}"` : harmless;
}

/** The text that was meant by a cell. */
export const plainCell = (cell: string): string =>
  cell.startsWith("'") && formula.test(cell) ? cell.slice(1) : cell;
