import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { emailValues, isAfterDeletion, sampleValues } from '../../src/core/emails/kinds.ts';
import { type EmailKind, queueEmail } from '../../src/core/emails.ts';
import { PASSWORD, type Reply, send, signUp } from '../support/app.ts';
import { MINUTE } from '../support/clock.ts';
import { newIp } from '../support/forge.ts';
import { submit } from '../support/form.ts';
import { databases } from '../support/postgres.ts';
import { withApp, withInbox } from '../support/with-app.ts';

const TOKEN = 'K7mPq2vXw9RtYb4NcLs8HdJf3GzAeUiO1TnVxBk5Wp0';

describe.each(databases)('the emails in the console on $name', ({ create }) => {
  const inbox = withInbox();
  const { app, inside } = withApp(create, () => inbox.settings);
  let admin: Awaited<ReturnType<typeof signUp>>;
  let bob: Awaited<ReturnType<typeof signUp>>;
  beforeAll(async () => {
    inbox.script.rejectRecipient = (address) =>
      address.startsWith('rejected') && !taken.has(address)
        ? `550 5.1.1 <${address}> no such user here`
        : undefined;
    admin = await signUp(app, newIp());
    await inside.promote(admin.id);
    bob = await signUp(app, newIp());
  });
  beforeEach(async () => {
    await admin.browser.post('/v1/signin', { email: admin.email, password: PASSWORD });
  });

  /** Addresses that the server has learnt of. */
  const taken = new Set<string>();
  const look = (path: string) =>
    send(app, 'GET', path, undefined, {
      headers: { cookie: `usher=${admin.browser.cookie}`, accept: 'text/html' },
    });
  const press = (fields: Record<string, string>): Promise<Reply> =>
    submit(app, '/admin/emails', fields, { cookie: admin.browser.cookie });
  let addresses = 0;
  /** Queues an email about Bob's account to an address of its own, and waits until the server has refused it. */
  async function refused(
    kind: EmailKind = 'reset_password',
    code = '482913',
  ): Promise<{ id: string; to: string }> {
    const to = `rejected${++addresses}@example.org`;
    const now = app.clock.now();
    const link = `http://localhost:4000/reset-password#token=${TOKEN}`;
    const values = { ...sampleValues('http://localhost:4000', now), username: 'bob', code, link };
    const before = await ids(kind);
    const email = { kind, to, userId: bob.id, language: null, values, expiresAt: now + 10 * MINUTE };
    await inside.db.transaction().execute((tx) => queueEmail(tx, inside.keys, email, now));
    const [id = ''] = (await ids(kind)).filter((one) => !before.includes(one));
    await expect.poll(() => outcomeOf(id)).toBe('rejected');
    return { id, to };
  }
  const ids = async (kind: EmailKind) =>
    (await inside.db.selectFrom('emails').select('id').where('kind', '=', kind).execute()).map(
      ({ id }) => id,
    );
  const outcomeOf = async (id: string) =>
    (await inside.db.selectFrom('emails').select('status').where('id', '=', id).executeTakeFirst())?.status;

  it('show what the server said, and send one again that it rejected', async () => {
    const { id, to } = await refused();
    const list = await look('/admin/emails?state=rejected');
    expect(list.text).toContain(`href="/admin/emails/${id}"`);
    expect(list.text).toContain(`550 5.1.1 &lt;${to}&gt; no such user here`);
    expect(list.text).toContain('Resend');
    const page = await look(`/admin/emails/${id}`);
    expect(page.text).toContain('no such user here');
    expect(page.text).toContain(`href="/admin/users/${bob.id}"`);

    taken.add(to);
    const asked = await press({ email: id, action: 'retry', at: 'list', state: 'rejected' });
    expect([asked.status, asked.headers.get('location')]).toEqual([
      303,
      '/admin/emails?state=rejected&done=retried',
    ]);
    await inbox.next(to);
    await expect.poll(() => outcomeOf(id)).toBe('sent');
    const after = await look(`/admin/emails/${id}`);
    expect(after.text).toContain('2 attempts, resent after 1 attempt');
    expect(after.text).not.toContain('no such user here');
    expect(after.text).not.toContain('Resend');
    const again = await press({ email: id, action: 'retry', at: 'list' });
    expect(again.headers.get('location')).toBe(`/admin/emails/${id}?done=rejected`);
    const events = await inside.db
      .selectFrom('events')
      .selectAll()
      .where('name', '=', 'email_retried')
      .execute();
    expect(events).toMatchObject([{ user_id: bob.id, actor_id: admin.id }]);
    expect(inbox.emails.filter((email) => email.to.includes(to))).toHaveLength(1);
    expect((await press({ email: admin.id, action: 'retry', at: 'list' })).status).toBe(404);
  });

  it('say why one cannot be sent again', async () => {
    const { id } = await refused();
    app.clock.advance(10 * MINUTE);
    await admin.browser.post('/v1/signin', { email: admin.email, password: PASSWORD });
    const { text } = await look(`/admin/emails/${id}`);
    expect(text).toContain('Its link has expired. The recipient can request a new one.');
    expect(text).not.toContain('value="retry"');
    const [row = ''] = (await look('/admin/emails?state=rejected')).text
      .split('</tr>')
      .filter((one) => one.includes(id));
    expect(row).toContain('Its link has expired.');
    expect(row).not.toContain('value="retry"');
    const { headers } = await press({ email: id, action: 'retry', at: 'list' });
    expect((await look(headers.get('location') ?? '')).text).toContain('This email can’t be resent.');
  });

  it.each(Object.keys(emailValues).filter((kind) => kind !== 'test') as EmailKind[])(
    'show what a %s email looks like, and nothing that lets anybody act for its reader (P7)',
    async (kind) => {
      const code = String(100_000 + Math.floor(Math.random() * 899_999));
      const { id } = await refused(kind, code);
      const paths = ['/admin/emails', `/admin/emails/${id}`, `/admin/emails/${id}/html`];
      const isStored = !isAfterDeletion(kind);
      for (const path of paths) {
        const { status, text } = await look(path);
        expect([path, status]).toEqual([path, 200]);
        for (const secret of [code, TOKEN, TOKEN.slice(0, 20), 'token=K'])
          expect(text.includes(secret), `${path}: ${secret}`).toBe(false);
      }
      const { text, headers } = await look(paths[1] ?? '');
      expect(text).toContain(isStored ? 'are hidden' : 'The original is no longer stored');
      expect(text).toContain('sandbox=""');
      expect(headers.get('content-security-policy')).toMatch(/^default-src 'none'; .*frame-src 'self'/);
      const framed = await look(paths[2] ?? '');
      expect(framed.headers.get('content-security-policy')).toMatch(
        /^default-src 'none'; style-src 'unsafe-inline'; .*frame-ancestors 'self'; sandbox$/,
      );
      // What it does show is its own.
      if (isStored && emailValues[kind].includes('link')) expect(framed.text).toContain('href="••••••"');
      if (isStored && emailValues[kind].includes('username')) expect(framed.text).toContain('bob');
    },
  );

  it('show sample values where an email was sent, and say so', async () => {
    await send(app, 'POST', '/v1/send-mail', { email: admin.email }, { from: newIp() });
    const { code = '' } = await inbox.next(admin.email);
    const id = (await ids('reset_password')).at(-1) ?? '';
    await expect.poll(() => outcomeOf(id)).toBe('sent');
    const { text } = await look(`/admin/emails/${id}`);
    expect(text).toContain('The original is no longer stored');
    expect(text).toContain('482913');
    expect(text).not.toContain(code);
    expect(text).toContain('250 2.0.0 Ok: queued');
  });

  it('are for administrators alone', async () => {
    const { id } = await refused();
    await bob.browser.post('/v1/signin', { email: bob.email, password: PASSWORD });
    for (const path of [`/admin/emails/${id}`, `/admin/emails/${id}/html`]) {
      const headers = { cookie: `usher=${bob.browser.cookie}`, accept: 'text/html' };
      expect((await send(app, 'GET', path, undefined, { headers })).status).toBe(403);
      expect((await send(app, 'GET', path)).status).toBe(401);
    }
    const fields = { email: id, action: 'retry', at: 'list' };
    expect((await submit(app, '/admin/emails', fields, { cookie: bob.browser.cookie })).status).toBe(403);
    expect(await outcomeOf(id)).toBe('rejected');
    expect((await look('/admin/emails/01990a3c-5d2e-7c41-9f08-6b1d2e3f4a5b')).status).toBe(404);
  });
});
