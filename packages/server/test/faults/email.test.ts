// F24 to F27: the mail server is away, slow, hangs up, has no TLS; the process is killed between its words.
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { sql } from 'kysely';
import { describe, expect, it } from 'vitest';
import { Secret } from '../../src/config.ts';
import { claimEmail, LEASE } from '../../src/core/emails/outbox.ts';
import { queueEmail } from '../../src/core/emails.ts';
import { type Db, openDatabase } from '../../src/platform/db/index.ts';
import { createEmailTransport } from '../../src/platform/email-transport.ts';
import { deriveKeys, type Keys } from '../../src/platform/secrets.ts';
import { newIdentifiers, send } from '../support/app.ts';
import { cert, key } from '../support/certificate.ts';
import { DAY, MINUTE, SECOND, TURN } from '../support/clock.ts';
import { type Inbox, startInbox } from '../support/inbox.ts';
import { databases } from '../support/postgres.ts';
import { SECRET, startProcess } from '../support/process.ts';
import { TIMEOUT } from '../support/timeouts.ts';
import { withApp, withInbox } from '../support/with-app.ts';

/** Queues a code for an address. */
async function queueTo(db: Db, keys: Keys, now: number, to: string): Promise<void> {
  const values = {
    username: 'ada',
    code: `code-${to}`,
    link: 'http://localhost:4000/r#t',
    minutes: '10',
    link_minutes: '60',
    when: '2026-03-01T12:00:00Z',
  };
  const email = {
    kind: 'reset_password',
    to,
    userId: null,
    language: null,
    values,
    expiresAt: now + DAY,
  } as const;
  await db.transaction().execute((tx) => queueEmail(tx, keys, email, now));
}

describe.each(databases)('with a mail server that fails, on $name', ({ create }) => {
  const inbox = withInbox('test');
  const { app, inside, restart } = withApp(create, () => inbox.settings, 'test');

  const queue = (to: string) => queueTo(inside.db, inside.keys, app.clock.now(), to);
  const rows = () => inside.db.selectFrom('emails').selectAll().orderBy('created_at').execute();
  const ended = async (count: number) =>
    expect.poll(async () => (await rows()).filter(({ status }) => status === 'sent').length).toBe(count);
  const isAnyUnsent = async () => (await rows()).some(({ status }) => status !== 'sent');
  const addresses = (count: number) => Array.from({ length: count }, (_, i) => `user${i}@example.org`);

  it('F24: away, it gets every email once when it is back, and no email is used up by finding out', async () => {
    await inbox.stop();
    // The job already runs while the emails are queued.
    const began = performance.now();
    for (const address of addresses(40)) await queue(address);
    const attempts = async () => (await rows()).reduce((sum, row) => sum + row.attempts, 0);
    await expect.poll(attempts).toBeGreaterThan(6);
    const made = await attempts();
    const turns = Math.ceil((performance.now() - began) / TURN) + 1;
    // At most five at the first turn, then one at each.
    expect(made).toBeLessThanOrEqual(5 + turns);
    await inbox.start();
    // An attempt that was under way when the server came back fails late, and its email waits once more.
    while (await isAnyUnsent()) {
      app.clock.advance(MINUTE);
      await sleep(TURN);
    }
    await ended(40);
    expect(inbox.emails.map(({ to }) => to.join()).sort()).toEqual(addresses(40).sort());
  });

  it('F24, E8: silent, it makes no page wait', async () => {
    inbox.script.greetAfter = TIMEOUT;
    for (const address of addresses(20)) await queue(address);
    await expect.poll(() => inbox.connections()).toBeGreaterThanOrEqual(5);
    for (let i = 0; i < 10; i++)
      expect((await send(app, 'POST', '/v1/signup', newIdentifiers())).status).toBe(201);
    // Whoever had waited for an email would have waited until one is taken.
    expect(inbox.emails).toEqual([]);
  });

  it('F25: slow with one email, it holds up no other', async () => {
    const slow = Promise.withResolvers<void>();
    inbox.script.answerWhen = (email) => (email.to[0] === 'slow@example.org' ? slow.promise : undefined);
    await queue('slow@example.org');
    await inbox.next('slow@example.org');
    for (const address of addresses(20)) await queue(address);
    await ended(20);
    expect(inbox.emails).toHaveLength(21);
    slow.resolve();
    await ended(21);
  });

  it('F25: hanging up after it took an email, it gets the same email again', async () => {
    inbox.script.dropAfterData = true;
    await queue('ada@example.org');
    const first = await inbox.next('ada@example.org');
    inbox.script.dropAfterData = false;
    await sleep(3 * TURN);
    expect(inbox.emails).toHaveLength(1);
    expect((await rows())[0]).toMatchObject({ status: null, attempts: 1 });
    app.clock.advance(10 * SECOND);
    const again = await inbox.next('ada@example.org');
    expect(again.headers['message-id']).toBe(first.headers['message-id']);
    expect(again.code).toBe(first.code);
    await ended(1);
    await sleep(3 * TURN);
    expect(inbox.emails).toHaveLength(2);
  });

  it('F27: an email whose process is gone is sent by another one, when the claim has run out', async () => {
    const now = app.clock.now();
    await inbox.stop();
    await queue('ada@example.org');
    // Whoever claims it first says nothing any more.
    let gone = await claimEmail(inside.db, inside.keys.emails, now);
    for (; !gone; gone = await claimEmail(inside.db, inside.keys.emails, app.clock.now())) {
      await sleep(500);
      app.clock.advance(30 * SECOND);
    }
    await inbox.start();
    await sleep(3 * TURN);
    expect(inbox.emails).toEqual([]);
    app.clock.advance(LEASE);
    const email = await inbox.next('ada@example.org');
    expect(email.headers['message-id']).toBe(`<${gone.id}@example.com>`);
    await ended(1);
  });

  it('what was sent is not sent again because the database was away when it was to be noted', async () => {
    inbox.script.answerAfter = () => SECOND;
    await queue('ada@example.org');
    await inbox.next('ada@example.org');
    await sql`ALTER TABLE emails RENAME TO emails_away`.execute(inside.db);
    await expect.poll(() => app.log.some((line) => line.includes('job failed'))).toBe(true);
    // The server has answered by now, and the claim has run out when the database is back.
    await sleep(2_500);
    app.clock.advance(LEASE);
    await sql`ALTER TABLE emails_away RENAME TO emails`.execute(inside.db);
    await ended(1);
    app.clock.advance(LEASE);
    await sleep(2_500);
    expect(inbox.emails).toHaveLength(1);
  });

  it('a stop waits for no server, and the next start sends what was cut off', async () => {
    inbox.script.answerAfter = () => 2 * TIMEOUT;
    await queue('ada@example.org');
    await inbox.next('ada@example.org');
    const { clock, url } = app;
    await restart({ publicUrl: url }, async () => {
      expect((await rows())[0]).toMatchObject({
        status: null,
        attempts: 1,
        due_at: clock.now() + 10 * SECOND,
      });
      inbox.script.answerAfter = undefined;
      clock.advance(10 * SECOND);
    });
    await inbox.next('ada@example.org');
    await ended(1);
  });
});

describe.each(databases)('killed with SIGKILL, on $name', ({ create }) => {
  it('F27: between queue and send, and between send and note, an email is not lost', async () => {
    const database = await create();
    const inbox = await startInbox();
    const env = { USHER_SMTP_URL: inbox.url, USHER_EMAIL_FROM: inbox.settings.emailFrom };
    const inside = await openDatabase(database.url);
    const queue = (to: string) => queueTo(inside.db, deriveKeys(SECRET), Date.now(), to);
    const outcomes = async () => {
      const found = await inside.db.selectFrom('emails').select('status').orderBy('id').execute();
      return found.map(({ status }) => status);
    };

    const first = await startProcess({ database: database.url, env });
    await first.kill('SIGKILL');
    await queue('ada@example.org');
    inbox.script.answerAfter = () => 2 * TIMEOUT;
    const second = await startProcess({ database: database.url, env });
    const sent = await inbox.next('ada@example.org');
    await second.kill('SIGKILL');
    expect(await outcomes()).toEqual([null]);

    // The claim of the one that was killed has run out.
    await inside.db.updateTable('emails').set({ due_at: Date.now() }).execute();
    inbox.script.answerAfter = undefined;
    const third = await startProcess({ database: database.url, env });
    const again = await inbox.next('ada@example.org');
    expect(again.headers['message-id']).toBe(sent.headers['message-id']);
    expect(again.code).toBe(sent.code);
    await expect.poll(outcomes).toEqual(['sent']);
    await third.kill();
    expect(third.logs()).not.toContain('ada@example.org');
    expect(third.logs()).not.toContain('code-');
    expect(inbox.emails).toHaveLength(2);
    await inside.close();
    await inbox.stop();
    await database.remove();
  });
});

describe('the way to the mail server', () => {
  const email = {
    id: 'AAAAAAAAAAAAAAAAAAAAAA',
    date: 0,
    to: 'ada@example.org',
    subject: 'Hello',
    text: 'Hello\n',
    html: '<p>Hello</p>',
    language: 'en',
  };
  const long = { connection: TIMEOUT, socket: TIMEOUT, email: TIMEOUT };
  const short = { connection: 400, socket: 400, email: 1_500 };
  async function deliver(
    url: string,
    { smtpTls = 'on' as 'on' | 'off', more = email, timeouts = long } = {},
  ) {
    const config = { smtpUrl: new Secret(url), smtpTls, emailFrom: 'Usher <usher@example.com>' };
    const transport = createEmailTransport(config, 'https://accounts.example.org', timeouts);
    return transport.send(more).finally(() => transport.close());
  }
  /** Where a server of this machine is not known to be on it. */
  const elsewhere = ({ port }: Inbox) => `smtp://0.0.0.0:${port}`;
  const trusting = async <T>(work: () => Promise<T>): Promise<T> => {
    const before = getCACertificates('default');
    setDefaultCACertificates([...before, cert]);
    try {
      return await work();
    } finally {
      setDefaultCACertificates(before);
    }
  };

  it('F26: sends nothing to another machine without TLS, unless told', async () => {
    const inbox = await startInbox({ host: '0.0.0.0' });
    expect(await deliver(elsewhere(inbox))).toMatchObject({
      end: 'away',
      reply: expect.stringMatching(/^STARTTLS failed: /),
      code: 'ETLS',
    });
    expect(inbox.emails).toEqual([]);
    expect(await deliver(elsewhere(inbox), { smtpTls: 'off' })).toMatchObject({
      end: 'sent',
      code: '250 2.0.0',
    });
    expect(await deliver(`smtp://localhost:${inbox.port}`)).toMatchObject({ end: 'sent' });
    expect(inbox.emails.map(({ secure }) => secure)).toEqual([false, false]);
    await inbox.stop();
  });

  it('F26: sends nothing to a server that cannot show who it is', async () => {
    const inbox = await startInbox({ host: '0.0.0.0', tls: 'starttls', key, cert });
    expect(await deliver(elsewhere(inbox))).toMatchObject({
      end: 'away',
      reply: expect.stringMatching(/self.signed/),
    });
    expect(inbox.emails).toEqual([]);
    await trusting(async () => {
      expect(await deliver(elsewhere(inbox))).toMatchObject({ end: 'sent' });
    });
    expect(inbox.emails.map(({ secure }) => secure)).toEqual([true]);
    await inbox.stop();
  });

  it('F26: speaks TLS from the first byte to smtps', async () => {
    const inbox = await startInbox({ host: '0.0.0.0', tls: 'implicit', key, cert });
    const url = `smtps://127.0.0.1:${inbox.port}`;
    expect(await deliver(url)).toMatchObject({ end: 'away', reply: expect.stringMatching(/self.signed/) });
    await trusting(async () => {
      expect(await deliver(url)).toMatchObject({ end: 'sent' });
      // The same server under a name that its certificate does not have.
      const other = await deliver(url.replace('127.0.0.1', '127.0.0.2'));
      expect(other).toMatchObject({ end: 'away', reply: expect.stringContaining('altnames') });
    });
    expect(inbox.emails.map(({ secure }) => secure)).toEqual([true]);
    await inbox.stop();
  });

  it('takes name and password from the URL, and says neither', async () => {
    const inbox = await startInbox({ user: { name: 'usher@example.com', password: 'p@ss:w/ö rd' } });
    const url = (password: string) =>
      `smtp://usher%40example.com:${encodeURIComponent(password)}@127.0.0.1:${inbox.port}`;
    const wrong = await deliver(url('wrong-password'));
    expect(wrong).toMatchObject({
      end: 'away',
      code: '535 5.7.8',
      reply: expect.stringContaining('535 5.7.8 Auth'),
    });
    expect(JSON.stringify(wrong)).not.toContain('wrong-password');
    // Not even when the server says back what it was told.
    const spoken = ['wrong-password', `\0usher@example.com\0wrong-password`].map((text) =>
      Buffer.from(text).toString('base64'),
    );
    inbox.script.rejectLogin = () => `535 5.7.8 No: ${spoken.join(' ')} wrong-password`;
    expect(await deliver(url('wrong-password'))).toMatchObject({
      code: '535 5.7.8',
      reply: expect.stringMatching(/535 5\.7\.8 No: \[secret\]=? \[secret\]=? \[secret\]$/),
    });
    inbox.script.rejectLogin = undefined;
    expect(await deliver(url('p@ss:w/ö rd'))).toMatchObject({ end: 'sent' });
    await inbox.stop();
  });

  it('waits for no server longer than it has patience', async () => {
    const inbox = await startInbox();
    inbox.script.greetAfter = 2 * TIMEOUT;
    const silent = await deliver(inbox.url, { timeouts: { ...long, connection: short.connection } });
    expect(silent).toMatchObject({ end: 'away', code: 'ETIMEDOUT' });
    inbox.script.greetAfter = 0;
    inbox.script.answerAfter = () => 2 * TIMEOUT;
    const hanging = await deliver(inbox.url, { timeouts: { ...long, socket: short.socket } });
    expect(hanging).toMatchObject({ end: 'away', code: 'ETIMEDOUT' });
    await inbox.stop();
    expect(await deliver(inbox.url)).toMatchObject({ end: 'away', code: 'ECONNREFUSED' });
  });

  it('is not held for ever by a server that always has one more line to say', async () => {
    const server = createServer((socket) => {
      socket.on('error', () => {}).write('220 hello\r\n');
      const talk = setInterval(() => socket.write('250-and\r\n'), 100);
      socket.on('close', () => clearInterval(talk));
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const url = `smtp://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const held = await deliver(url, { timeouts: { ...long, email: short.email } });
    expect(held).toMatchObject({ end: 'away', code: 'EABORT' });
    server.close();
    await once(server, 'close');
  });

  it('tells what concerns this email from what concerns all', async () => {
    const inbox = await startInbox();
    inbox.script.rejectRecipient = () => '450 4.2.1 Try later';
    expect(await deliver(inbox.url)).toMatchObject({ end: 'later', code: '450 4.2.1' });
    inbox.script.rejectRecipient = () => '553 5.1.3 Bad address';
    expect(await deliver(inbox.url)).toMatchObject({ end: 'rejected', code: '553 5.1.3' });
    inbox.script.rejectRecipient = () => '421 4.3.2 Shutting down';
    expect(await deliver(inbox.url)).toMatchObject({ end: 'away', code: '421 4.3.2' });
    inbox.script.rejectRecipient = undefined;
    inbox.script.rejectEmail = () => '552 5.3.4 Too big';
    expect(await deliver(inbox.url)).toMatchObject({ end: 'rejected', code: '552 5.3.4' });
    await inbox.stop();
  });

  it.each(['ada@example.org\r\nBcc: eve@example.net', 'ada@example.org\0'])(
    'writes to nobody as %j',
    async (to) => {
      const inbox = await startInbox();
      await expect(deliver(inbox.url, { more: { ...email, to } })).rejects.toThrow('control character');
      await expect(deliver(inbox.url, { more: { ...email, subject: to } })).rejects.toThrow(
        'control character',
      );
      expect(inbox.connections()).toBe(0);
      await inbox.stop();
    },
  );
});
