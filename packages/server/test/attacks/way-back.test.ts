import { describe, expect, it } from 'vitest';
import { Browser, NEW_PASSWORD, newIdentifiers, PASSWORD, send, signUp } from '../support/app.ts';
import { clientOf, given, refusal } from '../support/client.ts';
import { DAY, HOUR, SECOND } from '../support/clock.ts';
import { lastEmail, queuedEmails, tokenOf } from '../support/emails.ts';
import { newIp } from '../support/forge.ts';
import { databases } from '../support/postgres.ts';
import { withApp } from '../support/with-app.ts';

type Someone = Awaited<ReturnType<typeof signUp>>;

describe.each(databases)('the way back on $name', ({ create }) => {
  const { app, database } = withApp(create);

  const linkTo = async (email: string, kind: string) =>
    tokenOf((await lastEmail(app, database, email, kind)).link);
  const kindsTo = async (email: string) =>
    (await queuedEmails(app, database)).filter(({ to }) => to === email).map(({ kind }) => kind);
  const restore = (token: string, password = NEW_PASSWORD) => clientOf(app).restoreEmail({ token, password });
  const signIn = (email: string, password: string) => clientOf(app).signIn({ email, password });
  async function verified(): Promise<Someone> {
    const user = await signUp(app, newIp());
    const token = await linkTo(user.email, 'verify_email');
    expect((await user.browser.post('/v1/verify-email', { token })).status).toBe(200);
    return user;
  }
  const ask = async (browser: Browser, email: string, password = PASSWORD) =>
    expect((await browser.post('/v1/me/email', { email, password })).status).toBe(202);
  /** Asks for another email and verifies it. */
  async function change(browser: Browser, email: string, password = PASSWORD): Promise<void> {
    await ask(browser, email, password);
    const token = await linkTo(email, 'change_email');
    expect((await browser.post('/v1/verify-email', { token })).body).toMatchObject({ user: { email } });
  }
  async function browserOf(email: string, password: string): Promise<Browser> {
    const browser = new Browser(app, newIp());
    expect((await browser.post('/v1/signin', { email, password })).status).toBe(200);
    return browser;
  }

  it('W31: a thief who changes the email twice and uses the link in between takes nothing from the owner', async () => {
    const owner = await verified();
    const [a, b] = [newIdentifiers().email, newIdentifiers().email];
    const thief = await browserOf(owner.email, PASSWORD);
    await change(thief, a);
    const ownLink = await linkTo(owner.email, 'email_changing');
    await change(thief, b);
    given(await restore(await linkTo(a, 'email_changing'), 'chosen by the thief'));
    given(await signIn(a, 'chosen by the thief'));

    app.clock.advance(7 * DAY - SECOND);
    const squatting = await clientOf(app).signUp({ ...newIdentifiers(), email: owner.email });
    expect(squatting.error?.fields).toMatchObject([{ code: 'email_taken' }]);
    expect((await send(app, 'GET', `/restore-email?token=${ownLink}`)).status).toBe(200);
    given(await restore(ownLink));
    expect(given(await signIn(owner.email, NEW_PASSWORD)).user.id).toBe(owner.id);
    expect(refusal(await signIn(a, 'chosen by the thief'))).toBe('invalid_credentials');
  });

  it('W31: whatever else the thief does, the owner’s link works until it expires, and the email is nobody else’s', async () => {
    const owner = await verified();
    const thief = await browserOf(owner.email, PASSWORD);
    const [a, b] = [newIdentifiers().email, newIdentifiers().email];
    await change(thief, a);
    const ownLink = await linkTo(owner.email, 'email_changing');
    await change(thief, b);
    const passwords = { current_password: PASSWORD, new_password: 'chosen by the thief' };
    expect((await thief.send('PUT', '/v1/me/password', passwords)).status).toBe(200);
    expect((await thief.send('DELETE', '/v1/me/sessions')).status).toBe(200);
    expect((await thief.post('/v1/logout-everywhere')).status).toBe(200);
    const { program } = await recovered(b);
    expect(program).toBe(200);
    const rival = await verified();
    await ask(rival.browser, owner.email);
    expect(await kindsTo(owner.email)).not.toContain('change_email');

    given(await restore(ownLink));
    given(await signIn(owner.email, NEW_PASSWORD));
    expect(refusal(await restore(ownLink))).toBe('invalid_link');
  });
  /** Has the password of an account reset by its mailbox. */
  async function recovered(email: string): Promise<{ program: number }> {
    await send(app, 'POST', '/v1/send-mail', { email }, { from: newIp() });
    const body = { token: await linkTo(email, 'reset_password'), password: 'chosen by the thief again' };
    return { program: (await send(app, 'POST', '/v1/reset-password', body, { from: newIp() })).status };
  }

  it('W32: what the thief had before the owner’s link was used is rejected, also after the owner moves on', async () => {
    const owner = await verified();
    const [a, b, next] = [newIdentifiers().email, newIdentifiers().email, newIdentifiers().email];
    const thief = await browserOf(owner.email, PASSWORD);
    await change(thief, a);
    const ownLink = await linkTo(owner.email, 'email_changing');
    await ask(thief, b);
    const thiefsLink = await linkTo(a, 'email_changing');
    given(await restore(ownLink));
    expect(refusal(await restore(thiefsLink))).toBe('invalid_link');

    const browser = await browserOf(owner.email, NEW_PASSWORD);
    await change(browser, next, NEW_PASSWORD);
    expect((await browser.post('/v1/logout-everywhere')).status).toBe(200);
    expect(refusal(await restore(thiefsLink))).toBe('invalid_link');
    given(await signIn(next, NEW_PASSWORD));
  });

  it.each(['sign-out everywhere', 'end of all other sessions', 'new password'])(
    'W32: the owner moves on without the link, then revokes everything by a %s: the thief’s links are rejected',
    async (how) => {
      const owner = await verified();
      const [a, b, next] = [newIdentifiers().email, newIdentifiers().email, newIdentifiers().email];
      const thief = await browserOf(owner.email, PASSWORD);
      await change(thief, a);
      await change(thief, b);
      await change(owner.browser, next);
      const links = [await linkTo(a, 'email_changing'), await linkTo(b, 'email_changing')];
      if (how === 'sign-out everywhere') await owner.browser.post('/v1/logout-everywhere');
      if (how === 'end of all other sessions') await owner.browser.send('DELETE', '/v1/me/sessions');
      if (how === 'new password')
        await owner.browser.send('PUT', '/v1/me/password', {
          current_password: PASSWORD,
          new_password: NEW_PASSWORD,
        });
      for (const link of links)
        expect(refusal(await restore(link, 'chosen by the thief'))).toBe('invalid_link');
      given(await signIn(next, how === 'new password' ? NEW_PASSWORD : PASSWORD));
      // The email says so of a link that can end before its time.
      expect((await lastEmail(app, database, a, 'email_changing')).outranked_days).toBe('7');
      expect((await lastEmail(app, database, owner.email, 'email_changing')).outranked_days).toBe('');
    },
  );

  it('W33: back to one’s own email within seven days: an email comes, and finishes the change', async () => {
    const owner = await verified();
    const next = newIdentifiers().email;
    await change(owner.browser, next);
    app.clock.advance(HOUR);
    await owner.browser.post('/v1/signin', { email: next, password: PASSWORD });
    await change(owner.browser, owner.email);
    given(await signIn(owner.email, PASSWORD));
    // From there on a thief is taken back by the newer email as well as by the older one.
    const thief = await browserOf(owner.email, PASSWORD);
    await change(thief, newIdentifiers().email);
    await thief.post('/v1/logout-everywhere');
    given(await restore(await linkTo(owner.email, 'email_changing')));
    given(await signIn(owner.email, NEW_PASSWORD));
  });

  it('W35: an email that was never verified can take a change back, too, and no email names one that was not sent', async () => {
    const owner = await signUp(app, newIp());
    const thief = await browserOf(owner.email, PASSWORD);
    const a = newIdentifiers().email;
    await change(thief, a);
    expect(await kindsTo(owner.email)).toEqual([
      'verify_email',
      'new_device',
      'email_changing',
      'email_changed',
    ]);
    const squatting = await clientOf(app).signUp({ ...newIdentifiers(), email: owner.email });
    expect(squatting.error?.fields).toMatchObject([{ code: 'email_taken' }]);
    given(await restore(await linkTo(owner.email, 'email_changing')));
    expect(given(await signIn(owner.email, NEW_PASSWORD)).user).toMatchObject({
      id: owner.id,
      email_verified: true,
    });
    expect((await thief.get('/v1/me')).status).toBe(401);
  });

  it('W35: changes that are asked for again and again fill no mailbox: five a day', async () => {
    const squatter = await signUp(app, newIp());
    const replies = [];
    for (let i = 0; i < 8; i++) {
      const browser = new Browser(app, newIp());
      browser.cookie = squatter.browser.cookie;
      const body = { email: newIdentifiers().email, password: PASSWORD };
      replies.push(await browser.post('/v1/me/email', body));
    }
    expect(replies.map(({ status }) => status)).toEqual([202, 202, 202, 202, 202, 429, 429, 429]);
    // Each comes from a network of its own, which is not to blame.
    expect(replies[7]?.body.message).toBe('Too many email changes. Try again in 24 hours.');
    expect((await kindsTo(squatter.email)).filter((kind) => kind === 'email_changing')).toHaveLength(5);
  });
});
