import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Client } from '../../../client/src/index.ts';
import {
  Browser,
  NEW_PASSWORD,
  newNames,
  PASSWORD,
  send,
  signUp,
  startApp,
  type TestApp,
} from '../support/app.ts';
import { clientOf, given, refusal, signedIn } from '../support/client.ts';
import { DAY, MINUTE, SECOND } from '../support/clock.ts';
import { flowOf, sessionOf } from '../support/cookies.ts';
import { type Inside, newAddress, openInside } from '../support/forge.ts';
import { formTokenFor, openLink, submit } from '../support/form.ts';
import { anotherThan, lastMail, queuedMails, tokenOf } from '../support/mails.ts';
import { databases, type TestDatabase } from '../support/postgres.ts';

describe.each(databases)('addresses on $name', ({ create }) => {
  let database: TestDatabase;
  let open: TestApp;
  /** The same installation, where addresses are proven first. */
  let verified: TestApp;
  let inside: Inside;
  beforeAll(async () => {
    database = await create();
    open = await startApp(database);
    verified = await startApp(database, { signup: 'verified', secret: open.secret, clock: open.clock });
    inside = await openInside(open, database);
  });
  afterAll(async () => {
    await inside.close();
    await verified.stop();
    await open.stop();
    await database.remove();
  });

  const ask = (app: TestApp, path: string, body: object, cookie?: string) =>
    send(app, 'POST', path, body, {
      from: newAddress(),
      headers: cookie ? { cookie, origin: app.url } : {},
    });
  const signIn = (email: string, password = PASSWORD) => clientOf(open).signIn({ email, password });
  /** Each from anywhere else than the browser that asked. */
  const verify = (body: Parameters<Client['verifyEmail']>[0], app = open) => clientOf(app).verifyEmail(body);
  const restore = (body: Parameters<Client['restoreEmail']>[0]) => clientOf(open).restoreEmail(body);
  const mailTo = (email: string, kind: string) => lastMail(open, database, email, kind);
  const events = async (userId: string) =>
    (await inside.db.selectFrom('events').select('name').where('user_id', '=', userId).execute()).map(
      ({ name }) => name,
    );

  describe('after an open sign-up', () => {
    it('is proven by the mailed code in the browser that signed up, and nobody is signed out', async () => {
      const { id, email, browser } = await signUp(open, newAddress());
      const { code, link } = await mailTo(email, 'verify_email');
      const reply = await browser.post('/v1/verify-email', { email, code });
      expect(reply).toMatchObject({ status: 200, body: { message: 'Email verified.' } });
      expect(reply.body.user).toMatchObject({ id, email, email_verified: true });
      expect((await browser.get('/v1/me')).body.user.email_verified).toBe(true);
      expect(await events(id)).toContain('address_proven');
      const again = [
        await browser.post('/v1/verify-email', { email, code }),
        await browser.post('/v1/verify-email', { token: tokenOf(link) }),
      ];
      expect(again.map(({ body }) => body.code)).toEqual(['code_invalid', 'link_invalid']);
    });

    it('W20: proven from anywhere else, it needs a new password, and who was there first is out', async () => {
      const squatter = await signUp(open, newAddress());
      const { link } = await mailTo(squatter.email, 'verify_email');
      const token = tokenOf(link);
      expect((await verify({ token })).error).toMatchObject({ status: 400, code: 'password_needed' });
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
      const squatter = await signUp(open, newAddress());
      const { link } = await mailTo(squatter.email, 'verify_email');
      const asked = await ask(open, '/v1/send-mail', { email: squatter.email });
      const reply = await ask(open, '/v1/verify-email', { token: tokenOf(link) }, flowOf(asked));
      expect(reply.body.code).toBe('password_needed');
    });

    it('mails another code on request, until it is proven', async () => {
      const { email, password } = await signUp(open, newAddress());
      const { me, verifyEmail } = await signedIn(open, { email, password });
      open.clock.advance(SECOND);
      given(await me.mailProof());
      const mails = (await queuedMails(open, database)).filter(({ to }) => to === email);
      expect(mails.map(({ kind }) => kind)).toEqual(['verify_email', 'new_device', 'verify_email']);
      const { code } = mails.at(-1)?.values ?? {};
      expect(given(await verifyEmail({ email, code })).message).toBe('Email verified.');
      expect((await me.mailProof()).error).toMatchObject({ status: 409, code: 'conflict' });
    });

    it('takes no code for another purpose, account or address, none that is wrong, and none after ten minutes; the link works for an hour', async () => {
      const ada = await signUp(open, newAddress());
      const grace = await signUp(open, newAddress());
      const { code } = await mailTo(ada.email, 'verify_email');
      await ask(open, '/v1/send-mail', { email: ada.email });
      const reset = await mailTo(ada.email, 'reset_password');
      const refused = [
        { email: grace.email, code },
        { email: ada.email, code: anotherThan(code) },
        { email: ada.email, code: reset.code === code ? anotherThan(code) : reset.code },
        { token: tokenOf(reset.link) },
        { token: 'x' },
      ];
      for (const body of refused)
        expect(refusal(await verify({ ...body, password: NEW_PASSWORD }))).toBe(
          'token' in body ? 'link_invalid' : 'code_invalid',
        );
      const crossed = await clientOf(open).resetPassword({
        token: tokenOf((await mailTo(ada.email, 'verify_email')).link),
        password: NEW_PASSWORD,
      });
      expect(refusal(crossed)).toBe('link_invalid');
      open.clock.advance(10 * MINUTE);
      const late = await verify({ email: ada.email, code, password: NEW_PASSWORD });
      expect(refusal(late)).toBe('code_invalid');
      const { link } = await mailTo(ada.email, 'verify_email');
      const atLast = { token: tokenOf(link), password: NEW_PASSWORD };
      open.clock.advance(50 * MINUTE);
      expect(refusal(await verify(atLast))).toBe('link_invalid');
      open.clock.advance(-SECOND);
      given(await verify(atLast));
    });
  });

  describe('where they are proven first', () => {
    const begin = async (names = newNames(), from = newAddress()) => {
      const browser = new Browser(verified, from);
      const reply = await browser.post('/v1/signup', names);
      return { ...names, browser, reply, flow: flowOf(reply) };
    };

    it('makes the account once the mail is answered, and signs in the browser that asked', async () => {
      const { username, email, password, reply, flow } = await begin();
      expect(reply.status).toBe(202);
      expect(reply.headers.getSetCookie().some((one) => one.startsWith('usher='))).toBe(false);
      expect(refusal(await signIn(email))).toBe('invalid_credentials');
      const { code } = await mailTo(email, 'sign_up');
      const made = await ask(verified, '/v1/verify-email', { email, code }, flow);
      expect(made).toMatchObject({ status: 201, body: { message: 'user created!' } });
      expect(made.body.user).toMatchObject({ username, email, email_verified: true, role: 'user' });
      expect(made.headers.getSetCookie().some((one) => one.startsWith('usher='))).toBe(true);
      given(await signIn(email, password));
      expect((await ask(verified, '/v1/verify-email', { email, code }, flow)).body.code).toBe('code_invalid');
    });

    it.each([
      ['fresh when it is answered within five minutes of the password', 4 * MINUTE, 200],
      ['not fresh later: an email is no password', 6 * MINUTE, 401],
    ])('begins a session that is %s', async (_, wait, status) => {
      const { email, flow } = await begin();
      const { code } = await mailTo(email, 'sign_up');
      open.clock.advance(wait);
      const made = await ask(verified, '/v1/verify-email', { email, code }, flow);
      expect(made.status).toBe(201);
      const headers = { cookie: sessionOf(made), origin: verified.url };
      expect((await send(verified, 'GET', '/v1/me', undefined, { headers })).status).toBe(200);
      const others = await send(verified, 'DELETE', '/v1/me/sessions', undefined, { headers });
      expect([others.status, others.body.code]).toEqual([
        status,
        status === 401 ? 'fresh_sign_in_required' : undefined,
      ]);
    });

    it('W20: answered from anywhere else, the password is chosen anew', async () => {
      const { email } = await begin();
      const token = tokenOf((await mailTo(email, 'sign_up')).link);
      expect(refusal(await verify({ token }, verified))).toBe('password_needed');
      expect(refusal(await verify({ token, password: '1234' }, verified))).toBe('invalid_request');
      expect(given(await verify({ token, password: NEW_PASSWORD }, verified)).message).toBe('user created!');
      expect(refusal(await signIn(email))).toBe('invalid_credentials');
      given(await signIn(email, NEW_PASSWORD));
    });

    it('E5: answers the same for an address that is taken, and tells its owner', async () => {
      const owner = await signUp(open, newAddress());
      const free = await begin();
      const taken = await begin({ ...newNames(), email: owner.email });
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
      expect((await mailTo(owner.email, 'sign_up_attempt')).username).toBeUndefined();
      const mails = (await queuedMails(open, database)).filter(({ to }) => to === owner.email);
      expect(mails.map(({ kind }) => kind)).not.toContain('sign_up');
      given(await signIn(owner.email));
    });

    it('X1: of many answers to many sign-ups with one address one makes an account', async () => {
      const { email } = newNames();
      const rivals = await Promise.all([...Array(3)].map(() => begin({ ...newNames(), email })));
      const links = (await queuedMails(open, database)).filter(({ to }) => to === email);
      expect(links).toHaveLength(3);
      const answers = await Promise.all(
        links.map(({ values }) =>
          verify({ token: tokenOf(values['link']), password: NEW_PASSWORD }, verified),
        ),
      );
      expect(answers.filter(({ data }) => data).length).toBe(1);
      expect(answers.flatMap((answer) => refusal(answer) ?? [])).toEqual(['link_invalid', 'link_invalid']);
      expect(rivals.map(({ reply }) => reply.status)).toEqual([202, 202, 202]);
      const rows = await inside.db.selectFrom('users').select('id').where('email', '=', email).execute();
      expect(rows).toHaveLength(1);
    });

    it('lets another username be chosen when the first was taken meanwhile', async () => {
      const { username, email, flow } = await begin();
      const other = await begin({ ...newNames(), username });
      const first = await mailTo(other.email, 'sign_up');
      await ask(verified, '/v1/verify-email', { email: other.email, code: first.code }, other.flow);
      const { code } = await mailTo(email, 'sign_up');
      const taken = await ask(verified, '/v1/verify-email', { email, code }, flow);
      expect([taken.status, taken.body.errors[0].code]).toEqual([409, 'username_taken']);
      const made = await ask(verified, '/v1/verify-email', { email, code, username: `${username}x` }, flow);
      expect(made.body.user.username).toBe(`${username}x`);
    });

    it('keeps what was asked for sealed', async () => {
      const { username, email } = await begin();
      const rows = JSON.stringify(await inside.db.selectFrom('codes').selectAll().execute());
      expect(rows).not.toContain(username);
      expect(rows).not.toContain(email);
      expect(rows).not.toContain('argon2');
    });
  });

  describe('that change', () => {
    const prove = async (user: Awaited<ReturnType<typeof signUp>>) => {
      const { code } = await mailTo(user.email, 'verify_email');
      await user.browser.post('/v1/verify-email', { email: user.email, code });
      return user;
    };
    const change = (user: Awaited<ReturnType<typeof signUp>>, email: string, password = PASSWORD) =>
      user.browser.post('/v1/me/email', { email, password });

    it('counts only once the new one is proven, by who is signed in; the old one is told', async () => {
      const user = await prove(await signUp(open, newAddress()));
      const program = await signedIn(open, user);
      const { me } = program;
      const { email } = newNames();
      const wrong = await me.changeEmail({ email, password: 'not my password' });
      expect(wrong.error).toMatchObject({ status: 401, code: 'invalid_credentials' });
      expect((await me.changeEmail({ email: user.email, password: PASSWORD })).error?.fields).toMatchObject([
        { field: 'email', code: 'email_same' },
      ]);
      given(await me.changeEmail({ email, password: PASSWORD }));
      expect((await user.browser.get('/v1/me')).body.user.email).toBe(user.email);

      const { link } = await mailTo(email, 'change_email');
      const token = tokenOf(link);
      expect((await verify({ token })).error).toMatchObject({ status: 401, code: 'unauthenticated' });
      expect(given(await program.verifyEmail({ token }))).toMatchObject({
        message: 'Email changed.',
        user: { email },
      });
      given(await signIn(email));
      expect(refusal(await signIn(user.email))).toBe('invalid_credentials');
      expect((await mailTo(user.email, 'email_changed')).new_email).toBe(email);
      expect(await events(user.id)).toContain('address_changed');
    });

    it('W18: each link is for its own address; after one none of the others works', async () => {
      const user = await prove(await signUp(open, newAddress()));
      const [first, second] = [newNames().email, newNames().email];
      await change(user, first);
      await change(user, second);
      const links = [await mailTo(first, 'change_email'), await mailTo(second, 'change_email')];
      const answers = await Promise.all(
        links.map(({ link }) => user.browser.post('/v1/verify-email', { token: tokenOf(link) })),
      );
      const won = answers.flatMap(({ status, body }) => (status === 200 ? [body.user.email] : []));
      expect(won).toHaveLength(1);
      expect((await user.browser.get('/v1/me')).body.user.email).toBe(won[0]);
    });

    it('E9: answers the same for an address that another account has, and tells its owner', async () => {
      const [user, owner] = [await signUp(open, newAddress()), await signUp(open, newAddress())];
      const taken = await change(user, owner.email);
      const free = await change(user, newNames().email);
      expect([taken.status, taken.text]).toEqual([free.status, free.text]);
      const kinds = (await queuedMails(open, database))
        .filter(({ to }) => to === owner.email)
        .map(({ kind }) => kind);
      expect(kinds).toEqual(['verify_email', 'sign_up_attempt']);
    });

    it('can be taken back for seven days, with a new password and without whoever made the change', async () => {
      const user = await prove(await signUp(open, newAddress()));
      const { email } = newNames();
      await change(user, email);
      await user.browser.post('/v1/verify-email', {
        token: tokenOf((await mailTo(email, 'change_email')).link),
      });
      // The thief changes the password, too, and signs up with the address that is free now.
      const passwords = { current_password: PASSWORD, new_password: 'the thief has chosen this' };
      expect((await user.browser.send('PUT', '/v1/me/password', passwords)).status).toBe(200);
      const squatting = await clientOf(open).signUp({ ...newNames(), email: user.email });
      expect(squatting.error).toMatchObject({
        status: 409,
        code: 'signup_taken',
        fields: [{ code: 'email_taken' }],
      });

      open.clock.advance(7 * DAY - SECOND);
      const token = tokenOf((await mailTo(user.email, 'email_changing')).link);
      const opened = await openLink(open, '/restore-address', token);
      expect(opened.status).toBe(200);
      expect(given(await restore({ token, password: NEW_PASSWORD }))).toEqual({
        message: 'Email restored.',
      });
      expect((await user.browser.get('/v1/me')).status).toBe(401);
      expect(refusal(await signIn(email, passwords.new_password))).toBe('invalid_credentials');
      given(await signIn(user.email, NEW_PASSWORD));
      expect(refusal(await restore({ token }))).toBe('link_invalid');
    });

    it('can be taken back before it was made, and then it never is', async () => {
      const user = await prove(await signUp(open, newAddress()));
      const { email } = newNames();
      await change(user, email);
      const { link } = await mailTo(email, 'change_email');
      const token = tokenOf((await mailTo(user.email, 'email_changing')).link);
      expect(given(await restore({ token })).password).toMatch(/^[a-z0-9]{4}(-[a-z0-9]{4}){4}$/);
      expect(refusal(await verify({ token: tokenOf(link) }))).toBe('link_invalid');
    });

    it('cannot be taken back after seven days', async () => {
      const user = await prove(await signUp(open, newAddress()));
      await change(user, newNames().email);
      const token = tokenOf((await mailTo(user.email, 'email_changing')).link);
      open.clock.advance(7 * DAY);
      expect(refusal(await restore({ token }))).toBe('link_invalid');
    });

    it('leaves nothing in the old mailbox that opens the account', async () => {
      const user = await prove(await signUp(open, newAddress()));
      await ask(open, '/v1/send-mail', { email: user.email });
      const reset = await mailTo(user.email, 'reset_password');
      const { email } = newNames();
      await change(user, email);
      await user.browser.post('/v1/verify-email', {
        token: tokenOf((await mailTo(email, 'change_email')).link),
      });
      const late = await clientOf(open).resetPassword({ token: tokenOf(reset.link), password: NEW_PASSWORD });
      expect(refusal(late)).toBe('link_invalid');
    });
  });

  it('W13: a scanner that opens the link proves nothing; the form behind it does, without scripts', async () => {
    const { email, browser } = await signUp(open, newAddress());
    const { link = '' } = await mailTo(email, 'verify_email');
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
    expect([answer.status, answer.headers.get('location')]).toEqual([303, '/dashboard/address?done=proven']);
    expect((await browser.get('/v1/me')).body.user.email_verified).toBe(true);
  });
});
