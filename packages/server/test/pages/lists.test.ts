// The lists of the admin console: users and events, found, counted, exported and changed together.
import { beforeAll, describe, expect, it } from 'vitest';
import { OPERATOR, recordEvents } from '../../src/core/events.ts';
import { KEY_LIFETIME } from '../../src/core/keys.ts';
import { type Browser, newIdentifiers, PASSWORD, send, signUp } from '../support/app.ts';
import { overflowOf, startBrowser, visit } from '../support/browser.ts';
import { DAY, MINUTE } from '../support/clock.ts';
import { newIp } from '../support/forge.ts';
import { databases } from '../support/postgres.ts';
import { withApp, withStarted } from '../support/with-app.ts';

const browser = withStarted(startBrowser, (it) => it.close());

describe.each(databases)('lists of the admin console on $name', ({ name, create }) => {
  const { app, inside } = withApp(create);
  let admin: Awaited<ReturnType<typeof signUp>>;
  let bob: Awaited<ReturnType<typeof signUp>>;
  beforeAll(async () => {
    admin = await signUp(app, newIp());
    await inside.promote(admin.id);
    bob = await signUp(app, newIp());
  });

  const signIn = () => admin.browser.post('/v1/signin', { email: admin.email, password: PASSWORD });
  const cookieOf = ({ browser }: { browser: Browser }) => ({
    headers: { cookie: `usher=${browser.cookie}`, accept: 'text/html' },
  });
  const get = async (path: string, headers: Record<string, string> = {}): Promise<string> => {
    const all = { headers: { ...cookieOf(admin).headers, ...headers } };
    return (await send(app, 'GET', path, undefined, all)).text;
  };
  const wordsOf = (html: string) => html.replaceAll(/<[^>]+>/g, ' ').replaceAll(/\s+/g, ' ');
  const namesIn = (html: string) =>
    [...html.matchAll(/href="\/admin\/users\/[^"]+"><bdi>([^<]+)</g)].map(([, name]) => name);
  const linkIn = (html: string, rel: string): string =>
    (new RegExp(`rel="${rel}" href="([^"]+)"`).exec(html)?.[1] ?? '').replaceAll('&amp;', '&');

  /** Stores users like bob, named `prefix0`, `prefix1` ... */
  async function store(prefix: string, count: number, change: object = {}): Promise<void> {
    const row = await inside.db
      .selectFrom('users')
      .selectAll()
      .where('id', '=', bob.id)
      .executeTakeFirstOrThrow();
    const rows = Array.from({ length: count }, (_, i) => {
      const username = `${prefix}${String(i).padStart(3, '0')}`;
      const id = crypto.randomUUID();
      const email = `${username}@example.org`;
      return { ...row, id, username, username_key: username, email, email_key: email, ...change };
    });
    await inside.db.insertInto('users').values(rows).execute();
  }

  it('pages forward and back through users, and says where it is', async () => {
    await signIn();
    await store('page', 60);
    const pages: string[] = [];
    let path = '/admin/users?sort=username&role=user&search=page0';
    for (; path !== ''; path = linkIn(pages.at(-1) ?? '', 'next')) pages.push(await get(path));
    expect(pages.map((html) => namesIn(html).length)).toEqual([25, 25, 10]);
    expect(wordsOf(pages[1] ?? '')).toContain('26–50');
    const back: string[] = [];
    path = linkIn(pages[2] ?? '', 'prev');
    for (; path !== ''; path = linkIn(back.at(-1) ?? '', 'prev')) back.push(await get(path));
    expect(back.map(namesIn)).toEqual([namesIn(pages[1] ?? ''), namesIn(pages[0] ?? '')]);
    // The first page of a search has no total, the last one of a list without a search has.
    expect(wordsOf(await get('/admin/users'))).toMatch(/1–25 of \d+ /);
    const whole = wordsOf(await get('/admin/users?search=page00'));
    expect(whole).toContain('1–10 of 10');
  });

  it('counts up to ten thousand users, and says that there are more', async () => {
    const { db } = inside;
    const row = await db.selectFrom('users').selectAll().where('id', '=', bob.id).executeTakeFirstOrThrow();
    for (let i = 0; i < 10_000; i += 1_000) {
      const rows = Array.from({ length: 1_000 }, (_, j) => {
        const name = `crowd${i + j}`;
        const email = `${name}@example.org`;
        return {
          ...row,
          id: crypto.randomUUID(),
          username: name,
          username_key: name,
          email,
          email_key: email,
          disabled_at: 1,
        };
      });
      await db.insertInto('users').values(rows).execute();
    }
    await signIn();
    expect(wordsOf(await get('/admin/users'))).toContain('1–25 of 10,000+');
    expect(wordsOf(await get('/admin/users?state=disabled'))).toContain('1–25 of 10,000 ');
    await db.deleteFrom('users').where('username_key', 'like', 'crowd%').execute();
  });

  it('filters users by each fact, and removes filters one by one', async () => {
    await signIn();
    const now = app.clock.now();
    await store('off', 2, { disabled_at: now });
    await store('raw', 2, { email_verified_at: null });
    await store('idle', 2, {
      last_sign_in_at: now - 100 * DAY,
      created_at: now - 200 * DAY,
      email_verified_at: now,
    });
    const found = async (query: string) => namesIn(await get(`/admin/users?sort=username&${query}`));
    expect(await found('state=disabled')).toEqual(['off000', 'off001']);
    expect(await found('role=admin')).toEqual([admin.username]);
    expect(await found('inactive=90&email=verified')).toEqual(['idle000', 'idle001']);
    expect(await found('inactive=365&email=verified&search=idle')).toEqual([]);
    expect(await found('created=90&search=idle')).toEqual([]);
    expect(await found('created=90&search=off')).toEqual(['off000', 'off001']);
    expect(await found('email=unverified&search=raw')).toEqual(['raw000', 'raw001']);
    expect(await found('email=verified&search=raw')).toEqual([]);

    const html = await get('/admin/users?state=disabled&role=user&search=off');
    const chips = [...html.matchAll(/class="chip" href="([^"]+)"/g)].map(([, href]) =>
      href?.replaceAll('&amp;', '&'),
    );
    expect(chips).toEqual(['/admin/users?search=off&role=user', '/admin/users?search=off&state=disabled']);
    expect(wordsOf(html)).toContain('Remove filter: Disabled');
  });

  it('sorts by a heading, and says so to a screen reader', async () => {
    await signIn();
    const html = await get('/admin/users');
    expect(html).toMatch(/aria-sort="descending"[^>]*><a class="sort" href="\/admin\/users\?sort=created"/);
    const sorted = await get('/admin/users?sort=username&search=page0');
    expect(sorted).toMatch(/aria-sort="ascending"[^>]*><a class="sort" href="[^"]*sort=-username"/);
    expect(namesIn(sorted)).toEqual(namesIn(sorted).toSorted());
  });

  it('exports the users and events of a list, with its filters and no formula', async () => {
    await signIn();
    const formula = '=cmd|calc';
    await store('export', 3, { display_name: formula });
    const csv = await get('/admin/users.csv?search=export00');
    const [head, ...rows] = csv.trim().split('\r\n');
    expect(head).toContain('username');
    expect(head).not.toContain('hash');
    expect(rows).toHaveLength(3);
    for (const row of rows) expect(row).toContain(`'${formula}`);
    expect(csv).not.toMatch(/(^|,)=/m);
    const lines = (await get('/admin/users.jsonl?search=export001')).trim().split('\n');
    expect(lines.map((line) => JSON.parse(line).username)).toEqual(['export001']);

    const { username } = newIdentifiers();
    await send(
      app,
      'POST',
      '/v1/signin',
      { username, password: 'wrong' },
      { from: '203.0.113.77', headers: { 'user-agent': '@SUM(1)' } },
    );
    const events = await get('/admin/events.csv?name=sign_in_failed&range=7d&ip=203.0.113.77');
    expect(events.trim().split('\r\n')).toHaveLength(2);
    expect(events).toContain("'@SUM(1)");
    expect(await get('/admin/events.jsonl?name=sign_in_failed&ip=203.0.113.78')).toBe('');

    const recorded = await inside.db
      .selectFrom('events')
      .select(['name', 'actor_id', 'details'])
      .where('name', 'in', ['users_exported', 'events_exported'])
      .execute();
    expect(recorded.map(({ name }) => name).sort()).toEqual([
      'events_exported',
      'events_exported',
      'users_exported',
      'users_exported',
    ]);
    expect(new Set(recorded.map(({ actor_id }) => actor_id))).toEqual(new Set([admin.id]));
  });

  it('finds the events of a range and of an IP address, however far back', async () => {
    await signIn();
    const about = { userId: bob.id, actorId: null };
    const now = app.clock.now();
    const client = { ...OPERATOR, ip: '198.51.100.9' };
    await recordEvents(inside.db, 'signed_out', client, [about], now - 40 * DAY);
    for (let i = 0; i < 21_000; i += 1_000)
      await recordEvents(inside.db, 'user_updated', OPERATOR, Array(1_000).fill(about), now - 20 * DAY);
    const rows = (html: string) => html.split('<tr').filter((one) => one.includes('<time')).length;
    const first = await get('/admin/events?ip=198.51.100.9');
    expect(rows(first)).toBe(0);
    expect(wordsOf(first)).toContain('No events match your filters so far.');
    const next = /href="([^"]+cursor=[^"]+)"/.exec(first)?.[1]?.replaceAll('&amp;', '&') ?? '';
    const second = await get(next);
    expect(rows(second)).toBe(1);
    expect(second).toContain('href="/admin/events?ip=198.51.100.9&amp;name=signed_out"');
    expect(rows(await get(`/admin/events?range=today&user=${bob.id}&name=user_updated`))).toBe(0);
    expect(rows(await get(`/admin/events?range=7d&user=${bob.id}&name=user_updated`))).toBe(0);
    expect(rows(await get(`/admin/events?range=30d&user=${bob.id}&name=user_updated`))).toBe(50);
    expect(rows(await get(`/admin/events?range=30d&user=${bob.id}&name=signed_out`))).toBe(0);
    const exported = await get('/admin/events.jsonl?ip=198.51.100.9');
    expect(exported.trim().split('\n')).toHaveLength(1);
  });

  it('changes selected users together, each as alone, and leaves out administrators and oneself', async () => {
    const { page, complaints, close } = await visit(browser, app.url, { javaScriptEnabled: false });
    const carol = await signUp(app, newIp());
    const dave = await signUp(app, newIp());
    const other = await signUp(app, newIp());
    await inside.promote(other.id);
    await page.goto('/sign-in?return_to=/admin/users');
    await page.fill('[name=name]', admin.username);
    await page.fill('[name=password]', PASSWORD);
    await page.click('main form .button');
    await page.waitForURL('**/admin/users');
    const select = async (action: string) => {
      await page.goto('/admin/users');
      for (const { username } of [carol, dave, other, admin])
        await page.getByRole('checkbox', { name: `Select ${username}`, exact: true }).check();
      await page.getByRole('button', { name: action, exact: true }).click();
    };
    // The list shows the newest users first, and the administrator of these tests is older than a page.
    await inside.db
      .updateTable('users')
      .set({ created_at: 1 })
      .where('username_key', 'like', 'page%')
      .execute();
    await inside.db.deleteFrom('users').where('username_key', 'like', 'page%').execute();
    await select('Sign out everywhere');
    expect(await page.textContent('h1')).toBe('Sign 2 users out everywhere?');
    const text = await page.textContent('main');
    expect(text).toContain(`Users: ${dave.username}, ${carol.username}`);
    expect(text).toMatch(new RegExp(`Left out.*: .*${other.username}`));
    expect(text).toMatch(new RegExp(`Left out.*: .*${admin.username}`));
    expect((await carol.browser.get('/v1/me')).status).toBe(200);
    await page.click('main form .button');
    expect(await page.textContent('main [role=status]')).toBe('2 users signed out on all devices.');
    for (const one of [carol, dave]) expect((await one.browser.get('/v1/me')).status).toBe(401);
    expect((await other.browser.get('/v1/me')).status).toBe(200);

    await select('Disable');
    await page.click('main form .button');
    expect(await page.textContent('main [role=status]')).toBe('2 users disabled.');
    await select('Disable');
    expect(await page.textContent('h1')).toBe('No users selected');

    await select('Delete');
    await page.fill('[name=phrase]', 'delete');
    await page.click('main form .button');
    expect(await page.textContent('#phrase-error')).toBe('Type exactly what is shown above.');
    app.clock.advance(6 * MINUTE);
    await page.fill('[name=phrase]', 'delete 2 users');
    await page.click('main form .button');
    // The sign-in is no longer fresh, and nothing has been done.
    const left = () =>
      inside.db
        .selectFrom('users')
        .select('id')
        .where('id', 'in', [carol.id, dave.id, other.id, admin.id])
        .execute();
    expect(await left()).toHaveLength(4);
    await page.fill('[name=password]', PASSWORD);
    await page.click('main form .button');
    expect(await page.textContent('main [role=status]')).toBe('2 users deleted.');
    expect((await left()).map(({ id }) => id).sort()).toEqual([other.id, admin.id].sort());
    const events = await inside.db
      .selectFrom('events')
      .select(['name', 'actor_id'])
      .where('user_id', 'in', [carol.id, dave.id])
      .where('name', 'in', ['signed_out_everywhere', 'user_disabled', 'user_deleted'])
      .execute();
    expect(events.map(({ name }) => name).sort()).toEqual([
      'signed_out_everywhere',
      'signed_out_everywhere',
      'user_deleted',
      'user_deleted',
      'user_disabled',
      'user_disabled',
    ]);
    expect(new Set(events.map(({ actor_id }) => actor_id))).toEqual(new Set([admin.id]));
    expect(complaints).toEqual([]);
    await close();
  });

  it('searches while someone types, and selects a whole page, with scripts', async () => {
    await signIn();
    await store('typed', 3);
    const { page, context, complaints, close } = await visit(browser, app.url, {
      viewport: { width: 390, height: 800 },
    });
    await context.addCookies([{ name: 'usher', value: admin.browser.cookie ?? '', url: app.url }]);
    await page.goto('/admin/users');
    await page.getByRole('searchbox').pressSequentially('typed00');
    await page.getByText('1–3 of 3').waitFor();
    expect(new URL(page.url()).searchParams.get('search')).toBe('typed00');
    expect(await page.inputValue('[name=search]')).toBe('typed00');
    expect(await page.locator('.exports a').first().getAttribute('href')).toContain('search=typed00');
    await page.selectOption('[name=state]', 'disabled');
    await page.getByText('No users match your search.').waitFor();
    await page.selectOption('[name=state]', '');
    await page.getByText('1–3 of 3').waitFor();
    await page.getByRole('button', { name: 'Select all on this page' }).click();
    expect(await page.locator('#found [type=checkbox]:checked').count()).toBe(3);
    expect(await page.locator('#found [data-copy]:visible').count()).toBe(3);
    expect(await overflowOf(page)).toBe(0);
    expect(complaints).toEqual([]);
    await close();
  });

  it('shows the health of the server, and what to do where it is not good', async () => {
    await signIn();
    // Notices of the tests before.
    await inside.db.deleteFrom('emails').execute();
    const good = wordsOf(await get('/admin/health'));
    expect(good).toMatch(/Email queue No emails waiting\. .*Good/);
    expect(good).toContain('No passwords waiting.');
    expect(good).toMatch(/Database schema 00\d\d-/);
    expect(good).toMatch(/Database size [\d.,]+ [MG]B/);
    expect(good).not.toContain('Open “Emails”');
    expect(good.includes('Database connections')).toBe(name === 'PostgreSQL');
    expect(good.includes('Disk')).toBe(name === 'SQLite');

    const now = app.clock.now();
    const email = {
      kind: 'new_device',
      user_id: bob.id,
      content_encrypted: null,
      attempts: 3,
      attempts_before_retry: 0,
    };
    const times = { created_at: now - 10 * MINUTE, expires_at: now + DAY, due_at: now + DAY };
    const rest = { ended_at: null, status: null, smtp_reply: null, smtp_reply_text_encrypted: null };
    await inside.db
      .insertInto('emails')
      .values({ id: crypto.randomUUID(), ...email, ...times, ...rest })
      .execute();
    await recordEvents(
      inside.db,
      'email_rejected',
      OPERATOR,
      [{ userId: null, actorId: null }],
      now - MINUTE,
    );
    await inside.db
      .updateTable('keys')
      .set({ created_at: now - KEY_LIFETIME - 2 * DAY })
      .execute();
    const poor = wordsOf(await get('/admin/health'));
    expect(poor).toMatch(
      /1 email waiting\. The oldest was queued 10 minutes ago .*Open “Emails” for its replies.* Warning/,
    );
    expect(poor).toMatch(/1 in the last 24 hours\. .*The mail server rejected emails.* Warning/);
    expect(poor).toMatch(/The key should have been rotated.* Warning/);
    await inside.db
      .updateTable('emails')
      .set({ created_at: now - 2 * 60 * MINUTE })
      .where('due_at', '=', now + DAY)
      .execute();
    expect(wordsOf(await get('/admin/health'))).toMatch(/Email queue .* Bad .*Failed emails/);
  });

  it('says everything in the language of the administrator', async () => {
    await signIn();
    const german = (path: string) => get(path, { 'accept-language': 'de' });
    const users = wordsOf(await german('/admin/users?state=disabled'));
    expect(users).toContain('Filter entfernen: Deaktiviert');
    expect(users).not.toMatch(/\b(Disabled|Search|Apply|Select|Export \()/);
    const events = wordsOf(await german('/admin/events?range=7d'));
    expect(events).toContain('Registriert'.slice(0, 8));
    expect(events).toContain('Letzte 7 Tage');
    expect(events).not.toMatch(/\b(Signed in|Apply|Last 7 days|View)\b/);
    expect(wordsOf(await german('/admin'))).toContain('Durch Limits blockiert');
  });
});
