import { promisify } from 'node:util';
import { brotliCompress, constants, gzip } from 'node:zlib';
import type { RouteResponse } from './route.ts';

type Coding = 'br' | 'gzip';
type Bytes = Uint8Array<ArrayBuffer>;

/** Less than this fits into one packet anyway. */
const LEAST = 1_000;

const QUALITY = { params: { [constants.BROTLI_PARAM_QUALITY]: 9 } };
const compressors: Record<Coding, (bytes: Bytes) => Promise<Buffer>> = {
  br: (bytes) => promisify(brotliCompress)(bytes, QUALITY),
  gzip: (bytes) => promisify(gzip)(bytes),
};

/** Compressed once, at the first use, and kept as long as what it belongs to. */
const compressed = new WeakMap<object, Partial<Record<Coding, Promise<Bytes>>>>();

/**
 * Compresses a response that is the same for everyone (`shared`). Nothing else is compressed: the size of a page that
 * contains a secret and repeats input would tell the secret (BREACH), and compression would cost work for each request.
 */
export async function compress(
  response: RouteResponse,
  acceptEncoding: string | null,
  vary: string | undefined,
): Promise<RouteResponse> {
  const { shared, text = '', bytes } = response;
  if (shared === undefined || (bytes ?? text).length < LEAST) return response;
  const headers = { ...response.headers, vary: `${response.headers?.['vary'] ?? vary}, Accept-Encoding` };
  const coding = preferredCoding(acceptEncoding);
  if (coding === undefined) return { ...response, headers };
  const known = compressed.get(shared) ?? {};
  compressed.set(shared, known);
  known[coding] ??= compressors[coding](bytes ?? new TextEncoder().encode(text)).then(
    (made) => new Uint8Array(made),
  );
  return { ...response, bytes: await known[coding], headers: { ...headers, 'content-encoding': coding } };
}

/**
 * The coding that a client prefers (RFC 9110, 12.5.3): the one with the higher weight, Brotli of two equal ones.
 *
 * @returns undefined if it accepts neither.
 */
export function preferredCoding(acceptEncoding: string | null): Coding | undefined {
  const weights = new Map<string, number>();
  for (const part of (acceptEncoding ?? '').split(',')) {
    const [name = '', ...parameters] = part.split(';').map((one) => one.trim().toLowerCase());
    const [, weight = '1'] = /^q=(0(?:\.\d{0,3})?|1(?:\.0{0,3})?)$/.exec(parameters[0] ?? 'q=1') ?? ['', '0'];
    weights.set(name, Number(weight));
  }
  const weightOf = (coding: Coding) => weights.get(coding) ?? weights.get('*') ?? 0;
  const best = weightOf('br') >= weightOf('gzip') ? 'br' : 'gzip';
  const identity = weights.get('identity') ?? 0;
  return weightOf(best) > 0 && weightOf(best) >= identity ? best : undefined;
}
