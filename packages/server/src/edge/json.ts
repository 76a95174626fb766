import { Refusal } from '../errors.ts';

/** What one body may hold. A form may hold no more than one object of a JSON body. */
export const limits = { bytes: 16_384, depth: 8, members: 32, elements: 100, characters: 2_000 } as const;

/** Member names that code which copies objects could write into a prototype. */
export const forbiddenNames: ReadonlySet<string> = new Set(['__proto__', 'constructor', 'prototype']);

/** Where the check of a text has come to, in UTF-16 code units from its start. */
interface Scan {
  readonly text: string;
  at: number;
}

// RFC 8259 section 7: what may stand unescaped in a string, and every escape; section 6: numbers.
const quoted = /"[ !#-[\]-\uffff]*(?:\\(?:["\\/bfnrt]|u[\dA-Fa-f]{4})[ !#-[\]-\uffff]*)*"/y;
const literal = /true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;

/**
 * Reads a JSON text (RFC 8259) strictly: what parsers disagree about is refused, not guessed (RFC 8259 section 4).
 *
 * @param text at any length; time and memory grow with it linearly, and not at all past depth 8.
 * @returns what `JSON.parse` returns for the same text.
 * @throws Refusal `invalid_json` whose message says what is wrong and at which character; it quotes nothing of the text.
 */
export function parseJson(text: string): unknown {
  const scan: Scan = { text, at: 0 };
  checkValue(scan, 0);
  if (next(scan) !== undefined) throw refusal(scan.at, 'something follows the end of the value');
  return JSON.parse(text);
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
  const names: string[] = []; // at most 32, so a list is quicker than a set
  do {
    if (next(scan) !== '"') throw refusal(scan.at, 'a member name in double quotes is missing');
    const start = scan.at;
    const name = readString(scan);
    if (names.includes(name)) throw refusal(start, 'a member name comes twice in one object');
    if (forbiddenNames.has(name)) throw refusal(start, 'a member has a name that is not allowed');
    if (names.push(name) > limits.members)
      throw refusal(start, `an object has over ${limits.members} members`);
    if (!skip(scan, ':')) throw refusal(scan.at, 'a colon is missing');
    checkValue(scan, depth);
  } while (skip(scan, ','));
  if (!skip(scan, '}')) throw refusal(scan.at, 'a comma or a closing brace is missing');
}

function checkArray(scan: Scan, depth: number): void {
  open(scan, depth);
  if (skip(scan, ']')) return;
  let elements = 0;
  do {
    if (++elements > limits.elements) throw refusal(scan.at, `an array has over ${limits.elements} elements`);
    checkValue(scan, depth);
  } while (skip(scan, ','));
  if (!skip(scan, ']')) throw refusal(scan.at, 'a comma or a closing bracket is missing');
}

function checkLiteral(scan: Scan): void {
  const start = scan.at;
  const found = take(scan, literal);
  if (found === undefined) throw refusal(start, 'a value is missing');
  // 1e400 is a JSON number, but JavaScript reads it as Infinity, which every later comparison believes.
  if (Math.abs(Number(found)) === Infinity) throw refusal(start, 'a number is too large');
}

/** The decoded text: "\u0061" and "a" are the same name, so only decoded names are compared. */
function readString(scan: Scan): string {
  const start = scan.at;
  const found = take(scan, quoted);
  if (found === undefined) throw refusal(start, 'a string has no end, a control character or a wrong escape');
  const text = found.includes('\\') ? (JSON.parse(found) as string) : found.slice(1, -1);
  const flaw = flawOf(text);
  if (flaw) throw refusal(start, flaw);
  return text;
}

/** Why a decoded text from a body is not acceptable, or undefined. No database stores all of them: NUL, lone surrogates. */
export function flawOf(text: string): string | undefined {
  if (text.length > limits.characters) return `a text has over ${limits.characters} characters`;
  if (text.includes('\0')) return 'a text holds the character U+0000';
  if (!text.isWellFormed()) return 'a text holds half of a surrogate pair';
  return undefined;
}

/** Refuses before it descends, so the depth of a hostile text never becomes the depth of our stack. */
function open(scan: Scan, depth: number): void {
  if (depth > limits.depth) throw refusal(scan.at, `the nesting is over ${limits.depth} deep`);
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

function refusal(at: number, what: string): Refusal {
  return new Refusal('invalid_json', {
    message: `The JSON cannot be accepted: ${what} (at character ${at + 1}).`,
  });
}

// ignoreBOM keeps a byte order mark in the text, where it can be seen and refused.
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * The whole body of a request as text, at most 16,384 bytes of strict UTF-8; '' when there is none.
 *
 * @throws Refusal `payload_too_large`, at once when Content-Length already says so;
 *   `invalid_json` for invalid UTF-8 and for a byte order mark (RFC 8259 section 8.1).
 */
export async function readBody(request: Request): Promise<string> {
  const bytes = await readBytes(request);
  if (bytes.byteLength > limits.bytes) throw new Refusal('payload_too_large');
  let text: string;
  try {
    text = utf8.decode(bytes);
  } catch {
    throw new Refusal('invalid_json', { message: 'The body is not valid UTF-8.' });
  }
  if (text.startsWith('\ufeff'))
    throw new Refusal('invalid_json', {
      message: 'The body starts with a byte order mark; send it without.',
    });
  return text;
}

async function readBytes(request: Request): Promise<ArrayBuffer | Buffer> {
  const length = request.headers.get('content-length') ?? '';
  if (Number(length) > limits.bytes) throw new Refusal('payload_too_large');
  // An HTTP parser delivers just the bytes that a lone Content-Length announces (RFC 9112 section 6.2), so they
  // need no counting; reading them whole costs a quarter of what reading them from the stream does.
  if (/^\d+$/.test(length) && !request.headers.has('transfer-encoding')) return request.arrayBuffer();
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of request.body ?? []) {
    size += chunk.byteLength;
    if (size > limits.bytes) throw new Refusal('payload_too_large'); // leaving the loop cancels the stream
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

const jsonType = /^application\/json(?:[ \t]*;[ \t]*charset=(?:utf-8|"utf-8"))?$/i;

/**
 * Refuses a request whose body does not call itself plain JSON in UTF-8. A page of another site can send a form or
 * text/plain without asking first, but not application/json: this is a part of the defence against cross-site writes.
 *
 * @throws Refusal `unsupported_media_type`
 */
export function requireJson({ headers }: Pick<Request, 'headers'>): void {
  if (!jsonType.test(headers.get('content-type') ?? '')) throw new Refusal('unsupported_media_type');
  refuseEncoded(headers);
}

/** @throws Refusal `unsupported_media_type` for a compressed body: a small one can unpack to any size. */
export function refuseEncoded(headers: Pick<Headers, 'get'>): void {
  const encoding = headers.get('content-encoding');
  if (encoding !== null && encoding.toLowerCase() !== 'identity')
    throw new Refusal('unsupported_media_type', { message: 'Send the body without a Content-Encoding.' });
}
