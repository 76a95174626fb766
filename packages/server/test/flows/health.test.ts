import { describe, expect, it } from 'vitest';
import { serveContext } from '../../src/app.ts';
import { configFromOptions } from '../../src/config.ts';
import { openContext } from '../../src/open-context.ts';
import { createLog } from '../../src/platform/log.ts';
import { asBearer, send, signUp, startApp } from '../support/app.ts';
import { databases } from '../support/postgres.ts';
import { withApp } from '../support/with-app.ts';

const TOKEN = 'for-the-eyes-of-prometheus';

describe.each(databases)('health on $name', ({ create }) => {
  const { app, database } = withApp(create, { metricsToken: TOKEN });

  it('is alive and ready, under any name', async () => {
    for (const host of [`localhost:${app.port}`, '10.0.0.7', 'pod-3.cluster.local:8080']) {
      const alive = await send(app, 'GET', '/healthz', undefined, { headers: { host } });
      expect([alive.status, alive.body]).toEqual([200, { status: 'ok' }]);
      const ready = await send(app, 'GET', '/readyz', undefined, { headers: { host } });
      expect([ready.status, ready.body]).toEqual([200, { status: 'ready' }]);
      for (const { headers } of [alive, ready]) expect(headers.get('cache-control')).toBe('no-store');
    }
    const other = await send(app, 'GET', '/v1/me', undefined, { headers: { host: '10.0.0.7' } });
    expect([other.status, other.body.code]).toEqual([421, 'misdirected']);
    expect((await send(app, 'POST', '/healthz')).status).toBe(405);
  });

  it('asks for nothing and tells nothing', async () => {
    for (const path of ['/healthz', '/readyz']) {
      const reply = await send(app, 'GET', path, undefined, {
        headers: { cookie: 'usher=x', origin: 'https://evil.example' },
      });
      expect(reply.status).toBe(200);
      expect(Object.keys(reply.body)).toEqual(['status']);
      expect(reply.headers.getSetCookie()).toEqual([]);
    }
  });

  it('is alive, but not ready, once its stop has begun', async () => {
    const { secret, url: publicUrl } = app;
    const settings = configFromOptions({ database: database.url, secret, publicUrl });
    const opened = await openContext(settings, { log: createLog('silent') });
    const usher = serveContext(opened);
    const ask = (path: string) => usher.fetch(new Request(`${publicUrl}${path}`));
    expect((await ask('/readyz')).status).toBe(200);
    opened.beginStop();
    const reply = await ask('/readyz');
    expect([reply.status, await reply.json()]).toEqual([503, expect.objectContaining({ code: 'stopping' })]);
    expect(reply.headers.get('retry-after')).toBe('2');
    expect((await ask('/healthz')).status).toBe(200);
    // Who is still connected is still served.
    expect((await ask('/v1/me')).status).toBe(401);
    await usher.close();
    expect((await ask('/healthz')).status).toBe(200);
    expect((await ask('/readyz')).status).toBe(503);
  });

  it('shows metrics to who has the token', async () => {
    await signUp(app);
    await send(app, 'POST', '/v1/signin', { username: 'nobody', password: 'wrong wrong wrong' });
    const reply = await send(app, 'GET', '/metrics', undefined, asBearer(TOKEN));
    expect(reply.status).toBe(200);
    expect(reply.headers.get('content-type')).toMatch(/^text\/plain; version=/);
    expect(reply.headers.get('cache-control')).toBe('no-store');
    expect(reply.text).toMatch(
      /usher_http_request_duration_seconds_count\{route="\/v1\/signup",method="POST",status="201"\} 1\n/,
    );
    expect(reply.text).toContain('usher_errors_total{code="invalid_credentials"} 1\n');
    expect(reply.text).toContain('usher_hash_queue_length 0\n');
    expect(reply.text).toMatch(/process_cpu_seconds_total \d/);
    // Whatever is asked for, it is counted under names of ours.
    for (const path of ['/x', '/y', '/v1/users/1', '/v1/users/2']) await send(app, 'GET', path);
    const after = await send(app, 'GET', '/metrics', undefined, asBearer(TOKEN));
    expect(after.text).toContain('route="*"');
    expect(after.text).toContain('route="/v1/users/:id"');
    expect(after.text).not.toMatch(/route="\/(x|y|v1\/users\/\d)"/);
  });

  it('shows metrics to nobody else, and nowhere without a token', async () => {
    for (const wrong of [
      {},
      asBearer('x'),
      asBearer(`${TOKEN}x`),
      asBearer(TOKEN.toUpperCase()),
      { headers: { authorization: `Basic ${Buffer.from(`x:${TOKEN}`).toString('base64')}` } },
    ]) {
      const reply = await send(app, 'GET', '/metrics', undefined, wrong);
      expect(reply.status).toBe(401);
      expect(reply.text).not.toContain('usher_');
    }
    expect((await send(app, 'GET', `/metrics?token=${TOKEN}`)).status).toBe(401);
    const without = await startApp(database, { secret: app.secret });
    for (const how of [{}, asBearer(TOKEN), asBearer('undefined')]) {
      const reply = await send(without, 'GET', '/metrics', undefined, how);
      expect([reply.status, reply.body.code]).toEqual([404, 'not_found']);
    }
    await without.stop();
  });
});
