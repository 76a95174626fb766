import { describe, expect, it, test } from 'vitest';
import { HttpError } from '../../src/errors.ts';
import { readBody, requireJson } from '../../src/http/body.ts';
import { limits, parseJson } from '../../src/http/json.ts';

/** The refusal that an act ends in; what else it throws is a bug, so it is thrown on. */
function refused(act: () => unknown): HttpError {
  try {
    act();
  } catch (error) {
    if (error instanceof HttpError) return error;
    throw error;
  }
  throw new Error('It was accepted.');
}

const post = (body: string | Uint8Array | ReadableStream | null, headers: Record<string, string> = {}) =>
  new Request('http://localhost/', { method: 'POST', body, headers, duplex: 'half' });

/** A stream of 100 chunks that counts what is taken from it, and whether it was cancelled. */
function long(chunk: Uint8Array) {
  const seen = { chunks: 0, cancelled: false };
  const source = {
    pull(controller: ReadableStreamDefaultController<Uint8Array>) {
      if (++seen.chunks > 100) controller.close();
      else controller.enqueue(chunk);
    },
    cancel() {
      seen.cancelled = true;
    },
  };
  return { stream: new ReadableStream(source, { highWaterMark: 0 }), seen };
}

describe('readBody', () => {
  it('reads text, in chunks that split a character too', async () => {
    expect(await readBody(post('{"a":"é😀"}'))).toBe('{"a":"é😀"}');
    const bytes = Buffer.from('é😀');
    const split = new ReadableStream({
      start(controller) {
        for (const byte of bytes) controller.enqueue(Uint8Array.of(byte));
        controller.close();
      },
    });
    expect(await readBody(post(split))).toBe('é😀');
    expect(await readBody(post(bytes, { 'content-length': '6' }))).toBe('é😀');
  });

  it('reads no body as no text', async () => {
    expect(await readBody(post(null))).toBe('');
    expect(await readBody(new Request('http://localhost/'))).toBe('');
  });

  it('accepts 16,384 bytes', async () => {
    const text = 'x'.repeat(limits.bytes);
    expect(await readBody(post(text))).toBe(text);
    expect(await readBody(post(text, { 'content-length': '16384' }))).toBe(text);
  });

  it('H5: rejects by Content-Length before it reads anything', async () => {
    const { stream, seen } = long(new Uint8Array(1));
    const request = post(stream, { 'content-length': '16385' });
    await expect(readBody(request)).rejects.toMatchObject({ code: 'content_too_large', status: 413 });
    expect(seen.chunks).toBe(0);
  });

  test.each([
    ['H5: no Content-Length', {}],
    ['H5: a Content-Length that is no number', { 'content-length': 'many' }],
    ['H8: two Content-Lengths', { 'content-length': '5, 5' }],
    [
      'H8: Content-Length beside Transfer-Encoding',
      { 'content-length': '5', 'transfer-encoding': 'chunked' },
    ],
  ])('cuts a long stream at the limit: %s', async (_, headers) => {
    const { stream, seen } = long(new Uint8Array(1000));
    await expect(readBody(post(stream, headers as Record<string, string>))).rejects.toMatchObject({
      code: 'content_too_large',
    });
    expect(seen.cancelled).toBe(true);
    expect(seen.chunks).toBeLessThan(20);
  });

  it('H5: rejects a body that is longer than its Content-Length says and than the limit', async () => {
    const request = post('x'.repeat(limits.bytes + 1), { 'content-length': '5' });
    await expect(readBody(request)).rejects.toMatchObject({ code: 'content_too_large' });
  });

  test.each([
    ['T25: overlong', [0xc0, 0x80]],
    ['T25: half of a character', [0x22, 0xe2, 0x82]],
    ['T25: a surrogate', [0xed, 0xa0, 0x80]],
    ['T25: above U+10FFFF', [0xf5, 0x80, 0x80, 0x80]],
    ['H18: Latin-1', [0x22, 0xe9, 0x22]],
    ['H18: UTF-16 with its mark', [0xff, 0xfe, 0x7b, 0x00]],
    ['H18: a UTF-8 byte order mark', [0xef, 0xbb, 0xbf, 0x7b, 0x7d]],
  ])('rejects bytes that are no plain UTF-8: %s', async (_, bytes) => {
    for (const headers of [{}, { 'content-length': String(bytes.length) }])
      await expect(
        readBody(post(Uint8Array.from(bytes), headers as Record<string, string>)),
      ).rejects.toMatchObject({
        code: 'invalid_json',
      });
    // The decoder is shared: a refused body must leave nothing behind in it.
    expect(await readBody(post('{}'))).toBe('{}');
  });

  it('H18: parseJson does not take UTF-16 for text', async () => {
    const text = await readBody(post(Buffer.from('{}', 'utf16le')));
    expect(refused(() => parseJson(text)).code).toBe('invalid_json');
  });
});

describe('requireJson', () => {
  const request = (headers: [string, string][]) =>
    new Request('http://localhost/', { method: 'POST', headers });

  test.each([
    'application/json',
    'Application/JSON',
    'application/json; charset=utf-8',
    'application/json;charset=UTF-8',
    'application/json ; charset="utf-8"',
  ])('accepts %s', (type) => {
    expect(() => requireJson(request([['content-type', type]]))).not.toThrow();
  });

  test.each([
    '',
    'text/plain',
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x',
    'application/json;x',
    'application/json;',
    'application/json; charset',
    'application/json; charset=',
    'application/json; charset=utf-16',
    'application/json; charset=utf-7',
    'application/json; charset="utf-8',
    'application/json; charset=utf-8; x=y',
    'application/json; x=application/json',
    'application/json, text/plain',
    'text/plain, application/json',
    'text/plain; application/json',
    'application/jsonx',
    'application/json+x',
    'application/problem+json',
    'xapplication/json',
    'application /json',
    'application/json\u00a0',
    'application/json charset=utf-8',
  ])('C2, H18: rejects %j', (type) => {
    expect(refused(() => requireJson(request([['content-type', type]])))).toMatchObject({
      code: 'unsupported_media_type',
      status: 415,
    });
  });

  it('C2: rejects a missing Content-Type, and two of them', () => {
    expect(refused(() => requireJson(request([]))).status).toBe(415);
    const two = request([
      ['content-type', 'application/json'],
      ['content-type', 'application/json'],
    ]);
    expect(refused(() => requireJson(two)).status).toBe(415);
  });

  test.each(['gzip', 'br', 'identity, gzip', 'deflate', ''])('rejects Content-Encoding %j', (encoding) => {
    const compressed = request([
      ['content-type', 'application/json'],
      ['content-encoding', encoding],
    ]);
    expect(refused(() => requireJson(compressed)).status).toBe(415);
  });

  it('accepts Content-Encoding identity', () => {
    const plain = request([
      ['content-type', 'application/json'],
      ['content-encoding', 'Identity'],
    ]);
    expect(() => requireJson(plain)).not.toThrow();
  });
});
