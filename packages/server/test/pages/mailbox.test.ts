import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type NewMail, queueMail } from '../../src/core/mails.ts';
import { send, startApp, type TestApp } from '../support/app.ts';
import { DAY, MINUTE, TURN } from '../support/clock.ts';
import { openInside } from '../support/forge.ts';
import { startInbox } from '../support/inbox.ts';
import { databases, type TestDatabase } from '../support/postgres.ts';

const ADDRESS = 'ada@example.org';
const values = {
  username: 'ada',
  code: '482913',
  link: 'http://localhost:4000/reset-password#token=K7mPq2vXw9RtYb4NcLs8HdJf3GzAeUiO1TnVxBk5Wp0',
  minutes: '10',
  link_minutes: '60',
};

describe.each(databases)('the mailbox page on $name', ({ create }) => {
  let database: TestDatabase;
  beforeEach(async () => {
    database = await create();
  });
  afterEach(() => database.remove());

  async function withMail(
    options: Parameters<typeof startApp>[1],
    work: (app: TestApp, id: string) => Promise<void>,
  ) {
    const app = await startApp(database, options);
    const inside = await openInside(app, database);
    try {
      const now = app.clock.now();
      const mail: NewMail = {
        kind: 'reset_password',
        to: ADDRESS,
        userId: null,
        values,
        expiresAt: now + MINUTE,
      };
      await queueMail(inside.db, inside.keys, mail, now);
      await queueMail(inside.db, inside.keys, { ...mail, to: null }, now);
      const kept = await inside.db.selectFrom('mails').select('id').orderBy('content_encrypted').execute();
      const list = await send(app, 'GET', '/mailbox');
      const id = /\/mailbox\/([\w-]{36})"/.exec(list.text)?.[1] ?? kept[0]?.id ?? '';
      await work(app, id);
    } finally {
      await inside.close();
      await app.stop();
    }
  }

  it('lists the mails, and shows one as its reader would see it', async () => {
    await withMail({}, async (app, id) => {
      const list = await send(app, 'GET', '/mailbox');
      expect(list.status).toBe(200);
      expect(list.text).toContain('Choose a new password for Usher');
      expect(list.text).toContain(ADDRESS);
      // The decoy is not there.
      expect(list.text.match(/href="\/mailbox\//g)).toHaveLength(1);
      expect(list.text).not.toContain(values.code);

      const one = await send(app, 'GET', `/mailbox/${id}`);
      expect(one.status).toBe(200);
      expect(one.text).toMatch(
        new RegExp(
          `<iframe[^>]* src="/mailbox/${id}/html"[^>]* sandbox="allow-popups allow-popups-to-escape-sandbox"`,
        ),
      );
      expect(one.text).toContain('    482913');
      expect(one.headers.get('content-security-policy')).toMatch(/^default-src 'none'; .*frame-src 'self'/);

      const html = await send(app, 'GET', `/mailbox/${id}/html`);
      expect(html.headers.get('content-type')).toBe('text/html; charset=utf-8');
      expect(html.headers.get('content-security-policy')).toBe(
        "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'; sandbox allow-popups allow-popups-to-escape-sandbox",
      );
      expect(html.text).toContain(values.code);
      expect((await send(app, 'GET', '/mailbox/nothing')).status).toBe(404);
    });
  });

  it('keeps them for a week, and sends none when there is a server after all', async () => {
    const inbox = await startInbox();
    await withMail({}, async (app, id) => {
      await expect.poll(() => app.log.filter((line) => line.includes('"end":"kept"')).length).toBe(1);
      app.clock.advance(6 * DAY);
      expect((await send(app, 'GET', `/mailbox/${id}`)).status).toBe(200);
      const { secret, clock } = app;
      const later = await startApp(database, { ...inbox.settings, secret, clock });
      await sleep(3 * TURN);
      expect(inbox.connections()).toBe(0);
      await later.stop();
    });
    await inbox.stop();
  });

  const production = { env: 'production', publicUrl: 'http://localhost:4000' } as const;
  const smtp = { smtpUrl: 'smtp://127.0.0.1:1', mailFrom: 'usher@example.org' };
  it.each([
    ['over a proxy', {}, { 'x-forwarded-for': '127.0.0.1' }],
    ['over a tunnel', {}, { via: '1.1 tunnel' }],
    ['in production', production, { host: 'localhost:4000' }],
    ['with a mail server', smtp, {}],
    ['at a public address', { publicUrl: 'https://accounts.example.org' }, { host: 'accounts.example.org' }],
  ])('is not there %s', async (_, options, headers) => {
    await withMail(options, async (app, id) => {
      for (const path of ['/mailbox', `/mailbox/${id}`, `/mailbox/${id}/html`]) {
        const reply = await send(app, 'GET', path, undefined, { headers: headers as Record<string, string> });
        expect([path, reply.status, reply.body?.code]).toEqual([path, 404, 'not_found']);
        expect(reply.text).not.toContain(values.code);
      }
    });
  });
});
