import { beforeAll, describe, expect, it } from 'vitest';
import { emailKinds, emailLabels } from '../../src/core/emails/kinds.ts';
import { OPERATOR, recordEvents } from '../../src/core/events.ts';
import { rateLimits } from '../../src/core/rate-limits.ts';
import { type EventDetail, type EventName, eventDetails, events } from '../../src/events.ts';
import { english } from '../../src/languages/translator.ts';
import { newUserId } from '../../src/platform/random.ts';
import { newIdentifiers, PASSWORD, send, signUp } from '../support/app.ts';
import { findBarriers, overflowOf, startBrowser, type Visitor, visit } from '../support/browser.ts';
import { MINUTE } from '../support/clock.ts';
import { cpuOf } from '../support/cpu.ts';
import { lastEmail } from '../support/emails.ts';
import { newIp } from '../support/forge.ts';
import { databases } from '../support/postgres.ts';
import { withApp, withStarted } from '../support/with-app.ts';

const browser = withStarted(startBrowser, (it) => it.close());

describe.each(databases)('the admin console on $name', ({ name, create }) => {
  const { app, database, inside } = withApp(create);
  let admin: Awaited<ReturnType<typeof signUp>>;
  let bob: Awaited<ReturnType<typeof signUp>>;
  let emailId: string;
  beforeAll(async () => {
    admin = await signUp(app, newIp());
    await inside.promote(admin.id);
    bob = await signUp(app, newIp());
    for (let i = 0; i < 7; i++)
      await send(
        app,
        'POST',
        '/v1/signin',
        { username: bob.username, password: `wrong ${i}` },
        { from: newIp() },
      );
    await send(app, 'POST', '/v1/send-mail', { email: bob.email }, { from: newIp() });
    const emails = inside.db.selectFrom('emails').select('id').where('kind', '=', 'reset_password');
    emailId = (await emails.executeTakeFirstOrThrow()).id;
  });

  async function atConsole(options: Parameters<typeof visit>[2] = {}): Promise<Visitor> {
    const visitor = await visit(browser, app.url, options);
    const { page } = visitor;
    await page.goto('/sign-in?return_to=/admin');
    await page.fill('[name=name]', admin.username);
    await page.fill('[name=password]', PASSWORD);
    await page.click('main form button[type=submit], main form .button');
    await page.waitForURL('**/admin');
    return visitor;
  }
  const paths = () => [
    '/admin',
    '/admin?span=day',
    '/admin/users',
    '/admin/users/new',
    '/admin/invitations',
    '/admin/users?state=active&role=user&search=a&sort=username',
    `/admin/bulk?action=delete&user0=${bob.id}`,
    `/admin/users/${bob.id}`,
    `/admin/users/${bob.id}?tab=sessions`,
    `/admin/users/${bob.id}?tab=activity`,
    `/admin/users/${bob.id}?tab=limits`,
    `/admin/users/${bob.id}/rename`,
    `/admin/users/${bob.id}/send-mail`,
    `/admin/users/${bob.id}/delete`,
    '/admin/events',
    '/admin/events?range=7d&name=sign_in_failed&ip=203.0.113.7',
    '/admin/emails',
    `/admin/emails/${emailId}`,
    '/admin/keys',
    '/admin/keys/rotate',
    '/admin/health',
    '/admin/settings',
  ];

  // What the pages look like does not hang on where the data is.
  if (name === 'SQLite')
    it.each([1280, 375])('has no barrier, breaks no policy and fits at %i px', async (width) => {
      const viewport = { width, height: 900 };
      // A colour on its way from one theme to the other is none that anybody reads.
      const { page, complaints, close } = await atConsole({ viewport, reducedMotion: 'reduce' });
      for (const path of paths()) {
        await page.goto(path);
        expect([path, await page.title()]).toEqual([path, expect.stringMatching(/ · Usher$/)]);
        expect([path, await findBarriers(page)]).toEqual([path, []]);
        expect([path, await overflowOf(page)]).toEqual([path, 0]);
      }
      expect(complaints).toEqual([]);
      await close();
    });

  if (name === 'SQLite')
    it('fits on a phone when the text is twice as large', async () => {
      const { page, close } = await atConsole();
      for (const path of paths()) {
        await page.goto(path);
        await page.evaluate("document.documentElement.style.fontSize = '200%'");
        for (const width of [390, 320]) {
          await page.setViewportSize({ width, height: 900 });
          expect([path, width, await overflowOf(page)]).toEqual([path, width, 0]);
        }
      }
      await close();
    });

  it('finds a user, says why they could not sign in, and lets them in, without scripts', async () => {
    const { page, complaints, close } = await atConsole({ javaScriptEnabled: false });
    await page.click('nav >> text=Users');
    await page.fill('[name=search]', bob.email.slice(0, 6));
    await page.click('text=Apply');
    await page.click(`a:has-text("${bob.username}")`);
    const text = await page.textContent('main');
    expect(text).toContain('the next attempt will be rejected, even with the correct password');
    await page.click('main nav >> text=Rate limits');
    expect(await page.textContent('main')).toContain('Incorrect passwords (username or email)');
    await page.click('main nav >> text=Activity');
    const activity = await page.textContent('main');
    expect(activity).toContain('Rate limit exceeded');
    expect(activity).toContain('Retry after 30 s');
    await page.click('text=Unblock user');
    expect(await page.textContent('h1')).toBe(`Unblock ${bob.username}?`);
    expect(await page.textContent('main')).toContain('Clears failed-attempt counters');
    // The password was given at the sign-in, just now.
    expect(await page.locator('[name=password]').count()).toBe(0);
    await page.click('main form .button');
    expect(await page.textContent('main')).toContain('User unblocked.');
    const signedIn = await send(app, 'POST', '/v1/signin', { email: bob.email, password: PASSWORD });
    expect(signedIn.status).toBe(200);
    expect(complaints).toEqual([]);
    await close();
  });

  it('asks for the password again after five minutes, and does nothing without it', async () => {
    const { page, close } = await atConsole({ javaScriptEnabled: false });
    app.clock.advance(5 * MINUTE);
    const carol = await signUp(app, newIp());
    await page.goto(`/admin/users/${carol.id}/disable`);
    await page.fill('[name=password]', 'not my password');
    await page.click('main form .button');
    expect(await page.textContent('main')).toContain('Incorrect password.');
    expect(await page.textContent('main')).toContain('Signs the user out everywhere and blocks sign-in.');
    expect(await page.textContent('main form .button')).toBe('Disable user');
    expect((await carol.browser.get('/v1/me')).status).toBe(200);
    await page.fill('[name=password]', PASSWORD);
    await page.click('main form .button');
    expect(await page.textContent('main')).toContain('User disabled.');
    expect((await carol.browser.get('/v1/me')).status).toBe(401);
    // Now it is fresh.
    await page.goto(`/admin/users/${carol.id}/enable`);
    expect(await page.locator('[name=password]').count()).toBe(0);
    await page.click('main form .button');
    expect(await page.textContent('main')).toContain('User enabled.');
    await page.goto(`/admin/users/${admin.id}/demote`);
    await page.click('main form .button');
    expect(await page.textContent('main')).toContain('This is the only active administrator.');
    await close();
  });

  it('renames a user, and says at the field what is wrong with a name', async () => {
    const { page, complaints, close } = await atConsole({ javaScriptEnabled: false });
    const carol = await signUp(app, newIp());
    await page.goto(`/admin/users/${carol.id}`);
    await page.click('text=Change username');
    expect(await page.textContent('main')).toContain('becomes available to others');
    expect(await page.inputValue('[name=username]')).toBe(carol.username);
    for (const [name, message] of [
      ['no @ name', 'can’t contain @'],
      [bob.username, 'This username is taken.'],
    ] as const) {
      await page.fill('[name=username]', name);
      await page.click('main form .button');
      expect(await page.textContent('#username-error')).toContain(message);
      expect(await page.inputValue('[name=username]')).toBe(name);
      expect(await page.getAttribute('[name=username]', 'aria-invalid')).toBe('true');
    }
    app.clock.advance(5 * MINUTE);
    await page.fill('[name=username]', `${carol.username}-new`);
    await page.click('main form .button');
    expect(await page.textContent('h1')).toBe(`Change the username of ${carol.username}?`);
    expect(await page.locator('#password-error, main [role=alert]').count()).toBe(0);
    expect((await carol.browser.get('/v1/me')).body.user.username).toBe(carol.username);
    expect(await page.inputValue('[name=username]')).toBe(`${carol.username}-new`);
    await page.fill('[name=password]', PASSWORD);
    await page.click('main form .button');
    expect(await page.textContent('main [role=status]')).toBe('Username changed.');
    expect(await page.textContent('h1')).toBe(`${carol.username}-new`);
    expect((await carol.browser.get('/v1/me')).body.user.username).toBe(`${carol.username}-new`);
    await page.click('main .danger a:has-text("Delete")');
    await page.click('main form .button');
    expect(await page.textContent('main [role=status]')).toBe('User deleted.');
    expect(await page.textContent('main')).not.toContain(carol.username);
    await page.click('text=Apply');
    expect(await page.locator('main [role=status]').count()).toBe(0);
    expect(complaints).toEqual([]);
    await close();
  });

  it('rotates the key, and shows what happened and what is set, with no secret in it', async () => {
    const { page, close } = await atConsole({ javaScriptEnabled: false });
    await page.goto('/admin/keys/rotate');
    await page.click('main form .button');
    expect(await page.textContent('main')).toContain('Next');
    await page.goto('/admin/events?name=key_rotated');
    expect(await page.textContent('main')).toContain('Previous key stays valid');
    await page.goto('/admin/settings');
    const settings = await page.textContent('main');
    expect(settings).toContain('USHER_SECRET');
    expect(settings).toContain('[secret]');
    expect(settings).toContain('Option in code');
    expect(settings).not.toContain(app.secret);
    await page.goto('/admin/emails');
    const emails = await page.textContent('main');
    expect(emails).toContain('Password reset');
    expect(emails).not.toContain('reset_password');
    expect(emails).not.toContain(bob.email);
    await close();
  });

  const atPath = async (path: string): Promise<string> => {
    await admin.browser.post('/v1/signin', { email: admin.email, password: PASSWORD });
    const headers = { cookie: `usher=${admin.browser.cookie}`, accept: 'text/html' };
    return (await send(app, 'GET', path, undefined, { headers })).text;
  };
  const wordsOf = (html: string) => html.replaceAll(/<[^>]+>/g, ' ').replaceAll(/\s+/g, ' ');

  it('is for administrators alone, and finds one of many at once', async () => {
    const cookie = (one: { browser: { cookie: string | undefined } }) => ({
      headers: { cookie: `usher=${one.browser.cookie}`, accept: 'text/html' },
    });
    const dave = await signUp(app, newIp());
    for (const path of [...paths(), '/admin/events.jsonl', '/admin/events.csv', '/admin/users.csv']) {
      expect([path, (await send(app, 'GET', path, undefined, cookie(dave))).status]).toEqual([path, 403]);
      expect([path, (await send(app, 'GET', path)).status]).toEqual([path, 401]);
    }
    await admin.browser.post('/v1/signin', { email: admin.email, password: PASSWORD });
    const exported = await send(
      app,
      'GET',
      '/admin/events.jsonl?name=user_signed_up',
      undefined,
      cookie(admin),
    );
    const lines = exported.text
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(lines.map(({ name }) => name)).toContain('user_signed_up');
    expect(lines.map(({ user_id }) => user_id)).toContain(bob.id);

    const row = await inside.db
      .selectFrom('users')
      .selectAll()
      .where('id', '=', bob.id)
      .executeTakeFirstOrThrow();
    for (let i = 0; i < 20_000; i += 1_000) {
      const rows = Array.from({ length: 1_000 }, (_, j) => {
        const { username, email } = { username: `many${i + j}`, email: `many${i + j}@example.org` };
        const id = `01900000-0000-7000-8000-${String(i + j).padStart(12, '0')}`;
        return { ...row, id, username, username_key: username, email, email_key: email };
      });
      await inside.db.insertInto('users').values(rows).execute();
    }
    for (const query of [
      '?search=many19999',
      '?search=many1&sort=username',
      '?sort=-username',
      '?who=disabled',
    ]) {
      const spent = await cpuOf(async () => {
        const { status, text } = await send(app, 'GET', `/admin/users${query}`, undefined, cookie(admin));
        expect([query, status]).toEqual([query, 200]);
        if (query.includes('19999')) expect(text).toContain('many19999@example.org');
      });
      expect(spent).toBeLessThan(1_000);
    }
    // Page by page, in the order that was asked for.
    const first = await send(app, 'GET', '/admin/users?search=many1&sort=username', undefined, cookie(admin));
    const next = /href="([^"]+cursor=[^"]+)"/.exec(first.text)?.[1]?.replaceAll('&amp;', '&') ?? '';
    const second = await send(app, 'GET', next, undefined, cookie(admin));
    const namesIn = (text: string) => [...text.matchAll(/>(many\d+)</g)].map(([, name]) => name);
    const both = [...namesIn(first.text), ...namesIn(second.text)];
    expect(both).toHaveLength(50);
    expect(both).toEqual([...new Set(both)].sort());
    // A query that makes no sense still shows a page.
    expect(
      (await send(app, 'GET', '/admin/users?sort=x&cursor=y&who=z', undefined, cookie(admin))).status,
    ).toBe(200);
  });

  it('counts what happened, for programs too', async () => {
    await admin.browser.post('/v1/signin', { email: admin.email, password: PASSWORD });
    const { username } = newIdentifiers();
    await send(app, 'POST', '/v1/signin', { username, password: 'wrong' }, { from: newIp() });
    for (const [span, steps] of [
      ['day', 24],
      ['week', 7],
      ['month', 30],
    ] as const) {
      const { status, body } = await admin.browser.get(`/v1/stats?span=${span}`);
      expect([span, status, body.steps.length]).toEqual([span, 200, steps]);
      const last = body.steps.at(-1);
      expect(last.sign_ups).toBeGreaterThanOrEqual(2);
      expect(last.sign_ins_failed).toBeGreaterThanOrEqual(6);
      expect(last.rate_limits_exceeded).toBe(2);
      expect(body.now.sessions).toBeGreaterThan(0);
    }
    expect((await bob.browser.get('/v1/stats')).status).toBeGreaterThanOrEqual(401);
    expect((await admin.browser.get('/v1/stats?span=year')).body.errors).toMatchObject([{ field: 'span' }]);
  });

  it('sends a user an email to choose a new password, and says when a limit is in the way', async () => {
    const { page, complaints, close } = await atConsole({ javaScriptEnabled: false });
    const carol = await signUp(app, newIp());
    const ask = async () => {
      await page.goto(`/admin/users/${carol.id}`);
      await page.click('text=Send password reset email');
      expect(await page.textContent('main')).toContain('You won’t see either.');
    };
    await ask();
    app.clock.advance(5 * MINUTE);
    await page.click('main form .button');
    expect(await page.textContent('h1')).toBe(`Send a password reset email to ${carol.username}?`);
    expect(await page.locator('#password-error, main [role=alert]').count()).toBe(0);
    await page.fill('[name=password]', PASSWORD);
    await page.click('main form .button');
    expect(await page.textContent('main')).toContain('Password reset email sent.');
    expect(await page.textContent('main')).toContain('No mail server is set up.');
    const { code = '' } = await lastEmail(app, database, carol.email);
    expect(code).toMatch(/^\d{6}$/);
    expect(await page.content()).not.toContain(code);
    // This was the first of three from one range.
    for (let i = 0; i < 3; i++) {
      await ask();
      await page.click('main form .button');
    }
    expect(await page.textContent('main [role=alert]')).toContain(
      'has been reached. Try again in 60 minutes',
    );
    expect(await page.title()).toContain('Error: Send a password reset email');
    expect(complaints).toEqual([]);
    await close();
  });

  it('shows labels of events, details, limits and emails, and no identifiers', async () => {
    const { id } = await signUp(app, newIp());
    const about = { userId: id, actorId: 'operator' };
    for (const [i, name] of (Object.keys(events) as EventName[]).entries()) {
      const reason = name === 'verification_failed' ? 'no_verification' : 'wrong';
      await recordEvents(inside.db, name, OPERATOR, [{ ...about, details: { reason } }], app.clock.now() + i);
    }
    const all = Object.keys(eventDetails) as EventDetail[];
    const limits = Object.keys(rateLimits).map((limit) => ({ ...about, details: { limit } }));
    const kinds = emailKinds.map((kind) => ({ ...about, details: { kind, email: kind } }));
    const flags = [true, false].map((value) => ({
      ...about,
      details: Object.fromEntries(
        all.filter((name) => 'true' in Object(eventDetails[name])).map((name) => [name, value]),
      ),
    }));
    const numbers = all
      .filter((name) => typeof eventDetails[name] === 'string')
      .map((name) => ({ ...about, details: { [name]: 7 } }));
    const more = [...limits, ...kinds, ...flags, ...numbers];
    await recordEvents(inside.db, 'user_updated', OPERATOR, more, app.clock.now() + 100);
    let path = `/admin/events?user=${id}`;
    const pages: string[] = [];
    while (path !== '') {
      const html = await atPath(path);
      const rows = html.slice(html.indexOf('<tbody'), html.indexOf('</tbody>'));
      // The record is what programs get, with identifiers.
      pages.push(rows.replaceAll(/<pre>.*?<\/pre>/gs, ''));
      path = /href="([^"]+cursor=[^"]+)"/.exec(html)?.[1]?.replaceAll('&amp;', '&') ?? '';
    }
    const shown = wordsOf(pages.join(' '));
    for (const [label] of Object.values(events)) expect(shown).toContain(english(label));
    for (const { label } of Object.values(rateLimits)) expect(shown).toContain(english(label));
    for (const kind of emailKinds) expect(shown).toContain(emailLabels[kind]);
    expect(shown).toContain('No valid code for this email');
    expect(shown).toContain('Look-alike characters');
    expect(shown).toContain('Retry after 7 s');
    expect(shown.match(/\b[a-z]+(_[a-z]+)+\b|\b[a-z]+[A-Z]\w+\b|\{value\}/g)).toBeNull();

    const labels = [...(await atPath('/admin/events')).matchAll(/<option[^>]*>([^<]+)</g)].map(
      ([, one]) => one,
    );
    expect(labels).toEqual(expect.arrayContaining(['All events', 'Sign-in failed']));
    expect(new Set(labels).size).toBe(labels.length);
  });

  it('never shows a display name without the username', async () => {
    const carol = await signUp(app, newIp());
    await carol.browser.send('PATCH', '/v1/me', { display_name: `${admin.username} <b>` });
    for (const path of ['/admin/users', `/admin/users/${carol.id}`]) {
      const html = await atPath(path);
      expect(html).toContain(`>${carol.username}<`);
      expect(html).toContain(`>${admin.username} &lt;b&gt;<`);
    }
    const own = { headers: { cookie: `usher=${carol.browser.cookie}`, accept: 'text/html' } };
    const { text } = await send(app, 'GET', '/dashboard', undefined, own);
    expect(wordsOf(text)).toContain(`Signed in as ${admin.username} &lt;b&gt;`);
    expect(wordsOf(text)).toContain(`Username ${carol.username}`);
    const form = await send(app, 'GET', '/dashboard/profile', undefined, own);
    expect(form.text).toContain('name="display_name"');
  });

  it('finds the events of a user by username, email or id', async () => {
    const { id, username, email } = await signUp(app, newIp());
    const rows = (html: string) => html.split('<tr').filter((one) => one.includes('<time')).length;
    for (const user of [id, id.toUpperCase(), username, email, ` ${email.toUpperCase()} `]) {
      const query = new URLSearchParams({ user });
      const html = await atPath(`/admin/events?${query}`);
      expect([user, rows(html)]).toEqual([user, 2]);
      const exported = await atPath(`/admin/events.jsonl?${query}`);
      expect([user, exported.trim().split('\n').length]).toEqual([user, 2]);
    }
    for (const user of ['nobody', 'nobody@example.org', '@', newUserId()])
      expect(await atPath(`/admin/events?${new URLSearchParams({ user })}`)).toContain(
        'No events match your filters.',
      );
    for (const user of ['nobody', 'nobody@example.org', '@', 'x'.repeat(300)]) {
      const html = await atPath(`/admin/events?${new URLSearchParams({ user })}`);
      expect([user, rows(html), wordsOf(html)]).toEqual([
        user,
        0,
        expect.stringContaining('No user has this username, email or ID.'),
      ]);
    }
    expect(await atPath(`/admin/events?user=${username}`)).not.toContain('No user has this');
    expect(rows(await atPath('/admin/events?request=nothing'))).toBe(0);
    expect(rows(await atPath('/admin/events?user='))).toBeGreaterThan(2);
  });

  it('shows no events for a type that does not exist, and says so', async () => {
    const html = await atPath('/admin/events?name=bogus');
    expect(wordsOf(html)).toContain('There is no event of this type.');
    expect(html.split('<tr').filter((one) => one.includes('<time'))).toEqual([]);
    expect((await atPath('/admin/events.jsonl?name=bogus')).trim()).toBe('');
    expect(wordsOf(await atPath('/admin/events?name='))).not.toContain('There is no event of this type.');
  });
});
