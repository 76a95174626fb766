import { HttpError } from '../errors.ts';
import { text } from '../languages/text.ts';

/**
 * Headers that determine the caller and the body. Each may appear only once: of two lines, Node keeps the first for
 * some headers and joins others, and a proxy may have evaluated the other one. Two Cookie lines are legal only in
 * HTTP/2 (RFC 9113 section 8.2.3); in HTTP/1.1 no browser sends them (RFC 6265 section 5.4).
 */
const once = [
  'host',
  'cookie',
  'origin',
  'content-type',
  'authorization',
  'content-length',
  'sec-fetch-site',
];

/** Grouped by length, so that most headers need one lookup and no lower-casing. The bit identifies the header. */
const byLength: { name: string; bit: number }[][] = [];
for (const [index, name] of once.entries())
  byLength[name.length] = [...(byLength[name.length] ?? []), { name, bit: 1 << index }];

/**
 * Rejects a request that repeats a header that may appear only once. Runs on every request.
 *
 * @param rawHeaders Node's flat list: name, value, name, value, with names as they were sent.
 * @throws HttpError `duplicate_header` that names the header.
 */
export function rejectDuplicateHeaders(rawHeaders: readonly string[]): void {
  let seen = 0;
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const sent = rawHeaders[index] as string;
    const candidates = byLength[sent.length];
    if (candidates === undefined) continue;
    const name = sent.toLowerCase();
    for (const candidate of candidates) {
      if (candidate.name !== name) continue;
      if (seen & candidate.bit)
        throw new HttpError('duplicate_header', {
          text: text('request.header_twice', { name }),
        });
      seen |= candidate.bit;
    }
  }
}
