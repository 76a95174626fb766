import { describe, expect, it } from 'vitest';
import { asBearer, Browser, login, newIdentifiers, PASSWORD, send, signUp } from '../support/app.ts';
import { clientOf, given, refusal, signedIn } from '../support/client.ts';
import { MINUTE } from '../support/clock.ts';
import { newIp } from '../support/forge.ts';
import { databases } from '../support/postgres.ts';
import { withApp } from '../support/with-app.ts';

describe.each(databases)('one’s own account on $name', ({ create }) => {
  const { app, inside } = withApp(create);

  const newcomer = () => signUp(app, newIp());
  const eventsOf = async (userId: string) => {
    const rows = await inside.db
      .selectFrom('events')
      .select('name')
      .where('user_id', '=', userId)
      .orderBy('id')
      .execute();
    return rows.map(({ name }) => name);
  };
  const signIn = (username: string, password: string) => clientOf(app).signIn({ username, password });

  it('shows the user, by cookie and by token', async () => {
    const ada = await newcomer();
    const { access_token } = await login(app, ada);
    const { id, username, email } = ada;
    for (const reply of [
      await ada.browser.get('/v1/me'),
      await send(app, 'GET', '/v1/me', undefined, asBearer(access_token)),
    ]) {
      expect(reply.status).toBe(200);
      expect(reply.body.user).toMatchObject({ id, username, email, role: 'user', disabled: false });
      expect(reply.text).not.toMatch(/hash|argon2|_key/);
    }
    const nobody = await send(app, 'GET', '/v1/me');
    expect([nobody.status, nobody.body.code]).toEqual([401, 'unauthenticated']);
    expect(nobody.headers.get('www-authenticate')).toBe('Bearer realm="usher"');
  });

  it('shows sessions and recent events on the dashboard, and no one else’s', async () => {
    const [ada, bob] = [await newcomer(), await newcomer()];
    const program = await signedIn(app, ada);
    await signIn(ada.username, 'wrong wrong wrong');
    const { status, body } = await ada.browser.get('/v1/dashboard');
    expect(status).toBe(200);
    expect(Object.keys(body)).toEqual(['user', 'session', 'sessions', 'events']);
    expect(body.user.id).toBe(ada.id);
    expect(body.session).toMatchObject({ kind: 'cookie', current: true, ip: ada.browser.from });
    expect(
      body.sessions.map(({ kind, current }: { kind: string; current: boolean }) => [kind, current]),
    ).toEqual(
      expect.arrayContaining([
        ['cookie', true],
        ['bearer', false],
      ]),
    );
    expect(body.events.map(({ name }: { name: string }) => name)).toEqual([
      'sign_in_failed',
      'signed_in',
      'signed_in',
      'user_signed_up',
    ]);
    expect(JSON.stringify(body)).not.toContain(bob.id);
    expect(given(await program.me.dashboard())).toMatchObject({
      user: body.user,
      session: { kind: 'bearer', current: true },
      events: body.events,
    });
  });

  it('is renamed to what nobody else is called', async () => {
    const [ada, bob] = [await newcomer(), await newcomer()];
    const { me } = await signedIn(app, ada);
    const { username } = newIdentifiers();
    expect(given(await me.change({ username: `  ${username} ` })).user.username).toBe(username);
    // One's own name in another case is no one else's.
    const upper = username.toUpperCase();
    expect(given(await me.change({ username: upper })).user.username).toBe(upper);
    expect((await me.change({ username: bob.username.toUpperCase() })).error).toMatchObject({
      status: 409,
      code: 'identifier_taken',
      fields: [{ field: 'username', code: 'username_taken' }],
    });
    for (const wrong of ['', 'a@b', 'x'.repeat(65), 'a\tb']) {
      const { error } = await me.change({ username: wrong });
      expect([wrong, error?.status, error?.fields[0]?.field]).toEqual([wrong, 400, 'username']);
    }
    expect(given(await me.get()).user.username).toBe(upper);
    given(await signIn(username, PASSWORD));
    expect(refusal(await signIn(ada.username, PASSWORD))).toBe('invalid_credentials');
    expect(await eventsOf(ada.id)).toContain('user_updated');
  });

  it('is called what it wants, in one line of visible text', async () => {
    const [ada, bob] = [await newcomer(), await newcomer()];
    const { me } = await signedIn(app, ada);
    expect(given(await me.get()).user.display_name).toBeNull();
    const called = async (display_name: string) => given(await me.change({ display_name })).user.display_name;
    expect(await called('  Ada\u00a0  Lovelace ')).toBe('Ada Lovelace');
    expect(await called('A\u030angstro\u0308m')).toBe('Ångström');
    // Each of these is one character to people.
    for (const fits of [
      '👩‍👩‍👧‍👦'.repeat(30),
      'd\u0323\u0307'.repeat(64),
      'نمی\u200cخواهم',
      '❤\ufe0f',
      bob.username,
    ])
      expect(await called(fits)).toBe(fits.normalize('NFC'));
    const bidirectional = ['\u202e', '\u2066', '\u200f', '\u061c'];
    const unseen = ['\n', '\x07', '\u2028', '\u200b', '\ufeff', '\u3164', '\ue000', '\u{e0041}'];
    const wrong = [...bidirectional, ...unseen].map((character) => `A${character}da`);
    const endless = ['x'.repeat(65), '👩'.repeat(65), `a${'\u0301'.repeat(300)}`, 'x'.repeat(2000)];
    for (const one of [...wrong, '\u200d\ufe0f', '\u0301', ...endless]) {
      const { error } = await me.change({ display_name: one });
      expect([one, error?.status, error?.fields[0]?.field]).toEqual([one, 400, 'display_name']);
    }
    expect(given(await me.get()).user).toMatchObject({ username: ada.username, display_name: bob.username });
    expect(await called('  ')).toBeNull();
    expect((await clientOf(app).signIn({ username: 'Ångström', password: PASSWORD })).error).toBeDefined();
  });

  it('records no change that changes nothing', async () => {
    const ada = await newcomer();
    const { me } = await signedIn(app, ada);
    given(await me.change({ display_name: 'Ada' }));
    const before = await eventsOf(ada.id);
    for (const same of [{ username: ada.username }, { display_name: ' Ada ', username: ` ${ada.username}` }])
      expect(given(await me.change(same)).user.username).toBe(ada.username);
    expect(await eventsOf(ada.id)).toEqual(before);
    given(await me.change({ display_name: '' }));
    expect(await eventsOf(ada.id)).toEqual([...before, 'user_updated']);
  });

  it('is not renamed by two at once to the same name', async () => {
    const people = await Promise.all(Array.from({ length: 6 }, newcomer));
    const { username } = newIdentifiers();
    const replies = await Promise.all(
      people.map(({ browser }) => browser.send('PATCH', '/v1/me', { username })),
    );
    expect(replies.map(({ status }) => status).sort()).toEqual([200, 409, 409, 409, 409, 409]);
  });

  it('gets another password: all sessions end, and this browser goes on with a new one', async () => {
    const ada = await newcomer();
    const elsewhere = new Browser(app);
    await elsewhere.post('/v1/signin', { username: ada.username, password: PASSWORD });
    const { access_token, refresh_token } = await login(app, ada);
    const before = ada.browser.cookie;
    const change = { current_password: PASSWORD, new_password: 'another one altogether' };
    const reply = await ada.browser.send('PUT', '/v1/me/password', change);
    expect(reply.status).toBe(200);
    expect(reply.body).toEqual({ message: 'Password changed.' });
    expect(ada.browser.cookie).not.toBe(before);
    expect((await ada.browser.get('/v1/me')).status).toBe(200);

    expect((await elsewhere.get('/v1/me')).status).toBe(401);
    expect((await send(app, 'GET', '/v1/me', undefined, asBearer(access_token))).status).toBe(401);
    expect((await send(app, 'POST', '/v1/refresh', { refresh_token })).status).toBe(401);
    expect(
      (await send(app, 'GET', '/v1/me', undefined, { headers: { cookie: `usher=${before}` } })).status,
    ).toBe(401);
    expect(refusal(await signIn(ada.username, PASSWORD))).toBe('invalid_credentials');
    given(await signIn(ada.username, change.new_password));
    expect(await eventsOf(ada.id)).toContain('password_changed');
  });

  it('gets another password by token, and the program goes on with a new pair', async () => {
    const ada = await newcomer();
    const { access_token } = await login(app, ada);
    const change = { current_password: PASSWORD, new_password: 'another one altogether' };
    const reply = await send(app, 'PUT', '/v1/me/password', change, asBearer(access_token));
    expect(reply.status).toBe(200);
    expect(reply.body).toMatchObject({ message: 'Password changed.', token_type: 'Bearer', expires_in: 600 });
    expect(reply.headers.getSetCookie()).toEqual([]);
    expect((await send(app, 'GET', '/v1/me', undefined, asBearer(access_token))).status).toBe(401);
    expect((await send(app, 'GET', '/v1/me', undefined, asBearer(reply.body.access_token))).status).toBe(200);
    expect((await send(app, 'POST', '/v1/refresh', { refresh_token: reply.body.refresh_token })).status).toBe(
      200,
    );
  });

  it('keeps its password and its sessions when the change is rejected', async () => {
    const ada = await newcomer();
    const { me } = await signedIn(app, ada);
    const another = { current_password: 'wrong wrong wrong', new_password: 'another one altogether' };
    const wrong = await ada.browser.send('PUT', '/v1/me/password', another);
    expect([wrong.status, wrong.body.code, wrong.headers.getSetCookie()]).toEqual([
      401,
      'invalid_credentials',
      [],
    ]);
    expect(refusal(await me.changePassword(another))).toBe('invalid_credentials');
    for (const weak of ['1234', 'password', ada.username + ada.username, 'x'.repeat(257)]) {
      const { error } = await me.changePassword({ current_password: PASSWORD, new_password: weak });
      expect([weak, error?.status, error?.fields[0]?.field]).toEqual([weak, 400, 'new_password']);
      // The person is told of their password, not of the field's name.
      expect(error?.fields[0]?.message).toMatch(
        /^(Use|This password|Don’t base your password) (?!.*new_password)/,
      );
    }
    expect((await ada.browser.get('/v1/me')).status).toBe(200);
    given(await me.get());
    given(await signIn(ada.username, PASSWORD));
    expect(await eventsOf(ada.id)).toContain('reauthentication_failed');
    expect(await eventsOf(ada.id)).not.toContain('password_changed');
  });

  it('forgets wrong current passwords once the right one is given', async () => {
    const ada = await newcomer();
    const put = (current_password: string, new_password: string) =>
      ada.browser.send('PUT', '/v1/me/password', { current_password, new_password });
    const next = ['a second fine passphrase', 'a third fine passphrase'];
    for (const [was, will] of [
      [PASSWORD, next[0]],
      [next[0], next[1]],
    ] as [string, string][]) {
      // One more than these, and the account would have to wait.
      for (let i = 0; i < 4; i++) expect((await put('wrong wrong wrong', will)).status).toBe(401);
      expect((await put(was, will)).status).toBe(200);
    }
  });

  it('lists its sessions and ends them one by one', async () => {
    const ada = await newcomer();
    const elsewhere = new Browser(app, '203.0.113.9');
    await elsewhere.send(
      'POST',
      '/v1/signin',
      { username: ada.username, password: PASSWORD },
      { 'user-agent': 'Netscape 4' },
    );
    const program = await signedIn(app, ada);
    const { sessions, next_cursor } = (await ada.browser.get('/v1/me/sessions')).body;
    expect(next_cursor).toBeNull();
    expect(sessions).toHaveLength(3);
    const other = sessions.find(({ user_agent }: { user_agent: string }) => user_agent === 'Netscape 4');
    expect(other).toEqual({
      id: expect.stringMatching(/^[\w-]{22}$/),
      kind: 'cookie',
      created_at: '2026-03-01T12:00:00.500Z',
      last_seen_at: '2026-03-01T12:00:00.500Z',
      ip: '203.0.113.9',
      user_agent: 'Netscape 4',
      device_id: expect.stringMatching(/^[\w-]{22}$/),
      name: null,
      kept_until: null,
      current: false,
    });
    const ended = await ada.browser.send('DELETE', `/v1/me/sessions/${other.id}`);
    expect([ended.status, ended.body]).toEqual([200, { message: 'Session revoked.' }]);
    expect((await elsewhere.get('/v1/me')).status).toBe(401);
    expect((await ada.browser.send('DELETE', `/v1/me/sessions/${other.id}`)).status).toBe(404);
    expect(refusal(await program.me.revokeSession(other.id))).toBe('not_found');
    // The one that asks may end itself, too.
    const own = sessions.find(({ current }: { current: boolean }) => current);
    const last = await ada.browser.send('DELETE', `/v1/me/sessions/${own.id}`);
    expect(last.headers.get('set-cookie')).toMatch(/^usher=; .*Max-Age=0/);
    expect(given(await program.me.sessions()).sessions).toMatchObject([{ kind: 'bearer', current: true }]);
    expect(await eventsOf(ada.id)).toEqual(expect.arrayContaining(['session_revoked', 'session_revoked']));
  });

  it('ends all its other sessions at once, and this one goes on', async () => {
    const ada = await newcomer();
    const [program, other] = [await signedIn(app, ada), await signedIn(app, ada)];
    expect(given(await program.me.revokeOtherSessions())).toEqual({
      message: 'Other sessions revoked.',
      sessions: 2,
    });
    expect(refusal(await other.me.get())).toBe('invalid_token');
    expect((await ada.browser.get('/v1/me')).status).toBe(401);
    expect(given(await program.me.sessions()).sessions).toHaveLength(1);
    expect(await eventsOf(ada.id)).toContain('other_sessions_revoked');
  });

  it('gives all that is kept about it, and no one else’s', async () => {
    const [ada, bob] = [await newcomer(), await newcomer()];
    const { me } = await signedIn(app, ada);
    const data = given(await me.data());
    expect(data.user).toMatchObject({ id: ada.id, email: ada.email });
    expect(data.sessions.map(({ kind }) => kind).sort()).toEqual(['bearer', 'cookie']);
    expect(data.events.map(({ name }) => name)).toEqual(['signed_in', 'signed_in', 'user_signed_up']);
    expect(JSON.stringify(data)).not.toContain(bob.id);
  });

  it('is deleted with everything that was its own, and its names are free again', async () => {
    const ada = await newcomer();
    const { access_token, refresh_token } = await login(app, ada);
    const { me } = await signedIn(app, ada);
    expect((await me.delete({ email: 'another@example.org', password: PASSWORD })).error).toMatchObject({
      status: 400,
      fields: [{ field: 'email', code: 'email_mismatch' }],
    });
    expect((await me.delete({ email: ada.email, password: 'wrong wrong wrong' })).error).toMatchObject({
      status: 401,
      code: 'invalid_credentials',
    });
    expect((await ada.browser.get('/v1/me')).status).toBe(200);

    const reply = await ada.browser.send('DELETE', '/v1/me', {
      Email: ` ${ada.email.toUpperCase()}`,
      Password: PASSWORD,
    });
    expect([reply.status, reply.body]).toEqual([200, { message: 'delete successful!' }]);
    expect(reply.headers.get('set-cookie')).toMatch(/^usher=; .*Max-Age=0/);
    expect(reply.headers.get('clear-site-data')).toBe('"cache"');
    expect((await send(app, 'GET', '/v1/me', undefined, asBearer(access_token))).status).toBe(401);
    expect((await send(app, 'POST', '/v1/refresh', { refresh_token })).status).toBe(401);
    expect(refusal(await me.get())).toBe('invalid_token');
    expect(refusal(await signIn(ada.username, PASSWORD))).toBe('invalid_credentials');
    for (const table of ['users', 'sessions'] as const)
      expect(
        await inside.db
          .selectFrom(table)
          .select('id')
          .where(table === 'users' ? 'id' : 'user_id', '=', ada.id)
          .execute(),
      ).toEqual([]);
    const { username, email, password } = ada;
    const again = clientOf(app);
    given(await again.signUp({ username, email, password }));
    expect(given(await again.me.get()).user.id).not.toBe(ada.id);
  });

  it('is not deleted while it is the only enabled administrator’s', async () => {
    const [ada, bob] = [await newcomer(), await newcomer()];
    await inside.promote(ada.id);
    const { me, users } = await signedIn(app, ada);
    const remove = () => me.delete({ email: ada.email, password: PASSWORD });
    expect((await remove()).error).toMatchObject({ status: 409, code: 'last_admin' });
    given(await users.list());
    await inside.promote(bob.id);
    given(await remove());
    await inside.db.updateTable('users').set({ admin_since: null }).execute();
  });

  it('moves its cookie with every use, and is signed out after ten minutes without one', async () => {
    const ada = await newcomer();
    for (let i = 0; i < 3; i++) {
      app.clock.advance(9 * MINUTE);
      const before = ada.browser.cookie;
      expect((await ada.browser.get('/v1/me')).status).toBe(200);
      expect(ada.browser.cookie).not.toBe(before);
    }
    app.clock.advance(10 * MINUTE);
    const reply = await ada.browser.get('/v1/me');
    expect([reply.status, reply.body.code]).toEqual([401, 'invalid_token']);
    expect(reply.headers.get('set-cookie')).toMatch(/^usher=; .*Max-Age=0/);
  });
});
