import { existsSync, mkdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { PREFIX_BYTES } from '../core/passwords/breached.ts';
import { HashParts, partOf } from '../core/passwords/breached-file.ts';
import { fetchRange, PWNED_PASSWORDS } from '../platform/pwned-passwords.ts';
import { Misuse, say } from './output.ts';

interface Wanted {
  output: string;
  url?: string;
  concurrency: number;
  minCount: number;
  /** Up to five hexadecimal digits, in upper case. */
  prefix: string;
}

/**
 * Fetches hashes into a folder next to the output, one part for each first byte. An existing part is complete: an
 * earlier, interrupted run fetched it.
 *
 * @throws Error that names the range that could not be fetched. Fetched parts are kept.
 */
export async function fetchParts(wanted: Wanted): Promise<{ folder: string; count: number }> {
  const { output, prefix, minCount, url = PWNED_PASSWORDS } = wanted;
  const base = baseOf(url);
  // Parts fetched with other options do not belong to this list.
  const folder = `${output}.fetch-${prefix || 'all'}-${minCount}`;
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  let count = 0;
  for (let first = 0; first < 256; first += 1) {
    const ranges = rangesOf(first, prefix);
    if (ranges.length === 0) continue;
    const part = partOf(folder, first);
    if (!existsSync(part)) await fetchPart(wanted, base, first, ranges, folder);
    count += existsSync(part) ? statSync(part).size / PREFIX_BYTES : 0;
    if (first % 8 === 7) say(`Downloaded ${first + 1} of 256 parts (${count.toLocaleString('en')} hashes).`);
  }
  return { folder, count };
}

function baseOf(url: string): string {
  if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol))
    throw new Misuse('--url must be a URL such as https://api.pwnedpasswords.com/range/.');
  return url.endsWith('/') ? url : `${url}/`;
}

const hex = (number: number, digits: number): string =>
  number.toString(16).toUpperCase().padStart(digits, '0');

/** The ranges of a first byte that start with the prefix. */
const rangesOf = (first: number, prefix: string): string[] =>
  Array.from({ length: 4096 }, (_, rest) => hex(first, 2) + hex(rest, 3)).filter((range) =>
    range.startsWith(prefix),
  );

async function fetchPart(
  { concurrency, minCount }: Wanted,
  base: string,
  first: number,
  ranges: string[],
  folder: string,
): Promise<void> {
  const unfinished = join(folder, 'unfinished');
  rmSync(unfinished, { recursive: true, force: true });
  const parts = new HashParts(unfinished);
  let next = 0;
  const take = async () => {
    for (let range = ranges[next++]; range !== undefined; range = ranges[next++]) {
      const lines = await fetchRange(base, range).catch((error) => {
        // Makes the other workers stop at their next range.
        next = ranges.length;
        throw error;
      });
      for (const line of lines)
        if (Number(line.slice(36)) >= minCount) parts.add(Buffer.from(range + line.slice(0, 35), 'hex'));
    }
  };
  const workers = await Promise.allSettled(Array.from({ length: concurrency }, take));
  parts.close();
  const failed = workers.find((worker) => worker.status === 'rejected');
  if (failed)
    throw new Error(`${failed.reason.message}. Run the command again to continue where it stopped.`);
  const made = partOf(unfinished, first);
  if (existsSync(made)) renameSync(made, partOf(folder, first));
  rmSync(unfinished, { recursive: true, force: true });
}
