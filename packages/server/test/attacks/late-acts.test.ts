// A check of a password takes time, and so may the body of a request. What a thief began with either must not be done
// once the owner has been told that the password is replaced, every session revoked or the role removed.
import { once } from 'node:events';
import { connect } from 'node:net';
import { beforeAll, describe, expect, it } from 'vitest';
import { OPERATOR } from '../../src/core/events.ts';
import { tryEmailNow } from '../../src/flows/admin/emails.ts';
import { retryEmailNow } from '../../src/flows/emails/retry-email.ts';
import { invite, resendInvitation } from '../../src/flows/invitations/invite.ts';
import { revokeInvitation } from '../../src/flows/invitations/revoke-invitation.ts';
import { rotateSigningKey } from '../../src/flows/keys/rotate-key.ts';
import { newEmailId } from '../../src/platform/random.ts';
import {
  asBearer,
  login,
  NEW_PASSWORD,
  newIdentifiers,
  PASSWORD,
  send,
  signUp,
  type TestApp,
} from '../support/app.ts';
import { beginRequest } from '../support/begin-request.ts';
import { sessionOf, verificationOf } from '../support/cookies.ts';
import { lastEmail, queuedEmails, tokenOf } from '../support/emails.ts';
import { claimsOf, newIp, sendTo } from '../support/forge.ts';
import { databases } from '../support/postgres.ts';
import { withApp, withCountedApp } from '../support/with-app.ts';
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

/** Sends the head of a request with a token, from an IP address of its own. */
const beginWithToken = (app: TestApp, method: string, path: string, token: string, body: unknown) =>
  beginRequest(app, method, path, { authorization: `Bearer ${token}`, 'x-forwarded-for': newIp() }, body);

describe.each(databases)('bodies that come too late on $name', ({ create }) => {
  const { app, inside, twin } = withApp(create, { audiences: ['service'] });
  let root: string;
  beforeAll(async () => {
    root = (await admin()).token;
  });

  async function admin() {
    const user = await signUp(app, newIp());
    await inside.promote(user.id);
    return { ...user, token: (await login(app, user, newIp())).access_token };
  }

  /** By the other administrator, in another process. */
  async function change(id: string, body: object): Promise<void> {
    const headers = { authorization: `Bearer ${root}` };
    expect((await sendTo(twin, 'PATCH', `/v1/users/${id}`, body, { headers })).status).toBe(200);
  }

  it('X19: an administrator who is demoted before the body comes changes nothing with it', async () => {
    const late = await admin();
    const victim = await signUp(app, newIp());
    const names = newIdentifiers();
    const begun = [
      await beginWithToken(app, 'PATCH', `/v1/users/${late.id}`, late.token, { role: 'admin' }),
      await beginWithToken(app, 'PATCH', `/v1/users/${victim.id}`, late.token, { role: 'admin' }),
      await beginWithToken(app, 'POST', '/v1/users', late.token, { ...names, role: 'admin' }),
    ];
    await change(late.id, { role: 'user' });
    for (const { finish } of begun) expect(await finish()).toBe(403);
    const begunAsUser = await beginWithToken(app, 'PATCH', '/v1/me', late.token, newIdentifiers());
    await change(late.id, { disabled: true });
    await change(late.id, { disabled: false });
    expect(await begunAsUser.finish()).toBe(401);
    for (const { id } of [late, victim]) {
      const shown = await send(app, 'GET', `/v1/users/${id}`, undefined, asBearer(root));
      expect(shown.body.user.role).toBe('user');
    }
    const found = await send(app, 'GET', `/v1/users?search=${names.username}`, undefined, asBearer(root));
    expect(found.body.users).toEqual([]);
  });

  it('X19: a session that is revoked before the body comes gets no token and changes nothing', async () => {
    const user = await signUp(app, newIp());
    const token = (await login(app, user, newIp())).access_token;
    const { username } = newIdentifiers();
    const begun = [
      await beginWithToken(app, 'POST', '/v1/token', token, { audience: 'service' }),
      await beginWithToken(app, 'PATCH', '/v1/me', token, { username }),
    ];
    const headers = { authorization: `Bearer ${token}` };
    const ended = await sendTo(twin, 'POST', '/v1/logout-everywhere', undefined, { headers });
    expect(ended.status).toBe(200);
    for (const { finish } of begun) expect(await finish()).toBe(401);
    const shown = await send(app, 'GET', `/v1/users/${user.id}`, undefined, asBearer(root));
    expect(shown.body.user.username).toBe(user.username);
  });

  it('X19: nobody makes the server wait for a body without a token of ours', async () => {
    const socket = connect(app.port, '127.0.0.1');
    const lines = ['PATCH /v1/me HTTP/1.1', `Host: localhost:${app.port}`, 'Authorization: Bearer x'];
    socket.write(`${lines.join('\r\n')}\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n`);
    const [answer] = await once(socket.setEncoding('latin1'), 'data');
    expect(answer).toMatch(/^HTTP\/1\.1 401 /);
    socket.destroy();
  });
});

describe.each(databases)('administrators who are stopped too late on $name', ({ create }) => {
  const { app, database } = withCountedApp(create);

  async function admin() {
    const { id, reply } = await newAccount(app);
    await app.context.db.updateTable('users').set({ admin_since: 1 }).where('id', '=', id).execute();
    return { id, headers: { cookie: sessionOf(reply), origin: URL_OF_ALL } };
  }

  /** Keeps the next request, once its session was found, from going on until `open`. */
  function holdRequest() {
    const { findActiveSession } = app.context;
    const { promise: opened, resolve: open } = Promise.withResolvers<void>();
    const { promise: found, resolve: isFound } = Promise.withResolvers<void>();
    app.context.findActiveSession = async (...asked) => {
      app.context.findActiveSession = findActiveSession;
      const activeSession = await findActiveSession(...asked);
      isFound();
      await opened;
      return activeSession;
    };
    return { found, open };
  }

  const acts: [method: string, path: string, body?: () => object][] = [
    ['POST', '/v1/users', () => ({ ...newIdentifiers(), role: 'admin' })],
    ['PATCH', '/v1/users/:id', () => ({ role: 'admin' })],
    ['DELETE', '/v1/users/:id'],
    ['POST', '/v1/users/:id/logout-everywhere'],
    ['POST', '/v1/users/:id/send-mail'],
    ['DELETE', '/v1/users/:id/devices'],
    ['DELETE', '/v1/users/:id/limits'],
  ];

  it.each(acts)('X19: %s %s is not done once the administrator was stopped', async (method, path, body) => {
    const root = await admin();
    const victim = await newAccount(app);
    const state = async () => [
      (await app.context.db.selectFrom('users').select('id').execute()).length,
      await app.context.db.selectFrom('users').selectAll().where('id', '=', victim.id).execute(),
      (await queuedEmails(app, database)).filter(({ to }) => to === victim.email).length,
    ];
    const stops: [number, string, string, object?][] = [
      [403, 'PATCH', '', { role: 'user' }],
      [401, 'POST', '/logout-everywhere'],
      [401, 'PATCH', '', { disabled: true }],
    ];
    for (const [status, by, end, given] of stops) {
      const late = await admin();
      const before = await state();
      const { found, open } = holdRequest();
      const begun = app.call(method, path.replace(':id', victim.id), body?.(), newIp(), late.headers);
      await found;
      const stopped = await app.call(by, `/v1/users/${late.id}${end}`, given, newIp(), root.headers);
      expect(stopped.status).toBe(200);
      open();
      expect((await begun).status).toBe(status);
      expect(await state()).toEqual(before);
    }
  });

  it('X19: nor is a signing key made, or an email sent again', async () => {
    const { context } = app;
    const late = await admin();
    const { sid } = claimsOf(late.headers.cookie.split('=')[1] ?? '');
    const actor = await context.findActiveSession(sid, app.clock.now());
    if (!actor) throw new Error('The session was not found.');
    const by = { actor, client: { requestId: null, ip: newIp(), userAgent: 'test' } };
    const keys = () => context.db.selectFrom('keys').select('id').execute();
    const before = await keys();
    await context.db.updateTable('users').set({ admin_since: null }).where('id', '=', late.id).execute();
    await expect(rotateSigningKey(context, true, by)).rejects.toMatchObject({ code: 'forbidden' });
    await expect(retryEmailNow(context, newEmailId(), by)).rejects.toMatchObject({ code: 'forbidden' });
    await expect(tryEmailNow(context, newEmailId(), by)).rejects.toMatchObject({ code: 'forbidden' });
    expect(await keys()).toEqual(before);
    const { username, email } = newIdentifiers();
    const invited = { username, email, role: 'admin' } as const;
    await expect(invite(context, invited, by)).rejects.toMatchObject({ code: 'forbidden' });
    const { id } = await invite(context, invited, { actor: 'operator', client: OPERATOR });
    await expect(resendInvitation(context, id, by)).rejects.toMatchObject({ code: 'forbidden' });
    await expect(revokeInvitation(context, id, by)).rejects.toMatchObject({ code: 'forbidden' });
  });
});
