import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { emailKinds } from '../../src/core/emails/kinds.ts';
import { queueEmail } from '../../src/core/emails.ts';
import { openDatabase } from '../../src/platform/db/index.ts';
import { deriveKeys } from '../../src/platform/secrets.ts';
import { MINUTE } from '../support/clock.ts';
import { startInbox } from '../support/inbox.ts';
import { databases, sqlite } from '../support/postgres.ts';
import { withStarted } from '../support/with-app.ts';
import { newPlace, withPlace, wordsOf } from './program.ts';

const link = 'http://localhost:4567/reset-password#token=abc';

describe.each(databases)('usher email list, show, retry on $name', (kind) => {
  const place = withPlace(kind);

  async function queue(...addresses: (string | null)[]) {
    const database = await openDatabase(place.database.url);
    const when = '2026-03-01T12:00:00Z';
    const values = { username: 'ada.byron', code: '482913', link, minutes: '10', link_minutes: '60', when };
    for (const [index, to] of addresses.entries()) {
      const now = Date.now() + index;
      const email = {
        kind: 'reset_password',
        to,
        userId: null,
        language: null,
        values,
        expiresAt: now + MINUTE,
      } as const;
      await queueEmail(database.db, deriveKeys(place.secret), email, now);
    }
    await database.close();
  }

  /** @returns The ID of a notice that has no link. */
  async function queueNotice(): Promise<string> {
    const { db, close } = await openDatabase(place.database.url);
    const values = { username: 'ada.byron', when: '2026-03-01T12:00:00Z' };
    const email = {
      kind: 'new_device',
      to: 'ada@example.org',
      userId: null,
      language: null,
      values,
      expiresAt: null,
    } as const;
    await queueEmail(db, deriveKeys(place.secret), email, Date.now());
    const { id } = await db
      .selectFrom('emails')
      .select('id')
      .where('kind', '=', 'new_device')
      .executeTakeFirstOrThrow();
    await close();
    return id;
  }

  it('lists the emails, newest first, without decoys', async () => {
    expect(await place.usher(['email', 'list'])).toEqual({
      code: 0,
      stdout: '',
      stderr: 'No emails.\n',
    });
    await queue('ada@example.org', 'grace@example.org', null);
    const { code, stdout } = await place.usher(['email', 'list']);
    expect(code).toBe(0);
    const [head, ...lines] = wordsOf(stdout);
    expect(head).toEqual(['WHEN (UTC)', 'KIND', 'TO', 'ID']);
    expect(lines.map(([, kind, to]) => [kind, to])).toEqual([
      ['reset_password', 'grace@example.org'],
      ['reset_password', 'ada@example.org'],
    ]);
    const { emails } = JSON.parse((await place.usher(['email', 'list', '--json'])).stdout);
    expect(emails[1]).toEqual({
      id: lines[1]?.[3],
      kind: 'reset_password',
      to: 'ada@example.org',
      subject: 'Reset your Usher password',
      created_at: expect.stringMatching(/Z$/),
    });
  });

  it('shows one of them', async () => {
    await queue('ada@example.org', 'grace@example.org');
    const shown = await place.usher(['email', 'show', 'last']);
    expect(shown).toMatchObject({ code: 0, stderr: '' });
    expect(wordsOf(shown.stdout).slice(0, 2)).toEqual([
      ['To', 'grace@example.org'],
      ['Subject', 'Reset your Usher password'],
    ]);
    expect(shown.stdout).toContain(`\n    482913\n\nReset password:\n${link}\n`);
    expect(shown.stdout).toContain('ada.byron');
    expect(shown.stdout).not.toContain(':4000');
    const id = wordsOf((await place.usher(['email', 'list'])).stdout)[2]?.[3] ?? '';
    const { email } = JSON.parse((await place.usher(['email', 'show', id, '--json'])).stdout);
    expect(email).toMatchObject({
      id,
      to: 'ada@example.org',
      html: expect.stringMatching(/^<!doctype html>/),
    });
    expect((await place.usher(['email', 'show', id, '--html'])).stdout).toMatch(
      /^<!doctype html>[\s\S]*ada\.&#8203;byron/,
    );
    // A notice has no link that tells the port of the server.
    const notice = await place.usher(['email', 'show', await queueNotice(), '--port', '4321']);
    expect(notice.stdout).toContain('http://localhost:4321/forgot-password');
    expect(notice.stdout).not.toContain(':4000');
    const unknown = await place.usher(['email', 'show', 'nothing']);
    expect(unknown).toEqual({
      code: 1,
      stdout: '',
      stderr: 'usher: Email not found. See: usher email list\n',
    });
  });

  it('has an email sent again that was rejected, once', async () => {
    await queue('ada@example.org', 'grace@example.org');
    const { db, close } = await openDatabase(place.database.url);
    const ended = { status: 'rejected', due_at: null, ended_at: 1, attempts: 3 } as const;
    await db
      .updateTable('emails')
      .set({ ...ended, expires_at: Date.now() + 60 * MINUTE })
      .execute();
    const [ada = '', grace = ''] = (await db.selectFrom('emails').select('id').orderBy('id').execute()).map(
      ({ id }) => id,
    );
    await db.updateTable('emails').set({ expires_at: 0 }).where('id', '=', grace).execute();
    // As it is with a mail server, in production.
    const env = {
      USHER_ENV: 'production',
      USHER_PUBLIC_URL: 'https://accounts.example.org',
      USHER_SMTP_URL: 'smtp://127.0.0.1:1',
      USHER_EMAIL_FROM: 'usher@example.org',
    };
    const retried = await place.usher(['email', 'retry', ada, '--json'], { env });
    expect(retried).toMatchObject({ code: 0, stderr: '' });
    const email = { id: ada, kind: 'reset_password', user_id: null, attempts: 3 };
    expect(JSON.parse(retried.stdout)).toEqual({ email });
    for (const [id, status, sentence] of [
      [ada, 1, 'Already queued or sending.'],
      [grace, 1, 'Its link has expired. The recipient can request a new one.'],
      ['01990a3c-5d2e-7c41-9f08-6b1d2e3f4a5b', 1, 'Email not found. It may have been removed.'],
      ['nothing', 2, 'Expected an email ID.'],
    ] as const) {
      const refused = await place.usher(['email', 'retry', id], { env });
      expect({ code: refused.code, stdout: refused.stdout }).toEqual({ code: status, stdout: '' });
      expect(refused.stderr).toContain(sentence);
    }
    const rows = await db
      .selectFrom('emails')
      .select(['status', 'attempts_before_retry'])
      .orderBy('id')
      .execute();
    expect(rows).toEqual([
      { status: null, attempts_before_retry: 3 },
      { status: 'rejected', attempts_before_retry: 0 },
    ]);
    const query = db.selectFrom('events').select(['actor_id', 'details']).where('name', '=', 'email_retried');
    expect(await query.execute()).toEqual([
      { actor_id: 'operator', details: JSON.stringify({ email: ada, kind: 'reset_password', attempts: 3 }) },
    ]);
    await close();
  });

  it.each([
    [
      'in production',
      { USHER_ENV: 'production', USHER_PUBLIC_URL: 'https://accounts.example.org' },
      'USHER_ENV is production',
    ],
    [
      'with a mail server',
      { USHER_SMTP_URL: 'smtp://127.0.0.1:1', USHER_EMAIL_FROM: 'usher@example.org' },
      'USHER_SMTP_URL is set',
    ],
  ])('shows nothing %s', async (_, env, sentence) => {
    await queue('ada@example.org');
    for (const args of [['list'], ['show', 'last']]) {
      const { code, stdout, stderr } = await place.usher(['email', ...args], { env });
      expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
      expect(stderr).toContain(sentence);
    }
  });
});

describe('without a database', () => {
  const place = withStarted(
    () => newPlace(sqlite),
    (it) => it.remove(),
    'test',
  );

  describe('usher email test', () => {
    const from = { USHER_EMAIL_FROM: 'Accounts <accounts@example.org>' };

    it('hands an email over, and prints what the server says', async () => {
      const inbox = await startInbox({ user: { name: 'usher', password: 'p@ss' } });
      const env = { ...from, USHER_SMTP_URL: `smtp://usher:p%40ss@127.0.0.1:${inbox.port}` };
      const { code, stdout, stderr } = await place.usher(['email', 'test', 'You@Example.org'], { env });
      expect({ code, stdout, stderr }).toEqual({
        code: 0,
        stdout: '',
        stderr: 'Accepted for you@example.org. Server response: 250 2.0.0 Ok: queued\n',
      });
      const email = await inbox.next('you@example.org');
      expect(email.headers).toMatchObject({
        from: 'Accounts <accounts@example.org>',
        subject: 'Test email from Usher',
        'message-id': expect.stringMatching(/^<[\w-]{36}@example\.org>$/),
      });
      const json = await place.usher(['email', 'test', 'you@example.org', '--json'], { env });
      expect(JSON.parse(json.stdout)).toEqual({
        accepted: true,
        end: 'sent',
        reply: '250 2.0.0 Ok: queued',
      });
      expect(existsSync(join(place.folder, 'usher.db'))).toBe(false);
      await inbox.stop();
    });

    it('prints a refusal as it was given', async () => {
      const inbox = await startInbox();
      const env = { ...from, USHER_SMTP_URL: inbox.url };
      inbox.script.rejectRecipient = (address) => `550 5.1.1 <${address}>: Recipient address rejected`;
      expect(await place.usher(['email', 'test', 'you@example.org'], { env })).toEqual({
        code: 1,
        stdout: '',
        stderr:
          'usher: Rejected by the mail server: 550 5.1.1 <you@example.org>: Recipient address rejected\n',
      });
      await inbox.stop();
      const away = await place.usher(['email', 'test', 'you@example.org', '--json'], { env });
      expect(away.code).toBe(1);
      expect(JSON.parse(away.stdout)).toMatchObject({ accepted: false, end: 'away' });
      expect(away.stderr).toContain(`connect ECONNREFUSED 127.0.0.1:${inbox.port}`);
    });

    it('says which server was wrong about the password, and not which password', async () => {
      const inbox = await startInbox({ user: { name: 'usher', password: 'right' } });
      const env = { ...from, USHER_SMTP_URL: `smtp://usher:wrong-one@127.0.0.1:${inbox.port}` };
      const { code, stderr } = await place.usher(['email', 'test', 'you@example.org'], { env });
      expect(code).toBe(1);
      expect(stderr).toContain('535 5.7.8 Authentication failed');
      expect(stderr).not.toContain('wrong-one');
      await inbox.stop();
    });

    it.each([
      [['you@example.org'], {}, 'USHER_SMTP_URL isn’t set'],
      [['you@example'], { USHER_SMTP_URL: 'smtp://127.0.0.1:1', ...from }, 'Enter a complete domain'],
      [['you@example.org'], { USHER_SMTP_URL: 'smtp://127.0.0.1:1' }, 'Set USHER_EMAIL_FROM'],
      [[], {}, "Missing required argument 'address'."],
    ])('is misused: %j %j', async (args, env, sentence) => {
      const { code, stderr } = await place.usher(['email', 'test', ...args], {
        env: env as Record<string, string>,
      });
      expect(code).toBe(2);
      expect(stderr).toContain(sentence);
    });

    it.each([
      'mail.example.org',
      'http://mail.example.org',
      'smtp://',
      'smtp://mail.example.org/path',
      'smtp://mail.example.org?pool=true',
      'smtp://usher:pa#ss-word@mail.example.org',
      'smtp://usher:%zz-pass-word@mail.example.org',
      'smtp://usher:%0d%0apass-word@mail.example.org',
    ])('rejects the URL %s, and does not print it', async (url) => {
      const { code, stderr } = await place.usher(['email', 'test', 'you@example.org'], {
        env: { ...from, USHER_SMTP_URL: url },
      });
      expect(code).toBe(2);
      expect(stderr).toContain('USHER_SMTP_URL must be smtp://');
      expect(stderr).not.toContain('pass-word');
      expect(stderr).not.toContain('mail.example.org');
    });

    it.each(['nobody', 'Accounts <>', 'Accounts <a@b>\nBcc: c@d', 'A <a@example.org>, B <b@example.org>'])(
      'rejects the sender %j',
      async (emailFrom) => {
        const { code, stderr } = await place.usher(['email', 'test', 'you@example.org'], {
          env: { USHER_SMTP_URL: 'smtp://127.0.0.1:1', USHER_EMAIL_FROM: emailFrom },
        });
        expect(code).toBe(2);
        expect(stderr).toContain('USHER_EMAIL_FROM (--email-from) must be an email address');
      },
    );
  });

  describe('usher email preview', () => {
    it('writes every email, in both forms', async () => {
      const { code, stdout, stderr } = await place.usher(['email', 'preview']);
      expect(code).toBe(0);
      expect(stderr).toBe(`Wrote ${emailKinds.length} emails to email-preview (HTML and text).\n`);
      expect(stdout.trim().split('\n').sort()).toEqual(
        emailKinds.map((kind) => `email-preview/${kind}.html`).sort(),
      );
      const folder = join(place.folder, 'email-preview');
      expect(readdirSync(folder)).toHaveLength(2 * emailKinds.length);
      expect(readFileSync(join(folder, 'sign_up.txt'), 'utf8')).toContain('    482913\n');
      expect(readFileSync(join(folder, 'sign_up.html'), 'utf8')).toContain('482913');
      expect(readdirSync(place.folder)).not.toContain('usher.key');
    });

    it('shows the templates of the operator, or what is wrong with them', async () => {
      const mine = join(place.folder, 'mine/en');
      mkdirSync(mine, { recursive: true });
      const text = '---\nsubject: Hi\npreview: Hi\n---\nWelcome, {{username}}\n';
      writeFileSync(join(mine, 'sign_up.md'), text);
      const shown = await place.usher(['email', 'preview', 'out', '--email-templates', 'mine']);
      expect(shown.code).toBe(0);
      expect(readFileSync(join(place.folder, 'out/sign_up.txt'), 'utf8')).toMatch(
        /^Subject: Hi\n\nWelcome, ada\n/,
      );
      writeFileSync(join(mine, 'sign_up.md'), text.replace('username', 'name'));
      const wrong = await place.usher(['email', 'preview', '--email-templates', 'mine']);
      expect(wrong.code).toBe(2);
      expect(wrong.stderr).toContain('mine/en/sign_up.md: unknown placeholder {{name}}.');
      const serve = await place.usher(['serve', '--port', '0', '--email-templates', 'mine']);
      expect(serve.code).toBe(2);
      expect(serve.stderr).toContain('mine/en/sign_up.md: unknown placeholder {{name}}.');
    });
  });
});
