import { describe, expect, it } from 'vitest';
import { makeSetUpLink } from '../../src/app.ts';
import { configFromOptions } from '../../src/config.ts';
import { isSetUp, serializeAdminChanges } from '../../src/core/installation.ts';
import { createVerification } from '../../src/core/verifications.ts';
import { verificationRules } from '../../src/flows/verifications/verification-rules.ts';
import { openContext } from '../../src/open-context.ts';
import { newIdentifiers, PASSWORD, send } from '../support/app.ts';
import { HOUR } from '../support/clock.ts';
import { openLink, secretOf, submit } from '../support/form.ts';
import { databases } from '../support/postgres.ts';
import { withApp, withStarted } from '../support/with-app.ts';

describe.each(databases)('set-up on $name', ({ create }) => {
  const { app, database } = withApp(create);
  /** Another start of the same installation: what it prints, the first one accepts. */
  const start = withStarted(
    () => {
      const { secret, url: publicUrl, clock } = app;
      return openContext(configFromOptions({ database: database.url, secret, publicUrl }), { clock });
    },
    (it) => it.close(),
  );

  async function newToken(): Promise<string> {
    const link = (await makeSetUpLink(start.context)) ?? expect.fail('no link');
    expect(link).toMatch(new RegExp(`^${app.url}/setup#token=[\\w-]{43}$`));
    return secretOf(link);
  }
  const open = (token: string) => openLink(app, '/setup', token);
  /** The form, as a browser sends it from our own page. */
  const setUp = (fields: Record<string, string>, headers: Record<string, string> = {}) =>
    submit(app, '/setup', fields, { headers });
  const admins = () => start.context.db.selectFrom('users').selectAll().execute();

  it('begins with nobody: there is no account to guess at', async () => {
    expect(await admins()).toEqual([]);
    for (const username of ['admin', 'root', 'usher', 'administrator'])
      for (const password of ['admin', 'password', 'usher', ''])
        expect((await send(app, 'POST', '/v1/signin', { username, password })).status).toBe(401);
  });

  it('shows a form that works without scripts, and changes nothing by showing it', async () => {
    const token = await newToken();
    for (let i = 0; i < 3; i++) {
      const page = await open(token);
      expect(page.status).toBe(200);
      expect(page.headers.get('content-type')).toBe('text/html; charset=utf-8');
      expect(page.headers.get('cache-control')).toBe('no-store');
      expect(page.headers.get('content-security-policy')).toContain("form-action 'self'");
      expect(page.text).toContain('<form method="post" action="/setup">');
      expect(page.text).toMatch(/name="form_token" value="[\w-]{43}"/);
      for (const name of ['username', 'email', 'password']) expect(page.text).toContain(`name="${name}"`);
      expect(page.text).toContain(`value="${token}"`);
      expect(page.text).not.toMatch(/<script(?! type="module" src="\/assets\/)|style=| on\w+=/);
      expect(page.headers.get('referrer-policy')).toBe('same-origin');
    }
    await send(app, 'OPTIONS', '/setup');
    expect((await setUp({ token, ...newIdentifiers(), password: '1234' })).status).toBe(400);
    expect(await admins()).toEqual([]);
    expect((await open(token)).status).toBe(200);
  });

  it('shows a rejected form again with what was typed and why, but never the password', async () => {
    const token = await newToken();
    const typed = { username: 'a"><script>alert(1)</script>', email: "o'hara@nowhere", password: 'short<' };
    const page = await setUp({ token, ...typed });
    expect(page.status).toBe(400);
    expect(page.text).toContain('value="a&quot;&gt;&lt;script&gt;alert(1)&lt;/script&gt;"');
    expect(page.text).toContain('nowhere');
    expect(page.text).toContain('at least 8 characters');
    expect(page.text.match(/aria-invalid="true"/g)).toHaveLength(3);
    expect(page.text).not.toContain('<script>');
    expect(page.text).not.toContain('short');
    expect(page.headers.getSetCookie()).toEqual([expect.stringMatching(/^usher-form=[\w-]{22};/)]);
    const good = await setUp({
      token,
      ...newIdentifiers(),
      email: 'none',
      password: 'a secret that must not come back',
    });
    expect(good.text).not.toContain('a secret that must not');
  });

  it('takes a form of our own page alone', async () => {
    const token = await newToken();
    const fields = { token, ...newIdentifiers() };
    for (const headers of [
      { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' },
      { origin: 'null' },
      { 'sec-fetch-site': 'same-site' },
    ])
      expect((await setUp(fields, headers)).status).toBe(403);
    expect((await send(app, 'POST', '/setup', fields)).status).toBe(415);
    expect((await setUp({ ...fields, role: 'admin' })).status).toBe(400);
    expect((await setUp({ ...fields, form_token: 'x'.repeat(43) })).body.code).toBe('form_expired');
    expect(await admins()).toEqual([]);
  });

  it('is one link for all starts, however many there are at once', async () => {
    const tokens = await Promise.all(Array.from({ length: 6 }, newToken));
    expect(new Set(tokens).size).toBe(1);
    expect((await open(tokens[0] ?? '')).status).toBe(200);
    app.clock.advance(HOUR / 2 - 1);
    expect(await newToken()).toBe(tokens[0]);
  });

  it('is one link for a start that comes while another one makes it', async () => {
    const { db, keys, config, clock } = start.context;
    const { link, second } = await db.transaction().execute(async (tx) => {
      await serializeAdminChanges(tx);
      const subject = { purpose: 'setup', userId: undefined, email: '' } as const;
      const made = await createVerification(tx, keys, subject, verificationRules(config), clock.now());
      const second = newToken();
      // Meanwhile a start that did not wait would have made another link.
      for (let i = 0; i < 50; i++) await isSetUp(db);
      // In an object, since the transaction would wait for a promise and the promise for the transaction.
      return { link: made.link, second: { token: second } };
    });
    expect(await second.token).toBe(link);
  });

  it('is said to be in the log only while it works', async () => {
    const home = async () => (await send(app, 'GET', '/')).text;
    await newToken();
    expect(await home()).toContain('Open the setup link in the server log');
    app.clock.advance(HOUR);
    expect(await home()).toContain('Restart the server: its log then has a setup link');
  });

  it('is over an hour after the start, and with a start later than half an hour', async () => {
    const first = await newToken();
    app.clock.advance(HOUR / 2);
    const second = await newToken();
    expect((await open(first)).status).toBe(410);
    expect((await setUp({ token: first, ...newIdentifiers() })).status).toBe(410);
    app.clock.advance(HOUR - 1);
    expect((await open(second)).status).toBe(200);
    app.clock.advance(1);
    expect((await open(second)).status).toBe(410);
    const late = await setUp({ token: second, ...newIdentifiers() });
    expect(late.status).toBe(410);
    expect(late.text).toMatch(/Check that you copied all of it, or restart the server/);
    for (const wrong of ['', 'x', `${second}x`, second.slice(1)]) {
      const refused = await open(wrong);
      expect([refused.status, refused.text.includes('name="link"')]).toEqual([410, true]);
    }
    // Without its secret the page asks for the link, and an address with a secret in it is refused.
    const page = await send(app, 'GET', '/setup');
    expect([page.status, page.text.includes('name="link"')]).toEqual([200, true]);
    expect((await send(app, 'GET', `/setup?token=${second}`)).status).toBe(400);
    expect(await admins()).toEqual([]);
  });

  it('is not guessed at for long', async () => {
    const from = '198.51.100.1';
    const guess = () => openLink(app, '/setup', 'x'.repeat(43), { from });
    for (let i = 0; i < 60; i++) expect((await guess()).status).toBe(410);
    expect((await guess()).status).toBe(429);
    // Who has the right one is not held up by who has not.
    expect((await openLink(app, '/setup', await newToken(), { from })).status).toBe(200);
  });

  it('makes the first administrator once, of many at the same moment, and signs them in', async () => {
    const token = await newToken();
    const pendingChanges = Array.from({ length: 8 }, newIdentifiers);
    const replies = await Promise.all(pendingChanges.map((names) => setUp({ token, ...names })));
    expect(replies.map(({ status }) => status).sort()).toEqual([201, 410, 410, 410, 410, 410, 410, 410]);
    const index = replies.findIndex(({ status }) => status === 201);
    const names = pendingChanges[index] ?? expect.fail('nobody');
    const made = replies[index] ?? expect.fail('nobody');
    expect(await admins()).toEqual([
      expect.objectContaining({ username: names.username, admin_since: app.clock.now() }),
    ]);
    expect(made.text).toContain(names.username);
    expect(made.text).not.toContain(PASSWORD);
    const cookie = made.headers.get('set-cookie')?.split(';', 1)[0] ?? '';
    const list = await send(app, 'GET', '/v1/users', undefined, { headers: { cookie } });
    expect(list.body.users).toEqual([expect.objectContaining({ username: names.username, role: 'admin' })]);
    for (const reply of replies.filter(({ status }) => status === 410))
      expect(reply.headers.getSetCookie().filter((cookie) => !cookie.startsWith('usher-form='))).toEqual([]);
    expect(made.text).toMatch(/href="\/docs"/);
    expect(made.text).not.toContain('Open the application');
    expect(made.text).toMatch(
      /href="\/admin"[^>]*>Open admin console<.*href="\/dashboard"[^>]*>Your account</s,
    );

    expect(await makeSetUpLink(start.context)).toBeUndefined();
    const again = await open(token);
    expect([again.status, again.text.includes('has already been created')]).toEqual([410, true]);
    expect(again.text).toContain('href="/sign-in"');
    expect(again.text).not.toContain('name="link"');
    const events = await start.context.db
      .selectFrom('events')
      .select('name')
      .where('name', '=', 'setup_completed')
      .execute();
    expect(events).toHaveLength(1);
  });
});

describe.each(databases)('the home page on $name', ({ create }) => {
  const { app, inside } = withApp(create);

  it('leads to the sign-in once the setup is done', async () => {
    const open = (path: string) => send(app, 'GET', path);
    expect((await open('/')).status).toBe(200);
    await inside.db.updateTable('installation').set({ setup_completed_at: app.clock.now() }).execute();
    const home = await open('/');
    expect([home.status, home.headers.get('location')]).toEqual([303, '/sign-in']);
    expect((await open('/?done=deleted')).text).toContain('have been deleted');
  });
});
