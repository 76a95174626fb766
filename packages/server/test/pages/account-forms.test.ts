import { describe, expect, it } from 'vitest';
import { NEW_PASSWORD, PASSWORD, send, signUp, WRONG } from '../support/app.ts';
import { newIp } from '../support/forge.ts';
import { submit } from '../support/form.ts';
import { databases } from '../support/postgres.ts';
import { withApp } from '../support/with-app.ts';

const html = { accept: 'text/html' };

describe.each(databases)('forms of the account on $name', ({ create }) => {
  const { app } = withApp(create);

  /** What a page says is wrong, by field. */
  const errorsOf = (text: string) =>
    Object.fromEntries(
      [...text.matchAll(/<span id="(\w+)-error" class="error">([^<]*)/g)].map(([, field, error]) => [
        field,
        error,
      ]),
    );

  it.each([
    [
      '/dashboard/security',
      { current_password: WRONG, new_password: 'short' },
      {
        current_password: 'Incorrect password.',
        new_password: 'Use at least 8 characters (you have 5).',
      },
    ],
    [
      '/dashboard/email',
      { email: 'nobody', password: WRONG },
      { email: 'Enter a valid email, like name@example.com.', password: 'Incorrect password.' },
    ],
    [
      '/dashboard/delete',
      { email: 'nobody@example.org', password: WRONG },
      { email: 'This doesn’t match your account’s email.', password: 'Incorrect password.' },
    ],
  ])('say everything that is wrong on %s at once', async (path, fields, errors) => {
    const { browser } = await signUp(app, newIp());
    const reply = await submit(app, path, fields, { cookie: browser.cookie, headers: html });
    expect(reply.status).toBe(401);
    expect(errorsOf(reply.text)).toEqual(errors);
    // With the right password, the rest is still wrong, and nothing has been done.
    const { current_password, ...others } = fields as Record<string, string>;
    const right = { ...others, [current_password === undefined ? 'password' : 'current_password']: PASSWORD };
    const rejected = await submit(app, path, right, { cookie: browser.cookie, headers: html });
    expect(rejected.status).toBe(400);
    const [[field, error] = []] = Object.entries(errors).filter(([, text]) => text !== 'Incorrect password.');
    expect(errorsOf(rejected.text)).toEqual({ [`${field}`]: error });
    expect((await browser.get('/v1/me')).status).toBe(200);
  });

  it('say the same to an API client, and count the wrong password', async () => {
    const { browser } = await signUp(app, newIp());
    const body = { current_password: WRONG, new_password: 'short' };
    const { status, body: problem } = await browser.send('PUT', '/v1/me/password', body);
    expect([status, problem.code, problem.message]).toEqual([
      401,
      'invalid_credentials',
      'invalid credentials!',
    ]);
    expect(problem.errors).toEqual([expect.objectContaining({ field: 'new_password' })]);
    const { events } = (await browser.get('/v1/dashboard')).body;
    expect(events[0].name).toBe('reauthentication_failed');
    const alone = { current_password: WRONG, new_password: NEW_PASSWORD };
    expect((await browser.send('PUT', '/v1/me/password', alone)).body).not.toHaveProperty('errors');
  });

  it('tell a password manager the username, and what it may generate', async () => {
    const { browser, username } = await signUp(app, newIp());
    const { text } = await browser.send('GET', '/dashboard/security', undefined, html);
    expect(text).toContain(
      `<input type="text" autocomplete="username" value="${username}" readonly="" hidden=""/>`,
    );
    const inputs = [...text.matchAll(/<input id="(\w+)"[^>]*>/g)].map(([input, name]) => [name, input]);
    expect(Object.fromEntries(inputs)).toEqual({
      current_password: expect.stringContaining('autocomplete="current-password"'),
      new_password: expect.stringMatching(/autocomplete="new-password" passwordrules="minlength: 8;"/),
    });
  });

  it('change the password at the well-known address, also of who is not signed in yet', async () => {
    const { status, headers } = await send(app, 'GET', '/.well-known/change-password', undefined, {
      headers: html,
    });
    expect([status, headers.get('location')]).toEqual([303, '/dashboard/security']);
    const next = await send(app, 'GET', '/dashboard/security', undefined, { headers: html });
    expect([next.status, next.headers.get('location')]).toEqual([
      303,
      '/sign-in?return_to=%2Fdashboard%2Fsecurity',
    ]);
    // Password managers check that a server does not redirect every such address.
    const none = await send(
      app,
      'GET',
      '/.well-known/resource-that-should-not-exist-whose-status-code-should-not-be-200',
    );
    expect(none.status).toBe(404);
  });
});
