import { once } from 'node:events';
import { connect } from 'node:net';
import { describe, expect, it } from 'vitest';
import { rateLimits } from '../../src/core/rate-limits.ts';
import { newEventId } from '../../src/platform/random.ts';
import { routes } from '../../src/routes.ts';
import { asBearer, login, NEW_PASSWORD, newIdentifiers, send, signUp } from '../support/app.ts';
import { newIp } from '../support/forge.ts';
import { databases } from '../support/postgres.ts';
import { withApp } from '../support/with-app.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const EVENTS = 10_000;

describe.each(databases)('D14: what one user writes and reads, on $name', ({ create }) => {
  const { app, opened: inside } = withApp(create);

  const member = async () => {
    const names = await signUp(app, newIp());
    const bearer = asBearer((await login(app, names, newIp())).access_token);
    return {
      ...names,
      call: (method: string, path: string, body?: unknown) => send(app, method, path, body, bearer),
    };
  };
  type Member = Awaited<ReturnType<typeof member>>;
  const admin = async () => {
    const who = await member();
    await inside.db.updateTable('users').set({ admin_since: 1 }).where('id', '=', who.id).execute();
    return who;
  };
  const eventsOf = async (userId: string, name: string) => {
    const rows = await inside.db
      .selectFrom('events')
      .select('details')
      .where('user_id', '=', userId)
      .where('name', '=', name)
      .orderBy('id')
      .execute();
    return rows.map(({ details }) => JSON.parse(details));
  };
  /** Gives a user as many events as an export has at most. */
  const fill = async (userId: string) => {
    const now = app.clock.now();
    for (let done = 0; done < EVENTS; done += 500)
      await inside.db
        .insertInto('events')
        .values(
          Array.from({ length: 500 }, () => ({
            id: newEventId(now),
            at: now,
            name: 'user_updated',
            user_id: userId,
            actor_id: userId,
            session_id: null,
            request_id: null,
            ip: '192.0.2.1',
            user_agent: 'a browser '.repeat(15),
            details: '{}',
          })),
        )
        .execute();
  };

  it('profile changes are limited, and the answer names the limit', async () => {
    const user = await member();
    const { max: most } = rateLimits.profile_changes_per_account;
    for (let i = 0; i < most; i++)
      expect((await user.call('PATCH', '/v1/me', { username: `${user.username}x${i}` })).status).toBe(200);
    for (let i = 0; i < 30; i++) {
      const reply = await user.call('PATCH', '/v1/me', { username: `${user.username}y${i}` });
      expect([reply.status, reply.body.code, reply.headers.get('retry-after')]).toEqual([
        429,
        'too_many_requests',
        String(DAY / 1000),
      ]);
      expect(reply.body.message).toBe(
        'Too many profile changes: the limit is 60 per day. Try again in 24 hours.',
      );
    }
    expect(await eventsOf(user.id, 'user_updated')).toHaveLength(most);
    // Of thirty refusals the first ten, and the twentieth.
    expect(
      (await eventsOf(user.id, 'rate_limit_exceeded')).map(({ limit, rejected: refused }) => [
        limit,
        refused,
      ]),
    ).toEqual(
      [...Array.from({ length: 10 }, (_, i) => i + 1), 20].map((refused) => [
        'profile_changes_per_account',
        refused,
      ]),
    );
    // Somebody else's are not.
    const other = await member();
    expect((await other.call('PATCH', '/v1/me', { username: `${other.username}x` })).status).toBe(200);
    app.clock.advance(DAY);
    const later = asBearer(
      (await login(app, { ...user, username: `${user.username}x${most - 1}` })).access_token,
    );
    expect((await send(app, 'PATCH', '/v1/me', { username: user.username }, later)).status).toBe(200);
  });

  it('so are the names of devices', async () => {
    const user = await member();
    const { devices } = (await user.call('GET', '/v1/me/devices')).body;
    const name = (body: object) => user.call('PATCH', `/v1/me/devices/${devices[0].id}`, body);
    for (let i = 0; i < rateLimits.device_names_per_account.max; i++)
      expect((await name({ name: `Name ${i}` })).status).toBe(200);
    const { status, body } = await name({ name: 'One more' });
    expect([status, body.message]).toEqual([
      429,
      'Too many new device names: the limit is 60 per day. Try again in 24 hours.',
    ]);
    expect((await user.call('GET', '/v1/me/devices')).body.devices[0].name).toBe(
      `Name ${rateLimits.device_names_per_account.max - 1}`,
    );
  });

  it('so are session operations, password changes and requests for emails', async () => {
    const user = await member();
    for (let i = 0; i < rateLimits.session_revocations_per_account.max; i++)
      expect((await user.call('DELETE', '/v1/me/sessions')).status).toBe(200);
    for (const path of ['/v1/me/sessions', `/v1/me/sessions/${'A'.repeat(22)}`]) {
      const { status, body } = await user.call('DELETE', path);
      expect([status, body.message]).toEqual([
        429,
        'Too many requests to sign out devices: the limit is 200 per day. Try again in 24 hours.',
      ]);
    }
    expect(await eventsOf(user.id, 'other_sessions_revoked')).toHaveLength(
      rateLimits.session_revocations_per_account.max,
    );

    let { password } = user;
    let token = (await login(app, user, newIp())).access_token;
    const change = async () => {
      const next = password === NEW_PASSWORD ? user.password : NEW_PASSWORD;
      const body = { current_password: password, new_password: next };
      const reply = await send(app, 'PUT', '/v1/me/password', body, asBearer(token));
      if (reply.status === 200) [password, token] = [next, reply.body.access_token];
      return reply;
    };
    for (let i = 0; i < rateLimits.password_changes_per_account.max; i++)
      expect((await change()).status).toBe(200);
    expect((await change()).body.message).toMatch(/^Too many password changes: the limit is 20 per day\./);

    for (let i = 0; i < rateLimits.verification_emails_per_account.max; i++) {
      const sending = { ...asBearer(token), from: newIp() };
      expect((await send(app, 'POST', '/v1/me/verify-email', undefined, sending)).status).toBe(202);
    }
    const sending = { ...asBearer(token), from: newIp() };
    expect((await send(app, 'POST', '/v1/me/verify-email', undefined, sending)).body.message).toMatch(
      /^Too many verification emails: the limit is 20 per day\./,
    );
    // It needs no password, so that a thief of the session could use it up: a change of the address does not hang on it.
    const body = { email: newIdentifiers().email, password };
    expect((await send(app, 'POST', '/v1/me/email', body, sending)).status).toBe(202);
  }, 120_000);

  it('wrong passwords do not use up the password changes of the owner', async () => {
    const user = await member();
    const body = { current_password: 'not the password', new_password: NEW_PASSWORD };
    for (let i = 0; i < rateLimits.password_changes_per_account.max + 5; i++)
      await user.call('PUT', '/v1/me/password', body);
    app.clock.advance(2 * HOUR);
    const again = asBearer((await login(app, user, newIp())).access_token);
    const right = { current_password: user.password, new_password: NEW_PASSWORD };
    expect((await send(app, 'PUT', '/v1/me/password', right, again)).status).toBe(200);
  });

  it('an administrator changes thousands of users', async () => {
    const who = await admin();
    const user = await member();
    for (let i = 0; i < 150; i++)
      expect((await who.call('POST', `/v1/users/${user.id}/logout-everywhere`)).status).toBe(200);
    expect(rateLimits.admin_changes_per_account.max).toBeGreaterThanOrEqual(10_000);
  });

  it('an administrator invites a bounded number of people a day', async () => {
    const who = await admin();
    const invite = () => {
      const { username, email } = newIdentifiers();
      return who.call('POST', '/v1/invitations', { username, email });
    };
    for (let i = 0; i < rateLimits.invitations_per_account.max; i++)
      expect((await invite()).status).toBe(201);
    const rejected = await invite();
    expect([rejected.status, rejected.body.message]).toEqual([
      429,
      'Too many invitations: the limit is 300 per day. Try again in 24 hours.',
    ]);
    expect((await who.call('GET', '/v1/invitations?limit=1')).status).toBe(200);
  }, 120_000);

  it('every route that writes for somebody who is signed in has a limit', () => {
    // These write no event, count in their flows once the password was right, or can be called once.
    const others = [
      'POST /v1/token',
      'POST /v1/me/confirm',
      'POST /v1/logout-everywhere',
      'DELETE /v1/me',
      'PUT /v1/me/password',
      'POST /v1/me/email',
      'POST /v1/me/verify-email',
      'POST /dashboard/security',
      'POST /dashboard/email',
      'POST /dashboard/delete',
    ];
    const unlimited = routes
      .filter(
        ({ access, method, limit }) =>
          (access === 'user' || access === 'admin') && method !== 'GET' && !limit,
      )
      .map(({ method, path }) => `${method} ${path}`);
    expect(unlimited.toSorted()).toEqual(others.toSorted());
  });

  /** Asks for an export and reads no more than its beginning, until it is told to go on. */
  async function beginExport(user: Member, path: string) {
    const token = (await login(app, user, newIp())).access_token;
    const socket = connect({ port: app.port, host: '127.0.0.1' });
    const lines = [`GET ${path} HTTP/1.1`, `Host: localhost:${app.port}`, `Authorization: Bearer ${token}`];
    socket.write(`${lines.join('\r\n')}\r\nConnection: close\r\n\r\n`);
    let text = '';
    socket.setEncoding('utf8').on('data', (chunk) => {
      text += chunk;
    });
    await once(socket, 'data');
    socket.pause();
    return {
      socket,
      async rest(): Promise<string> {
        socket.resume();
        await once(socket, 'close');
        return text;
      },
    };
  }

  it('an export is made in pieces, between which others are served', async () => {
    const user = await member();
    await fill(user.id);
    const asking = new Request(`${app.url}/v1/me/data`, {
      headers: {
        host: `localhost:${app.port}`,
        authorization: `Bearer ${(await login(app, user)).access_token}`,
      },
    });
    let isDone = false;
    let turns = 0;
    const count = () => {
      turns++;
      if (!isDone) setImmediate(count);
    };
    setImmediate(count);
    const reply = await app.usher.fetch(asking);
    const data = (await reply.json()) as { user: { id: string }; events: { id: string }[] };
    isDone = true;
    expect(reply.headers.get('content-disposition')).toBe('attachment; filename="my-data.json"');
    expect(data.events).toHaveLength(EVENTS);
    expect(new Set(data.events.map(({ id }) => id)).size).toBe(EVENTS);
    expect(data.user.id).toBe(user.id);
    expect(turns).toBeGreaterThan(EVENTS / 250);
  });

  it.each(['/v1/me/data', '/admin/events.jsonl'])(
    'one export for a user at a time: %s',
    async (path) => {
      const who = await admin();
      await fill(who.id);
      const first = await beginExport(who, path);
      const eight = await Promise.all(Array.from({ length: 8 }, () => who.call('GET', path)));
      for (const { status, body } of eight)
        expect([status, body.code, body.message]).toEqual([
          409,
          'export_in_progress',
          'Your previous export is still running. Wait until it finishes, then try again.',
        ]);
      expect((await send(app, 'GET', '/healthz')).status).toBe(200);
      const other = await member();
      expect((await other.call('GET', '/v1/me/data')).status).toBe(200);
      expect(await first.rest()).toMatch(/^HTTP\/1\.1 200 OK/);
      expect((await who.call('GET', path)).status).toBe(200);
      // Whoever leaves frees the place.
      const left = await beginExport(who, path);
      left.socket.destroy();
      await expect.poll(async () => (await who.call('GET', path)).status, { timeout: 20_000 }).toBe(200);
      expect((await who.call('HEAD', path)).status).toBe(200);
      expect((await who.call('GET', path)).status).toBe(200);
    },
    60_000,
  );

  it('a sign-out ends an export that is being made', async () => {
    const user = await member();
    await fill(user.id);
    const begun = await beginExport(user, '/v1/me/data');
    expect((await user.call('POST', '/v1/logout-everywhere')).status).toBe(200);
    expect(await begun.rest()).not.toMatch(/\]\}\r\n0\r\n\r\n$/);
  });
});
