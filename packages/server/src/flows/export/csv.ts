/** Where a spreadsheet starts a cell, also one that separates cells by semicolons and ignores our quotation marks. */
const START = /(?<=^|[;\t\r\n])/.source;
/** The beginning of a formula, which spreadsheets evaluate when the file is opened (CSV injection). */
const FORMULA = /(?='*[=+\-@＝＋－＠\t\r])/.source;

const bareFormula = new RegExp(START + FORMULA, 'g');
const prefixedFormula = new RegExp(`${START}'${FORMULA}`, 'g');

/**
 * A line of CSV (RFC 4180). What looks like a formula is prefixed with an apostrophe, which `plainCell` removes.
 */
export function csvLine(cells: readonly string[]): string {
  return `${cells.map(csvCell).join(',')}\r\n`;
}

function csvCell(text: string): string {
  const harmless = text.replace(bareFormula, "'");
  return /[",;\t\r\n]/.test(harmless) ? `"${harmless.replaceAll('"', '""')}"` : harmless;
}

/** The original text of a cell. */
export const plainCell = (cell: string): string => cell.replace(prefixedFormula, '');
