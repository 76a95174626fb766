import { styleText } from 'node:util';
import { confirm, isCancel, password, text } from '@clack/prompts';
import { isInteractive } from '../config.ts';

/** An invalid command line, or a question that cannot be asked because there is no terminal. */
export class Misuse extends Error {
  override name = 'Misuse';
}

/** Prints a message for people to standard error; standard output is for data only. */
export function say(sentence: string): void {
  process.stderr.write(`${printable(sentence)}\n`);
}

/** Prints data for programs. */
export function printJson(value: unknown): void {
  process.stdout.write(`${printableJson(value, 2)}\n`);
}

/**
 * JSON does not escape DEL and the C1 control characters, which some terminals obey.
 *
 * @param indent One line if omitted.
 */
export const printableJson = (value: unknown, indent?: number): string =>
  JSON.stringify(value, null, indent).replace(/[\u007f-\u009f]/g, escaped);

const escaped = (character: string): string => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;

export function printLine(line: string): void {
  process.stdout.write(`${printable(line)}\n`);
}

/** Prints a table for people. Headers are bold only on terminals that support it (NO_COLOR). */
export function printTable(heads: string[], rows: string[][]): void {
  const [head = '', ...lines] = columns([heads, ...rows]);
  process.stdout.write(`${[styleText('bold', head, { stream: process.stdout }), ...lines].join('\n')}\n`);
}

/** Prints one record, a line for each member. */
export function printRecord(members: Record<string, string>): void {
  process.stdout.write(`${columns(Object.entries(members)).join('\n')}\n`);
}

function columns(rows: string[][]): string[] {
  const cells = rows.map((row) => row.map(printable));
  const widths = (cells[0] ?? []).map((_, column) => Math.max(...cells.map((row) => lengthOf(row[column]))));
  return cells.map((row) =>
    row
      .map((cell, column) => cell + ' '.repeat((widths[column] ?? 0) - lengthOf(cell)))
      .join('  ')
      .trimEnd(),
  );
}

const lengthOf = (cell = ''): number => [...cell].length;

/** Escapes control characters, so that outside text cannot move the cursor or color the terminal. */
export function printable(text: string): string {
  return text.replace(/[^\P{C}\n]/gu, '\u{fffd}');
}

/** `2026-11-03 12:40`, in UTC. */
export const minuteOf = (milliseconds: number): string =>
  new Date(milliseconds).toISOString().slice(0, 16).replace('T', ' ');

/** Whether a person can see a question and answer it. */
export const canAsk = (): boolean => isInteractive() && process.stderr.isTTY === true;

/**
 * Asks for confirmation: continues with `--yes`, or if the user types `word`.
 *
 * @param warning What is about to happen.
 * @throws Misuse if there is no terminal to ask on.
 */
export async function consent(yes: boolean | undefined, warning: string, word: string): Promise<void> {
  if (yes) return;
  if (!canAsk())
    throw new Misuse(`${warning} Not running in a terminal, so nothing was changed. Use --yes to confirm.`);
  say(warning);
  const answer = await askText(`Type ${word} to confirm`, () => undefined);
  if (answer !== word) throw new Error('Confirmation didn’t match. Nothing was changed.');
}

/** @param fault Returns what is wrong with an answer, if anything; the question is then asked again. */
export async function askText(
  message: string,
  fault: (answer: string) => string | undefined,
): Promise<string> {
  return answered(await text({ message, validate: (answer = '') => fault(answer), output: process.stderr }));
}

export async function askPassword(message: string): Promise<string> {
  // An empty answer is returned as undefined.
  return answered(await password({ message, output: process.stderr })) ?? '';
}

export async function askYes(message: string): Promise<boolean> {
  return answered(await confirm({ message, initialValue: false, output: process.stderr }));
}

function answered<T>(answer: T): Exclude<T, symbol> {
  if (isCancel(answer)) throw new Error('Canceled.');
  return answer as Exclude<T, symbol>;
}

/** In bytes; longer than any password. */
const MAX_READ = 16_384;

/**
 * Reads a password from standard input, without its line ending. There is no flag for passwords, because every user of
 * the machine can read command lines.
 */
export async function readPassword(): Promise<string> {
  if (process.stdin.isTTY) throw new Misuse('--password-stdin needs piped input.');
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of process.stdin as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MAX_READ) throw new Misuse('The input is too long to be a password.');
    chunks.push(chunk);
  }
  const password = decode(Buffer.concat(chunks)).replace(/\r?\n$/, '');
  if (password === '') throw new Misuse('No password on stdin.');
  if (/[\r\n]/.test(password)) throw new Misuse('The password must be a single line.');
  return password;
}

function decode(bytes: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new Misuse('stdin isn’t valid UTF-8.');
  }
}
