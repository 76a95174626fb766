import { describe, expect, it } from 'vitest';
import { openDatabase } from '../../src/platform/db/index.ts';
import { Browser, NEW_PASSWORD, newIdentifiers, PASSWORD, send, signUp, startApp } from '../support/app.ts';
import { clientOf, given, refusal, signedIn } from '../support/client.ts';
import { DAY, MINUTE } from '../support/clock.ts';
import { deviceOf, verificationOf } from '../support/cookies.ts';
import { anotherThan, lastEmail, queuedEmails, tokenOf } from '../support/emails.ts';
import { openLink, submit } from '../support/form.ts';
import { databases, type TestDatabase } from '../support/postgres.ts';
import { withApp } from '../support/with-app.ts';

describe.each(databases)('recovery on $name', ({ create }) => {
  const { app, database } = withApp(create);

  let addresses = 0;
  /** Every act from an address of its own, unless a test says otherwise. */
  const anywhere = () => `198.51.${Math.floor(++addresses / 250)}.${(addresses % 250) + 1}`;
  const signIn = (email: string, password: string, from = anywhere()) =>
    send(app, 'POST', '/v1/signin', { email, password }, { from });
  const reset = (body: object, from = anywhere()) => send(app, 'POST', '/v1/reset-password', body, { from });
  const askForEmail = (email: string, from = anywhere()) =>
    send(app, 'POST', '/v1/send-mail', { email }, { from });

  it('gives a new password for the mailed code, ends every session, and signs nobody in', async () => {
    const { email, username, browser } = await signUp(app, anywhere());
    const program = await signedIn(app, { email, password: PASSWORD });
    const asked = await askForEmail(email);
    expect(asked.status).toBe(202);
    const { code } = await lastEmail(app, database, email);
    expect(code).toMatch(/^\d{6}$/);
    expect(asked.text).not.toContain(code);

    const reply = await reset({ email, code, password: NEW_PASSWORD });
    expect(reply).toMatchObject({ status: 200, body: { message: 'Password changed.' } });
    expect(reply.body).not.toHaveProperty('password');
    expect(reply.headers.getSetCookie().some((one) => /^usher=./.test(one))).toBe(false);
    expect((await browser.get('/v1/me')).status).toBe(401);
    expect(refusal(await program.me.get())).toBe('invalid_token');
    expect(refusal(await program.signIn({ email, password: PASSWORD }))).toBe('invalid_credentials');
    given(await program.signIn({ email, password: NEW_PASSWORD }));
    expect((await lastEmail(app, database, email, 'password_changed')).username).toBe(username);
  });

  it('answers at the path of the notes, with a final slash', async () => {
    const { email } = await signUp(app, anywhere());
    expect(
      (await send(app, 'POST', '/v1/send-mail/', { Email: ` ${email}` }, { from: anywhere() })).status,
    ).toBe(202);
    expect((await lastEmail(app, database, email)).code).toMatch(/^\d{6}$/);
  });

  it('makes a strong password when none is given, and tells it once', async () => {
    const { email } = await signUp(app, anywhere());
    const { sendMail, resetPassword, signIn } = clientOf(app);
    given(await sendMail({ email }));
    const { code } = await lastEmail(app, database, email);
    const { password = '' } = given(await resetPassword({ email, code }));
    expect(password).toMatch(/^[a-z0-9]{4}(-[a-z0-9]{4}){4}$/);
    given(await signIn({ email, password }));
  });

  it('W4: takes a code once, and its link no more after it', async () => {
    const { email } = await signUp(app, anywhere());
    const { sendMail, resetPassword } = clientOf(app);
    given(await sendMail({ email }));
    const { code, link } = await lastEmail(app, database, email);
    given(await resetPassword({ email, code, password: NEW_PASSWORD }));
    expect(refusal(await resetPassword({ email, code, password: NEW_PASSWORD }))).toBe('invalid_code');
    const late = await resetPassword({ token: tokenOf(link), password: NEW_PASSWORD });
    expect(refusal(late)).toBe('invalid_link');
  });

  it('W4: takes no code after ten minutes and no link after an hour, none from before a change of password, and none from before a sign-in', async () => {
    const { email, browser } = await signUp(app, anywhere());
    await askForEmail(email);
    const first = await lastEmail(app, database, email);
    app.clock.advance(10 * MINUTE);
    expect((await reset({ email, code: first.code, password: NEW_PASSWORD })).body.code).toBe('invalid_code');
    app.clock.advance(50 * MINUTE);
    expect((await reset({ token: tokenOf(first.link), password: NEW_PASSWORD })).body.code).toBe(
      'invalid_link',
    );

    await browser.post('/v1/signin', { email, password: PASSWORD });
    await askForEmail(email);
    const second = await lastEmail(app, database, email);
    await signIn(email, PASSWORD);
    expect((await reset({ email, code: second.code, password: NEW_PASSWORD })).body.code).toBe(
      'invalid_code',
    );

    await askForEmail(email);
    const third = await lastEmail(app, database, email);
    const change = { current_password: PASSWORD, new_password: NEW_PASSWORD };
    expect((await browser.send('PUT', '/v1/me/password', change)).status).toBe(200);
    expect((await reset({ email, code: third.code, password: PASSWORD })).body.code).toBe('invalid_code');
  });

  it('W13: changes nothing when the link is opened, and sets the password when its form is sent', async () => {
    const { email } = await signUp(app, anywhere());
    await askForEmail(email);
    const { link = '' } = await lastEmail(app, database, email);
    for (const method of ['GET', 'HEAD', 'GET'])
      expect((await send(app, method, '/reset-password')).status).toBe(200);
    for (let i = 0; i < 2; i++) {
      const opened = await openLink(app, '/reset-password', link);
      expect([opened.status, opened.text.includes('name="code"')]).toEqual([200, false]);
    }
    // In an address it would be in the log of every proxy, and means nothing.
    const asked = await send(app, 'GET', `/reset-password?token=${tokenOf(link)}`);
    expect(asked.text).toContain('name="code"');
    expect(asked.text).not.toContain(tokenOf(link));
    const sent = await submit(app, '/reset-password', { token: tokenOf(link), password: NEW_PASSWORD });
    expect([sent.status, sent.headers.get('location')]).toEqual([303, '/sign-in?done=reset']);
    expect((await signIn(email, NEW_PASSWORD)).status).toBe(200);
    expect((await openLink(app, '/reset-password', link)).status).toBe(410);
  });

  describe('on the page, by a code', () => {
    const from = (ip = anywhere()) => ({ headers: { 'x-forwarded-for': ip } });
    const tokenIn = (text: string) => /name="token" value="([^"]+)"/.exec(text)?.[1] ?? '';
    async function mailed() {
      const { email } = await signUp(app, anywhere());
      await askForEmail(email);
      const { code = '' } = await lastEmail(app, database, email);
      return { email, code };
    }
    const check = (email: string, code: string) => submit(app, '/reset-password', { email, code }, from());
    const choose = (token: string, password = NEW_PASSWORD) =>
      submit(app, '/reset-password', { token, password }, from());

    it('says that a code is wrong before it asks for a password, and checks the right one once', async () => {
      const { email, code } = await mailed();
      for (let i = 0; i < 4; i++) {
        const wrong = await check(email, anotherThan(code));
        expect(wrong.status).toBe(400);
        expect(wrong.text).toContain('id="code-error"');
        expect(wrong.text).not.toContain('type="password"');
        expect(tokenIn(wrong.text)).toBe('');
      }
      // The fifth and last check. What follows needs no other one.
      const right = await check(email, ` ${code.slice(0, 3)} ${code.slice(3)}`);
      expect(right.status).toBe(200);
      expect(right.text).toContain('type="password"');
      expect(right.text).not.toContain(code);
      const weak = await choose(tokenIn(right.text), 'password1');
      expect([weak.status, tokenIn(weak.text)]).toEqual([400, tokenIn(right.text)]);
      const both = await Promise.all([1, 2].map(() => choose(tokenIn(right.text))));
      expect(both.map(({ status }) => status).sort()).toEqual([303, expect.any(Number)]);
      expect(both.filter(({ status }) => status === 303)).toHaveLength(1);
      expect((await choose(tokenIn(right.text))).status).toBe(410);
      expect((await check(email, code)).status).toBe(400);
      expect((await signIn(email, NEW_PASSWORD)).status).toBe(200);
    });

    it('says the same of an email without an account', async () => {
      const { email, code } = await mailed();
      const wrong = await check(email, anotherThan(code));
      const { email: other } = newIdentifiers();
      const unknown = await check(other, anotherThan(code));
      const withoutNames = (text: string, name: string) =>
        text.replaceAll(name, '').replaceAll(/name="form_token" value="[^"]+"/g, '');
      expect(unknown.status).toBe(wrong.status);
      expect(withoutNames(unknown.text, other)).toBe(withoutNames(wrong.text, email));
    });

    it('takes the token for ten minutes, and only as it was given', async () => {
      const { email, code } = await mailed();
      const token = tokenIn((await check(email, code)).text);
      const [id = '', until = '', mac = ''] = token.split('.');
      const other = tokenIn((await mailed().then(({ email, code }) => check(email, code))).text);
      const forged = [
        `${id}.${Number(until) + 1}.${mac}`,
        `${other.split('.')[0]}.${until}.${mac}`,
        `${id}.${until}.${other.split('.')[2]}`,
        `${id}.${until}.`,
        `${id}..${mac}`,
        `${token}.`,
        `.${token}`,
        '.',
      ];
      for (const one of forged) expect((await choose(one)).status, one).toBe(410);
      for (const path of ['/verify', '/restore-email'])
        expect((await submit(app, path, { token, password: NEW_PASSWORD }, from())).status).toBe(410);
      app.clock.advance(10 * MINUTE);
      expect((await choose(token)).status).toBe(410);
      expect((await signIn(email, PASSWORD)).status).toBe(200);
    });

    it('ends the token when the account changes', async () => {
      const { email, code } = await mailed();
      const token = tokenIn((await check(email, code)).text);
      const browser = new Browser(app, anywhere());
      await browser.post('/v1/signin', { email, password: PASSWORD });
      const change = { current_password: PASSWORD, new_password: NEW_PASSWORD };
      expect((await browser.send('PUT', '/v1/me/password', change)).status).toBe(200);
      expect((await choose(token, 'yet another passphrase')).status).toBe(410);
    });

    it('tells after how long another email can be asked for', async () => {
      const { email } = await mailed();
      const { text } = await submit(app, '/forgot-password', { email }, from());
      expect(text).toContain('After 60 seconds, you can send it again.');
      expect(text).toMatch(/data-wait="60"/);
      expect(text).toMatch(/maxlength="12"[^>]*data-digits="6"/);
    });
  });

  it('fills in the name on the next sign-in page, once and in no URL', async () => {
    const { email, username } = await signUp(app, anywhere());
    await askForEmail(email);
    const { link } = await lastEmail(app, database, email);
    const sent = await submit(app, '/reset-password', { token: tokenOf(link), password: NEW_PASSWORD });
    expect(sent.headers.get('location')).toBe('/sign-in?done=reset');
    const set = sent.headers.getSetCookie().find((one) => one.startsWith('usher-name=')) ?? '';
    expect(set).toMatch(/; HttpOnly; SameSite=Lax; Max-Age=600$/);
    const open = (cookie: string) => send(app, 'GET', '/sign-in', undefined, { headers: { cookie } });
    const page = await open(set.split(';')[0] ?? '');
    expect(page.text).toMatch(new RegExp(`<input id="name" [^>]*value="${username}"`));
    expect(page.headers.getSetCookie().some((one) => one.startsWith('usher-name=; '))).toBe(true);
    // What somebody else planted is text at most.
    for (const planted of ['%3Cscript%3E', '%', '%ff', 'a b', '"', `${'a'.repeat(2_000)}`])
      expect((await open(`usher-name=${planted}`)).text, planted).not.toMatch(/<script>|value="(%|a b|aaaa)/);
    expect((await open('usher-name=a; usher-name=b')).status).toBe(200);
  });

  it('W1: compares five codes of a flow, one by one; then only the link is good', async () => {
    const { email } = await signUp(app, anywhere());
    await askForEmail(email);
    const { code = '', link } = await lastEmail(app, database, email);
    for (let i = 0; i < 5; i++)
      expect((await reset({ email, code: anotherThan(code), password: NEW_PASSWORD })).body.code).toBe(
        'invalid_code',
      );
    expect((await reset({ email, code, password: NEW_PASSWORD })).body.code).toBe('invalid_code');
    expect((await reset({ token: tokenOf(link), password: NEW_PASSWORD })).status).toBe(200);
  });

  it('W2: compares ten wrong codes of an account a day, however many flows there are', async () => {
    const { email, id } = await signUp(app, anywhere());
    for (let flow = 0; flow < 4; flow++) {
      await askForEmail(email);
      const { code = '' } = await lastEmail(app, database, email);
      for (let i = 0; i < 4; i++) await reset({ email, code: anotherThan(code), password: NEW_PASSWORD });
      app.clock.advance(61 * MINUTE);
    }
    expect(await countEvents(database, id, 'wrong')).toBe(10);
    await askForEmail(email);
    const { code, link } = await lastEmail(app, database, email);
    expect((await reset({ email, code, password: NEW_PASSWORD })).body.code).toBe('invalid_code');
    expect((await reset({ token: tokenOf(link), password: NEW_PASSWORD })).status).toBe(200);
  });

  it('W5: takes a code for the account and the browser that it was made for, and for no other', async () => {
    const ada = await signUp(app, anywhere());
    const bob = await signUp(app, anywhere());
    const browser = new Browser(app, anywhere());
    const asked = await browser.post('/v1/send-mail', { email: ada.email });
    const { code } = await lastEmail(app, database, ada.email);
    await askForEmail(bob.email);
    expect((await reset({ email: bob.email, code, password: NEW_PASSWORD })).status).toBe(400);
    const bobs = await browser.post('/v1/send-mail', { email: bob.email });
    const withBobsFlow = { headers: { cookie: verificationOf(bobs), origin: app.url }, from: anywhere() };
    const crossed = await send(
      app,
      'POST',
      '/v1/reset-password',
      { email: ada.email, code, password: NEW_PASSWORD },
      withBobsFlow,
    );
    expect(crossed.status).toBe(400);
    const withOwnFlow = { headers: { cookie: verificationOf(asked), origin: app.url }, from: anywhere() };
    const right = await send(
      app,
      'POST',
      '/v1/reset-password',
      { email: ada.email, code, password: NEW_PASSWORD },
      withOwnFlow,
    );
    expect(right.status).toBe(200);
  });

  it('W29: lets the owner finish in their own browser, whatever flows a stranger begins and spoils', async () => {
    const { email } = await signUp(app, anywhere());
    const asked = await askForEmail(email);
    const { code } = await lastEmail(app, database, email);
    for (let i = 0; i < 2; i++) {
      const theirs = await askForEmail(email);
      const cookie = { headers: { cookie: verificationOf(theirs), origin: app.url }, from: anywhere() };
      for (let guess = 0; guess < 4; guess++)
        await send(
          app,
          'POST',
          '/v1/reset-password',
          { email, code: '000000', password: NEW_PASSWORD },
          cookie,
        );
    }
    const own = { headers: { cookie: verificationOf(asked), origin: app.url }, from: anywhere() };
    expect(
      (await send(app, 'POST', '/v1/reset-password', { email, code, password: NEW_PASSWORD }, own)).status,
    ).toBe(200);
  });

  it('W1: compares no more than five of a hundred codes that come at once, to two processes', async () => {
    const { email, id } = await signUp(app, anywhere());
    await askForEmail(email);
    const { code = '' } = await lastEmail(app, database, email);
    const options = { secret: app.secret, clock: app.clock, publicUrl: app.url };
    const other = await startApp(database, options);
    const guesses = Array.from({ length: 100 }, (_, i) =>
      send(
        i % 2 ? { port: app.port } : { port: other.port },
        'POST',
        '/v1/reset-password',
        { email, code: anotherThan(code), password: NEW_PASSWORD },
        {
          from: anywhere(),
          headers: { host: new URL(app.url).host },
        },
      ),
    );
    for (const reply of await Promise.all(guesses)) expect([400, 503]).toContain(reply.status);
    expect(await countEvents(database, id, 'wrong')).toBeLessThanOrEqual(5);
    await other.stop();
    // So many wrong codes have stopped codes for everybody, for a quarter of an hour.
    app.clock.advance(16 * MINUTE);
  });

  it('E: answers the same, with the same work, for an email without an account', async () => {
    const { email } = await signUp(app, anywhere());
    const known = await askForEmail(email);
    const unknown = await askForEmail(newIdentifiers().email);
    expect(unknown.status).toBe(known.status);
    expect(unknown.body).toEqual(known.body);
    expect([...unknown.headers.keys()]).toEqual([...known.headers.keys()]);
    const [message, decoy] = (await queuedEmails(app, database)).slice(-2);
    expect([message?.kind, decoy?.kind]).toEqual(['reset_password', 'reset_password']);
    expect([message?.to, decoy?.to]).toEqual(expect.arrayContaining([email, null]));

    const wrong = { code: '123456', password: NEW_PASSWORD };
    const [a, b] = [
      await reset({ email, ...wrong }),
      await reset({ email: newIdentifiers().email, ...wrong }),
    ];
    expect({ ...a.body, request_id: '' }).toEqual({ ...b.body, request_id: '' });
  });

  it('B17: sends one recipient six recovery emails an hour, and tells nobody', async () => {
    const { email } = await signUp(app, anywhere());
    for (let i = 0; i < 9; i++) expect((await askForEmail(email)).status).toBe(202);
    const emails = (await queuedEmails(app, database)).filter((message) => message.to === email);
    expect(emails.map(({ kind }) => kind)).toEqual(['verify_email', ...Array(6).fill('reset_password')]);
  });

  it('W8, W9, W21: sends to the stored email alone, and rejects what is not one email', async () => {
    const { email } = await signUp(app, anywhere());
    for (const wrong of [
      [email, 'evil@example.com'],
      `${email},evil@example.com`,
      `${email}\r\nBcc: evil@example.com`,
      `${email}\u0000`,
      email.replace('@', '＠'),
      { $ne: '' },
    ])
      expect((await send(app, 'POST', '/v1/send-mail', { email: wrong }, { from: anywhere() })).status).toBe(
        400,
      );
    await askForEmail(email.toUpperCase());
    const emails = await queuedEmails(app, database);
    expect(emails.filter((message) => message.to === email && message.kind === 'reset_password').length).toBe(
      1,
    );
    expect(JSON.stringify(emails)).not.toContain('evil');
  });

  it('B8: lets the owner in from a browser the account knows, while strangers guess', async () => {
    const { email, browser } = await signUp(app, anywhere());
    const device = await browser.post('/v1/signin', { email, password: PASSWORD });
    for (let i = 0; i < 12; i++) await signIn(email, 'wrong wrong wrong');
    expect((await signIn(email, PASSWORD)).status).toBe(401);
    const known = { headers: { cookie: deviceOf(device), origin: app.url }, from: anywhere() };
    expect((await send(app, 'POST', '/v1/signin', { email, password: PASSWORD }, known)).status).toBe(200);
    for (let i = 0; i < 10; i++)
      await send(app, 'POST', '/v1/signin', { email, password: 'wrong wrong wrong' }, known);
    expect((await send(app, 'POST', '/v1/signin', { email, password: PASSWORD }, known)).status).toBe(401);
    app.clock.advance(DAY);
    expect((await send(app, 'POST', '/v1/signin', { email, password: PASSWORD }, known)).status).toBe(200);
  });

  it('tells the owner of a sign-in from a browser that is new, of a change of password and of a deletion', async () => {
    const { email, browser } = await signUp(app, anywhere());
    const known = await browser.post('/v1/signin', { email, password: PASSWORD });
    const kinds = async () =>
      (await queuedEmails(app, database))
        .filter((message) => message.to === email)
        .map((message) => message.kind);
    expect(await kinds()).toEqual(['verify_email', 'new_device']);
    const again = { headers: { cookie: deviceOf(known), origin: app.url }, from: anywhere() };
    await send(app, 'POST', '/v1/signin', { email, password: PASSWORD }, again);
    expect(await kinds()).toEqual(['verify_email', 'new_device']);
    await browser.send('PUT', '/v1/me/password', { current_password: PASSWORD, new_password: NEW_PASSWORD });
    expect(await kinds()).toContain('password_changed');
    await browser.send('DELETE', '/v1/me', { email, password: NEW_PASSWORD });
    expect(await kinds()).toContain('account_deleted');
  });

  it('B10: trusts a browser for the account that it knows, and for no other', async () => {
    const attacker = await signUp(app, anywhere());
    const victim = await signUp(app, anywhere());
    const device = await attacker.browser.post('/v1/signin', { email: attacker.email, password: PASSWORD });
    for (let i = 0; i < 6; i++) await signIn(victim.email, 'wrong wrong wrong');
    const foreign = { headers: { cookie: deviceOf(device), origin: app.url }, from: anywhere() };
    expect(
      (await send(app, 'POST', '/v1/signin', { email: victim.email, password: PASSWORD }, foreign)).status,
    ).toBe(401);
  });

  it('B9: lets the owner in from anywhere else with one email', async () => {
    const { email } = await signUp(app, anywhere());
    for (let i = 0; i < 8; i++) await signIn(email, 'wrong wrong wrong');
    const owner = clientOf(app);
    expect(refusal(await owner.signIn({ email, password: PASSWORD }))).toBe('invalid_credentials');
    given(await owner.sendMail({ email }));
    const { link } = await lastEmail(app, database, email);
    given(await owner.resetPassword({ token: tokenOf(link), password: NEW_PASSWORD }));
    given(await owner.signIn({ email, password: NEW_PASSWORD }));
  });
});

describe.each(databases)('short codes on $name', ({ create }) => {
  it('need a second setting, have three checks in five minutes, and none for administrators', async () => {
    const database = await create();
    await expect(startApp(database, { codesDigits: 4 })).rejects.toThrow(/USHER_CODES_SHORT=allow/);
    const app = await startApp(database, { codesDigits: 4, codesShort: 'allow' });
    const { email, id } = await signUp(app);
    await send(app, 'POST', '/v1/send-mail', { email });
    const { code = '' } = await lastEmail(app, database, email);
    expect(code).toMatch(/^\d{4}$/);
    const wrong = code === '0000' ? '0001' : '0000';
    for (let i = 0; i < 3; i++) await send(app, 'POST', '/v1/reset-password', { email, code: wrong });
    expect((await send(app, 'POST', '/v1/reset-password', { email, code })).status).toBe(400);

    const { db, close } = await openDatabase(database.url);
    await db.updateTable('users').set({ admin_since: 1 }).where('id', '=', id).execute();
    await close();
    await send(app, 'POST', '/v1/send-mail', { email });
    expect((await lastEmail(app, database, email)).code).toBe('');
    await app.stop();
    await database.remove();
  });
});

/** How many codes of an account were compared and found wrong, or refused for another reason. */
async function countEvents(database: TestDatabase, userId: string, reason: string): Promise<number> {
  const { db, close } = await openDatabase(database.url);
  const rows = await db
    .selectFrom('events')
    .select('details')
    .where('user_id', '=', userId)
    .where('name', '=', 'verification_failed')
    .execute();
  await close();
  return rows.filter((row) => JSON.parse(row.details).reason === reason).length;
}
