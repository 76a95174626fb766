import { Writable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { createUsher } from '../../src/app.ts';
import { type NewEmail, queueEmail } from '../../src/core/emails.ts';
import { createLog } from '../../src/platform/log.ts';
import { newSecret } from '../../src/platform/random.ts';
import { send, sendBytes, startApp, type TestApp } from '../support/app.ts';
import { DAY, MINUTE, TURN } from '../support/clock.ts';
import { openInside } from '../support/forge.ts';
import { openLink } from '../support/form.ts';
import { startInbox } from '../support/inbox.ts';
import { databases } from '../support/postgres.ts';
import { withDatabase } from '../support/with-app.ts';

const ADDRESS = 'ada@example.org';
const values = {
  username: 'ada',
  code: '482913',
  link: 'http://localhost:4000/reset-password#token=K7mPq2vXw9RtYb4NcLs8HdJf3GzAeUiO1TnVxBk5Wp0',
  minutes: '10',
  link_minutes: '60',
  when: '2026-03-01T12:00:00Z',
};

/** What a browser keeps that opened the link of the start. */
async function openMailbox(app: TestApp): Promise<Record<string, string>> {
  const link = app.mailbox;
  if (link === undefined) return {};
  expect(link).toMatch(new RegExp(`^${app.url}/mailbox#token=[\\w-]{43}$`));
  const opened = await openLink(app, '/mailbox', link);
  expect([opened.status, opened.headers.get('location')]).toEqual([303, '/mailbox']);
  const cookie = opened.headers.getSetCookie().find((one) => one.startsWith('usher-mailbox=')) ?? '';
  expect(cookie).toMatch(/; Path=\/; HttpOnly; SameSite=Lax; Max-Age=86400$/);
  return { cookie: cookie.split(';', 1)[0] ?? '' };
}

describe.each(databases)('the mailbox page on $name', ({ create }) => {
  const database = withDatabase(create, 'test');

  async function withMail(
    options: Parameters<typeof startApp>[1],
    work: (app: TestApp, id: string, headers: Record<string, string>) => Promise<void>,
  ) {
    const app = await startApp(database, options);
    const inside = await openInside(app, database);
    try {
      const now = app.clock.now();
      const email: NewEmail<'reset_password'> = {
        kind: 'reset_password',
        to: ADDRESS,
        userId: null,
        language: null,
        values,
        expiresAt: now + MINUTE,
      };
      await queueEmail(inside.db, inside.keys, email, now);
      await queueEmail(inside.db, inside.keys, { ...email, to: null }, now);
      const stored = await inside.db.selectFrom('emails').select('id').orderBy('content_encrypted').execute();
      const headers = await openMailbox(app);
      const list = await send(app, 'GET', '/mailbox', undefined, { headers });
      const id = /\/mailbox\/([\w-]{36})"/.exec(list.text)?.[1] ?? stored[0]?.id ?? '';
      await work(app, id, headers);
    } finally {
      await inside.close();
      await app.stop();
    }
  }

  it('lists the emails, and shows one as its reader would see it', async () => {
    await withMail({}, async (app, id, headers) => {
      const get = (path: string) => send(app, 'GET', path, undefined, { headers });
      const list = await get('/mailbox');
      expect(list.status).toBe(200);
      expect(list.text).toContain('Reset your Usher password');
      expect(list.text).toContain(ADDRESS);
      // The decoy is not there.
      expect(list.text.match(/href="\/mailbox\//g)).toHaveLength(1);
      expect(list.text).not.toContain(values.code);

      const one = await get(`/mailbox/${id}`);
      expect(one.status).toBe(200);
      expect(one.text).toMatch(
        new RegExp(
          `<iframe[^>]* src="/mailbox/${id}/html"[^>]* sandbox="allow-popups allow-popups-to-escape-sandbox"`,
        ),
      );
      expect(one.text).toContain('    482913');
      expect(one.headers.get('content-security-policy')).toMatch(/^default-src 'none'; .*frame-src 'self'/);

      const html = await get(`/mailbox/${id}/html`);
      expect(html.headers.get('content-type')).toBe('text/html; charset=utf-8');
      expect(html.headers.get('content-security-policy')).toBe(
        "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'; sandbox allow-popups allow-popups-to-escape-sandbox",
      );
      expect(html.text).toContain(values.code);
      expect((await get('/mailbox/nothing')).status).toBe(404);
    });
  });

  it('keeps them for a week, and sends none when there is a server after all', async () => {
    const inbox = await startInbox();
    await withMail({}, async (app, id, headers) => {
      await expect.poll(() => app.log.filter((line) => line.includes('"end":"stored"')).length).toBe(1);
      app.clock.advance(DAY - 1);
      expect((await send(app, 'GET', `/mailbox/${id}`, undefined, { headers })).status).toBe(200);
      // The cookie is over after a day, the email after a week.
      app.clock.advance(5 * DAY);
      expect((await send(app, 'GET', `/mailbox/${id}`, undefined, { headers })).status).toBe(404);
      const again = await openMailbox(app);
      expect((await send(app, 'GET', `/mailbox/${id}`, undefined, { headers: again })).status).toBe(200);
      const { secret, clock } = app;
      const later = await startApp(database, { ...inbox.settings, secret, clock });
      await sleep(3 * TURN);
      expect(inbox.connections()).toBe(0);
      await later.stop();
    });
    await inbox.stop();
  });

  it('L11: a proxy on this machine that says nothing of itself shows no email to whoever has not the link', async () => {
    await withMail({}, async (app, id, headers) => {
      const over = (path: string, cookie = '') =>
        sendBytes(app, `GET ${path} HTTP/1.0\r\nHost: 127.0.0.1:${app.port}\r\n${cookie}\r\n`);
      for (const path of ['/mailbox', '/mailbox?token=x', `/mailbox/${id}`, `/mailbox/${id}/html`]) {
        const answer = await over(path);
        expect(answer).toMatch(path.includes(id) ? /^HTTP\/1\.1 404 / : /^HTTP\/1\.1 403 /);
        for (const secret of [
          ADDRESS,
          values.code,
          values.link.slice(-43),
          id === '' ? ADDRESS : `/mailbox/${id}"`,
        ])
          expect(answer).not.toContain(secret);
      }
      expect(await over('/mailbox')).toContain(
        'Open the mailbox link that the server printed when it started.',
      );
      for (const wrong of ['', 'x', 'A'.repeat(43), values.link]) {
        const refused = await openLink(app, '/mailbox', wrong);
        expect([refused.status, refused.headers.getSetCookie().join()]).toEqual([
          403,
          expect.not.stringContaining('mailbox'),
        ]);
      }
      const { cookie = '' } = headers;
      for (const forged of [
        `${cookie}x`,
        cookie.replace(/=\d/, '=9'),
        'usher-mailbox=',
        `usher-mailbox=9999999999999.${'A'.repeat(43)}`,
      ])
        expect(await over('/mailbox', `Cookie: ${forged}\r\n`)).toMatch(/^HTTP\/1\.1 403 /);
      expect(await over('/mailbox', `Cookie: ${cookie}\r\n`)).toContain(ADDRESS);
    });
  });

  it('L11: an application that mounts Usher finds the link in the log', async () => {
    const lines: string[] = [];
    const sink = new Writable({ write: (line, _, done) => done(void lines.push(String(line))) });
    const publicUrl = 'http://localhost:4000';
    const options = { database: database.url, secret: newSecret(), publicUrl };
    const usher = await createUsher({ ...options, log: createLog('info', sink) });
    const links = lines.map((line) => JSON.parse(line).mailbox).filter(Boolean);
    expect(links).toEqual([expect.stringMatching(/^http:\/\/localhost:4000\/mailbox#token=[\w-]{43}$/)]);
    await usher.close();
  });

  const production = { env: 'production', publicUrl: 'http://localhost:4000' } as const;
  const smtp = { smtpUrl: 'smtp://127.0.0.1:1', emailFrom: 'usher@example.org' };
  it.each([
    ['over a proxy', {}, { 'x-forwarded-for': '127.0.0.1' }],
    ['over a tunnel', {}, { via: '1.1 tunnel' }],
    ['in production', production, { host: 'localhost:4000' }],
    ['with a mail server', smtp, {}],
    ['at a public address', { publicUrl: 'https://accounts.example.org' }, { host: 'accounts.example.org' }],
  ])('is not there %s', async (_, options, headers) => {
    await withMail(options, async (app, id, own) => {
      expect(own).toEqual(
        'x-forwarded-for' in headers || 'via' in headers ? { cookie: expect.any(String) } : {},
      );
      for (const path of ['/mailbox', `/mailbox/${id}`, `/mailbox/${id}/html`]) {
        const reply = await send(app, 'GET', path, undefined, {
          headers: { ...own, ...(headers as Record<string, string>) },
        });
        expect([path, reply.status, reply.body?.code]).toEqual([path, 404, 'not_found']);
        expect(reply.text).not.toContain(values.code);
      }
    });
  });
});
