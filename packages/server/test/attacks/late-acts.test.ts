// A check of a password takes time. What a thief began with it must not be done once the owner has been told that the
// password is replaced and every session revoked.
import { describe, expect, it } from 'vitest';
import { NEW_PASSWORD, newIdentifiers, PASSWORD } from '../support/app.ts';
import { sessionOf, verificationOf } from '../support/cookies.ts';
import { lastEmail, queuedEmails, tokenOf } from '../support/emails.ts';
import { newIp } from '../support/forge.ts';
import { databases } from '../support/postgres.ts';
import { withCountedApp } from '../support/with-app.ts';
import { newAccount, URL_OF_ALL } from '../support/work.ts';

describe.each(databases)('acts that come too late on $name', ({ create }) => {
  const { app, database } = withCountedApp(create);

  const cookieOf = (reply: { headers: Headers }) => ({ cookie: sessionOf(reply), origin: URL_OF_ALL });

  /** Keeps the next check of a password from being answered until `open`. */
  function holdCheck() {
    const { hasher } = app.context;
    const { promise: opened, resolve: open } = Promise.withResolvers<void>();
    const { promise: asked, resolve: isAsked } = Promise.withResolvers<void>();
    app.context.hasher = {
      ...hasher,
      verify: async (...check) => {
        app.context.hasher = hasher;
        isAsked();
        await opened;
        return hasher.verify(...check);
      },
    };
    return { asked, open };
  }

  async function reset(email: string): Promise<void> {
    await app.call('POST', '/v1/send-mail', { email }, newIp());
    const token = tokenOf((await lastEmail(app, database, email)).link);
    const reply = await app.call('POST', '/v1/reset-password', { token, password: NEW_PASSWORD }, newIp());
    expect(reply.status).toBe(200);
  }

  it('X19: a change of email whose password was right before a reset does not begin after it', async () => {
    const { email, reply } = await newAccount(app);
    const { asked, open } = holdCheck();
    const other = newIdentifiers().email;
    const late = app.call(
      'POST',
      '/v1/me/email',
      { email: other, password: PASSWORD },
      newIp(),
      cookieOf(reply),
    );
    await asked;
    await reset(email);
    open();
    expect((await late).status).toBe(401);
    expect((await queuedEmails(app, database)).filter(({ to }) => to === other)).toEqual([]);
    const kinds = (await queuedEmails(app, database))
      .filter(({ to }) => to === email)
      .map(({ kind }) => kind);
    expect(kinds).not.toContain('email_changing');
  });

  it('X19: a deletion whose password was right before a reset deletes nothing after it', async () => {
    const { email, reply } = await newAccount(app);
    const { asked, open } = holdCheck();
    const late = app.call('DELETE', '/v1/me', { email, password: PASSWORD }, newIp(), cookieOf(reply));
    await asked;
    await reset(email);
    open();
    expect((await late).status).toBe(401);
    const signIn = await app.call('POST', '/v1/signin', { email, password: NEW_PASSWORD }, newIp());
    expect(signIn.status).toBe(200);
  });

  it('X19: nor is either done by a session that was revoked meanwhile', async () => {
    const { email, reply } = await newAccount(app);
    const own = await app.call('POST', '/v1/signin', { email, password: PASSWORD }, newIp());
    const { asked, open } = holdCheck();
    const late = app.call('DELETE', '/v1/me', { email, password: PASSWORD }, newIp(), cookieOf(reply));
    await asked;
    const ended = await app.call('DELETE', '/v1/me/sessions', undefined, newIp(), cookieOf(own));
    expect([ended.status, ended.body.sessions]).toEqual([200, 1]);
    open();
    expect((await late).status).toBe(401);
    expect((await app.call('GET', '/v1/me', undefined, newIp(), cookieOf(own))).status).toBe(200);
  });

  it.each(['DELETE /v1/me/sessions', 'POST /v1/logout-everywhere'])(
    'W36: a change of email that was asked for before %s is not finished after it',
    async (line) => {
      const { email, reply } = await newAccount(app);
      const own = await app.call('POST', '/v1/signin', { email, password: PASSWORD }, newIp());
      const other = newIdentifiers().email;
      const asked = await app.call(
        'POST',
        '/v1/me/email',
        { email: other, password: PASSWORD },
        newIp(),
        cookieOf(reply),
      );
      expect(asked.status).toBe(202);
      const { code, link } = await lastEmail(app, database, other, 'change_email');
      const [method = '', path = ''] = line.split(' ');
      expect((await app.call(method, path, undefined, newIp(), cookieOf(own))).status).toBe(200);
      // The browser of the thief, who reads the new mailbox.
      const headers = { cookie: verificationOf(asked), origin: URL_OF_ALL };
      for (const body of [{ email: other, code }, { token: tokenOf(link) }]) {
        const finished = await app.call('POST', '/v1/verify-email', body, newIp(), headers);
        expect(finished.status).toBeGreaterThanOrEqual(400);
      }
      expect((await app.call('POST', '/v1/signin', { email, password: PASSWORD }, newIp())).status).toBe(200);
    },
  );

  it('A23: requests that lack a fresh sign-in use up no limit of the owner', async () => {
    const { email, reply } = await newAccount(app);
    app.clock.advance(6 * 60_000);
    for (let i = 0; i < 201; i++) {
      const refused = await app.call('DELETE', '/v1/me/sessions', undefined, newIp(), cookieOf(reply));
      expect(refused.body.code).toBe('reauthentication_required');
    }
    const own = await app.call('POST', '/v1/signin', { email, password: PASSWORD }, newIp());
    const ended = await app.call('DELETE', '/v1/me/sessions', undefined, newIp(), cookieOf(own));
    expect([ended.status, ended.body.sessions]).toEqual([200, 1]);
  });
});
