import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { unsealReply } from '../../src/core/emails/content.ts';
import { sampleValues } from '../../src/core/emails/kinds.ts';
import { type EmailKind, type NewEmail, queueEmail } from '../../src/core/emails.ts';
import { OPERATOR } from '../../src/core/events.ts';
import { retryEmailNow } from '../../src/flows/emails/retry-email.ts';
import { cleanUp } from '../../src/jobs/cleanup.ts';
import { PASSWORD, send, sessionTimeouts, signUp, startApp } from '../support/app.ts';
import { DAY, HOUR, MINUTE, SECOND, TURN } from '../support/clock.ts';
import { type Inside, openInside } from '../support/forge.ts';
import { databases } from '../support/postgres.ts';
import { TIMEOUT } from '../support/timeouts.ts';
import { withApp, withInbox } from '../support/with-app.ts';

const ADDRESS = 'ada@example.org';
const values = {
  username: 'ada',
  code: '482913',
  link: 'http://localhost:4000/reset-password#token=K7mPq2vXw9RtYb4NcLs8HdJf3GzAeUiO1TnVxBk5Wp0',
  minutes: '10',
  link_minutes: '60',
  when: '2026-03-01T12:00:00Z',
  ip: '203.0.113.7',
  user_agent: 'Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0',
};

describe.each(databases)('the outbox on $name', ({ create }) => {
  const inbox = withInbox('test');
  const { app, database, inside, restart } = withApp(create, () => inbox.settings, 'test');

  const emailOf = (more: Partial<NewEmail> = {}): NewEmail => ({
    kind: 'reset_password',
    to: ADDRESS,
    userId: null,
    language: null,
    values: { ...sampleValues(app.url, app.clock.now()), ...values },
    expiresAt: app.clock.now() + 10 * MINUTE,
    ...more,
  });
  const queue = (more?: Partial<NewEmail>) =>
    inside.db.transaction().execute((tx) => queueEmail(tx, inside.keys, emailOf(more), app.clock.now()));
  type EmailRow = Awaited<ReturnType<typeof rows>>[number];
  const rows = () => inside.db.selectFrom('emails').selectAll().orderBy('created_at').execute();
  const events = async () => {
    const query = inside.db.selectFrom('events').select(['name', 'user_id', 'actor_id', 'details']);
    const found = await query
      .where('name', 'in', ['email_sent', 'email_rejected', 'email_expired', 'email_retried'])
      .execute();
    return found.map(({ details, ...event }) => ({ ...event, details: JSON.parse(details) }));
  };
  /** Waits for the email to have ended, or to have been given back after so many tries. */
  async function settled(attempts?: number) {
    const isGivenBack = (line: string) =>
      new RegExp(`"attempts":${attempts},.*"next":.*"msg":"email delayed"`).test(line);
    for (const end = performance.now() + TIMEOUT; performance.now() < end; ) {
      // What is written before its line is in the row that is read after it.
      const isLogged = attempts !== undefined && app.log.some(isGivenBack);
      const [row] = await rows();
      if (attempts === undefined ? row?.ended_at != null : isLogged) return row;
      await sleep(20);
    }
    throw new Error(`The mail did not settle: ${JSON.stringify(await rows())}`);
  }

  /** Someone whose email of the sign-up is sent and out of the way. */
  async function newUser() {
    const user = await signUp(app);
    await inbox.next(user.email);
    await settled();
    await inside.db.deleteFrom('emails').execute();
    await inside.db
      .deleteFrom('events')
      .where('name', 'in', ['email_sent', 'email_rejected', 'email_expired', 'email_retried'])
      .execute();
    inbox.emails.length = 0;
    return user;
  }

  it('sends what a flow queued, to the stored email, as text and as HTML', async () => {
    const user = await newUser();
    await queue({ userId: user.id });
    const email = await inbox.next(ADDRESS);
    expect(email).toMatchObject({
      from: 'usher@example.com',
      to: [ADDRESS],
      code: '482913',
      link: values.link,
    });
    const [row] = await rows();
    expect(email.headers).toMatchObject({
      from: 'Usher <usher@example.com>',
      to: ADDRESS,
      subject: 'Reset your Usher password',
      date: 'Sun, 01 Mar 2026 12:00:00 +0000',
      'message-id': `<${row?.id}@example.com>`,
      'auto-submitted': 'auto-generated',
      'content-language': 'en',
    });
    expect(email.headers).not.toHaveProperty('bcc');
    expect(email.headers).not.toHaveProperty('x-mailer');
    for (const part of [email.text, email.html]) {
      for (const said of ['ada', '482913', values.link, '10 minutes', '203.0.113.7', 'Firefox on Linux'])
        expect(part).toContain(said);
      expect(part).toContain('Never share this code or link.');
      expect(part).not.toContain('Mozilla');
    }
    expect(await settled()).toMatchObject({
      status: 'sent',
      attempts: 1,
      content_encrypted: null,
      due_at: null,
    });
    const details = { email: row?.id, kind: 'reset_password', attempts: 1, reply: '250 2.0.0' };
    expect(await events()).toEqual([{ name: 'email_sent', user_id: user.id, actor_id: null, details }]);
    await sleep(3 * TURN);
    expect(inbox.emails).toHaveLength(1);
  });

  it('sends nothing of a transaction that is rolled back', async () => {
    const failing = inside.db.transaction().execute(async (tx) => {
      await queueEmail(tx, inside.keys, emailOf(), app.clock.now());
      throw new Error('no');
    });
    await expect(failing).rejects.toThrow('no');
    await queue({ to: 'grace@example.org' });
    await inbox.next('grace@example.org');
    expect(inbox.emails).toHaveLength(1);
    expect(await rows()).toHaveLength(1);
  });

  it('does the work of a decoy, and sends nothing', async () => {
    await queue({ to: null });
    const row = await settled();
    expect(row).toMatchObject({ status: 'decoy', attempts: 1, content_encrypted: null, smtp_reply: null });
    expect(inbox.connections()).toBe(0);
    expect(await events()).toEqual([]);
    expect((await metrics()).join('\n')).toContain('usher_emails_total{end="decoy"} 1');
  });

  async function metrics() {
    await restart({ metricsToken: 'a'.repeat(32) });
    await queue({ to: null });
    await expect.poll(async () => (await readMetrics()).join('\n')).toContain('decoy');
    return readMetrics();
  }
  async function readMetrics() {
    const headers = { authorization: `Bearer ${'a'.repeat(32)}` };
    const { text } = await send(app, 'GET', '/metrics', undefined, { headers });
    return text.split('\n').filter((line) => line.startsWith('usher_emails'));
  }

  it('keeps nothing in the database that a thief of it could use (P7), nor in the log', async () => {
    await inbox.stop();
    await queue();
    const waiting = await settled(1);
    expect(waiting?.content_encrypted).toMatch(/^[\w-]{300,}$/);
    const secrets = [ADDRESS, '482913', 'K7mPq2vXw9', 'ada', '203.0.113.7'];
    for (const secret of secrets) expect(JSON.stringify(waiting)).not.toContain(secret);
    // A row that is put in the place of another cannot be read there.
    const [first] = await rows();
    await queue({ kind: 'change_email', to: 'thief@example.org' });
    await inside.db
      .updateTable('emails')
      .set({ content_encrypted: first?.content_encrypted ?? '' })
      .where('kind', '=', 'change_email')
      .execute();
    await inbox.start();
    const sent = inbox.next(ADDRESS);
    await expect
      .poll(
        async () => {
          // A job may have tried the second one, too, while there was no server: then it waits for a longer time.
          app.clock.advance(30 * SECOND);
          return (await rows()).map((row) => [row.kind, row.status, row.smtp_reply, row.content_encrypted]);
        },
        { interval: SECOND },
      )
      .toEqual(
        expect.arrayContaining([
          ['reset_password', 'sent', '250 2.0.0', null],
          ['change_email', 'rejected', 'unreadable', null],
        ]),
      );
    await sent;
    expect(inbox.emails).toHaveLength(1);
    for (const secret of [...secrets.slice(0, 3), 'thief@example.org'])
      expect(app.log.join('')).not.toContain(secret);
  });

  it('tries again with growing pauses for a day, then gives up', async () => {
    await inbox.stop();
    const started = app.clock.now();
    await queue({ kind: 'password_changed', expiresAt: null });
    const pauses: number[] = [];
    for (let attempts = 1; attempts <= 8; attempts++) {
      const row = await settled(attempts);
      expect(row?.smtp_reply).toBe('ECONNREFUSED');
      const pause = (row?.due_at ?? 0) - app.clock.now();
      pauses.push(pause);
      app.clock.advance(pause);
    }
    const [s, m] = [SECOND, MINUTE];
    expect(pauses).toEqual([10 * s, 30 * s, m, 5 * m, 15 * m, 30 * m, HOUR, HOUR]);
    // The next hour would be after the end of the day.
    await settled(9);
    app.clock.advance(started + DAY - 30 * MINUTE - app.clock.now());
    const given = await settled();
    // For half hour it would still be worth sending.
    expect(given).toMatchObject({ status: 'expired', content_encrypted: expect.any(String), due_at: null });
    expect((await events()).map(({ name }) => name)).toEqual(['email_expired']);
    await inbox.start();
    await sleep(3 * TURN);
    expect(inbox.emails).toEqual([]);
    await forgetUnless(30 * MINUTE);
  });

  it('sends no code that has run out', async () => {
    await inbox.stop();
    await queue();
    await settled(1);
    app.clock.advance(10 * MINUTE);
    await inbox.start();
    expect(await settled()).toMatchObject({ status: 'expired', content_encrypted: null });
    expect((await events())[0]).toMatchObject({ name: 'email_expired', details: { kind: 'reset_password' } });
    expect(inbox.connections()).toBe(0);
  });

  /** The clean-up drops what an email says once so much time has gone by, and not before. */
  async function forgetUnless(time: number) {
    const clean = () => cleanUp({ db: inside.db, clock: app.clock, sessionTimeouts });
    app.clock.advance(time - 1);
    await clean();
    expect((await rows())[0]).toMatchObject({ content_encrypted: expect.any(String) });
    app.clock.advance(1);
    await clean();
    expect((await rows())[0]).toMatchObject({ content_encrypted: null });
  }

  it('gives up an email that the server rejects for good, and sends the others', async () => {
    const user = await newUser();
    inbox.script.rejectRecipient = (address) =>
      address === ADDRESS ? `550 5.1.1 <${address}>: no such user here` : undefined;
    await queue({ userId: user.id });
    expect(await settled()).toMatchObject({ status: 'rejected', attempts: 1, smtp_reply: '550 5.1.1' });
    await queue({ to: 'grace@example.org' });
    await inbox.next('grace@example.org');
    expect(inbox.emails).toHaveLength(1);
    const [refused] = await events();
    expect(refused).toMatchObject({
      name: 'email_rejected',
      user_id: user.id,
      details: { reply: '550 5.1.1' },
    });
    expect(JSON.stringify(refused)).not.toContain(ADDRESS);
    expect(app.log.join('')).not.toContain(ADDRESS);
  });

  it('keeps what the server said of the last try for administrators alone (P7)', async () => {
    const user = await newUser();
    const said = (row: EmailRow | undefined) =>
      unsealReply(inside.keys.emails, row?.id ?? '', row?.smtp_reply_text_encrypted ?? null);
    inbox.script.rejectRecipient = (address) => `450 4.2.1 <${address}> is busy`;
    await queue({ userId: user.id });
    expect(said(await settled(1))).toBe(`450 4.2.1 <${ADDRESS}> is busy`);
    // Whatever a server says, it is one line of a bounded length that no terminal obeys.
    const endless = `<${ADDRESS}>:\u001b[2J\u202e no such user here, ${'and again '.repeat(100)}`;
    inbox.script.rejectRecipient = () => `550 5.1.1 ${endless}`;
    app.clock.advance(10 * SECOND);
    const refused = await settled();
    const replyText = said(refused) ?? '';
    expect(replyText).toMatch(
      new RegExp(`^550 5\\.1\\.1 <${ADDRESS}>: \\[2J +no such user here, and again `),
    );
    expect(replyText).toMatch(/^[ -~]{250,300}$/);
    expect(refused).toMatchObject({ smtp_reply: '550 5.1.1', attempts: 2 });
    for (const context of [JSON.stringify(await rows()), JSON.stringify(await events()), app.log.join('')]) {
      expect(context).not.toContain(ADDRESS);
      expect(context).not.toContain('no such user');
    }
    // In another row they are nothing.
    expect(unsealReply(inside.keys.emails, 'another', refused?.smtp_reply_text_encrypted ?? null)).toBeNull();
    const deleted = await user.browser.send('DELETE', '/v1/me', { email: user.email, password: PASSWORD });
    expect(deleted.status).toBe(200);
    inbox.script.rejectRecipient = () => '550 5.1.1 gone';
    await expect
      .poll(async () => (await rows()).map(({ status }) => status))
      .toEqual(['rejected', 'rejected']);
    for (const row of await rows())
      expect(row).toMatchObject({ content_encrypted: null, smtp_reply_text_encrypted: null });
  });

  it('sends a rejected email again once, as the same email, however often that is asked for at once', async () => {
    const user = await newUser();
    inbox.script.rejectEmail = () => '554 5.7.1 Looks like spam';
    await queue({ userId: user.id });
    const refused = await settled();
    expect(refused).toMatchObject({ status: 'rejected', content_encrypted: expect.any(String) });
    inbox.script.rejectEmail = undefined;
    const twin = await openInside(app, database);
    const client = { requestId: null, ip: '192.0.2.9', userAgent: 'test' };
    const again = ({ db, keys }: Inside) =>
      retryEmailNow({ db, keys, clock: app.clock }, refused?.id ?? '', { actor: 'operator', client });
    const asked = await Promise.allSettled([inside, twin, inside, twin].map(again));
    expect(asked.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    await twin.close();
    const [first, second] = await inbox.until(2);
    expect(second?.headers).toEqual({ ...first?.headers, 'content-type': expect.anything() });
    expect(second?.code).toBe(first?.code);
    await expect.poll(async () => (await rows())[0]?.status).toBe('sent');
    expect((await rows())[0]).toMatchObject({
      attempts: 2,
      attempts_before_retry: 1,
      content_encrypted: null,
    });
    const [, retried, sent] = await events();
    expect(retried).toEqual({
      name: 'email_retried',
      user_id: user.id,
      actor_id: 'operator',
      details: { email: refused?.id, kind: 'reset_password', attempts: 1 },
    });
    expect(sent).toMatchObject({ name: 'email_sent', details: { attempts: 2 } });
    await expect(again(inside)).rejects.toMatchObject({
      code: 'conflict',
      message: 'Already accepted by the mail server.',
    });
    await sleep(3 * TURN);
    expect(inbox.emails).toHaveLength(2);
  });

  it('gives an email that is sent again a whole new round of tries', async () => {
    inbox.script.rejectEmail = () => '554 5.7.1 Looks like spam';
    await queue({ kind: 'password_changed', expiresAt: null });
    const refused = await settled();
    inbox.script.rejectEmail = () => '451 4.7.1 Try again later';
    const context = { db: inside.db, keys: inside.keys, clock: app.clock };
    await retryEmailNow(context, refused?.id ?? '', { actor: 'operator', client: OPERATOR });
    const pauses: number[] = [];
    for (let attempts = 2; attempts <= 4; attempts++) {
      const pause = ((await settled(attempts))?.due_at ?? 0) - app.clock.now();
      pauses.push(pause);
      app.clock.advance(pause);
    }
    expect(pauses).toEqual([10 * SECOND, 30 * SECOND, MINUTE]);
  });

  it('keeps what a rejected email says as long as it is worth sending, and says why no longer', async () => {
    inbox.script.rejectEmail = () => '554 5.7.1 Looks like spam';
    await queue();
    const refused = await settled();
    await forgetUnless(10 * MINUTE);
    const context = { db: inside.db, keys: inside.keys, clock: app.clock };
    const again = (id: string) => retryEmailNow(context, id, { actor: 'operator', client: OPERATOR });
    await expect(again(refused?.id ?? '')).rejects.toMatchObject({
      code: 'conflict',
      message: 'Its link has expired. The recipient can request a new one.',
    });
    await expect(again('01990a3c-5d2e-7c41-9f08-6b1d2e3f4a5b')).rejects.toMatchObject({ code: 'not_found' });
    expect((await events()).map(({ name }) => name)).toEqual(['email_rejected']);
    await sleep(3 * TURN);
    expect(inbox.emails).toHaveLength(1);
  });

  it('tries an email again that the server does not want now, as the same email', async () => {
    inbox.script.rejectEmail = () => '451 4.7.1 Greylisted, try again later';
    await queue();
    expect(await settled(1)).toMatchObject({ status: null, smtp_reply: '451 4.7.1' });
    expect(await events()).toEqual([]);
    inbox.script.rejectEmail = undefined;
    app.clock.advance(10 * SECOND);
    const [first, second] = await inbox.until(2);
    expect(second?.headers).toEqual({ ...first?.headers, 'content-type': expect.anything() });
    expect(second?.code).toBe(first?.code);
    expect(await settled()).toMatchObject({ status: 'sent', attempts: 2 });
  });

  it('sends each email once, however many processes there are', async () => {
    const twin = await startApp(database, {
      ...inbox.settings,
      publicUrl: app.url,
      secret: app.secret,
      clock: app.clock,
    });
    const addresses = Array.from({ length: 150 }, (_, index) => `user${index}@example.org`);
    for (const to of addresses) await queue({ kind: 'new_device', to });
    await inbox.until(150);
    await sleep(3 * TURN);
    await twin.stop();
    expect(inbox.emails.map(({ to }) => to.join()).sort()).toEqual(addresses.sort());
    expect((await events()).filter(({ name }) => name === 'email_sent')).toHaveLength(150);
  });

  it('rejects what a stranger asks for once too many wait (D10), decoys alike, and still tells an owner', async () => {
    await inbox.stop();
    const { now } = app.clock;
    const unsent = { kind: 'reset_password', user_id: null, content_encrypted: 'x' };
    const row = { ...unsent, attempts: 0, attempts_before_retry: 0 };
    const open = { due_at: now() + HOUR, ended_at: null, status: null, smtp_reply: null };
    const many = Array.from({ length: 1_000 }, () => ({
      ...row,
      ...open,
      created_at: now(),
      expires_at: now() + DAY,
    }));
    const id = () => randomBytes(16).toString('base64url');
    const wait = async (recipients: number) => {
      for (let i = 0; i < 10; i++)
        await inside.db
          .insertInto('emails')
          .values(many.map((one) => ({ id: id(), ...one, recipients })))
          .execute();
    };
    // Decoys take up no room.
    await wait(0);
    await queue({ to: null });
    await wait(1);
    await queue();
    const strangers: EmailKind[] = ['reset_password', 'verify_email', 'sign_up', 'sign_up_attempt'];
    for (const kind of strangers) {
      const refusals = [ADDRESS, null].map((to) => queue({ kind, to }).catch((error) => ({ ...error })));
      const [real, decoy] = await Promise.all(refusals);
      expect(real).toMatchObject({ code: 'busy', status: 503, retryAfter: 60 });
      expect(decoy).toEqual(real);
    }
    await queue({ kind: 'password_changed' });
  });

  it('queues nothing for what is not one plain email (W8, W21, W22)', async () => {
    const addresses = [
      'ada@example.org\r\nBcc: eve@example.net',
      'ada@example.org\n',
      'ada@example.org\0',
      'ada@example.org,eve@example.net',
      'ada@example.org eve@example.net',
      '"eve@example.net x"@example.org',
      '<ada@example.org>',
      'ada@example.org>',
      'ada(eve)@example.org',
      '@eve.example.net:ada@example.org',
      'ada@localhost',
      'ada@',
      '',
      `${'a'.repeat(250)}@example.org`,
    ];
    for (const to of addresses) {
      const failure = await queue({ to }).catch((error: Error) => error);
      expect(failure, to).toBeInstanceOf(Error);
      if (to) expect(String(failure)).not.toContain(to);
    }
    expect(await rows()).toEqual([]);
  });

  it('queues nothing that lacks a value', async () => {
    const { minutes: _, ...rest } = values;
    await expect(queue({ values: rest as NewEmail['values'] })).rejects.toThrow(
      'The values for a reset_password email are missing: minutes.',
    );
    expect(await rows()).toEqual([]);
  });

  it('drops the emails of an account that is deleted', async () => {
    const user = await newUser();
    await inbox.stop();
    await queue({ userId: user.id, to: user.email });
    await queue({ to: 'grace@example.org' });
    const deleted = await user.browser.send('DELETE', '/v1/me', { email: user.email, password: PASSWORD });
    expect(deleted.status).toBe(200);
    await inbox.start();
    app.clock.advance(10 * SECOND);
    await inbox.next('grace@example.org');
    const notice = await inbox.next(user.email);
    expect(notice.subject).toContain('has been deleted');
    expect(inbox.emails.filter(({ to }) => to.includes(user.email))).toEqual([notice]);
  });

  it('forgets after a week that there was an email', async () => {
    await queue();
    await inbox.next(ADDRESS);
    await settled();
    app.clock.advance(7 * DAY);
    await cleanUp({ db: inside.db, clock: app.clock, sessionTimeouts });
    expect(await rows()).toHaveLength(1);
    app.clock.advance(1);
    await cleanUp({ db: inside.db, clock: app.clock, sessionTimeouts });
    expect(await rows()).toEqual([]);
  });
});
