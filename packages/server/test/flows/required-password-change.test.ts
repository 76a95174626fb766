import { beforeAll, describe, expect, it } from 'vitest';
import { routes } from '../../src/routes.ts';
import { asBearer, Browser, login, NEW_PASSWORD, newIdentifiers, send, signUp } from '../support/app.ts';
import { clientOf, given, refusal } from '../support/client.ts';
import { lastEmail } from '../support/emails.ts';
import { newIp } from '../support/forge.ts';
import { submit } from '../support/form.ts';
import { databases } from '../support/postgres.ts';
import { withApp } from '../support/with-app.ts';

const restricted = routes.filter(
  ({ access, allowedBeforePasswordChange }) =>
    (access === 'user' || access === 'admin') && !allowedBeforePasswordChange,
);

describe.each(databases)('a password that must be changed on $name', ({ create }) => {
  const { app, database, inside } = withApp(create, {
    allowedOrigins: 'https://app.example',
    audiences: 'todo-service',
  });
  let admin: Awaited<ReturnType<typeof signUp>>;
  beforeAll(async () => {
    admin = await signUp(app);
    await inside.promote(admin.id);
  });

  /** Someone whom an administrator gave a password. */
  const newcomer = async (more: { password?: string; role?: 'admin' } = {}) => {
    const { password: _, ...names } = newIdentifiers();
    const { status, body } = await admin.browser.post('/v1/users', { ...names, ...more });
    expect(status).toBe(201);
    expect(body.user.password_change_required).toBe(true);
    return { ...names, id: body.user.id as string, password: (more.password ?? body.password) as string };
  };
  const signIn = async (who: { username: string; password: string }) => {
    const browser = new Browser(app, newIp());
    const reply = await browser.post('/v1/signin', { username: who.username, password: who.password });
    return { browser, reply };
  };

  it('ASVS 6.4.1: the sign-in succeeds and says so, whether the password was generated or chosen', async () => {
    for (const who of [await newcomer(), await newcomer({ password: 'an administrator chose it' })]) {
      const { browser, reply } = await signIn(who);
      expect(reply).toMatchObject({
        status: 200,
        body: { message: 'login successful!', user: { password_change_required: true } },
      });
      expect((await browser.get('/v1/me')).body.user).toMatchObject({
        id: who.id,
        password_change_required: true,
      });
    }
  });

  it.each(['cookie', 'bearer'])(
    'ASVS 6.4.1: every route but a few rejects, by %s',
    async (kind) => {
      const who = await newcomer({ role: 'admin' });
      const { browser } = await signIn(who);
      const bearer = asBearer((await login(app, who, newIp())).access_token);
      expect(restricted.length).toBeGreaterThan(40);
      for (const { method, path } of restricted) {
        const reply =
          kind === 'cookie'
            ? await browser.send(method, path, method === 'GET' ? undefined : {})
            : await send(app, method, path, method === 'GET' ? undefined : {}, bearer);
        expect(reply, `${method} ${path}`).toMatchObject({
          status: 403,
          body: { code: 'password_change_required' },
        });
      }
      // Nothing of it has happened.
      expect((await browser.get('/v1/me')).status).toBe(200);
    },
    60_000,
  );

  it('ASVS 6.4.1: an application that Usher is mounted in is told the same', async () => {
    const who = await newcomer();
    const { access_token } = await login(app, who, newIp());
    const request = new Request(`${app.url}/todos`, {
      headers: { host: new URL(app.url).host, ...asBearer(access_token).headers },
    });
    const caller = await app.usher.authenticate(request);
    expect(caller.error?.status).toBe(403);
    expect(await caller.error?.json()).toMatchObject({ code: 'password_change_required' });
  });

  it('ASVS 6.4.1: no service gets a token, at login or refresh', async () => {
    const who = await newcomer();
    const { username, password } = who;
    const audience = 'todo-service';
    const reply = await send(app, 'POST', '/v1/login', { username, password, audience }, { from: newIp() });
    expect(reply).toMatchObject({ status: 403, body: { code: 'password_change_required' } });
    // The sign-in was rolled back as a whole.
    const sessions = inside.db.selectFrom('sessions').select('id').where('user_id', '=', who.id);
    expect(await sessions.execute()).toEqual([]);
    const row = inside.db.selectFrom('users').select('last_sign_in_at').where('id', '=', who.id);
    expect(await row.executeTakeFirst()).toEqual({ last_sign_in_at: null });
    const { refresh_token } = await login(app, who, newIp());
    expect(await send(app, 'POST', '/v1/refresh', { refresh_token, audience })).toMatchObject({
      status: 403,
      body: { code: 'password_change_required' },
    });
  });

  it('the change opens everything, and is once', async () => {
    const who = await newcomer();
    const client = clientOf(app);
    const { user } = given(await client.signIn({ username: who.username, password: who.password }));
    expect(user.password_change_required).toBe(true);
    expect(refusal(await client.me.dashboard())).toBe('password_change_required');

    const same = await client.me.changePassword({
      current_password: who.password,
      new_password: who.password,
    });
    expect(same.error).toMatchObject({
      code: 'invalid_request',
      fields: [{ field: 'new_password', code: 'password_same' }],
    });
    expect(refusal(await client.me.dashboard())).toBe('password_change_required');

    given(await client.me.changePassword({ current_password: who.password, new_password: NEW_PASSWORD }));
    expect(given(await client.me.dashboard()).user.password_change_required).toBe(false);
    const { browser, reply } = await signIn({ ...who, password: NEW_PASSWORD });
    expect(reply.body.user.password_change_required).toBe(false);
    expect((await browser.get('/v1/dashboard')).status).toBe(200);
    expect((await signIn(who)).reply.status).toBe(401);
  });

  it('signing out is possible, here and everywhere', async () => {
    const who = await newcomer();
    for (const path of ['/v1/logout', '/v1/logout-everywhere']) {
      const { browser } = await signIn(who);
      expect((await browser.post(path)).status).toBe(200);
      expect((await browser.get('/v1/me')).status).toBe(401);
    }
  });

  it('a generated password of a reset must be changed, one that the owner chose need not', async () => {
    const { email, username } = await signUp(app, newIp());
    const reset = async (more: object) => {
      await send(app, 'POST', '/v1/send-mail', { email }, { from: newIp() });
      const { code } = await lastEmail(app, database, email);
      return send(app, 'POST', '/v1/reset-password', { email, code, ...more }, { from: newIp() });
    };
    const generated = (await reset({})).body.password as string;
    const { browser, reply } = await signIn({ username, password: generated });
    expect(reply.body.user.password_change_required).toBe(true);
    expect((await browser.get('/v1/dashboard')).body.code).toBe('password_change_required');

    expect((await reset({ password: NEW_PASSWORD })).status).toBe(200);
    expect(
      (await signIn({ username, password: NEW_PASSWORD })).reply.body.user.password_change_required,
    ).toBe(false);
  });

  it('pages lead to the form, and from there on', async () => {
    const who = await newcomer();
    const html = { accept: 'text/html' };
    const signedIn = await submit(
      app,
      '/sign-in',
      { name: who.username, password: who.password, return_to: 'https://app.example/start' },
      { from: newIp() },
    );
    const form = '/dashboard/security?return_to=https%3A%2F%2Fapp.example%2Fstart';
    expect([signedIn.status, signedIn.headers.get('location')]).toEqual([303, form]);

    const { browser } = await signIn(who);
    const page = await browser.send('GET', '/dashboard/sessions', undefined, html);
    expect([page.status, page.headers.get('location')]).toEqual([
      303,
      '/dashboard/security?return_to=%2Fdashboard%2Fsessions',
    ]);
    const shown = await browser.send('GET', page.headers.get('location') ?? '', undefined, html);
    expect(shown.status).toBe(200);
    expect(shown.text).toContain('Choose a new password');
    expect(shown.text).toContain('name="return_to" value="/dashboard/sessions"');
    expect(shown.text).not.toContain('href="/dashboard/sessions"');

    const changed = await submit(
      app,
      '/dashboard/security',
      { current_password: who.password, new_password: NEW_PASSWORD, return_to: '/dashboard/sessions' },
      { cookie: browser.cookie },
    );
    expect([changed.status, changed.headers.get('location')]).toEqual([303, '/dashboard/sessions']);
    const cookie = /^usher=([^;]+)/.exec(
      changed.headers.getSetCookie().find((one) => /^usher=/.test(one)) ?? '',
    );
    browser.cookie = cookie?.[1];
    expect((await browser.send('GET', '/dashboard/sessions', undefined, html)).status).toBe(200);
  });

  it('who chose the password at sign-up is not concerned', async () => {
    const { browser } = await signUp(app, newIp());
    expect((await browser.get('/v1/me')).body.user.password_change_required).toBe(false);
    expect((await browser.get('/v1/dashboard')).status).toBe(200);
  });
});
