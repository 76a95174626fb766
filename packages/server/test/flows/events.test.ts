import { beforeAll, describe, expect, it } from 'vitest';
import type { Client, Result } from '../../../client/src/index.ts';
import { Browser, newIdentifiers, PASSWORD, type Reply, send, signUp, WRONG } from '../support/app.ts';
import { clientOf, given, refusal, signedIn } from '../support/client.ts';
import { HOUR, MINUTE, SECOND } from '../support/clock.ts';
import { newIp } from '../support/forge.ts';
import { databases } from '../support/postgres.ts';
import { withApp } from '../support/with-app.ts';

describe.each(databases)('events and limits on $name', ({ create }) => {
  const { app, inside } = withApp(create);
  let admin: Awaited<ReturnType<typeof signUp>> & { client: Client };
  beforeAll(async () => {
    const who = await signUp(app, newIp());
    await inside.promote(who.id);
    admin = { ...who, client: await signedIn(app, who) };
  });

  const eventsAt = async (query: Parameters<Client['events']>[0]) =>
    given(await admin.client.events(query)).events;
  const limitsOf = async (id: string) => given(await admin.client.users.limits(id)).limits;
  const requestOf = (reply: Reply) => reply.headers.get('x-request-id') ?? '';
  const guess = (username: string, password = WRONG, from = newIp()) =>
    send(app, 'POST', '/v1/signin', { username, password }, { from });

  it('tells by its request why a sign-in was rejected, which says nothing of it itself', async () => {
    const { id, username } = await signUp(app, newIp());
    const wrong = [];
    for (let i = 0; i < 5; i++) wrong.push(await guess(username));
    const from = newIp();
    const limited = await guess(username, PASSWORD, from);
    expect(limited.body).toEqual({ ...wrong[0]?.body, request_id: requestOf(limited) });
    expect(await eventsAt({ request: requestOf(wrong[4] as Reply) })).toMatchObject([
      { name: 'sign_in_failed', user_id: id, details: { kind: 'cookie', reason: 'wrong' } },
    ]);
    expect(await eventsAt({ request: requestOf(limited) })).toEqual([
      {
        id: expect.any(String),
        name: 'rate_limit_exceeded',
        at: new Date(app.clock.now()).toISOString(),
        user_id: id,
        actor_id: null,
        session_id: null,
        request_id: requestOf(limited),
        ip: from,
        user_agent: '',
        details: { limit: 'passwords_per_identifier', count: 5, rejected: 1, retry_after: 30 },
      },
    ]);
    expect(app.log.find((line) => line.includes(`"request_id":"${requestOf(limited)}"`))).toContain(
      '"limit":"passwords_per_identifier"',
    );
  });

  it('has an event for each kind of refusal, and keeps it although the attempt is undone', async () => {
    const refusals: [
      limit: string,
      tries: number,
      attempt: (client: Client) => Promise<Result<unknown>>,
      message?: string,
    ][] = [
      [
        'identifiers_per_ip_range',
        20,
        ({ signIn }) => signIn({ username: newIdentifiers().username, password: WRONG }),
      ],
      [
        'emails_per_ip_range',
        10,
        ({ sendMail }) => sendMail({ email: newIdentifiers().email }),
        'requests for emails from your network. Try again in 60 minutes.',
      ],
      [
        'sign_ups_per_ip_range',
        30,
        ({ signUp }) => signUp({ ...newIdentifiers(), email: admin.email }),
        'sign-ups from your network. Try again in 60 minutes.',
      ],
      ['invalid_tokens_per_ip_range', 60, ({ verifyEmail }) => verifyEmail({ token: 'x' })],
      ['invalid_tokens_per_ip_range', 60, ({ resetPassword }) => resetPassword({ token: 'x' })],
      ['invalid_tokens_per_ip_range', 60, ({ restoreEmail }) => restoreEmail({ token: 'x' })],
    ];
    for (const [
      limit,
      tries,
      attempt,
      message = 'attempts from your network. Try again in 10 minutes.',
    ] of refusals) {
      const from = newIp();
      const client = clientOf(app, from);
      for (let i = 0; i < tries; i++) expect(refusal(await attempt(client))).not.toBe('too_many_requests');
      const { error } = await attempt(client);
      expect([limit, error?.status, error?.code]).toEqual([limit, 429, 'too_many_requests']);
      expect(error?.message).toBe(`Too many ${message}`);
      expect(await eventsAt({ request: error?.requestId })).toMatchObject([
        { name: 'rate_limit_exceeded', ip: from, details: { limit, count: tries, rejected: 1 } },
      ]);
    }
    const { text } = await send(app, 'GET', '/metrics');
    expect(text).not.toContain(admin.id);
  });

  it('tells of codes and of emails that are not sent', async () => {
    const { id, email } = await signUp(app, newIp());
    const emails = [];
    for (let i = 0; i < 7; i++)
      emails.push(await send(app, 'POST', '/v1/send-mail', { email }, { from: newIp() }));
    expect(emails[6]?.body).toEqual(emails[0]?.body);
    expect(await eventsAt({ request: requestOf(emails[6] as Reply) })).toMatchObject([
      { name: 'password_reset_requested', user_id: id, details: { emailed: false } },
      {
        name: 'rate_limit_exceeded',
        user_id: id,
        details: { limit: 'recovery_emails_per_recipient', count: 6 },
      },
    ]);
    const codes = [];
    const body = { email, code: '000000', password: 'a much better passphrase' };
    for (let i = 0; i < 11; i++)
      codes.push(await send(app, 'POST', '/v1/reset-password', body, { from: newIp() }));
    expect(codes[10]?.body).toMatchObject({ code: 'invalid_code' });
    expect(await eventsAt({ request: requestOf(codes[10] as Reply) })).toMatchObject([
      {
        name: 'rate_limit_exceeded',
        user_id: id,
        details: { limit: 'codes_per_account_daily', count: 10, rejected: 1 },
      },
    ]);
  });

  it('is not filled by a flood: the first ten refusals one by one, then each time they doubled', async () => {
    const { id, username } = await signUp(app, newIp());
    for (let i = 0; i < 5 + 45; i++) await guess(username);
    const told = (await eventsAt({ user: id, name: 'rate_limit_exceeded' })).map(
      ({ details }) => details['rejected'],
    );
    expect(told).toEqual([40, 20, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1]);
    // After a pause the next one is told again.
    app.clock.advance(30 * SECOND);
    await guess(username);
    await guess(username);
    expect(await eventsAt({ user: id, name: 'rate_limit_exceeded', limit: 1 })).toMatchObject([
      { details: { count: 6, rejected: 1, retry_after: 60 } },
    ]);
  });

  it('lists events by user, name and time, newest first, page by page', async () => {
    app.clock.advance(HOUR);
    const since = new Date(app.clock.now()).toISOString();
    const { id, browser } = await signUp(app, newIp());
    app.clock.advance(MINUTE);
    const until = new Date(app.clock.now()).toISOString();
    await browser.post('/v1/logout');
    const of = async (query: Parameters<typeof eventsAt>[0]) =>
      (await eventsAt(query)).map(({ name }) => name);
    expect(await of({ user: id })).toEqual(['signed_out', 'signed_in', 'user_signed_up']);
    expect(await of({ user: id, until })).toEqual(['signed_in', 'user_signed_up']);
    expect(await of({ user: id, since: until })).toEqual(['signed_out']);
    expect(await of({ since, until, name: 'user_signed_up' })).toEqual(['user_signed_up']);
    expect(await of({ since, name: 'installation_created' })).toEqual([]);

    const first = given(await admin.client.events({ user: id, limit: 2 }));
    expect(first.events).toHaveLength(2);
    const cursor = first.next_cursor ?? undefined;
    const second = given(await admin.client.events({ user: id, limit: 2, cursor }));
    expect(second.events.map(({ name }) => name)).toEqual(['user_signed_up']);
    expect(second.next_cursor).toBeNull();
  });

  it('is for administrators, and says what it cannot take', async () => {
    const ada = await signUp(app, newIp());
    const { browser } = ada;
    for (const path of ['/v1/events', `/v1/users/${admin.id}/limits`]) {
      expect((await browser.get(path)).status).toBe(403);
      expect((await new Browser(app).get(path)).status).toBe(401);
    }
    expect((await browser.send('DELETE', `/v1/users/${admin.id}/limits`)).status).toBe(403);
    const { events, stats, users } = await signedIn(app, ada);
    for (const rejected of [await events(), await stats(), await users.limits(admin.id), await users.list()])
      expect(refusal(rejected)).toBe('forbidden');
    await admin.browser.post('/v1/signin', { email: admin.email, password: PASSWORD });
    for (const query of [
      'user=x',
      'name=nothing',
      'request=1',
      'since=yesterday',
      'cursor=x',
      'limit=0',
      'sort=at',
    ]) {
      const { status, body } = await admin.browser.get(`/v1/events?${query}`);
      expect([query, status, body.errors?.[0].field]).toEqual([query, 400, query.split('=')[0]]);
    }
    const nobody = '00000000-0000-7000-8000-000000000000';
    expect((await admin.client.users.limits(nobody)).error?.status).toBe(404);
    given(await admin.client.me.confirm({ password: PASSWORD }));
    expect((await admin.client.users.resetRateLimits(nobody)).error?.status).toBe(404);
  });

  it('tells why a user has to wait and how long, and lets them in at once', async () => {
    const { id, username, email } = await signUp(app, newIp());
    const other = await signUp(app, newIp());
    // The email of the sign-up.
    expect(await limitsOf(id)).toMatchObject([{ limit: 'emails_per_recipient', count: 1, exceeded: false }]);
    app.clock.advance(HOUR);
    expect(await limitsOf(id)).toEqual([]);
    for (let i = 0; i < 7; i++) await guess(i % 2 ? username : username.toUpperCase());
    for (let i = 0; i < 5; i++) await guess(other.username);
    await send(app, 'POST', '/v1/send-mail', { email }, { from: newIp() });
    expect(await limitsOf(id)).toMatchObject([
      {
        limit: 'passwords_per_identifier',
        count: 5,
        max: 5,
        rejected: 2,
        exceeded: true,
        from: `username ${username}`,
      },
      {
        limit: 'passwords_per_account',
        description: expect.stringContaining('Incorrect passwords'),
        count: 5,
        max: 5,
        rejected: 0,
        exceeded: true,
        until: new Date(app.clock.now() + 30 * SECOND).toISOString(),
        from: null,
      },
      { limit: 'passwords_per_account_total', count: 5, max: 100, exceeded: false, until: null },
      { limit: 'recovery_emails_per_recipient', count: 1, max: 6, exceeded: false },
    ]);
    expect((await guess(username, PASSWORD)).status).toBe(401);

    given(await admin.client.me.confirm({ password: PASSWORD }));
    expect(given(await admin.client.users.resetRateLimits(id))).toEqual({ message: 'Rate limits reset.' });
    expect(await eventsAt({ user: id, name: 'rate_limits_reset' })).toMatchObject([
      { name: 'rate_limits_reset', actor_id: admin.id, details: { reset: expect.any(Number) } },
    ]);
    expect(await limitsOf(id)).toEqual([]);
    expect((await guess(username, PASSWORD)).status).toBe(200);
    expect((await guess(other.username, PASSWORD)).status).toBe(401);
  });

  it('finds what a known browser has counted, and an IP range by what was rejected from it', async () => {
    const owner = await signUp(app, newIp());
    app.clock.advance(HOUR);
    const signedIn = await send(app, 'POST', '/v1/signin', { email: owner.email, password: PASSWORD });
    const device = signedIn.headers.getSetCookie().find((one) => one.startsWith('usher-device=')) ?? '';
    const cookie = device.slice(0, device.indexOf(';'));
    const known = (password: string) =>
      send(
        app,
        'POST',
        '/v1/signin',
        { email: owner.email, password },
        { headers: { cookie, origin: app.url } },
      );
    for (let i = 0; i < 9; i++) expect((await known(WRONG)).status).toBe(401);
    // A range that is over for other names refuses this user, too.
    const from = newIp();
    for (let i = 0; i < 20; i++) await guess(newIdentifiers().username, WRONG, from);
    expect((await guess(owner.username, PASSWORD, from)).status).toBe(429);

    const shown = await limitsOf(owner.id);
    expect(shown).toMatchObject([
      { limit: 'passwords_per_device', count: 9, max: 10, rejected: 0, exceeded: false, from: null },
      { limit: 'passwords_per_account_known_devices', count: 9, max: 100, exceeded: false },
      { limit: 'new_device_notices_per_account', count: 1, exceeded: false },
      {
        limit: 'identifiers_per_ip_range',
        count: 20,
        max: 20,
        rejected: 1,
        exceeded: true,
        from: `${from}/32`,
      },
    ]);
    expect(Date.parse(shown[3]?.until ?? '')).toBe(app.clock.now() + 10 * MINUTE);
    given(await admin.client.me.confirm({ password: PASSWORD }));
    given(await admin.client.users.resetRateLimits(owner.id));
    for (let i = 0; i < 9; i++) expect((await known(WRONG)).status).toBe(401);
    expect((await known(PASSWORD)).headers.getSetCookie().join()).toContain(cookie);
    // What holds for others too is not given back for one of them.
    expect((await guess(owner.username, PASSWORD, from)).status).toBe(429);
  });
});
