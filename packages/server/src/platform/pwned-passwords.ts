import { setTimeout as pause } from 'node:timers/promises';

/** The service that lists breached passwords by the first five hexadecimal digits of their SHA-1 hash. */
export const PWNED_PASSWORDS = 'https://api.pwnedpasswords.com/range/';

/** In bytes; a range has about 100 kB. */
const MAX_BYTES = 4_194_304;
const TRIES = 6;

/**
 * Fetches the lines of a range: the other 35 digits of each hash, a colon, and how often it was seen.
 *
 * @param range Five hexadecimal digits.
 * @param wait The delay before the first retry, in milliseconds; it doubles with each further one.
 * @throws Error if all attempts failed, or something other than the service responds.
 */
export async function fetchRange(base: string, range: string, wait = 500): Promise<string[]> {
  for (let number = 1; ; number += 1) {
    try {
      return await tryRange(base, range);
    } catch (error) {
      if (number === TRIES || error instanceof NotARange)
        throw new Error(`Couldn’t download range ${range} from ${base}: ${reasonOf(error as Error)}`);
      await pause(wait * 2 ** (number - 1));
    }
  }
}

/** Something other than the service responded: a retry does not help. */
class NotARange extends Error {}

async function tryRange(base: string, range: string): Promise<string[]> {
  const response = await fetch(new URL(range, base), {
    headers: { 'user-agent': 'usher' },
    signal: AbortSignal.timeout(30_000),
  });
  if (!response.ok) {
    await response.body?.cancel();
    const message = `unexpected status ${response.status}`;
    throw response.status === 429 || response.status >= 500 ? new Error(message) : new NotARange(message);
  }
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body ?? []) {
    size += chunk.length;
    if (size > MAX_BYTES) throw new NotARange('the response is too large');
    chunks.push(chunk);
  }
  const lines = Buffer.concat(chunks).toString('latin1').split(/\r?\n/).filter(Boolean);
  if (!lines.every((line) => /^[0-9A-F]{35}:\d+$/i.test(line)))
    throw new NotARange('the response isn’t a list of hashes');
  return lines;
}

/** The cause of "fetch failed" says what actually failed. */
const reasonOf = ({ message, cause }: Error): string =>
  cause instanceof Error ? cause.message || ((cause as NodeJS.ErrnoException).code ?? message) : message;
