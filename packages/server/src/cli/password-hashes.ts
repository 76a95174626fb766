import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { createGunzip } from 'node:zlib';
import { InvalidArgumentError } from 'commander';
import { fileFault } from '../config.ts';
import { normalisePassword } from '../core/passwords.ts';

/** In bytes; a password has at most 1,024. */
const LONGEST_LINE = 65_536;
const HASH = /^([0-9a-f]{40})(?::(\d+))?\s*$/i;

/**
 * Yields the SHA-1 hashes that a file lists. All lines have the format of the first: a hash, optionally with a count,
 * or a plain password.
 *
 * @throws Error that names the line that cannot be read.
 */
export async function* readHashes(path: string, minCount: number): AsyncIterable<Buffer> {
  let isHashes: boolean | undefined;
  let number = 0;
  for await (const line of linesOf(path)) {
    number += 1;
    if (line.length === 0) continue;
    // A hash and its count are ASCII, so only they are decoded as text.
    const found = isHashes === false ? null : HASH.exec(line.toString('latin1'));
    isHashes ??= found !== null;
    if (!isHashes) yield sha1(line);
    else if (!found) throw new Error(`${path}, line ${number}: expected a SHA-1 hash, like the first line.`);
    else if (Number(found[2] ?? minCount) >= minCount) yield Buffer.from(found[1] as string, 'hex');
  }
}

/** The hash that a password is looked up by. */
const sha1 = (line: Buffer): Buffer =>
  createHash('sha1')
    .update(normalisePassword(line.toString('utf8')))
    .digest();

/** The lines of a file, compressed or not, as bytes without line endings. */
async function* linesOf(path: string): AsyncIterable<Buffer> {
  const file = createReadStream(path, { highWaterMark: 1_048_576 });
  const stream = path.endsWith('.gz') ? file.pipe(createGunzip()) : file;
  // `pipe` does not forward errors of its source.
  file.on('error', (error) => stream.destroy(error));
  let rest: Buffer = Buffer.alloc(0);
  try {
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      const bytes = rest.length > 0 ? Buffer.concat([rest, chunk]) : chunk;
      let begin = 0;
      for (let end = bytes.indexOf(10); end !== -1; end = bytes.indexOf(10, begin)) {
        yield bytes.subarray(begin, bytes[end - 1] === 13 && end > begin ? end - 1 : end);
        begin = end + 1;
      }
      rest = bytes.subarray(begin);
      if (rest.length > LONGEST_LINE) throw new Error('a line is too long for a password');
    }
  } catch (error) {
    throw new Error(`Couldn’t read ${path}: ${fileFault(error)}.`);
  } finally {
    file.destroy();
  }
  if (rest.length > 0) yield rest;
}

export function countOf(text: string): number {
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('Expected a whole number from 1.');
}
