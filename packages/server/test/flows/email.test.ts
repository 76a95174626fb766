import { describe, expect, it } from 'vitest';
import type { Client } from '../../../client/src/index.ts';
import {
  Browser,
  NEW_PASSWORD,
  newIdentifiers,
  PASSWORD,
  send,
  signUp,
  startApp,
  type TestApp,
} from '../support/app.ts';
import { clientOf, given, refusal, signedIn } from '../support/client.ts';
import { DAY, MINUTE, SECOND } from '../support/clock.ts';
import { sessionOf, verificationOf } from '../support/cookies.ts';
import { anotherThan, lastEmail, queuedEmails, tokenOf } from '../support/emails.ts';
import { newIp } from '../support/forge.ts';
import { formTokenFor, openLink, submit } from '../support/form.ts';
import { databases } from '../support/postgres.ts';
import { withApp, withStarted } from '../support/with-app.ts';

describe.each(databases)('emails of accounts on $name', ({ create }) => {
  const { app: open, database, inside } = withApp(create);
  /** The same installation, where addresses are proven first. */
  const verified = withStarted(
    () => startApp(database, { signup: 'verified', secret: open.secret, clock: open.clock }),
    (it) => it.stop(),
  );

  const ask = (app: TestApp, path: string, body: object, cookie?: string) =>
    send(app, 'POST', path, body, {
      from: newIp(),
      headers: cookie ? { cookie, origin: app.url } : {},
    });
  const signIn = (email: string, password = PASSWORD) => clientOf(open).signIn({ email, password });
  /** Each from anywhere else than the browser that asked. */
  const verify = (body: Parameters<Client['verifyEmail']>[0], app = open) => clientOf(app).verifyEmail(body);
  const restore = (body: Parameters<Client['restoreEmail']>[0]) => clientOf(open).restoreEmail(body);
  const emailTo = (email: string, kind: string) => lastEmail(open, database, email, kind);
  const events = async (userId: string) =>
    (await inside.db.selectFrom('events').select('name').where('user_id', '=', userId).execute()).map(
      ({ name }) => name,
    );

  describe('after an open sign-up', () => {
    it('is proven by the mailed code in the browser that signed up, and nobody is signed out', async () => {
      const { id, email, browser } = await signUp(open, newIp());
      const { code, link } = await emailTo(email, 'verify_email');
      const reply = await browser.post('/v1/verify-email', { email, code });
      expect(reply).toMatchObject({ status: 200, body: { message: 'Email verified.' } });
      expect(reply.body.user).toMatchObject({ id, email, email_verified: true });
      expect((await browser.get('/v1/me')).body.user.email_verified).toBe(true);
      expect(await events(id)).toContain('email_verified');
      const again = [
        await browser.post('/v1/verify-email', { email, code }),
        await browser.post('/v1/verify-email', { token: tokenOf(link) }),
      ];
      expect(again.map(({ body }) => body.code)).toEqual(['invalid_code', 'invalid_link']);
    });

    it('W20: proven from anywhere else, it needs a new password, and who was there first is out', async () => {
      const squatter = await signUp(open, newIp());
      const { link } = await emailTo(squatter.email, 'verify_email');
      const token = tokenOf(link);
      expect((await verify({ token })).error).toMatchObject({ status: 400, code: 'password_required' });
      expect((await verify({ token, password: '1234' })).error).toMatchObject({
        status: 400,
        fields: [{ field: 'password' }],
      });
      expect(given(await verify({ token, password: NEW_PASSWORD })).user.email_verified).toBe(true);
      expect((await squatter.browser.get('/v1/me')).status).toBe(401);
      expect(refusal(await signIn(squatter.email))).toBe('invalid_credentials');
      given(await signIn(squatter.email, NEW_PASSWORD));
    });

    it('W20: a squatter whose browser began another flow gains nothing by its cookie', async () => {
      const squatter = await signUp(open, newIp());
      const { link } = await emailTo(squatter.email, 'verify_email');
      const asked = await ask(open, '/v1/send-mail', { email: squatter.email });
      const reply = await ask(open, '/v1/verify-email', { token: tokenOf(link) }, verificationOf(asked));
      expect(reply.body.code).toBe('password_required');
    });

    it('sends another code on request, until the email is verified', async () => {
      const { email, password } = await signUp(open, newIp());
      const { me, verifyEmail } = await signedIn(open, { email, password });
      open.clock.advance(SECOND);
      given(await me.resendVerification());
      const emails = (await queuedEmails(open, database)).filter(({ to }) => to === email);
      expect(emails.map(({ kind }) => kind)).toEqual(['verify_email', 'new_device', 'verify_email']);
      const { code } = emails.at(-1)?.values ?? {};
      expect(given(await verifyEmail({ email, code })).message).toBe('Email verified.');
      expect((await me.resendVerification()).error).toMatchObject({ status: 409, code: 'conflict' });
    });

    it('takes no code for another purpose, account or email, none that is wrong, and none after ten minutes; the link works for an hour', async () => {
      const ada = await signUp(open, newIp());
      const grace = await signUp(open, newIp());
      const { code } = await emailTo(ada.email, 'verify_email');
      await ask(open, '/v1/send-mail', { email: ada.email });
      const reset = await emailTo(ada.email, 'reset_password');
      const refused = [
        { email: grace.email, code },
        { email: ada.email, code: anotherThan(code) },
        { email: ada.email, code: reset.code === code ? anotherThan(code) : reset.code },
        { token: tokenOf(reset.link) },
        { token: 'x' },
      ];
      for (const body of refused)
        expect(refusal(await verify({ ...body, password: NEW_PASSWORD }))).toBe(
          'token' in body ? 'invalid_link' : 'invalid_code',
        );
      const crossed = await clientOf(open).resetPassword({
        token: tokenOf((await emailTo(ada.email, 'verify_email')).link),
        password: NEW_PASSWORD,
      });
      expect(refusal(crossed)).toBe('invalid_link');
      open.clock.advance(10 * MINUTE);
      const late = await verify({ email: ada.email, code, password: NEW_PASSWORD });
      expect(refusal(late)).toBe('invalid_code');
      const { link } = await emailTo(ada.email, 'verify_email');
      const atLast = { token: tokenOf(link), password: NEW_PASSWORD };
      open.clock.advance(50 * MINUTE);
      expect(refusal(await verify(atLast))).toBe('invalid_link');
      open.clock.advance(-SECOND);
      given(await verify(atLast));
    });
  });

  describe('where they are proven first', () => {
    const begin = async (names = newIdentifiers(), from = newIp()) => {
      const browser = new Browser(verified, from);
      const reply = await browser.post('/v1/signup', names);
      return { ...names, browser, reply, verification: verificationOf(reply) };
    };

    it('makes the account once the email is verified, and signs in the browser that asked', async () => {
      const { username, email, password, reply, verification: flow } = await begin();
      expect(reply.status).toBe(202);
      expect(reply.headers.getSetCookie().some((one) => one.startsWith('usher='))).toBe(false);
      expect(refusal(await signIn(email))).toBe('invalid_credentials');
      const { code } = await emailTo(email, 'sign_up');
      const made = await ask(verified, '/v1/verify-email', { email, code }, flow);
      expect(made).toMatchObject({ status: 201, body: { message: 'user created!' } });
      expect(made.body.user).toMatchObject({ username, email, email_verified: true, role: 'user' });
      expect(made.headers.getSetCookie().some((one) => one.startsWith('usher='))).toBe(true);
      given(await signIn(email, password));
      expect((await ask(verified, '/v1/verify-email', { email, code }, flow)).body.code).toBe('invalid_code');
    });

    it.each([
      ['fresh when it is answered within five minutes of the password', 4 * MINUTE, 200],
      ['not fresh later: an email is no password', 6 * MINUTE, 401],
    ])('begins a session that is %s', async (_, wait, status) => {
      const { email, verification: flow } = await begin();
      const { code } = await emailTo(email, 'sign_up');
      open.clock.advance(wait);
      const made = await ask(verified, '/v1/verify-email', { email, code }, flow);
      expect(made.status).toBe(201);
      const headers = { cookie: sessionOf(made), origin: verified.url };
      expect((await send(verified, 'GET', '/v1/me', undefined, { headers })).status).toBe(200);
      const others = await send(verified, 'DELETE', '/v1/me/sessions', undefined, { headers });
      expect([others.status, others.body.code]).toEqual([
        status,
        status === 401 ? 'reauthentication_required' : undefined,
      ]);
    });

    it('W20: answered from anywhere else, the password is chosen anew', async () => {
      const { email } = await begin();
      const token = tokenOf((await emailTo(email, 'sign_up')).link);
      expect(refusal(await verify({ token }, verified))).toBe('password_required');
      expect(refusal(await verify({ token, password: '1234' }, verified))).toBe('invalid_request');
      expect(given(await verify({ token, password: NEW_PASSWORD }, verified)).message).toBe('user created!');
      expect(refusal(await signIn(email))).toBe('invalid_credentials');
      given(await signIn(email, NEW_PASSWORD));
    });

    it('E5: answers the same for an email that is taken, and tells its owner', async () => {
      const owner = await signUp(open, newIp());
      const free = await begin();
      const taken = await begin({ ...newIdentifiers(), email: owner.email });
      const { 'x-request-id': _a, date: _b, ...mine } = Object.fromEntries(free.reply.headers);
      const { 'x-request-id': _c, date: _d, ...other } = Object.fromEntries(taken.reply.headers);
      const cookieless = (headers: Record<string, string>) => ({
        ...headers,
        'set-cookie': headers['set-cookie']?.replace(/=[^;]+/, '='),
      });
      expect([taken.reply.status, taken.reply.text, cookieless(other)]).toEqual([
        202,
        free.reply.text,
        cookieless(mine),
      ]);
      expect((await emailTo(owner.email, 'sign_up_attempt')).username).toBeUndefined();
      const emails = (await queuedEmails(open, database)).filter(({ to }) => to === owner.email);
      expect(emails.map(({ kind }) => kind)).not.toContain('sign_up');
      given(await signIn(owner.email));
    });

    it('X1: of many answers to many sign-ups with one email one makes an account', async () => {
      const { email } = newIdentifiers();
      const rivals = await Promise.all([...Array(3)].map(() => begin({ ...newIdentifiers(), email })));
      const links = (await queuedEmails(open, database)).filter(({ to }) => to === email);
      expect(links).toHaveLength(3);
      const answers = await Promise.all(
        links.map(({ values }) =>
          verify({ token: tokenOf(values['link']), password: NEW_PASSWORD }, verified),
        ),
      );
      expect(answers.filter(({ data }) => data).length).toBe(1);
      expect(answers.flatMap((answer) => refusal(answer) ?? [])).toEqual(['invalid_link', 'invalid_link']);
      expect(rivals.map(({ reply }) => reply.status)).toEqual([202, 202, 202]);
      const rows = await inside.db.selectFrom('users').select('id').where('email', '=', email).execute();
      expect(rows).toHaveLength(1);
    });

    it('lets another username be chosen when the first was taken meanwhile', async () => {
      const { username, email, verification: flow } = await begin();
      const other = await begin({ ...newIdentifiers(), username });
      const first = await emailTo(other.email, 'sign_up');
      await ask(verified, '/v1/verify-email', { email: other.email, code: first.code }, other.verification);
      const { code } = await emailTo(email, 'sign_up');
      const taken = await ask(verified, '/v1/verify-email', { email, code }, flow);
      expect([taken.status, taken.body.errors[0].code]).toEqual([409, 'username_taken']);
      const made = await ask(verified, '/v1/verify-email', { email, code, username: `${username}x` }, flow);
      expect(made.body.user.username).toBe(`${username}x`);
    });

    it('keeps what was asked for sealed', async () => {
      const { username, email } = await begin();
      const rows = JSON.stringify(await inside.db.selectFrom('verifications').selectAll().execute());
      expect(rows).not.toContain(username);
      expect(rows).not.toContain(email);
      expect(rows).not.toContain('argon2');
    });
  });

  describe('that change', () => {
    const prove = async (user: Awaited<ReturnType<typeof signUp>>) => {
      const { code } = await emailTo(user.email, 'verify_email');
      await user.browser.post('/v1/verify-email', { email: user.email, code });
      return user;
    };
    const change = (user: Awaited<ReturnType<typeof signUp>>, email: string, password = PASSWORD) =>
      user.browser.post('/v1/me/email', { email, password });

    it('counts only once the new one is proven, by who is signed in; the old one is told', async () => {
      const user = await prove(await signUp(open, newIp()));
      const program = await signedIn(open, user);
      const { me } = program;
      const { email } = newIdentifiers();
      const wrong = await me.changeEmail({ email, password: 'not my password' });
      expect(wrong.error).toMatchObject({ status: 401, code: 'invalid_credentials' });
      expect((await me.changeEmail({ email: user.email, password: PASSWORD })).error?.fields).toMatchObject([
        { field: 'email', code: 'email_same' },
      ]);
      given(await me.changeEmail({ email, password: PASSWORD }));
      expect((await user.browser.get('/v1/me')).body.user.email).toBe(user.email);

      const { link } = await emailTo(email, 'change_email');
      const token = tokenOf(link);
      expect((await verify({ token })).error).toMatchObject({ status: 401, code: 'unauthenticated' });
      expect(given(await program.verifyEmail({ token }))).toMatchObject({
        message: 'Email changed.',
        user: { email },
      });
      given(await signIn(email));
      expect(refusal(await signIn(user.email))).toBe('invalid_credentials');
      expect((await emailTo(user.email, 'email_changed')).new_email).toBe(email);
      expect(await events(user.id)).toContain('email_changed');
    });

    it('W18: each link is for its own email; after one none of the others works', async () => {
      const user = await prove(await signUp(open, newIp()));
      const [first, second] = [newIdentifiers().email, newIdentifiers().email];
      await change(user, first);
      await change(user, second);
      const links = [await emailTo(first, 'change_email'), await emailTo(second, 'change_email')];
      const answers = await Promise.all(
        links.map(({ link }) => user.browser.post('/v1/verify-email', { token: tokenOf(link) })),
      );
      const won = answers.flatMap(({ status, body }) => (status === 200 ? [body.user.email] : []));
      expect(won).toHaveLength(1);
      expect((await user.browser.get('/v1/me')).body.user.email).toBe(won[0]);
    });

    it('E9: answers the same for an email that another account has, and tells its owner', async () => {
      const [user, owner] = [await signUp(open, newIp()), await signUp(open, newIp())];
      const taken = await change(user, owner.email);
      const free = await change(user, newIdentifiers().email);
      expect([taken.status, taken.text]).toEqual([free.status, free.text]);
      const kinds = (await queuedEmails(open, database))
        .filter(({ to }) => to === owner.email)
        .map(({ kind }) => kind);
      expect(kinds).toEqual(['verify_email', 'sign_up_attempt']);
    });

    it('can be taken back for seven days, with a new password and without whoever made the change', async () => {
      const user = await prove(await signUp(open, newIp()));
      const { email } = newIdentifiers();
      await change(user, email);
      await user.browser.post('/v1/verify-email', {
        token: tokenOf((await emailTo(email, 'change_email')).link),
      });
      // The thief changes the password, too, and signs up with the address that is free now.
      const passwords = { current_password: PASSWORD, new_password: 'the thief has chosen this' };
      expect((await user.browser.send('PUT', '/v1/me/password', passwords)).status).toBe(200);
      const squatting = await clientOf(open).signUp({ ...newIdentifiers(), email: user.email });
      expect(squatting.error).toMatchObject({
        status: 409,
        code: 'user_exists',
        fields: [{ code: 'email_taken' }],
      });

      open.clock.advance(7 * DAY - SECOND);
      const token = tokenOf((await emailTo(user.email, 'email_changing')).link);
      const opened = await openLink(open, '/restore-email', token);
      expect(opened.status).toBe(200);
      expect(given(await restore({ token, password: NEW_PASSWORD }))).toEqual({
        message: 'Email restored.',
      });
      expect((await user.browser.get('/v1/me')).status).toBe(401);
      expect(refusal(await signIn(email, passwords.new_password))).toBe('invalid_credentials');
      given(await signIn(user.email, NEW_PASSWORD));
      expect(refusal(await restore({ token }))).toBe('invalid_link');
    });

    it('can be taken back before it was made, and then it never is', async () => {
      const user = await prove(await signUp(open, newIp()));
      const { email } = newIdentifiers();
      await change(user, email);
      const { link } = await emailTo(email, 'change_email');
      const token = tokenOf((await emailTo(user.email, 'email_changing')).link);
      expect(given(await restore({ token })).password).toMatch(/^[a-z0-9]{4}(-[a-z0-9]{4}){4}$/);
      expect(refusal(await verify({ token: tokenOf(link) }))).toBe('invalid_link');
    });

    it('cannot be taken back after seven days', async () => {
      const user = await prove(await signUp(open, newIp()));
      await change(user, newIdentifiers().email);
      const token = tokenOf((await emailTo(user.email, 'email_changing')).link);
      open.clock.advance(7 * DAY);
      expect(refusal(await restore({ token }))).toBe('invalid_link');
    });

    it('leaves nothing in the old mailbox that opens the account', async () => {
      const user = await prove(await signUp(open, newIp()));
      await ask(open, '/v1/send-mail', { email: user.email });
      const reset = await emailTo(user.email, 'reset_password');
      const { email } = newIdentifiers();
      await change(user, email);
      await user.browser.post('/v1/verify-email', {
        token: tokenOf((await emailTo(email, 'change_email')).link),
      });
      const late = await clientOf(open).resetPassword({ token: tokenOf(reset.link), password: NEW_PASSWORD });
      expect(refusal(late)).toBe('invalid_link');
    });
  });

  it('tells a user whose email is verified that there is nothing to do, and still opens a link', async () => {
    const user = await signUp(open, newIp());
    const page = async () => (await user.browser.get('/verify')).text;
    expect(await page()).toContain('name="code"');
    const { code } = await emailTo(user.email, 'verify_email');
    expect((await user.browser.post('/v1/verify-email', { email: user.email, code })).status).toBe(200);
    expect(await page()).not.toContain('name="code"');
    expect(await page()).toContain(`${user.email} is verified.`);
    expect(await page()).toContain('href="/dashboard"');
    expect(await page()).toContain('name="link"');
    expect((await send(open, 'GET', '/verify')).text).toContain('name="code"');

    const change = { email: newIdentifiers().email, password: PASSWORD };
    const asked = await user.browser.post('/v1/me/email', change);
    const cookie = `usher=${user.browser.cookie}; ${verificationOf(asked)}`;
    const waiting = await send(open, 'GET', '/verify', undefined, { headers: { cookie } });
    expect(waiting.text).toContain('name="code"');
  });

  it('W13: a scanner that opens the link proves nothing; the form behind it does, without scripts', async () => {
    const { email, browser } = await signUp(open, newIp());
    const { link = '' } = await emailTo(email, 'verify_email');
    const opened = await openLink(open, '/verify', link, { cookie: browser.cookie });
    expect(opened.text).toContain('Verify your email');
    expect(opened.text).not.toContain('type="password"');
    expect((await send(open, 'HEAD', '/verify')).status).toBe(200);
    expect((await browser.get('/v1/me')).body.user.email_verified).toBe(false);
    const form = (fields: Record<string, string>, cookie?: string) => {
      const { cookies } = formTokenFor(open);
      return submit(open, '/verify', fields, { headers: { cookie: [cookies, cookie].join('; ') } });
    };
    const elsewhere = await form({ token: tokenOf(link) });
    expect(elsewhere.status).toBe(400);
    expect(elsewhere.text).toContain('type="password"');
    const answer = await form({ token: tokenOf(link) }, `usher=${browser.cookie}`);
    expect([answer.status, answer.headers.get('location')]).toEqual([303, '/dashboard/email?done=verified']);
    expect((await browser.get('/v1/me')).body.user.email_verified).toBe(true);
  });
});
