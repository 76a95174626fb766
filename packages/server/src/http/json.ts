import { HttpError } from '../errors.ts';
import { type Text, text } from '../languages/text.ts';

/** The limits of one body. A form may hold no more than one object of a JSON body. */
export const limits = { bytes: 16_384, depth: 8, members: 32, elements: 100, characters: 2_000 } as const;

/** Member names that could write to a prototype in code that copies objects. */
export const forbiddenNames: ReadonlySet<string> = new Set(['__proto__', 'constructor', 'prototype']);

/** The position of the scanner, in UTF-16 code units from the start. */
interface Scan {
  readonly text: string;
  at: number;
}

// RFC 8259 section 7: characters allowed unescaped in a string, and all escapes; section 6: numbers.
const quoted = /"[ !#-[\]-\uffff]*(?:\\(?:["\\/bfnrt]|u[\dA-Fa-f]{4})[ !#-[\]-\uffff]*)*"/y;
const literal = /true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;

/**
 * Parses a JSON text (RFC 8259) strictly: rejects what parsers disagree about instead of guessing (RFC 8259 section 4).
 *
 * @param source of any length; time and memory grow linearly with it, and not at all past depth 8.
 * @returns what `JSON.parse` returns for the same text.
 * @throws HttpError `invalid_json` whose message says what is wrong and at which character; it quotes nothing of the
 * text.
 */
export function parseJson(source: string): unknown {
  const scan: Scan = { text: source, at: 0 };
  checkValue(scan, 0);
  if (next(scan) !== undefined) throw error(scan.at, text('syntax.after_value'));
  return JSON.parse(source);
}

function checkValue(scan: Scan, depth: number): void {
  const first = next(scan);
  if (first === '"') readString(scan);
  else if (first === '{') checkObject(scan, depth + 1);
  else if (first === '[') checkArray(scan, depth + 1);
  else checkLiteral(scan);
}

function checkObject(scan: Scan, depth: number): void {
  open(scan, depth);
  if (skip(scan, '}')) return;
  const names: string[] = []; // at most 32, so a list is faster than a set
  do {
    if (next(scan) !== '"') throw error(scan.at, text('syntax.property_name'));
    const start = scan.at;
    const name = readString(scan);
    if (names.includes(name)) throw error(start, text('syntax.duplicate_property'));
    if (forbiddenNames.has(name)) throw error(start, text('syntax.forbidden_property'));
    if (names.push(name) > limits.members)
      throw error(start, text('syntax.too_many_properties', { limit: limits.members }));
    if (!skip(scan, ':')) throw error(scan.at, text('syntax.expected', { what: '":"' }));
    checkValue(scan, depth);
  } while (skip(scan, ','));
  if (!skip(scan, '}')) throw error(scan.at, text('syntax.expected_or', { one: '","', other: '"}"' }));
}

function checkArray(scan: Scan, depth: number): void {
  open(scan, depth);
  if (skip(scan, ']')) return;
  let elements = 0;
  do {
    if (++elements > limits.elements)
      throw error(scan.at, text('syntax.too_many_items', { limit: limits.elements }));
    checkValue(scan, depth);
  } while (skip(scan, ','));
  if (!skip(scan, ']')) throw error(scan.at, text('syntax.expected_or', { one: '","', other: '"]"' }));
}

function checkLiteral(scan: Scan): void {
  const start = scan.at;
  const found = take(scan, literal);
  if (found === undefined) throw error(start, text('syntax.value'));
  // 1e400 is a JSON number, but JavaScript reads it as Infinity, which every later comparison accepts.
  if (Math.abs(Number(found)) === Infinity) throw error(start, text('syntax.number'));
}

/** The decoded text: "\u0061" and "a" are the same name, so names are compared after decoding. */
function readString(scan: Scan): string {
  const start = scan.at;
  const found = take(scan, quoted);
  if (found === undefined) throw error(start, text('syntax.string'));
  const string = found.includes('\\') ? (JSON.parse(found) as string) : found.slice(1, -1);
  const flaw = flawOf(string);
  if (flaw) throw error(start, flaw);
  return string;
}

/** Why a decoded text is not acceptable, or undefined. Not every database can store NUL and lone surrogates. */
export function flawOf(string: string): Text | undefined {
  if (string.length > limits.characters) return text('syntax.string_length', { limit: limits.characters });
  if (string.includes('\0')) return text('syntax.null_character');
  if (!string.isWellFormed()) return text('syntax.surrogate');
  return undefined;
}

/** Checks the depth before it descends, so that a hostile text cannot exhaust the stack. */
function open(scan: Scan, depth: number): void {
  if (depth > limits.depth) throw error(scan.at, text('syntax.depth', { limit: limits.depth }));
  scan.at++;
}

/** The next character that is not white space (RFC 8259 section 2); undefined at the end. */
function next(scan: Scan): string | undefined {
  for (;;) {
    const char = scan.text[scan.at];
    if (char !== ' ' && char !== '\n' && char !== '\r' && char !== '\t') return char;
    scan.at++;
  }
}

function skip(scan: Scan, char: string): boolean {
  if (next(scan) !== char) return false;
  scan.at++;
  return true;
}

function take(scan: Scan, pattern: RegExp): string | undefined {
  pattern.lastIndex = scan.at;
  if (!pattern.test(scan.text)) return undefined;
  const start = scan.at;
  scan.at = pattern.lastIndex;
  return scan.text.slice(start, scan.at);
}

function error(at: number, problem: Text): HttpError {
  return new HttpError('invalid_json', {
    text: text('request.json', { problem, position: at + 1 }),
  });
}
