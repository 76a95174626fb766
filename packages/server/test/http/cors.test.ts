// What an operator learns of a page whose origin is not allowed.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { send, signUp, startApp, type TestApp } from '../support/app.ts';
import { databases, type TestDatabase } from '../support/postgres.ts';

const ALLOWED = 'https://app.example.org';
const FORGOTTEN = 'https://app.example.net';

describe.each(databases)('an origin that is not allowed, on $name', ({ create }) => {
  let database: TestDatabase;
  let app: TestApp;
  beforeAll(async () => {
    database = await create();
    // As an operator has it: what is only logged at `debug` is not seen.
    app = await startApp(database, { allowedOrigins: [ALLOWED] });
  });
  afterAll(async () => {
    await app.stop();
    await database.remove();
  });

  /** The lines that one request logs from `info` on. */
  async function logged(method: string, path: string, headers: Record<string, string>, body?: unknown) {
    const before = app.log.length;
    const reply = await send(app, method, path, body, { headers });
    const lines = app.log.slice(before).map((line): Record<string, unknown> => JSON.parse(line));
    return {
      reply,
      lines: lines.filter(({ level, msg }) => Number(level) >= 30 && msg !== 'email finished'),
    };
  }
  const preflight = {
    'access-control-request-method': 'POST',
    'access-control-request-headers': 'content-type',
  };

  it('is named in the log with the setting to change: a preflight, a write and a plain read', async () => {
    const { browser } = await signUp(app);
    const cookie = { cookie: `usher=${browser.cookie}` };
    const requests: [method: string, path: string, headers: Record<string, string>, status: number][] = [
      ['OPTIONS', '/v1/signin', preflight, 204],
      ['POST', '/v1/signin', {}, 403],
      ['GET', '/v1/me', cookie, 200],
      ['GET', '/v1/me', {}, 401],
    ];
    for (const [method, path, headers, status] of requests) {
      const { reply, lines } = await logged(method, path, { ...headers, origin: FORGOTTEN });
      expect([method, reply.status]).toEqual([method, status]);
      expect(reply.headers.has('access-control-allow-origin')).toBe(false);
      expect(lines).toEqual([
        expect.objectContaining({
          msg: 'request',
          origin: FORGOTTEN,
          hint: expect.stringContaining('add it to USHER_ALLOWED_ORIGINS (--allowed-origins)'),
        }),
      ]);
    }
  });

  it('is not said of our own origin, an allowed one, or a program', async () => {
    for (const headers of [{}, { origin: app.url }, { origin: ALLOWED }])
      for (const [method, path] of [
        ['OPTIONS', '/v1/signin'],
        ['GET', '/v1/me'],
      ] as const) {
        const { lines } = await logged(method, path, { ...preflight, ...headers });
        for (const line of lines) expect(Object.keys(line)).not.toContain('origin');
        for (const line of lines) expect(Object.keys(line)).not.toContain('hint');
      }
    expect((await logged('GET', '/healthz', { origin: ALLOWED })).lines).toEqual([]);
  });

  it('has no hint where there is nothing to allow, and takes little room', async () => {
    const { lines } = await logged('GET', '/v1/me', { origin: 'null' });
    expect(lines).toEqual([expect.objectContaining({ origin: 'null' })]);
    expect(Object.keys(lines[0] ?? {})).not.toContain('hint');
    for (const origin of [
      `https://${'a'.repeat(300)}.example`,
      'a secret',
      `${FORGOTTEN}/path#token=x`,
      '',
    ]) {
      const malformed = await logged('GET', '/v1/me', { origin });
      expect(malformed.lines).toEqual([expect.objectContaining({ origin: '[malformed]' })]);
      expect(Object.keys(malformed.lines[0] ?? {})).not.toContain('hint');
    }
  });
});
