import { styleText } from 'node:util';
import { confirm, isCancel, password, text } from '@clack/prompts';
import { isInteractive } from '../config.ts';

/** A command line that makes no sense, or that needs an answer where there is nobody to ask. */
export class Misuse extends Error {
  override name = 'Misuse';
}

/** Talk, for the person: on standard error, so that standard output is data alone. */
export function say(sentence: string): void {
  process.stderr.write(`${printable(sentence)}\n`);
}

/** Data, as a program reads it. */
export function printJson(value: unknown): void {
  process.stdout.write(`${printableJson(value, 2)}\n`);
}

/** JSON leaves DEL and the C1 controls as they are; some terminals obey them. @param indent None makes one line of it. */
export const printableJson = (value: unknown, indent?: number): string =>
  JSON.stringify(value, null, indent).replace(/[\u007f-\u009f]/g, escaped);

const escaped = (character: string): string => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;

export function printLine(line: string): void {
  process.stdout.write(`${printable(line)}\n`);
}

/** Data, as a person reads it: columns under their heads. Bold only where a terminal wants it (NO_COLOR). */
export function printTable(heads: string[], rows: string[][]): void {
  const [head = '', ...lines] = columns([heads, ...rows]);
  process.stdout.write(`${[styleText('bold', head, { stream: process.stdout }), ...lines].join('\n')}\n`);
}

/** One thing, its members below each other. */
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

/** What came from somewhere else must not move the cursor or colour the terminal. */
export function printable(text: string): string {
  return text.replace(/[^\P{C}\n]/gu, '\u{fffd}');
}

/** `2026-11-03 12:40`, in UTC. */
export const minuteOf = (milliseconds: number): string =>
  new Date(milliseconds).toISOString().slice(0, 16).replace('T', ' ');

/** Whether there is a person who sees a question and can answer it. */
export const canAsk = (): boolean => isInteractive() && process.stderr.isTTY === true;

/**
 * Goes on only if the person means it: they said `--yes`, or now type `word`.
 *
 * @param warning Says what is about to happen.
 * @throws Misuse when there is nobody to ask.
 */
export async function consent(yes: boolean | undefined, warning: string, word: string): Promise<void> {
  if (yes) return;
  if (!canAsk())
    throw new Misuse(`${warning} Not running in a terminal, so nothing was changed. Use --yes to confirm.`);
  say(warning);
  const answer = await askText(`Type ${word} to confirm`, () => undefined);
  if (answer !== word) throw new Error('Confirmation didn’t match. Nothing was changed.');
}

/** @param fault What is wrong with an answer, if anything: then it is asked for again. */
export async function askText(
  message: string,
  fault: (answer: string) => string | undefined,
): Promise<string> {
  return answered(await text({ message, validate: (answer = '') => fault(answer), output: process.stderr }));
}

export async function askPassword(message: string): Promise<string> {
  // An empty answer comes as undefined.
  return answered(await password({ message, output: process.stderr })) ?? '';
}

export async function askYes(message: string): Promise<boolean> {
  return answered(await confirm({ message, initialValue: false, output: process.stderr }));
}

function answered<T>(answer: T): Exclude<T, symbol> {
  if (isCancel(answer)) throw new Error('Canceled.');
  return answer as Exclude<T, symbol>;
}

/** In bytes; more than any password has. */
const MAX_READ = 16_384;

/**
 * The password that stands on standard input, without its line end. There is no flag for a password, because
 * everybody on the machine can read a command line.
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
