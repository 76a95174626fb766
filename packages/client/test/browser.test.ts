// The client as it is built, in a real browser: cookies, tabs and other origins as only a browser has them.
import { afterEach, describe, expect, it, onTestFinished } from 'vitest';
import { newIdentifiers, PASSWORD, send } from '../../server/test/support/app.ts';
import { startBrowser, type Visitor, visit } from '../../server/test/support/browser.ts';
import { DAY, MINUTE, SECOND } from '../../server/test/support/clock.ts';
import { sqlite } from '../../server/test/support/postgres.ts';
import { withApp, withStarted } from '../../server/test/support/with-app.ts';
import type { Change } from '../src/changes.ts';
import { openTab, serveApplication, type Tab } from './application.ts';

const browser = withStarted(startBrowser, (it) => it.close());

const visitors: Visitor[] = [];
afterEach(async () => {
  for (const { close } of visitors.splice(0)) await close();
});
/** Somebody's browser. */
async function someone(url: string): Promise<Visitor> {
  const visitor = await visit(browser, url);
  visitors.push(visitor);
  return visitor;
}

const json = (value: unknown) => JSON.stringify(value);
const heardSoon = async (tab: Tab, ...changes: Change[]): Promise<void> => {
  await expect.poll(tab.heard).toEqual(changes);
};

describe('on Usher’s own origin', () => {
  /** What each call to `/v1/refresh` waits for. */
  let holdRenewals: Promise<void> = Promise.resolve();
  let renewals = 0;
  const server = withStarted(
    () =>
      serveApplication(async (request, peer) => {
        if (new URL(request.url).pathname === '/v1/refresh') {
          renewals++;
          await holdRenewals;
        }
        return app.usher.fetch(request, peer);
      }),
    (it) => it.stop(0),
  );
  let url: string;
  const { app } = withApp(sqlite.create, () => {
    url = `http://localhost:${server.port}`;
    return { publicUrl: url };
  });

  /** Two tabs of one browser. */
  async function twoTabs(session: 'cookie' | 'bearer') {
    const visitor = await someone(url);
    const one = await openTab(visitor.page, '/', { url, session });
    const two = await openTab(await visitor.context.newPage(), '/', { url, session });
    return { one, two };
  }

  it('a cookie takes somebody from sign-up to sign-out, and scripts never see it', async () => {
    const { page, context, complaints } = await someone(url);
    // Where there is a document a cookie needs not be asked for.
    const tab = await openTab(page, '/', { url });
    const names = newIdentifiers();
    expect((await tab.ask('me.get()')).error).toMatchObject({ code: 'unauthenticated', status: 401 });
    expect((await tab.ask(`signUp(${json(names)})`)).data).toMatchObject({ message: 'user created!' });
    expect((await tab.ask('me.get()')).data).toMatchObject({ user: { email: names.email } });
    expect((await context.cookies()).find(({ name }) => name === 'usher')).toMatchObject({ httpOnly: true });
    expect(await page.evaluate('[document.cookie, localStorage.length]')).toEqual(['', 0]);
    // Another page of the same browser is signed in, too.
    await page.reload();
    const again = await openTab(page, '/', { url });
    expect((await again.ask('me.get()')).error).toBe(null);
    expect((await again.ask('signOut()')).data).toEqual({ message: 'logout successful!' });
    expect((await again.ask('me.get()')).error?.code).toBe('unauthenticated');
    await heardSoon(again, 'signed_out');
    expect(complaints).toEqual([]);
  });

  it.each(['cookie', 'bearer'] as const)(
    'signing out in one tab is told in the other, by %s',
    async (session) => {
      const { one, two } = await twoTabs(session);
      await one.ask(`signUp(${json(newIdentifiers())})`);
      await heardSoon(two, 'signed_in');
      expect((await two.ask('me.get()')).error).toBe(null);
      await two.ask('signOut()');
      await heardSoon(one, 'signed_in', 'signed_out');
      await heardSoon(two, 'signed_in', 'signed_out');
      expect((await one.ask('me.get()')).error?.code).toBe('unauthenticated');
    },
  );

  it('two tabs that refresh at the same moment send one request, and nobody is signed out', async () => {
    const { one, two } = await twoTabs('bearer');
    await one.ask(`signUp(${json(newIdentifiers())})`);
    const hold = Promise.withResolvers<void>();
    holdRenewals = hold.promise;
    onTestFinished(() => hold.resolve());
    renewals = 0;
    app.clock.advance(10 * MINUTE - 20 * SECOND);
    for (const tab of [one, two]) await tab.advance(10 * MINUTE - 20 * SECOND);
    const both = Promise.all([one.ask('me.get()'), two.ask('me.get()')]);
    // The first one is not answered before the second one waits for its turn.
    const locks = () =>
      one.page.evaluate('navigator.locks.query().then(({ held, pending }) => [held.length, pending.length])');
    await expect.poll(locks).toEqual([1, 1]);
    hold.resolve();
    expect((await both).map(({ error }) => error)).toEqual([null, null]);
    expect(renewals).toBe(1);
    const tokens = await Promise.all(
      [one, two].map((tab) => tab.page.evaluate("localStorage.getItem('usher')")),
    );
    expect(tokens[0]).toEqual(tokens[1]);
    expect([...(await one.heard()), ...(await two.heard())].sort()).toEqual([
      'signed_in',
      'signed_in',
      'token_refreshed',
    ]);
  });

  it.each(['cookie', 'bearer'] as const)(
    'the end of a session is told in every tab, by %s',
    async (session) => {
      const { one, two } = await twoTabs(session);
      const names = newIdentifiers();
      await one.ask(`signUp(${json(names)})`);
      await heardSoon(two, 'signed_in');
      // Ended from elsewhere, which these two do not hear of before one of them asks.
      const elsewhere = await openTab((await someone(url)).page, '/', { url });
      await elsewhere.ask(`signIn(${json({ email: names.email, password: PASSWORD })})`);
      await elsewhere.ask('signOut({ everywhere: true })');
      expect(await one.heard()).toEqual(['signed_in']);
      expect((await one.ask('me.get()')).error?.code).toBe('invalid_token');
      for (const tab of [one, two]) await heardSoon(tab, 'signed_in', 'session_expired');
      expect((await two.ask('me.get()')).data).toBe(null);
      for (const tab of [one, two]) await heardSoon(tab, 'signed_in', 'session_expired');
      expect(await one.page.evaluate('localStorage.length')).toBe(0);
    },
  );

  it('a pause that was too long ends it, too', async () => {
    const { one, two } = await twoTabs('bearer');
    await one.ask(`signUp(${json(newIdentifiers())})`);
    app.clock.advance(15 * DAY);
    await one.advance(15 * DAY);
    expect((await one.ask('me.get()')).error?.code).toBe('unauthenticated');
    for (const tab of [one, two]) await heardSoon(tab, 'signed_in', 'session_expired');
  });
});

describe('on another origin', () => {
  const other = withStarted(
    () => serveApplication(() => new Response('', { status: 404 })),
    (it) => it.stop(0),
  );
  const { app } = withApp(sqlite.create, () => ({
    allowedOrigins: [`http://127.0.0.1:${other.port}`, `http://localhost:${other.port}`],
  }));

  it.each([
    ['bearer', 'of another site', '127.0.0.1'],
    ['bearer', 'of the same site', 'localhost'],
    ['cookie', 'of the same site', 'localhost'],
  ] as const)('a session by %s serves a page %s', async (session, _, host) => {
    const { page } = await someone(`http://${host}:${other.port}`);
    const tab = await openTab(page, '/', { url: app.url, session });
    const names = newIdentifiers();
    expect((await tab.ask(`signUp(${json(names)})`)).error).toBe(null);
    expect((await tab.ask('me.get()')).data).toMatchObject({ user: { email: names.email } });
    expect((await tab.ask(`me.change(${json({ username: `${names.username}x` })})`)).error).toBe(null);
    const wrong = { current_password: 'not this one', new_password: 'Tr0ub4dor and 3' };
    expect((await tab.ask(`me.changePassword(${json(wrong)})`)).error?.code).toBe('invalid_credentials');
    await tab.ask('signOut()');
    expect((await tab.ask('me.get()')).error?.code).toBe('unauthenticated');
    await heardSoon(tab, 'signed_in', 'signed_out');
  });

  it('is told how long to wait', async () => {
    const { page } = await someone(`http://127.0.0.1:${other.port}`);
    const tab = await openTab(page, '/', { url: app.url, session: 'bearer' });
    for (let i = 0; i < 60; i++) await send(app, 'POST', '/v1/restore-email', { token: 'x' });
    expect((await tab.ask("restoreEmail({ token: 'x' })")).error).toMatchObject({
      code: 'too_many_requests',
      retryAfter: expect.any(Number),
    });
  });

  it('reaches nobody from a page that is not named', async () => {
    const { page } = await someone(`http://unnamed.localhost:${other.port}`);
    const tab = await openTab(page, '/', { url: app.url, session: 'bearer' });
    const { error } = await tab.ask(`signUp(${json(newIdentifiers())})`);
    expect(error).toMatchObject({ code: 'network_error', status: 0 });
    expect(error?.message).toContain(
      `add http://unnamed.localhost:${other.port} to its setting USHER_ALLOWED_ORIGINS`,
    );
    // The server says the same to whoever runs it.
    const line =
      app.log.find((one) => one.includes('unnamed.localhost')) ?? expect.fail('nothing was logged');
    expect(JSON.parse(line)).toMatchObject({
      method: 'OPTIONS',
      origin: `http://unnamed.localhost:${other.port}`,
      hint: expect.stringContaining('USHER_ALLOWED_ORIGINS'),
    });
    expect(await tab.heard()).toEqual([]);
  });
});
