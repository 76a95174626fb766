import { HttpError } from '../errors.ts';

/**
 * Headers that decide who asks and what the body is. Each may come once: of two lines Node keeps the first of some and
 * joins others, and a proxy may have judged the other one. Two Cookie lines are legal in HTTP/2 alone (RFC 9113
 * section 8.2.3); in HTTP/1.1 no browser sends them (RFC 6265 section 5.4).
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

/** By the length of the name, so that most headers cost one look and no lower-casing. The bit tells names apart. */
const byLength: { name: string; bit: number }[][] = [];
for (const [index, name] of once.entries())
  byLength[name.length] = [...(byLength[name.length] ?? []), { name, bit: 1 << index }];

/**
 * Refuses a request in which a header came twice that may come once. Runs on every request.
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
          message: `The ${name} header was sent more than once. Send it once.`,
        });
      seen |= candidate.bit;
    }
  }
}
