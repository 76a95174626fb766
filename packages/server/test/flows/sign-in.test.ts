import { beforeAll, describe, expect, it } from 'vitest';
import { asBearer, Browser, basic, newIdentifiers, PASSWORD, send, signUp } from '../support/app.ts';
import { clientOf, given, signedIn } from '../support/client.ts';
import { databases } from '../support/postgres.ts';
import { withApp } from '../support/with-app.ts';

describe.each(databases)('sign-in on $name', ({ create }) => {
  const { app, inside } = withApp(create);
  let ada: Awaited<ReturnType<typeof signUp>>;
  beforeAll(async () => {
    ada = await signUp(app);
  });

  const lastEvent = () =>
    inside.db.selectFrom('events').selectAll().orderBy('id', 'desc').limit(1).executeTakeFirstOrThrow();

  it('answers 200, the user and a session cookie, and never a token in the body', async () => {
    const browser = new Browser(app);
    const reply = await browser.post('/v1/signin', { email: ada.email, password: PASSWORD });
    expect(reply.status).toBe(200);
    expect(Object.keys(reply.body)).toEqual(['message', 'user']);
    expect(reply.body).toMatchObject({
      message: 'login successful!',
      user: {
        id: ada.id,
        username: ada.username,
        email: ada.email,
        email_verified: false,
        role: 'user',
        disabled: false,
        created_at: '2026-03-01T12:00:00.500Z',
        display_name: null,
        password_change_required: false,
      },
    });
    expect(reply.headers.getSetCookie()).toEqual([
      expect.stringMatching(/^usher=[\w.-]+; Path=\/; HttpOnly; SameSite=Lax; Max-Age=600$/),
      expect.stringMatching(/^usher-device=[\w.-]+; Path=\/; HttpOnly; SameSite=Lax; Max-Age=7776000$/),
    ]);
    expect(reply.text).not.toContain(browser.cookie);
    expect((await browser.get('/v1/me')).body.user.id).toBe(ada.id);
    expect(await lastEvent()).toMatchObject({
      name: 'signed_in',
      user_id: ada.id,
      actor_id: ada.id,
      details: '{"kind":"cookie","amr":"pwd"}',
      ip: '192.0.2.1',
      request_id: reply.headers.get('x-request-id'),
    });
  });

  it('takes a username or an email, in any case, with field names in any case, and ends trimmed', async () => {
    const { username, email } = await signUp(app);
    for (const path of ['/v1/signin', '/v1/login'])
      for (const body of [
        { username, password: PASSWORD },
        { email, password: PASSWORD },
        { Email: ` ${email.toUpperCase()}\n`, Password: PASSWORD },
        { USERNAME: `\t${username.toUpperCase()} `, PASSWORD },
        // One field may hold either: what has an @ is an address.
        { username: email, password: PASSWORD },
        { login: email.toUpperCase(), password: PASSWORD },
        { Login: ` ${username} `, PASSWORD },
        { email: username, password: PASSWORD },
      ])
        expect([body, (await send(app, 'POST', path, body)).status]).toEqual([body, 200]);
    expect((await send(app, 'POST', '/v1/signin', { username, password: ` ${PASSWORD}` })).status).toBe(401);
    expect(
      (await send(app, 'POST', '/v1/signin', { username, password: PASSWORD.toUpperCase() })).status,
    ).toBe(401);
  });

  it('needs one name and a password, and takes nothing else', async () => {
    const { username, email } = ada;
    const wrong: [unknown, string, string][] = [
      [{ username, email, password: PASSWORD }, 'login', 'custom'],
      [{ login: email, email, password: PASSWORD }, 'login', 'custom'],
      [{ login: username, username, password: PASSWORD }, 'login', 'custom'],
      [{ password: PASSWORD }, 'login', 'custom'],
      [{ username }, 'password', 'required'],
      [{ username, password: PASSWORD, remember: true }, 'remember', 'unknown_field'],
      [{}, 'password', 'required'],
    ];
    for (const [body, field, code] of wrong) {
      const reply = await send(app, 'POST', '/v1/signin', body);
      expect([body, reply.status, reply.body.code]).toEqual([body, 400, 'invalid_request']);
      expect(reply.body.errors).toContainEqual(expect.objectContaining({ field, code }));
      expect(reply.headers.getSetCookie()).toEqual([]);
    }
  });

  it('counts the same identifier once, whichever field it is given in', async () => {
    const bob = await signUp(app);
    const from = '203.0.113.77';
    const fields = [{ login: bob.email }, { email: bob.email }, { username: bob.email }];
    for (let i = 0; i < 5; i++)
      await send(app, 'POST', '/v1/signin', { ...fields[i % 3], password: 'wrong wrong wrong' }, { from });
    for (const field of fields)
      expect((await send(app, 'POST', '/v1/signin', { ...field, password: PASSWORD }, { from })).status).toBe(
        401,
      );
    expect(await lastEvent()).toMatchObject({ name: 'rate_limit_exceeded', user_id: bob.id });
  });

  it('says the same of an unknown user, a wrong password and a disabled account', async () => {
    const disabled = await signUp(app);
    await inside.db.updateTable('users').set({ disabled_at: 1 }).where('id', '=', disabled.id).execute();
    for (const path of ['/v1/signin', '/v1/login'])
      for (const { username, password } of [
        newIdentifiers(),
        { username: ada.username, password: 'wrong wrong wrong' },
        { username: disabled.username, password: PASSWORD },
      ]) {
        const reply = await send(app, 'POST', path, { username, password });
        expect(reply.status).toBe(401);
        expect(reply.body).toEqual({
          type: 'about:blank',
          title: 'Invalid credentials',
          status: 401,
          code: 'invalid_credentials',
          message: 'invalid credentials!',
          request_id: reply.headers.get('x-request-id'),
        });
        expect(reply.headers.getSetCookie()).toEqual([]);
        const event = await lastEvent();
        expect(event).toMatchObject({
          name: 'sign_in_failed',
          actor_id: null,
          request_id: reply.body.request_id,
        });
        expect(JSON.parse(event.details).reason).toBe('wrong');
      }
    expect(
      await inside.db.selectFrom('sessions').select('id').where('user_id', '=', disabled.id).execute(),
    ).toHaveLength(1);
  });

  it('gives programs a pair of tokens for HTTP Basic or JSON, and never a cookie', async () => {
    const { username, email } = ada;
    for (const reply of [
      await send(app, 'POST', '/v1/login', undefined, { headers: basic(username, PASSWORD) }),
      await send(app, 'POST', '/v1/login', undefined, { headers: basic(email, PASSWORD) }),
      await send(app, 'POST', '/v1/login', { email, password: PASSWORD }),
    ]) {
      expect(reply.status).toBe(200);
      expect(reply.body).toEqual({
        access_token: expect.stringMatching(/^ey[\w-]+\.[\w-]+\.[\w-]+$/),
        token_type: 'Bearer',
        expires_in: 600,
        refresh_token: expect.stringMatching(/^usher_r_/),
      });
      expect(reply.headers.getSetCookie()).toEqual([]);
      const me = await send(app, 'GET', '/v1/me', undefined, asBearer(reply.body.access_token));
      expect(me.body.user.id).toBe(ada.id);
      expect(me.headers.getSetCookie()).toEqual([]);
    }
    expect(JSON.parse((await lastEvent()).details)).toEqual({ kind: 'bearer', amr: 'pwd' });
  });

  it('takes one credential at log-in, and names HTTP Basic when there is none', async () => {
    const { username } = ada;
    const { headers } = asBearer('x');
    const both = await send(
      app,
      'POST',
      '/v1/login',
      { username, password: PASSWORD },
      { headers: basic(username, PASSWORD) },
    );
    expect([both.status, both.body.code]).toEqual([400, 'multiple_credentials']);
    const bearer = await send(app, 'POST', '/v1/login', undefined, { headers: headers ?? {} });
    expect([bearer.status, bearer.body.code]).toEqual([401, 'invalid_credentials']);
    for (const none of [
      await send(app, 'POST', '/v1/login'),
      await send(app, 'POST', '/v1/login', undefined, { raw: '' }),
    ]) {
      expect([none.status, none.body.code]).toEqual([401, 'invalid_credentials']);
      expect(none.headers.get('www-authenticate')).toBe('Basic realm="usher", charset="UTF-8"');
    }
  });

  it('starts a session of its own each time, in the place of the one that the browser had', async () => {
    const bob = await signUp(app);
    const first = bob.browser.cookie;
    await bob.browser.post('/v1/signin', { username: bob.username, password: PASSWORD });
    expect(bob.browser.cookie).not.toBe(first);
    const { me } = await signedIn(app, bob);
    const { sessions } = given(await me.sessions());
    expect(sessions.map(({ kind }) => kind).sort()).toEqual(['bearer', 'cookie']);
    expect(new Set(sessions.map(({ id }) => id)).size).toBe(2);
  });

  it('is made to wait where too many names have failed, and is told how long', async () => {
    const { signIn } = clientOf(app);
    for (let i = 0; i < 20; i++) await signIn({ username: newIdentifiers().username, password: PASSWORD });
    const { error } = await signIn({ username: ada.username, password: PASSWORD });
    expect(error).toMatchObject({ code: 'too_many_requests', status: 429 });
    expect(error?.retryAfter).toBeGreaterThan(0);
  });
});
