import { request } from 'node:http';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { preferredCoding } from '../../src/http/compression.ts';
import { signUp, type TestApp } from '../support/app.ts';
import { submit } from '../support/form.ts';
import { withApp } from '../support/with-app.ts';

interface Answer {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  bytes: Buffer;
}

const ask = (
  { port }: TestApp,
  path: string,
  headers: Record<string, string> = {},
  method = 'GET',
): Promise<Answer> =>
  new Promise((resolve, reject) => {
    const asked = request({ host: '127.0.0.1', port, path, method, agent: false }, async (answer) => {
      const chunks: Buffer[] = [];
      for await (const chunk of answer) chunks.push(chunk as Buffer);
      resolve({ status: answer.statusCode ?? 0, headers: answer.headers, bytes: Buffer.concat(chunks) });
    });
    asked.on('error', reject);
    for (const [name, value] of Object.entries({ host: `localhost:${port}`, ...headers }))
      asked.setHeader(name, value);
    asked.end();
  });

const decoders = { br: brotliDecompressSync, gzip: gunzipSync };

describe('compressed responses', () => {
  const { app } = withApp();
  const addressesOn = async (path: string) =>
    [...(await ask(app, path)).bytes.toString().matchAll(/"(\/assets\/usher\.[^"]+)"/g)].map(
      ([, address = '']) => address,
    );
  const sharedPaths = async () => ['/openapi.json', '/docs', ...(await addressesOn('/sign-in'))];

  it('are what everyone gets: assets, the API document and its page', async () => {
    const paths = await sharedPaths();
    expect(paths).toHaveLength(4);
    for (const path of paths) {
      const plain = await ask(app, path);
      expect(plain.headers['content-encoding']).toBeUndefined();
      expect(plain.headers['vary']).toContain('Accept-Encoding');
      for (const [coding, decode] of Object.entries(decoders)) {
        const { headers, bytes } = await ask(app, path, { 'accept-encoding': coding });
        expect([path, headers['content-encoding']]).toEqual([path, coding]);
        expect(headers['vary']).toBe(plain.headers['vary']);
        expect(headers['content-type']).toBe(plain.headers['content-type']);
        expect(headers['cache-control']).toBe(plain.headers['cache-control']);
        expect(bytes.length).toBeLessThan(plain.bytes.length / 2);
        expect(decode(bytes).equals(plain.bytes)).toBe(true);
        // The whole: ranges are not served, and HEAD says what GET would.
        const part = await ask(app, path, { 'accept-encoding': coding, range: 'bytes=0-9' });
        expect([part.status, part.bytes.length]).toEqual([200, bytes.length]);
        const head = await ask(app, path, { 'accept-encoding': coding }, 'HEAD');
        expect([head.status, head.bytes.length]).toEqual([200, 0]);
        expect(head.headers['content-encoding']).toBe(coding);
        expect([undefined, headers['content-length']]).toContain(head.headers['content-length']);
      }
    }
  });

  it('are no pages with a form or of a user, and no JSON with input or secrets', async () => {
    const { browser } = await signUp(app);
    const cookie = `usher=${browser.cookie}`;
    const all = { 'accept-encoding': 'br, gzip' };
    for (const path of ['/', '/sign-in', '/sign-up', '/forgot-password', '/verify', '/nothing', '/healthz'])
      expect([path, (await ask(app, path, all)).headers['content-encoding']]).toEqual([path, undefined]);
    for (const path of ['/dashboard', '/dashboard/profile', '/v1/me', '/v1/dashboard'])
      expect([path, (await ask(app, path, { ...all, cookie })).headers['content-encoding']]).toEqual([
        path,
        undefined,
      ]);
    const reflected = await submit(
      app,
      '/sign-in',
      { name: 'a'.repeat(2_000), password: 'x' },
      { headers: all },
    );
    expect(reflected.text).toContain('a'.repeat(2_000));
    expect(reflected.headers.get('content-encoding')).toBeNull();
  });

  it('keep the first sign-in page under 30 kB even without compression', async () => {
    const parts = await Promise.all(
      ['/sign-in', ...(await addressesOn('/sign-in'))].map((one) => ask(app, one)),
    );
    expect(parts).toHaveLength(3);
    expect(parts.reduce((sum, { bytes }) => sum + bytes.length, 0)).toBeLessThan(30_000);
  });
});

it.each([
  [null, undefined],
  ['', undefined],
  ['br', 'br'],
  ['gzip', 'gzip'],
  ['gzip, deflate, br, zstd', 'br'],
  ['GZIP', 'gzip'],
  ['br;q=0, gzip', 'gzip'],
  ['br;q=0.5, gzip;q=0.8', 'gzip'],
  ['br; q=0.8, gzip;q=0.8', 'br'],
  ['br;q=0, gzip;q=0.000', undefined],
  ['*', 'br'],
  ['*;q=0', undefined],
  ['br;q=0, *', 'gzip'],
  ['identity', undefined],
  ['identity, gzip;q=0.5', undefined],
  ['identity;q=0.5, gzip', 'gzip'],
  ['deflate, zstd', undefined],
  ['br;q=2', undefined],
  ['br;q=high, gzip', 'gzip'],
  ['brotli, x-gzip', undefined],
  [`${'x,'.repeat(8_000)}gzip`, 'gzip'],
])('prefers of %j the coding %j', (header, coding) => {
  expect(preferredCoding(header)).toBe(coding);
});
