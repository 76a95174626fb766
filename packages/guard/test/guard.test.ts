import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { rotateKey } from '../../server/src/core/keys.ts';
import { asBearer, type Browser, login, send, signUp, startApp } from '../../server/test/support/app.ts';
import { MINUTE, SECOND } from '../../server/test/support/clock.ts';
import { claimsOf } from '../../server/test/support/forge.ts';
import { withApp } from '../../server/test/support/with-app.ts';
import { authOf } from '../src/express.ts';
import { createGuard, type Guard, type GuardOptions, type Needs } from '../src/guard.ts';
import { bearer, frameworks, type Service, startAll } from './services.ts';

let ada: { id: string; username: string; password: string; browser: Browser };
const { app, database, inside } = withApp();
beforeAll(async () => {
  ada = await signUp(app);
});

const services: Service[] = [];
afterEach(async () => {
  await Promise.all(services.splice(0).map((service) => service.stop()));
});

/** A line to the issuer that a test can cut, and that counts what goes over it. */
function line() {
  const state = {
    cut: false,
    asked: [] as string[],
    fetch: (async (url: string, init?: RequestInit) => {
      state.asked.push(new URL(url).pathname);
      if (state.cut) throw new TypeError('fetch failed');
      return fetch(url, init);
    }) as typeof fetch,
  };
  return state;
}

const newGuard = (more: Partial<GuardOptions> = {}): Guard =>
  createGuard({ issuer: app.url, clock: app.clock, ...more });
const tokenOf = async (who: { username: string; password: string } = ada): Promise<string> =>
  (await login(app, who, undefined, 'services')).access_token;
const codeOf = (guard: Guard, token: string, needs?: Needs): Promise<string> =>
  guard.verify(token, needs).then(
    () => 'good',
    (error) => error.code ?? String(error),
  );
async function start(given: Guard | GuardOptions, needs?: Needs): Promise<Service[]> {
  const started = await startAll(given, needs);
  services.push(...started);
  return started;
}

describe('in every framework', () => {
  it('hands the route the user and the session, and nobody else in', async () => {
    const token = await tokenOf();
    const all = await start(newGuard());
    expect(all.map(({ name }) => name)).toEqual(Object.keys(frameworks));
    for (const { name, ask } of all) {
      const good = await ask(bearer(token));
      expect({ name, status: good.status, body: good.body }).toEqual({
        name,
        status: 200,
        body: { userId: ada.id, sessionId: claimsOf(token).sid, methods: ['pwd'] },
      });

      const silent = await ask();
      expect([name, silent.status, silent.headers.get('www-authenticate')]).toEqual([
        name,
        401,
        'Bearer realm="usher"',
      ]);
      expect(silent.body).toEqual({
        type: 'about:blank',
        title: 'Authentication required',
        status: 401,
        code: 'unauthenticated',
        message: 'Send an access token: Authorization: Bearer ...',
      });

      const wrong = await ask(bearer(`${token}x`));
      expect([wrong.status, wrong.body.code]).toEqual([401, 'invalid_token']);
      expect(wrong.headers.get('www-authenticate')).toMatch(
        /^Bearer realm="usher", error="invalid_token", error_description="[^"]+"$/,
      );
      expect(wrong.headers.get('content-type')).toContain('application/problem+json');
      expect(wrong.headers.get('cache-control')).toBe('no-store');
      expect(wrong.text).not.toContain(ada.id);
    }
  });

  it('asks for a fresh sign-in where a route needs one', async () => {
    const token = await tokenOf();
    const all = await start(newGuard(), { maxAge: 300 });
    for (const { ask } of all) expect((await ask(bearer(token))).status).toBe(200);
    app.clock.advance(300 * SECOND + 500);
    for (const { name, ask } of all) {
      const stale = await ask(bearer(token));
      expect([name, stale.status, stale.body.code]).toEqual([name, 401, 'insufficient_user_authentication']);
      expect(stale.headers.get('www-authenticate')).toMatch(
        /error="insufficient_user_authentication".+max_age="300"$/,
      );
    }
  });

  it('asks the issuer for a role, so that one that is taken away opens nothing any more', async () => {
    const grace = await signUp(app);
    const token = await tokenOf(grace);
    const all = await start(newGuard(), { role: 'admin' });
    const statuses = () => Promise.all(all.map(async ({ ask }) => (await ask(bearer(token))).status));
    for (const { ask } of all) {
      const refused = await ask(bearer(token));
      expect([refused.status, refused.body.code]).toEqual([403, 'insufficient_scope']);
      expect(refused.headers.get('www-authenticate')).toMatch(/error="insufficient_scope"/);
    }
    await inside.promote(grace.id);
    expect(await statuses()).toEqual([200, 200, 200, 200, 200]);
    await inside.db.updateTable('users').set({ admin_since: null }).where('id', '=', grace.id).execute();
    expect(await statuses()).toEqual([403, 403, 403, 403, 403]);
  });

  it('a route without the guard has no caller, and says so', () => {
    expect(() => authOf({})).toThrow(
      'No authentication on this route. Add tokenRequired() before the handler.',
    );
  });
});

describe('a token’s time', () => {
  it('ends at exp, to the millisecond, though it was verified before', async () => {
    const guard = newGuard();
    const token = await tokenOf();
    const end = claimsOf(token).exp * 1000;
    expect(await codeOf(guard, token)).toBe('good');
    app.clock.advance(end - 1 - app.clock.now());
    expect(await codeOf(guard, token)).toBe('good');
    app.clock.advance(1);
    expect(await codeOf(guard, token)).toBe('invalid_token');
    expect(await codeOf(newGuard(), token)).toBe('invalid_token');
    app.clock.advance(500);
  });

  it('is half an hour where the issuer says so', async () => {
    const { secret, clock } = app;
    const other = await startApp(database, { secret, clock, tokenMinutes: 30 });
    const { access_token: token, expires_in } = await login(other, ada, undefined, 'services');
    expect(expires_in).toBe(30 * 60);
    const guard = newGuard({ issuer: other.url });
    app.clock.advance(29 * MINUTE);
    expect(await codeOf(guard, token)).toBe('good');
    app.clock.advance(MINUTE);
    expect(await codeOf(guard, token)).toBe('invalid_token');
    await other.stop();
  });

  it('does not begin in a future that is more than a minute away', async () => {
    const token = await tokenOf();
    const behind = (by: number) => newGuard({ clock: { now: () => app.clock.now() - by } });
    expect(await codeOf(behind(59 * SECOND), token)).toBe('good');
    expect(await codeOf(behind(62 * SECOND), token)).toBe('invalid_token');
  });
});

describe('sessions that have ended', () => {
  it('are good at the guard until the token runs out, unless it is told', async () => {
    const ended = new Set<string>();
    const untold = newGuard();
    const told = newGuard({ isRevoked: (id) => ended.has(id) });
    const token = await tokenOf();
    expect([await codeOf(untold, token), await codeOf(told, token)]).toEqual(['good', 'good']);

    await inside.db
      .updateTable('sessions')
      .set({ revoked_at: 1 })
      .where('id', '=', claimsOf(token).sid)
      .execute();
    ended.add(claimsOf(token).sid);
    expect([await codeOf(untold, token), await codeOf(told, token)]).toEqual(['good', 'invalid_token']);
    // Where a role is asked for, the issuer knows.
    expect(await codeOf(untold, token, { role: 'user' })).toBe('invalid_token');
  });

  it('a source that fails lets nobody in', async () => {
    const token = await tokenOf();
    const broken = () => {
      throw new Error('away');
    };
    for (const isRevoked of [broken, async () => broken()])
      expect(await codeOf(newGuard({ isRevoked }), token)).toBe('unavailable');
  });
});

describe('the issuer’s keys', () => {
  it('are read once, for any number of requests at once and for five minutes', async () => {
    const { fetch, asked } = line();
    const guard = newGuard({ fetch });
    const token = await tokenOf();
    await Promise.all(Array.from({ length: 20 }, () => guard.verify(token)));
    app.clock.advance(5 * MINUTE - 1);
    await guard.verify(token);
    expect(asked).toEqual(['/.well-known/jwks.json']);
    app.clock.advance(1);
    await guard.verify(token);
    expect(asked.length).toBe(2);
  });

  it('stay good while the issuer is away, for an hour', async () => {
    const net = line();
    const guard = newGuard({ fetch: net.fetch });
    await guard.verify(await tokenOf());
    net.cut = true;
    app.clock.advance(59 * MINUTE);
    // It is away for the guard alone: the token is new.
    expect(await codeOf(guard, await tokenOf())).toBe('good');
    app.clock.advance(MINUTE);
    expect(await codeOf(guard, await tokenOf())).toBe('unavailable');
    net.cut = false;
    app.clock.advance(30 * SECOND);
    expect(await codeOf(guard, await tokenOf())).toBe('good');
  });

  it('a service that starts before its issuer rejects, and serves a second after it came', async () => {
    const net = line();
    const guard = newGuard({ fetch: net.fetch });
    net.cut = true;
    const token = await tokenOf();
    const all = await start(guard);
    for (const { ask } of all) {
      const reply = await ask(bearer(token));
      expect([reply.status, reply.body.code, reply.headers.get('retry-after')]).toEqual([
        503,
        'unavailable',
        '2',
      ]);
    }
    net.cut = false;
    expect(await codeOf(guard, token)).toBe('unavailable');
    app.clock.advance(SECOND);
    expect(await codeOf(guard, token)).toBe('good');
  });

  it('T34: strangers with unknown keys make it ask once in 30 seconds, and remember nothing', async () => {
    const { fetch, asked } = line();
    const guard = newGuard({ fetch });
    const token = await tokenOf();
    await guard.verify(token);
    const [, payload, signature] = token.split('.');
    const flood = () =>
      Promise.all(
        Array.from({ length: 500 }, (_, i) => {
          const header = { alg: 'ES256', typ: 'at+jwt', kid: `unknown-${i}` };
          const text = `${Buffer.from(JSON.stringify(header)).toString('base64url')}.${payload}.${signature}`;
          return codeOf(guard, text);
        }),
      );
    expect(new Set(await flood())).toEqual(new Set(['invalid_token']));
    expect(asked.length).toBe(1);
    app.clock.advance(30 * SECOND);
    await flood();
    await flood();
    expect(asked.length).toBe(2);
    expect(await codeOf(guard, token)).toBe('good');
  });

  it('K1: a key that is new is known before it signs', async () => {
    const guard = newGuard();
    await guard.verify(await tokenOf());
    await inside.db
      .transaction()
      .execute((tx) => rotateKey(tx, inside.keys.wrap, 'ES256', false, app.clock.now()));
    app.clock.advance(11 * MINUTE);
    expect(await codeOf(guard, await tokenOf())).toBe('good');
  });

  it('a key that was withdrawn is forgotten within five minutes, with what it signed', async () => {
    const guard = newGuard();
    const token = await tokenOf();
    expect(await codeOf(guard, token)).toBe('good');
    await inside.db
      .transaction()
      .execute((tx) => rotateKey(tx, inside.keys.wrap, 'EdDSA', true, app.clock.now()));
    app.clock.advance(5 * MINUTE);
    // The issuer's own process reads its keys again because of a token that it does not know.
    await send(app, 'GET', '/v1/me', undefined, asBearer(`${token.slice(2)}`));
    app.clock.advance(SECOND);
    expect(await codeOf(guard, token)).toBe('invalid_token');
    app.clock.advance(30 * SECOND);
    expect(await codeOf(guard, await tokenOf())).toBe('good');
  });

  it.each([
    ['no JSON', '<html>'],
    ['no keys', '{"keys":[]}'],
    ['no list', '{"keys":{"a":1}}'],
    ['other kinds of key', '{"keys":[null,7,{"kty":"oct","k":"c2VjcmV0","kid":"a","alg":"HS256"}]}'],
    ['far too much', `{"keys":[${'{},'.repeat(30_000)}{}]}`],
  ])('%s at their place is the same as nothing', async (_, text) => {
    const guard = newGuard({ fetch: async () => new Response(text) });
    expect(await codeOf(guard, await tokenOf())).toBe('unavailable');
  });

  it('are not fetched from where a redirection leads', async () => {
    const elsewhere = createServer((request, response) =>
      response.writeHead(302, { location: `${app.url}${request.url}` }).end(),
    );
    await once(elsewhere.listen(0, '127.0.0.1'), 'listening');
    const issuer = `http://localhost:${(elsewhere.address() as AddressInfo).port}`;
    expect(await codeOf(newGuard({ issuer }), await tokenOf())).toBe('unavailable');
    elsewhere.close();
  });
});

describe('an issuer that cannot be one', () => {
  it.each([
    ['accounts.example.org'],
    ['https://accounts.example.org/'],
    ['https://accounts.example.org/usher'],
    ['http://accounts.example.org'],
    ['ftp://localhost'],
    [''],
  ])('%j is rejected at once', (issuer) => {
    expect(() => createGuard({ issuer })).toThrow(
      /^(Invalid issuer: expected an origin|The issuer must use https)/,
    );
  });
});

describe('a token for Usher itself', () => {
  it('A21: is rejected by a guard, and no guard can be made that takes it', async () => {
    const { access_token: own } = await login(app, ada);
    expect(claimsOf(own).aud).toBe(app.url);
    expect(await codeOf(newGuard(), own)).toBe('invalid_token');
    await expect(newGuard().verify(own)).rejects.toThrow(
      'This token is for another audience. Get one for `services` from POST /v1/token.',
    );
    const changed = `${own.slice(0, -4)}AAAA`;
    await expect(newGuard().verify(changed)).rejects.toThrow('The token is invalid');
    expect(() => newGuard({ audience: app.url })).toThrow(/^Invalid audience: /);
  });

  it('A21: each service takes the tokens for itself alone', async () => {
    const { secret, clock } = app;
    const publicUrl = app.url;
    const other = await startApp(database, { secret, clock, audiences: ['billing', 'reports'], publicUrl });
    const host = { host: new URL(app.url).host };
    const billed = await send(
      other,
      'POST',
      '/v1/login',
      { username: ada.username, password: ada.password, audience: 'billing' },
      { headers: host },
    );
    const token = billed.body.access_token;
    expect(await codeOf(newGuard({ audience: 'billing' }), token)).toBe('good');
    expect(await codeOf(newGuard({ audience: 'reports' }), token)).toBe('invalid_token');
    expect(await codeOf(newGuard(), token)).toBe('invalid_token');
    await other.stop();
  });
});

describe('a role', () => {
  it('that cannot be asked for lets nobody in', async () => {
    const net = line();
    const guard = newGuard({ fetch: net.fetch });
    const token = await tokenOf();
    await guard.verify(token);
    net.cut = true;
    expect(await codeOf(guard, token, { role: 'user' })).toBe('unavailable');
    net.cut = false;
    expect(await codeOf(guard, token, { role: 'user' })).toBe('good');
    const answering = (body: unknown, status = 200) =>
      newGuard({
        fetch: async (url, init) =>
          String(url).endsWith('/v1/introspect') ? Response.json(body, { status }) : fetch(url, init),
      });
    expect(await codeOf(answering({}), token, { role: 'user' })).toBe('unavailable');
    expect(await codeOf(answering(null), token, { role: 'user' })).toBe('unavailable');
    const admin = { active: true, sub: ada.id, role: 'admin' };
    expect(await codeOf(answering(admin), token, { role: 'admin' })).toBe('good');
    expect(await codeOf(answering(admin, 500), token, { role: 'admin' })).toBe('unavailable');
    expect(await codeOf(answering({ ...admin, active: 'true' }), token, { role: 'admin' })).toBe(
      'unavailable',
    );
    expect(await codeOf(answering({ ...admin, active: false }, 500), token, { role: 'admin' })).toBe(
      'unavailable',
    );
    expect(await codeOf(answering({ active: false }), token, { role: 'user' })).toBe('invalid_token');
    expect(await codeOf(answering({ ...admin, sub: 'other' }), token, { role: 'admin' })).toBe(
      'invalid_token',
    );
  });
});
