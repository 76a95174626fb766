// Following events: what comes in is seen at once, and only by whoever may see it at that moment.
import { beforeEach, describe, expect, it } from 'vitest';
import { OPERATOR, recordEvents } from '../../src/core/events.ts';
import { asBearer, login, PASSWORD, Browser as Program, send, signUp, startApp } from '../support/app.ts';
import { findBarriers, overflowOf, startBrowser, visit } from '../support/browser.ts';
import { HOUR, MINUTE, SECOND } from '../support/clock.ts';
import { claimsOf, newIp, sendAs, startTwin } from '../support/forge.ts';
import { databases } from '../support/postgres.ts';
import { type Listening, listen, startLine } from '../support/stream.ts';
import { withApp, withStarted } from '../support/with-app.ts';

const PATH = '/admin/events/stream';
const MOST = 20;
const METRICS = 'a-token-for-the-metrics';

const browser = withStarted(startBrowser, (it) => it.close());

describe.each(databases)('following events on $name', ({ create }) => {
  const { app, database, inside } = withApp(create, { metricsToken: METRICS });
  beforeEach(() => app.clock.advance(HOUR));

  async function newAdmin() {
    const admin = await signUp(app, newIp());
    await inside.promote(admin.id);
    const cookie = admin.browser.cookie ?? '';
    return { ...admin, cookie, sid: claimsOf(cookie).sid };
  }
  const follow = (cookie: string, query = '', headers = {}, at = app): Promise<Listening> =>
    listen({ port: at.port, url: app.url }, `${PATH}${query}`, { cookie: `usher=${cookie}`, ...headers });
  // biome-ignore lint/suspicious/noExplicitAny: tests look into what comes in
  const eventsIn = ({ messages }: Listening): any[] =>
    messages.filter(({ event }) => event === 'events').flatMap(({ data }) => JSON.parse(data).events);
  const namesIn = (stream: Listening, about: string): string[] =>
    eventsIn(stream)
      .filter(({ user_id }) => user_id === about)
      .map(({ name }) => name);
  const lastOf = ({ messages }: Listening) => messages.at(-1);
  const hasSeen = (stream: Listening, about: string, ...names: string[]) =>
    expect.poll(() => namesIn(stream, about)).toEqual(names);
  /** How many streams the process says that it has. */
  const countOpen = async (): Promise<number> => {
    const { text } = await send(app, 'GET', '/metrics', undefined, asBearer(METRICS));
    return Number(/^usher_streams (\d+)$/m.exec(text)?.[1]);
  };
  const seen = (sid: string) =>
    inside.db.selectFrom('sessions').select('last_seen_at').where('id', '=', sid).executeTakeFirstOrThrow();

  it('shows to an open page what others do, as the page itself would show it', async () => {
    const admin = await newAdmin();
    const { page, complaints, close } = await visit(browser, app.url);
    await page.goto('/sign-in?return_to=/admin/events');
    await page.fill('[name=name]', admin.username);
    await page.fill('[name=password]', PASSWORD);
    await page.keyboard.press('Enter');
    await page.waitForURL(/[^=]\/admin\/events$/);
    await page.getByRole('button', { name: 'Live' }).click();
    await page.getByText(/^Live\./).waitFor();
    const bob = await signUp(app, newIp());
    await send(
      app,
      'POST',
      '/v1/signin',
      { username: bob.username, password: 'wrong' },
      { from: '10.9.8.7' },
    );
    const rows = page.locator('tbody tr:not(.day)');
    const refused = rows.filter({ hasText: 'Sign-in failed' }).filter({ hasText: bob.username });
    await refused.waitFor();
    expect(await rows.filter({ hasText: bob.username }).locator('th > span').allInnerTexts()).toEqual([
      'Sign-in failed',
      'Signed in',
      'User signed up',
    ]);
    await page.getByText(/^Live\. New events: \d+\.$/).waitFor();
    expect(await findBarriers(page)).toEqual([]);
    expect(await overflowOf(page)).toBe(0);
    const cells = () => refused.locator('th, td:not(:first-child)').allInnerTexts();
    const activeSession = await cells();
    await page.getByRole('button', { name: 'Pause' }).click();
    await page.getByText(/^Paused\. New events: \d+\.$/).waitFor();
    await page.reload();
    expect(activeSession).toEqual(await cells());
    expect(activeSession.join(' ')).toContain('10.9.8.7');
    expect(complaints).toEqual([]);
    await close();
  });

  it('fills a page that has no events yet, and one that is filtered with its own alone', async () => {
    const admin = await newAdmin();
    const { page, context, complaints, close } = await visit(browser, app.url, { colorScheme: 'dark' });
    await context.addCookies([{ name: 'usher', value: admin.cookie, url: app.url }]);
    const bob = await signUp(app, newIp());
    await page.goto(`/admin/events?user=${bob.id}&name=sign_in_failed`);
    await page.getByText('No events match your filters.').waitFor();
    await page.getByRole('button', { name: 'Live' }).click();
    await page.getByText(/^Live\./).waitFor();
    for (const name of [bob.username, admin.username])
      await send(app, 'POST', '/v1/signin', { username: name, password: 'wrong' }, { from: newIp() });
    await page.locator('tbody tr:not(.day)').waitFor();
    expect(await page.getByText('No events match your filters.').count()).toBe(0);
    const text = await page.locator('tbody').innerText();
    expect(text).toContain(bob.username);
    expect(text).not.toContain(admin.username);
    expect(complaints).toEqual([]);
    await close();
  });

  it('offers a plain link without scripts, and nothing where nothing new can come', async () => {
    const admin = await newAdmin();
    const { page, context, close } = await visit(browser, app.url, { javaScriptEnabled: false });
    await context.addCookies([{ name: 'usher', value: admin.cookie, url: app.url }]);
    await page.goto('/admin/events?name=signed_in');
    expect(await page.getByRole('button', { name: 'Live' }).count()).toBe(0);
    await page.getByRole('link', { name: 'Reload for new events' }).click();
    expect(new URL(page.url()).search).toBe('?name=signed_in');
    await page.goto('/admin/events?until=2020-01-01');
    expect(await page.getByText('Reload for new events').count()).toBe(0);
    await close();
  });

  it('stops when the session is ended elsewhere, says so, and leads back', async () => {
    const admin = await newAdmin();
    const { page, context, complaints, close } = await visit(browser, app.url);
    await context.addCookies([{ name: 'usher', value: admin.cookie, url: app.url }]);
    await page.goto('/admin/events?name=signed_in');
    await page.getByRole('button', { name: 'Live' }).click();
    await page.getByText(/^Live\./).waitFor();
    const other = new Program(app, newIp());
    await other.post('/v1/signin', { email: admin.email, password: PASSWORD });
    expect((await other.send('DELETE', `/v1/me/sessions/${admin.sid}`)).status).toBe(200);
    await page.getByText('Live updates stopped: you’ve been signed out.').waitFor();
    expect(await findBarriers(page)).toEqual([]);
    await page.getByRole('link', { name: 'Sign in again' }).click();
    await page.fill('[name=name]', admin.username);
    await page.fill('[name=password]', PASSWORD);
    await page.keyboard.press('Enter');
    await page.waitForURL(/[^=]\/admin\/events\?name=signed_in$/);
    expect(complaints).toEqual([]);
    await close();
  });

  it('leaves a page that is left alone after ten minutes, however often the stream broke', async () => {
    const admin = await newAdmin();
    const line = await startLine();
    const far = await startApp(database, { publicUrl: line.url, secret: app.secret, clock: app.clock });
    line.leadTo(far.port);
    const { page, context, close } = await visit(browser, line.url);
    await context.clock.install({ time: app.clock.now() });
    await page.goto('/sign-in?return_to=/admin/events');
    await page.fill('[name=name]', admin.username);
    await page.fill('[name=password]', PASSWORD);
    await page.keyboard.press('Enter');
    await page.waitForURL(/[^=]\/admin\/events$/);
    const pass = async (milliseconds: number) => {
      app.clock.advance(milliseconds);
      await context.clock.fastForward(milliseconds);
    };
    const warning = page.getByText('You’ll be signed out at');
    // Nine minutes are gone when somebody presses the button: from then on it is ten.
    await pass(9 * MINUTE);
    await warning.waitFor();
    await page.getByRole('button', { name: 'Live' }).click();
    await page.getByText(/^Live\./).waitFor();
    await context.clock.runFor(2 * SECOND);
    await warning.waitFor({ state: 'hidden' });
    for (let i = 0; i < 3; i++) {
      line.cut();
      await page.getByText('Connection lost. Reconnecting…').waitFor();
      await pass(3 * MINUTE);
      await page.getByText(/^Live\./).waitFor();
    }
    await warning.waitFor();
    await pass(MINUTE);
    await page.waitForURL('**/sign-in?return_to=%2Fadmin%2Fevents');
    const cookie = (await context.cookies()).find(({ name }) => name === 'usher')?.value;
    if (cookie) {
      const reply = await sendAs({ ...far, url: line.url }, { cookie }, 'GET', '/v1/me');
      expect(reply.status).toBe(401);
    }
    await close();
    await far.stop();
    await line.close();
  });

  it('postpones nothing: ten minutes after the last request the session is over, and the stream', async () => {
    const { cookie, sid } = await newAdmin();
    const stream = await follow(cookie);
    expect([stream.status, stream.headers['set-cookie']]).toEqual([200, undefined]);
    app.clock.advance(9 * MINUTE + 59 * SECOND);
    const again = await follow(cookie);
    expect([again.status, again.headers['set-cookie']]).toEqual([200, undefined]);
    const bob = await signUp(app, newIp());
    await hasSeen(stream, bob.id, 'user_signed_up', 'signed_in');
    expect((await seen(sid)).last_seen_at).toBeLessThan(app.clock.now() - 9 * MINUTE);
    app.clock.advance(SECOND);
    for (const one of [stream, again]) {
      await one.ended;
      expect(lastOf(one)).toMatchObject({
        event: 'end',
        data: expect.stringContaining('"code":"invalid_token"'),
      });
    }
    expect((await follow(cookie)).status).toBe(401);
    expect((await sendAs(app, { cookie }, 'GET', '/v1/me')).status).toBe(401);
  });

  it('goes on as long as other requests keep the session, on any process', async () => {
    const { cookie, sid } = await newAdmin();
    const twin = await startTwin(app, database);
    const stream = await follow(cookie);
    // Twice within a minute: of an administrator the row says the second one, too.
    for (const pause of [9 * MINUTE, 30 * SECOND]) {
      app.clock.advance(pause);
      const used = app.clock.now();
      expect((await sendAs(twin, { cookie }, 'GET', '/v1/me')).status).toBe(200);
      await expect.poll(async () => (await seen(sid)).last_seen_at).toBe(used);
    }
    app.clock.advance(9 * MINUTE + 59 * SECOND);
    const bob = await signUp(app, newIp());
    await hasSeen(stream, bob.id, 'user_signed_up', 'signed_in');
    app.clock.advance(SECOND);
    await stream.ended;
    expect(lastOf(stream)?.event).toBe('end');
    await twin.stop();
  });

  it('ends at once with what it hangs on, and tells nothing that came after', async () => {
    const boss = await newAdmin();
    const twin = await startTwin(app, database);
    const actions: [
      action: string,
      code: string,
      perform: (who: typeof boss) => Promise<{ status: number }>,
    ][] = [
      ['log-out', 'invalid_token', (who) => sendAs(twin, { cookie: who.cookie }, 'POST', '/v1/logout')],
      [
        'demotion',
        'forbidden',
        (who) => sendAs(twin, { cookie: boss.cookie }, 'PATCH', `/v1/users/${who.id}`, { role: 'user' }),
      ],
      [
        'disabling',
        'invalid_token',
        (who) => sendAs(twin, { cookie: boss.cookie }, 'PATCH', `/v1/users/${who.id}`, { disabled: true }),
      ],
      [
        'deletion',
        'invalid_token',
        (who) => sendAs(twin, { cookie: boss.cookie }, 'DELETE', `/v1/users/${who.id}`),
      ],
    ];
    for (const [action, code, perform] of actions) {
      const who = await newAdmin();
      const stream = await follow(who.cookie, '?name=user_signed_up');
      expect([action, stream.status]).toEqual([action, 200]);
      const before = await signUp(app, newIp());
      await hasSeen(stream, before.id, 'user_signed_up');
      expect([action, (await perform(who)).status]).toEqual([action, 200]);
      const after = await signUp(app, newIp());
      await stream.ended;
      expect([action, JSON.parse(lastOf(stream)?.data ?? '')]).toMatchObject([action, { code }]);
      expect([action, namesIn(stream, after.id)]).toEqual([action, []]);
    }
    await twin.stop();
  });

  it('ends at the cap of a session, however busy that was', async () => {
    const { cookie: first, sid } = await newAdmin();
    let cookie = first;
    for (let i = 0; i < 27; i++) {
      app.clock.advance(8 * MINUTE + 50 * SECOND);
      const reply = await sendAs(app, { cookie }, 'GET', '/v1/me');
      cookie = /^usher=([^;]+)/.exec(reply.headers.getSetCookie()[0] ?? '')?.[1] ?? cookie;
    }
    const stream = await follow(cookie);
    expect(stream.status).toBe(200);
    expect(claimsOf(cookie).sid).toBe(sid);
    app.clock.advance(MINUTE + 31 * SECOND);
    await stream.ended;
    expect(lastOf(stream)?.event).toBe('end');
  });

  it('begins after the event that it is told, and takes those that are late', async () => {
    const { cookie } = await newAdmin();
    const bob = await signUp(app, newIp());
    const { text } = await sendAs(app, { cookie }, 'GET', `/admin/events.jsonl?user=${bob.id}`);
    const [newest, oldest] = text
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line).id);
    app.clock.advance(5 * MINUTE);
    const query = `?user=${bob.id}`;
    const all = await follow(cookie, `${query}&after=${oldest}`);
    const none = await follow(cookie, `${query}&after=${oldest}`, { 'last-event-id': newest });
    await hasSeen(all, bob.id, 'signed_in');
    const about = { userId: bob.id, actorId: 'operator' };
    const late = app.clock.now() - 5 * SECOND;
    await recordEvents(inside.db, 'user_updated', OPERATOR, [about], app.clock.now());
    for (const stream of [all, none])
      await expect.poll(() => namesIn(stream, bob.id).at(-1)).toBe('user_updated');
    const last = lastOf(none)?.id;
    await recordEvents(inside.db, 'user_enabled', OPERATOR, [about], late);
    await hasSeen(all, bob.id, 'signed_in', 'user_updated', 'user_enabled');
    await hasSeen(none, bob.id, 'user_updated', 'user_enabled');
    // Whoever connects again goes on after the newest, not after the one that came last.
    expect(lastOf(none)?.id).toBe(last);
    all.leave();
    none.leave();
  });

  it('sends a hundred at a time, and says that there are more', async () => {
    const { cookie, id } = await newAdmin();
    const stream = await follow(cookie, `?user=${id}&name=user_updated`);
    const many = Array.from({ length: 150 }, () => ({ userId: id, actorId: null }));
    await recordEvents(inside.db, 'user_updated', OPERATOR, many, app.clock.now());
    await expect.poll(() => eventsIn(stream).length).toBe(100);
    expect(JSON.parse(lastOf(stream)?.data ?? '')).toMatchObject({ is_cut: true });
    stream.leave();
  });

  it('keeps five hundred rows on a page, and says where some are missing', async () => {
    const { cookie, id } = await newAdmin();
    const { page, context, complaints, close } = await visit(browser, app.url);
    await context.addCookies([{ name: 'usher', value: cookie, url: app.url }]);
    await page.goto(`/admin/events?user=${id}&name=user_updated`);
    await page.getByRole('button', { name: 'Live' }).click();
    await page.getByText(/^Live\./).waitFor();
    const rows = page.locator('tbody tr:not(.day)');
    const come = (count: number) => {
      const many = Array.from({ length: count }, () => ({ userId: id, actorId: null }));
      return recordEvents(inside.db, 'user_updated', OPERATOR, many, app.clock.now());
    };
    await come(150);
    await rows.filter({ hasText: 'Some events aren’t shown.' }).waitFor();
    for (const count of [191, 281, 371, 461, 500]) {
      app.clock.advance(SECOND);
      await come(90);
      await expect.poll(() => rows.count()).toBe(count);
    }
    expect(await page.getByText('Some events aren’t shown').count()).toBe(0);
    expect(complaints).toEqual([]);
    await close();
  });

  it('ends for a reader who does not read', async () => {
    const { cookie, id } = await newAdmin();
    const answer = await app.usher.fetch(
      new Request(`${app.url}${PATH}?user=${id}`, { headers: { cookie: `usher=${cookie}` } }),
    );
    const requestId = answer.headers.get('x-request-id') ?? '';
    const end = () => app.log.find((line) => line.includes(requestId) && line.includes('stream ended'));
    await expect
      .poll(async () => {
        const many = Array.from({ length: 100 }, () => ({ userId: id, actorId: null }));
        await recordEvents(inside.db, 'user_updated', OPERATOR, many, app.clock.now());
        return JSON.parse(end() ?? '{}').reason;
      })
      .toBe('slow');
    expect(end()).toContain(`"user":"${id}"`);
    await answer.body?.cancel();
  });

  it('opens twenty and no more, and one as soon as another ends', async () => {
    const { cookie, username, password } = await newAdmin();
    await expect.poll(countOpen).toBe(0);
    // A head has nothing that goes on.
    const head = await send(app, 'HEAD', PATH, undefined, { headers: { cookie: `usher=${cookie}` } });
    expect([head.status, head.headers.get('content-type')]).toEqual([
      200,
      'text/event-stream; charset=utf-8',
    ]);
    expect(await countOpen()).toBe(0);
    const open = await Promise.all(Array.from({ length: MOST }, () => follow(cookie)));
    expect(new Set(open.map(({ status }) => status))).toEqual(new Set([200]));
    expect(await countOpen()).toBe(MOST);
    const { access_token: token } = await login(app, { username, password }, newIp());
    const refused = await send(app, 'GET', PATH, undefined, asBearer(token));
    expect(refused).toMatchObject({ status: 503, body: { code: 'busy' } });
    expect(refused.body.message).toContain('Too many live views are open (20 maximum)');
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
    for (const one of open) one.leave();
    await expect.poll(countOpen).toBe(0);
    // A program may follow, too, as long as its token lasts.
    const program = await listen(app, PATH, asBearer(token).headers ?? {});
    const bob = await signUp(app, newIp());
    await hasSeen(program, bob.id, 'user_signed_up', 'signed_in');
    app.clock.advance(10 * MINUTE);
    await program.ended;
    expect(lastOf(program)?.event).toBe('end');
  });

  it('is for administrators alone', async () => {
    const { browser: user } = await signUp(app, newIp());
    const { cookie, username, password } = await newAdmin();
    const { access_token: token } = await login(app, { username, password }, newIp());
    expect(await user.get(PATH)).toMatchObject({ status: 403, body: { code: 'forbidden' } });
    expect(await new Program(app).get(PATH)).toMatchObject({
      status: 401,
      body: { code: 'unauthenticated' },
    });
    const both = { cookie: `usher=${cookie}`, authorization: `Bearer ${token}` };
    expect((await send(app, 'GET', PATH, undefined, { headers: both })).status).toBe(400);
    expect((await sendAs(app, { cookie }, 'POST', PATH)).status).toBe(405);
  });

  it('ends when the server stops, and is then rejected', async () => {
    const twin = await startTwin(app, database);
    const { cookie } = await newAdmin();
    const stream = await follow(cookie, '', {}, twin);
    expect(stream.status).toBe(200);
    await twin.usher.close();
    await stream.ended;
    // It is not the session that ended, so nothing says so: the page connects again.
    expect(stream.messages.filter(({ event }) => event === 'end')).toEqual([]);
    expect(twin.log.filter((line) => line.includes('stream failed'))).toEqual([]);
    expect(twin.log.filter((line) => line.includes('stream ended'))).toEqual([
      expect.stringContaining('"reason":"stop"'),
    ]);
    expect((await follow(cookie, '', {}, twin)).status).toBe(503);
    await twin.stop();
  });
});
