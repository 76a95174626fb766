import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { Needs } from '../../guard/src/guard.ts';
import { tokenRequired } from '../../guard/src/node.ts';
import { newIdentifiers, PASSWORD, startApp } from '../../server/test/support/app.ts';
import { given } from '../../server/test/support/client.ts';
import { DAY, MINUTE, SECOND } from '../../server/test/support/clock.ts';
import { withApp } from '../../server/test/support/with-app.ts';
import type { Change } from '../src/changes.ts';
import { type Client, type ClientOptions, createClient } from '../src/client.ts';
import { UsherError } from '../src/error.ts';
import { memoryStorage, webStorage } from '../src/storage.ts';
import { browserFetch } from './browser-fetch.ts';

const { app, database, inside } = withApp();

const clients: Client[] = [];
afterEach(() => {
  for (const client of clients.splice(0)) client.close();
  vi.unstubAllGlobals();
});

/** A client, what it told of, and which calls it made. */
function open(options: Partial<ClientOptions> = {}) {
  const calls: string[] = [];
  const { fetch: over = fetch, ...more } = options;
  const counting: typeof fetch = (input, init) => {
    calls.push(`${init?.method ?? 'GET'} ${new URL(input instanceof Request ? input.url : input).pathname}`);
    return over(input, init);
  };
  const client = createClient({ url: app.url, clock: app.clock, fetch: counting, ...more });
  const heard: Change[] = [];
  client.onChange((change) => heard.push(change));
  clients.push(client);
  return { client, heard, calls };
}

const services: (() => void)[] = [];
afterEach(() => {
  for (const stop of services.splice(0)) stop();
});

/** A service of one's own on another origin, behind the guard. */
async function startGuarded(needs: Needs): Promise<{ url: string }> {
  const guarded = tokenRequired({ issuer: app.url, clock: app.clock }, needs);
  const server = createServer(guarded((_request, response) => response.end('yes'))).listen(0, '127.0.0.1');
  await once(server, 'listening');
  services.push(() => server.close().closeAllConnections());
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/` };
}

const heardSoon = async (heard: Change[], ...changes: Change[]): Promise<void> => {
  await expect.poll(() => heard).toEqual(changes);
};
const emailOf = ({ email }: { email: string }) => ({ email, password: PASSWORD });

describe.each(['bearer', 'cookie'] as const)('a session by %s', (session) => {
  const start = (url = app.url) =>
    open({ url, session, ...(session === 'cookie' ? { fetch: browserFetch(app.url, fetch) } : {}) });
  /** In another browser: the tabs of one, which hear of each other, go by the same address. */
  const startElsewhere = () => start(app.url.replace('localhost', '127.0.0.1'));

  it('goes from sign-up to deletion', async () => {
    const { client, heard } = start();
    const names = newIdentifiers();
    const made = await client.signUp(names);
    expect(made.data).toMatchObject({ message: 'user created!', user: { username: names.username } });
    expect((await client.me.get()).data?.user.email).toBe(names.email);
    expect((await client.me.change({ username: `${names.username}x` })).data?.user.username).toBe(
      `${names.username}x`,
    );
    const changed = await client.me.changePassword({
      current_password: PASSWORD,
      new_password: 'Tr0ub4dor and 3',
    });
    expect(changed.data?.message).toBe('Password changed.');
    expect((await client.me.dashboard()).data?.session).toMatchObject({ kind: session, current: true });

    const other = startElsewhere();
    expect((await other.client.signIn({ email: names.email, password: 'Tr0ub4dor and 3' })).error).toBe(null);
    const sessions = (await client.me.sessions()).data?.sessions ?? [];
    const otherId = sessions.find(({ current }) => !current)?.id ?? '';
    expect((await client.me.revokeSession(otherId)).data?.message).toBe('Session revoked.');
    expect((await other.client.me.get()).data).toBe(null);
    await heardSoon(other.heard, 'signed_in', 'session_expired');

    const third = startElsewhere();
    await third.client.signIn({ email: names.email, password: 'Tr0ub4dor and 3' });
    expect((await client.me.revokeOtherSessions()).data?.sessions).toBe(1);
    expect((await third.client.me.get()).data).toBe(null);
    const kept = (await client.me.data()).data;
    expect([kept?.user.email, kept?.sessions.length]).toEqual([names.email, 1]);

    const gone = await client.me.delete({ email: names.email, password: 'Tr0ub4dor and 3' });
    expect(gone.data?.message).toBe('delete successful!');
    expect((await client.me.get()).error?.code).toBe('unauthenticated');
    expect(heard.filter((change) => change !== 'token_refreshed')).toEqual(['signed_in', 'signed_out']);
  });

  it('is checked when a service rejects its token: once revoked, its end is told once', async () => {
    const { client, heard, calls } = start();
    const names = newIdentifiers();
    await client.signUp(names);
    // Asking for a role makes the guard ask whether the session is active.
    const service = await startGuarded({ role: 'user' });
    const fresh = await startGuarded({ maxAge: 60 });
    expect((await client.fetch(service.url)).status).toBe(200);
    app.clock.advance(2 * MINUTE);
    const asked = () => calls.filter((call) => call === 'POST /v1/token').length;
    const before = asked();
    expect((await client.fetch(fresh.url)).status).toBe(401);
    expect([asked(), heard]).toEqual([before, ['signed_in']]);

    const other = startElsewhere();
    await other.client.signIn(emailOf(names));
    given(await other.client.me.revokeOtherSessions());
    const replies = await Promise.all([client.fetch(service.url), client.fetch(service.url)]);
    expect(replies.map(({ status }) => status)).toEqual([401, 401]);
    await heardSoon(heard, 'signed_in', 'session_expired');
    expect((await client.fetch(service.url)).status).toBe(401);
    await heardSoon(heard, 'signed_in', 'session_expired');
  });

  it('is not taken for ended because a service rejects a good token, hides why, or Usher is away', async () => {
    let isAway = false;
    const reach = session === 'cookie' ? browserFetch(app.url, fetch) : fetch;
    const { client, heard } = open({
      session,
      fetch: async (input, init) => {
        if (input instanceof Request) return new Response('', { status: 401 });
        if (isAway) throw new TypeError('fetch failed');
        return reach(input, init);
      },
    });
    await client.signUp(newIdentifiers());
    for (isAway of [false, true])
      for (let i = 0; i < 2; i++) {
        const answer = client.fetch('http://localhost:3000/api/hello').then(({ status }) => status);
        expect(await answer.catch(({ code }) => code)).toBe(isAway && i > 0 ? 'network_error' : 401);
      }
    expect(heard).toEqual(['signed_in']);
    isAway = false;
    expect((await client.me.get()).error).toBe(null);
  });

  it('signs out here and everywhere, once and twice', async () => {
    const { client, heard } = start();
    const names = newIdentifiers();
    await client.signUp(names);
    expect((await client.signOut()).data?.message).toBe('logout successful!');
    expect((await client.signOut()).data?.message).toBe('logout successful!');
    await client.signIn(emailOf(names));
    const other = startElsewhere();
    await other.client.signIn(emailOf(names));
    await client.signOut({ everywhere: true });
    expect((await other.client.me.get()).data).toBe(null);
    await heardSoon(heard, 'signed_in', 'signed_out', 'signed_out', 'signed_in', 'signed_out');
  });

  it('says what is wrong, and throws nothing', async () => {
    const { client } = start();
    const refused = await client.signUp({ username: 'x'.repeat(300), email: 'no address', password: '1234' });
    expect(refused.data).toBe(null);
    expect(refused.error).toBeInstanceOf(UsherError);
    expect(refused.error).toMatchObject({
      code: 'signup_rejected',
      status: 400,
      message: 'invalid credentials!',
    });
    expect(refused.error?.fields.map(({ field }) => field).sort()).toEqual(['email', 'password', 'username']);
    expect(refused.error?.requestId).toMatch(/^[0-9a-f-]{36}$/);
    const advice = await client.checkPassword({ password: 'password1' });
    expect(advice.data?.strength).toBe('weak');
    const wrong = await client.signIn({ email: 'nobody@example.org', password: PASSWORD });
    expect(wrong.error).toMatchObject({ code: 'invalid_credentials', status: 401 });
    expect((await client.me.get()).error).toMatchObject({ code: 'unauthenticated', status: 401 });
  });

  it('gives administrators the accounts of others', async () => {
    const { client } = start();
    await client.signUp(newIdentifiers());
    const admin = (await client.me.get()).data?.user.id ?? '';
    expect((await client.users.list()).error).toMatchObject({ code: 'forbidden', status: 403 });
    await inside.promote(admin);
    const names = newIdentifiers();
    const { data: made } = await client.users.create({ username: names.username, email: names.email });
    expect(made?.password?.length).toBeGreaterThan(11);
    const id = made?.user.id ?? '';
    expect((await client.users.get(id)).data?.user.role).toBe('user');
    expect((await client.users.change(id, { role: 'admin', disabled: undefined })).data?.user.role).toBe(
      'admin',
    );
    expect((await client.users.list({ search: names.username, limit: 1 })).data?.users).toMatchObject([
      { id },
    ]);
    expect((await client.users.list({ search: 'a&b=c' })).data?.users).toEqual([]);
    expect((await client.users.signOut(id)).data?.message).toBe('logout successful!');
    // The notice of the new role counted.
    const { data: counted } = await client.users.limits(id);
    expect(counted?.limits.map(({ limit }) => limit)).toEqual(['role_notices_per_account']);
    expect((await client.users.resetRateLimits(id)).data?.message).toBe('Rate limits reset.');
    expect((await client.events({ limit: 1 })).data?.events.length).toBe(1);
    expect((await client.stats({ span: 'day' })).data).toMatchObject({
      span: 'day',
      now: { sessions: expect.any(Number) },
    });
    expect((await client.stats()).data?.span).toBe('week');
    expect((await client.users.delete(id)).data?.message).toBe('delete successful!');
    expect((await client.users.get(id)).error?.code).toBe('not_found');
    // What would be another path is never sent on as one.
    expect((await client.users.get('../events')).error?.code).toBe('invalid_path');
  });

  it('where emails are verified first, signs nobody in at sign-up', async () => {
    const { secret, clock } = app;
    const strict = await startApp(database, { secret, clock, signup: 'verified' });
    const { client, heard } = open({
      url: strict.url,
      session,
      ...(session === 'cookie' ? { fetch: browserFetch(strict.url, fetch) } : {}),
    });
    const { data } = await client.signUp(newIdentifiers());
    expect(data).toEqual({
      message: 'We’ve sent an email to this address. Use the link or code in it to finish signing up.',
    });
    expect((await client.me.get()).error?.code).toBe('unauthenticated');
    const code = { email: 'nobody@example.org', code: '000000' };
    expect((await client.verifyEmail(code)).data).toBe(null);
    expect((await client.restoreEmail({ token: 'x' })).error?.code).toBe('invalid_link');
    expect(heard).toEqual([]);
    await strict.stop();
  });

  it('asks for an email, and rejects a code that is not right', async () => {
    const { client } = start();
    expect((await client.sendMail({ email: 'nobody@example.org' })).data?.message).toContain(
      'If there’s an account for this email',
    );
    const reset = { email: 'nobody@example.org', code: '000000', password: PASSWORD };
    expect((await client.resetPassword(reset)).error?.code).toBe('invalid_code');
  });
});

describe('a pair of tokens', () => {
  it('is refreshed before it ends, once for all calls at the same time, without Web Locks too', async () => {
    vi.stubGlobal('navigator', {});
    const { client, heard, calls } = open();
    await client.signUp(newIdentifiers());
    const first = await client.token();
    app.clock.advance(10 * MINUTE - 31 * SECOND);
    expect(await client.token()).toEqual(first);
    app.clock.advance(2 * SECOND);
    calls.length = 0;
    const results = await Promise.all(Array.from({ length: 20 }, () => client.me.get()));
    expect(results.every(({ error }) => error === null)).toBe(true);
    expect(calls.filter((call) => call === 'POST /v1/refresh').length).toBe(1);
    expect((await client.token()).data).not.toBe(first.data);
    await heardSoon(heard, 'signed_in', 'token_refreshed');
  });

  it.each([
    ['with Web Locks', true],
    ['without', false],
  ])('is refreshed in many tabs at once, %s, and nobody is signed out', async (_, hasLocks) => {
    if (!hasLocks) vi.stubGlobal('navigator', {});
    const storage = memoryStorage();
    const tabs = Array.from({ length: 8 }, () => open({ storage }));
    const names = newIdentifiers();
    await tabs[0]?.client.signUp(names);
    for (let round = 0; round < 3; round++) {
      app.clock.advance(11 * MINUTE);
      const results = await Promise.all(tabs.map(({ client }) => client.me.get()));
      expect(results.map(({ error }) => error)).toEqual(tabs.map(() => null));
    }
    const renewals = tabs.flatMap(({ calls }) => calls).filter((call) => call === 'POST /v1/refresh').length;
    if (hasLocks) expect(renewals).toBe(3);
    else expect(renewals).toBeGreaterThan(3);
    expect(tabs.flatMap(({ heard }) => heard)).not.toContain('session_expired');
  });

  it('is refreshed when it is rejected before its time', async () => {
    const { client, calls } = open();
    const names = newIdentifiers();
    await client.signUp(names);
    // Our clock stands still while the server's goes on.
    const slow = open({ clock: { now: () => 0 } });
    await slow.client.signIn(emailOf(names));
    app.clock.advance(11 * MINUTE);
    slow.calls.length = 0;
    expect((await slow.client.me.get()).error).toBe(null);
    expect(slow.calls).toEqual(['GET /v1/me', 'POST /v1/refresh', 'GET /v1/me']);
    expect(calls).not.toContain('POST /v1/refresh');
  });

  it('outlives a server that is away, and an answer that was lost', async () => {
    let cut = false;
    let lose = false;
    const { client, heard } = open({
      fetch: async (input, init) => {
        if (cut) throw new TypeError('fetch failed');
        const response = await fetch(input, init);
        if (!lose) return response;
        await response.text();
        throw new TypeError('terminated');
      },
    });
    await client.signUp(newIdentifiers());
    app.clock.advance(11 * MINUTE);
    cut = true;
    expect((await client.me.get()).error).toMatchObject({ code: 'network_error', status: 0 });
    expect((await client.signOut()).error?.code).toBe('network_error');
    cut = false;
    lose = true;
    expect((await client.me.get()).error?.code).toBe('network_error');
    lose = false;
    app.clock.advance(5 * SECOND);
    expect((await client.me.get()).error).toBe(null);
    await heardSoon(heard, 'signed_in', 'token_refreshed');
  });

  it('that cannot be refreshed any more is dropped, and every tab hears of it once', async () => {
    const storage = memoryStorage();
    const [one, two] = [open({ storage }), open({ storage })];
    await one.client.signUp(newIdentifiers());
    expect((await two.client.me.get()).error).toBe(null);
    app.clock.advance(15 * DAY);
    const results = await Promise.all([one.client.me.get(), two.client.me.get(), one.client.me.get()]);
    expect(results.map(({ error }) => error?.code)).toEqual(Array(3).fill('unauthenticated'));
    await heardSoon(one.heard, 'signed_in', 'session_expired');
    await heardSoon(two.heard, 'signed_in', 'session_expired');
    expect(await storage.read()).toBe(null);
  });

  it('opens services of one’s own, and is not sent without a session', async () => {
    const { client } = open();
    const url = `${app.url}/v1/me`;
    expect((await client.fetch(url)).status).toBe(401);
    expect((await client.token()).error?.code).toBe('unauthenticated');
    await client.signUp(newIdentifiers());
    expect((await client.fetch(new Request(url, { headers: { 'x-mine': '1' } }))).status).toBe(200);
  });

  it('lies in the browser’s storage if one says so, and nonsense there is nobody', async () => {
    const kept = new Map<string, string>();
    const browser = {
      getItem: (key: string) => kept.get(key) ?? null,
      setItem: (key: string, value: string) => void kept.set(key, value),
      removeItem: (key: string) => void kept.delete(key),
    };
    const names = newIdentifiers();
    await open({ storage: webStorage(browser) }).client.signUp(names);
    expect([...kept.keys()]).toEqual(['usher']);
    expect((await open({ storage: webStorage(browser) }).client.me.get()).data?.user.email).toBe(names.email);
    for (const nonsense of ['{', 'null', '7', '{"access":7}']) {
      kept.set('usher', nonsense);
      expect((await open({ storage: webStorage(browser) }).client.me.get()).error?.code).toBe(
        'unauthenticated',
      );
    }
  });
});

describe('a cookie', () => {
  it('slides, and its end is told once', async () => {
    const { client, heard } = open({ session: 'cookie', fetch: browserFetch(app.url, fetch) });
    await client.signUp(newIdentifiers());
    for (let i = 0; i < 3; i++) {
      app.clock.advance(9 * MINUTE);
      expect((await client.me.get()).error).toBe(null);
    }
    app.clock.advance(10 * MINUTE);
    expect((await client.me.get()).error?.code).toBe('invalid_token');
    expect((await client.me.get()).data).toBe(null);
    await heardSoon(heard, 'signed_in', 'session_expired');
    expect((await client.token()).error?.code).toBe('unauthenticated');
  });

  it('is the default where there is a document', async () => {
    vi.stubGlobal('document', {});
    const sent: (string | undefined)[] = [];
    const noting: typeof fetch = async (_input, init) => {
      sent.push(init?.credentials);
      return Response.json({});
    };
    await open({ fetch: noting }).client.me.get();
    await open({ fetch: noting, session: 'bearer' }).client.sendMail({ email: 'a@example.org' });
    expect(sent).toEqual(['include', 'omit']);
  });
});

describe('an answer that is not Usher’s', () => {
  it.each([
    [
      'a page',
      () => new Response('<html>', { headers: { 'content-type': 'text/html' } }),
      'unexpected_answer',
    ],
    ['a failure of a proxy', () => new Response('Bad gateway', { status: 502 }), 'unexpected_answer'],
    ['JSON of somebody else', () => Response.json({ error: 'no' }, { status: 500 }), 'unexpected_answer'],
    ['null', () => Response.json(null, { status: 400 }), 'unexpected_answer'],
  ])('%s is an error', async (_, answer, code) => {
    const { client } = open({ fetch: async () => answer() });
    expect((await client.signIn({ username: 'a', password: PASSWORD })).error?.code).toBe(code);
  });

  it('says when to try again', async () => {
    const problem = { code: 'busy', message: 'Busy.', request_id: 'r' };
    const fetch = async () => Response.json(problem, { status: 503, headers: { 'retry-after': '7' } });
    const { error } = await open({ fetch }).client.signIn({ username: 'a', password: PASSWORD });
    expect(error).toMatchObject({ code: 'busy', status: 503, retryAfter: 7, requestId: 'r' });
  });
});

it.each([['accounts.example.org'], ['https://accounts.example.org/usher'], ['ftp://localhost'], ['']])(
  'the URL %j is rejected at once',
  (url) => {
    expect(() => createClient({ url })).toThrow(/^Invalid url: expected Usher’s base URL/);
  },
);
