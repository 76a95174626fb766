import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { emailValues } from '../../src/core/emails/kinds.ts';
import { recordEvent } from '../../src/core/events.ts';
import { rateLimits } from '../../src/core/rate-limits.ts';
import { type EventName, events } from '../../src/events.ts';
import { PASSWORD, send, signUp } from '../support/app.ts';
import { findBarriers, overflowOf, startBrowser, visit } from '../support/browser.ts';
import { newIp } from '../support/forge.ts';
import { databases } from '../support/postgres.ts';
import { withApp, withStarted } from '../support/with-app.ts';

/** What is about no account, or about one that is gone, so that nobody looks at its activity. */
const NEVER: readonly EventName[] = [
  'installation_created',
  'database_restored',
  'user_invited',
  'invitation_revoked',
  'events_exported',
  'user_deleted',
  'users_exported',
  'key_created',
  'key_rotated',
];

const browser = withStarted(startBrowser, (it) => it.close());

describe.each(databases)('the activity of a user on $name', ({ create }) => {
  const { app, inside } = withApp(create);
  let admin: Awaited<ReturnType<typeof signUp>>;
  let ada: Awaited<ReturnType<typeof signUp>>;
  beforeAll(async () => {
    admin = await signUp(app, newIp());
    await inside.promote(admin.id);
  });
  beforeEach(async () => {
    ada = await signUp(app, newIp());
  });

  const look = async (path = '/dashboard/activity'): Promise<string> => {
    const headers = { cookie: `usher=${ada.browser.cookie}`, accept: 'text/html' };
    return (await send(app, 'GET', path, undefined, { headers })).text;
  };
  let moments = 0;
  /** Something that happened, and the address that tells it from all else. */
  async function happen(name: EventName, details = {}, userId = ada.id): Promise<string> {
    const ip = newIp();
    const at = app.clock.now() + ++moments;
    await recordEvent(
      inside.db,
      name,
      { requestId: null, ip, userAgent: 'Firefox/145.0' },
      { userId, actorId: null, details },
      at,
    );
    return ip;
  }
  /** The words of the row with this address. */
  const wordsAt = (page: string, ip: string): string | undefined =>
    page
      .split('<li>')
      .find((row) => row.includes(`· ${ip}<`))
      ?.match(/<p>(.*?)(?: <a|<\/p>)/)?.[1]
      ?.trim();

  it('has words of its own for everything that can be about a user', async () => {
    const names = (Object.keys(events) as EventName[]).filter((name) => !NEVER.includes(name));
    const ips = new Map<string, string>();
    for (const name of names) ips.set(name, await happen(name));
    const page = await look();
    const all = [...ips].map(([name, ip]) => [name, wordsAt(page, ip)]);
    for (const [name, said] of all) {
      expect([name, said]).toEqual([name, expect.stringMatching(/^[A-Z][^_]+[^.]$/)]);
      expect(said).not.toBe(events[name as EventName][1].replace(/\.$/, ''));
    }
    expect(new Set(all.map(([, said]) => said)).size).toBe(all.length);
  });

  it('says which limit it was, and what an email was for', async () => {
    const limits = Object.entries(rateLimits).filter(([, { of }]) => of !== 'range');
    const kinds = Object.keys(emailValues).filter((kind) => kind !== 'test');
    const general = [await happen('rate_limit_exceeded'), await happen('email_sent')];
    const ips = [];
    for (const [limit] of limits) ips.push(await happen('rate_limit_exceeded', { limit }));
    for (const kind of kinds) ips.push(await happen('email_sent', { kind }));
    const page = await look();
    for (const ip of ips)
      for (const other of general) {
        expect(wordsAt(page, ip)).toMatch(/^(Blocked|[A-Z][a-z ]+ blocked|Email (not )?sent): /);
        expect(wordsAt(page, ip)).not.toBe(wordsAt(page, other));
      }
  });

  it('is told page by page, the newest first, and is nobody else’s', async () => {
    const grace = await signUp(app, newIp());
    const ips: string[] = [];
    for (let i = 0; i < 120; i++) {
      ips.unshift(await happen('email_rejected'));
      if (i % 10 === 0) await happen('sign_in_failed', {}, grace.id);
    }
    const ipsIn = (page: string) => [...page.matchAll(/· (10\.[\d.]+)</g)].map(([, ip = '']) => ip);
    const olderIn = (page: string) =>
      />Older</.test(page) ? /href="([^"]+cursor=[^"]+)"/.exec(page)?.[1] : undefined;
    const seen: string[] = [];
    let page = await look();
    expect(page).not.toContain('>Newest<');
    for (let pages = 1; ; pages++) {
      seen.push(...ipsIn(page));
      const older = olderIn(page);
      if (older === undefined) {
        expect(pages).toBe(3);
        break;
      }
      page = await look(older);
      expect(page).toContain('href="/dashboard/activity">Newest</a>');
    }
    expect(seen.filter((ip) => ips.includes(ip))).toEqual(ips);
    expect(seen.filter((ip) => !ips.includes(ip))).toEqual([ada.browser.from, ada.browser.from]);
    expect(page).toContain('Account created');
    // What makes no sense shows the first page.
    expect(ipsIn(await look('/dashboard/activity?cursor=x'))).toEqual(ips.slice(0, 50));
  });

  it('says that an administrator did it, and from where to nobody', async () => {
    await admin.browser.post('/v1/signin', { email: admin.email, password: PASSWORD });
    const from = newIp();
    const headers = { 'x-forwarded-for': from, 'user-agent': 'Opera/99 OPR/99' };
    const change = { username: `${ada.username}-new` };
    expect((await admin.browser.send('PATCH', `/v1/users/${ada.id}`, change, headers)).status).toBe(200);
    const emailed = await admin.browser.send('POST', `/v1/users/${ada.id}/send-mail`, undefined, headers);
    expect(emailed.status).toBe(202);
    for (const path of ['/dashboard/activity', '/dashboard']) {
      const page = await look(path);
      for (const said of ['Profile changed', 'Password reset requested'])
        expect(page.replaceAll(' </p>', '</p>')).toContain(
          `<p>${said}</p><p class="note">By an administrator</p>`,
        );
      for (const secret of [from, 'Opera', admin.username, admin.id]) expect(page).not.toContain(secret);
    }
  });

  it('has no barrier and fits, wide and narrow', async () => {
    for (const name of Object.keys(events) as EventName[]) if (!NEVER.includes(name)) await happen(name);
    for (let i = 0; i < 30; i++) await happen('email_sent', { kind: 'sign_up_attempt' });
    for (const width of [1280, 375]) {
      const viewport = { width, height: 900 };
      const { context, page, complaints, close } = await visit(browser, app.url, {
        viewport,
        reducedMotion: 'reduce',
      });
      await context.addCookies([{ name: 'usher', value: ada.browser.cookie ?? '', url: app.url }]);
      await page.goto('/dashboard/activity');
      expect([width, await findBarriers(page), await overflowOf(page)]).toEqual([width, [], 0]);
      await page.click('text=Older');
      expect(new URL(page.url()).search).toMatch(/^\?cursor=/);
      expect([width, await findBarriers(page), await overflowOf(page)]).toEqual([width, [], 0]);
      expect(complaints).toEqual([]);
      await close();
    }
  });
});
