import { describe, expect, it } from 'vitest';
import { Browser, newIdentifiers, PASSWORD, send, startApp } from '../support/app.ts';
import { clientOf, given, refusal } from '../support/client.ts';
import { databases, sqlite } from '../support/postgres.ts';
import { withApp } from '../support/with-app.ts';

describe.each(databases)('sign-up on $name', ({ create }) => {
  const { app } = withApp(create);

  it('answers 201, the user and a session cookie that works', async () => {
    const browser = new Browser(app);
    const reply = await browser.post('/v1/signup', {
      username: 'ada',
      email: 'ada@example.org',
      password: PASSWORD,
    });
    expect(reply.status).toBe(201);
    expect(Object.keys(reply.body)).toEqual(['message', 'user']);
    expect(reply.body).toMatchObject({
      message: 'user created!',
      user: {
        id: expect.stringMatching(/^[0-9a-f-]{36}$/),
        username: 'ada',
        email: 'ada@example.org',
        email_verified: false,
        role: 'user',
        disabled: false,
        created_at: '2026-03-01T12:00:00.500Z',
        display_name: null,
        password_change_required: false,
        locale: null,
        time_zone: null,
      },
    });
    expect(reply.text).not.toContain('argon2');
    expect(reply.headers.getSetCookie()[0]).toMatch(
      /^usher=[^;]+; Path=\/; HttpOnly; SameSite=Lax; Max-Age=600$/,
    );
    expect((await browser.get('/v1/me')).body.user.username).toBe('ada');
  });

  it('takes the line of the notes as it stands', async () => {
    const wish = { Username: ' ABC', Email: ' Abc@gmail.com', Password: PASSWORD };
    const reply = await send(app, 'POST', '/v1/signup', wish);
    expect(reply.status).toBe(201);
    expect(reply.body.user).toMatchObject({ username: 'ABC', email: 'abc@gmail.com' });
    const again = await send(app, 'POST', '/v1/signin', { Email: 'abc@gmail.com', Password: PASSWORD });
    expect(again.body.message).toBe('login successful!');
  });

  it('says what a password needs to the 1234 of the notes', async () => {
    const reply = await send(app, 'POST', '/v1/signup', { ...newIdentifiers(), password: '1234' });
    expect(reply.status).toBe(400);
    expect(reply.body).toMatchObject({ code: 'signup_rejected', message: 'invalid credentials!' });
    expect(reply.body.errors).toEqual([
      {
        field: 'password',
        code: 'password_too_short',
        message: expect.stringContaining('at least 8 characters'),
      },
    ]);
    expect(reply.headers.getSetCookie()).toEqual([]);
  });

  it('says of a field what is wrong with it, and nothing else', async () => {
    const reply = await send(app, 'POST', '/v1/signup', { username: 'a@b', email: 'a', password: PASSWORD });
    expect(reply.body.errors.map(Object.keys)).toEqual([
      ['field', 'code', 'message'],
      ['field', 'code', 'message'],
    ]);
    const asked = await send(app, 'POST', '/v1/send-mail', { email: 'a' });
    expect(asked.body.errors.map(Object.keys)).toEqual([['field', 'code', 'message']]);
  });

  it('names every field that is rejected, and what is taken', async () => {
    const { signUp } = clientOf(app);
    const bad = await signUp({ username: 'a@b', email: 'nobody', password: 'password' });
    expect(bad.error?.fields.map(({ field }) => field)).toEqual(['username', 'email', 'password']);
    const names = newIdentifiers();
    given(await signUp(names));
    const taken = await signUp({ ...names, username: names.username.toUpperCase() });
    expect(taken.error).toMatchObject({
      status: 409,
      code: 'user_exists',
      message: 'invalid credentials!',
      fields: [{ code: 'username_taken' }, { code: 'email_taken' }],
    });
  });

  it('is told beforehand what a password is worth, and keeps nothing of it', async () => {
    const { checkPassword, me } = clientOf(app);
    const { username, email } = newIdentifiers();
    expect(given(await checkPassword({ password: '1234' }))).toEqual({
      strength: 'weak',
      message: expect.stringContaining('at least 8 characters'),
    });
    expect(given(await checkPassword({ password: `${username}1`, username, email })).strength).toBe('weak');
    expect(given(await checkPassword({ password: PASSWORD, username, email })).strength).toBe('strong');
    expect(refusal(await me.get())).toBe('unauthenticated');
    expect(app.log.join('')).not.toContain(PASSWORD);
  });

  it('lets one IP range sign up thirty times an hour', async () => {
    const { signUp } = clientOf(app, '198.51.100.7');
    for (let i = 0; i < 30; i++)
      expect(refusal(await signUp({ ...newIdentifiers(), email: 'ada@example.org' }))).toBe('user_exists');
    const { error } = await signUp(newIdentifiers());
    expect(error).toMatchObject({ status: 429, code: 'too_many_requests' });
    expect(error?.retryAfter).toBeGreaterThan(3_590);
    app.clock.advance(60 * 60_000);
    given(await signUp(newIdentifiers()));
  });
});

it('is closed by a setting', async () => {
  const database = await sqlite.create();
  const app = await startApp(database, { signup: 'closed' });
  expect((await clientOf(app).signUp(newIdentifiers())).error).toMatchObject({
    status: 403,
    code: 'signup_disabled',
  });
  await app.stop();
  await database.remove();
});
