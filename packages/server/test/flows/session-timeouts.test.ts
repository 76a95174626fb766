import { describe, expect, it } from 'vitest';
import { configFromOptions } from '../../src/config.ts';
import { sessionTimeoutsOf } from '../../src/core/sessions/timeouts.ts';
import { cleanUp } from '../../src/jobs/cleanup.ts';
import { Browser, NEW_PASSWORD, PASSWORD, type Reply, send, signUp } from '../support/app.ts';
import { DAY, HOUR, MINUTE, SECOND } from '../support/clock.ts';
import { submit } from '../support/form.ts';
import { databases } from '../support/postgres.ts';
import { withApp } from '../support/with-app.ts';

/** How long sessions last with “Keep me signed in”. */
const keeping = sessionTimeoutsOf(configFromOptions({ keepSignedIn: '30d' }));

const sessionCookie = ({ headers }: Reply): string =>
  headers.getSetCookie().find((one) => one.startsWith('usher=')) ?? '';
const maxAge = (reply: Reply): number => Number(/Max-Age=(\d+)/.exec(sessionCookie(reply))?.[1]);

describe.each(databases)('session timeouts on $name', ({ create }) => {
  describe('as the settings say', () => {
    const { app } = withApp(create, {
      sessionIdle: '30m',
      sessionMax: '1h',
      refreshIdle: '2h',
      refreshMax: '3h',
    });
    const isSignedIn = async (browser: Browser) => (await browser.get('/v1/me')).status === 200;

    it('end a cookie session that is not used, or has lasted its time', async () => {
      const { browser } = await signUp(app);
      app.clock.advance(30 * MINUTE - SECOND);
      const reply = await browser.get('/v1/me');
      expect(reply.status).toBe(200);
      expect(maxAge(reply)).toBe(1_800);
      app.clock.advance(30 * MINUTE - SECOND);
      // Two seconds are left of the hour.
      expect(maxAge(await browser.get('/v1/me'))).toBe(2);
      app.clock.advance(2 * SECOND);
      expect(await isSignedIn(browser)).toBe(false);

      const { browser: idle } = await signUp(app);
      app.clock.advance(30 * MINUTE);
      expect(await isSignedIn(idle)).toBe(false);
    });

    it('tell the script of a page', async () => {
      const { browser } = await signUp(app);
      const { text } = await browser.get('/dashboard');
      expect(text).toContain(`data-idle="${30 * MINUTE}"`);
      expect(Number(/data-left="(\d+)"/.exec(text)?.[1])).toBeLessThanOrEqual(HOUR);
    });

    it('end a bearer session that is not refreshed, or has lasted its time', async () => {
      const { email } = await signUp(app);
      const logIn = async () =>
        (await send(app, 'POST', '/v1/login', { email, password: PASSWORD })).body.refresh_token;
      const refresh = (refresh_token: string) => send(app, 'POST', '/v1/refresh', { refresh_token });
      const unused = await logIn();
      let used = await logIn();
      app.clock.advance(2 * HOUR - SECOND);
      used = (await refresh(used)).body.refresh_token;
      app.clock.advance(SECOND);
      expect((await refresh(unused)).status).toBe(401);
      app.clock.advance(HOUR - 2 * SECOND);
      const last = await refresh(used);
      expect(last.status).toBe(200);
      expect(last.body.expires_in).toBeLessThanOrEqual(2);
      app.clock.advance(2 * SECOND);
      expect((await refresh(last.body.refresh_token)).status).toBe(401);
    });
  });

  describe('“Keep me signed in”', () => {
    const { app, inside } = withApp(create, { keepSignedIn: '30d' });
    const signIn = async (email: string, choice: object = { keep_signed_in: true }) => {
      const browser = new Browser(app);
      const reply = await browser.post('/v1/signin', { email, password: PASSWORD, ...choice });
      expect(reply.status).toBe(200);
      return { browser, reply };
    };

    it('keeps a session for days without a request, and no longer than it says', async () => {
      const { email } = await signUp(app);
      const { browser, reply } = await signIn(email);
      expect(maxAge(reply)).toBe((14 * DAY) / SECOND);
      app.clock.advance(14 * DAY - SECOND);
      expect((await browser.get('/v1/me')).status).toBe(200);
      app.clock.advance(14 * DAY - SECOND);
      const sessions = (await browser.get('/v1/me/sessions')).body.sessions;
      expect(sessions).toHaveLength(1);
      app.clock.advance(SECOND);
      expect(maxAge(await browser.get('/v1/me'))).toBe((2 * DAY) / SECOND + 1);
      await cleanUp({ db: inside.db, clock: app.clock, sessionTimeouts: keeping });
      app.clock.advance(2 * DAY);
      expect((await browser.get('/v1/me')).status).toBe(200);
      app.clock.advance(SECOND);
      expect((await browser.get('/v1/me')).status).toBe(401);
    });

    it('keeps no session for which it was not chosen', async () => {
      const { email } = await signUp(app);
      for (const choice of [{ keep_signed_in: false }, {}]) {
        const { browser, reply } = await signIn(email, choice);
        expect(maxAge(reply)).toBe(600);
        app.clock.advance(10 * MINUTE);
        expect((await browser.get('/v1/me')).status).toBe(401);
      }
    });

    it('ends a kept session that is not used', async () => {
      const { email } = await signUp(app);
      const { browser } = await signIn(email);
      app.clock.advance(14 * DAY);
      expect((await browser.get('/v1/me')).status).toBe(401);
    });

    it('is offered on the sign-in page, and shown with the device', async () => {
      const { email } = await signUp(app);
      const { text } = await send(app, 'GET', '/sign-in');
      expect(text).toMatch(/<input id="keep_signed_in" name="keep_signed_in" type="checkbox"\/?>/);
      const rejected = await submit(app, '/sign-in', {
        name: email,
        password: 'wrong',
        keep_signed_in: 'on',
      });
      expect(rejected.text).toMatch(/type="checkbox" checked/);
      const kept = await submit(app, '/sign-in', { name: email, password: PASSWORD, keep_signed_in: 'on' });
      expect(kept.status).toBe(303);
      expect(maxAge(kept)).toBe((14 * DAY) / SECOND);
      const cookie = sessionCookie(kept).split(';')[0] ?? '';
      const devices = await send(app, 'GET', '/dashboard/sessions', undefined, { headers: { cookie } });
      expect(devices.text.match(/Stays signed in until/g)).toHaveLength(1);
    });

    it('never keeps an administrator, nor one who became an administrator later', async () => {
      const admin = await signUp(app);
      const { browser } = await signIn(admin.email);
      app.clock.advance(5 * MINUTE);
      expect((await browser.get('/v1/me')).status).toBe(200);
      await inside.promote(admin.id);
      app.clock.advance(10 * MINUTE);
      expect((await browser.get('/v1/me')).status).toBe(401);
      const again = await signIn(admin.email);
      expect(maxAge(again.reply)).toBe(600);
      expect((await again.browser.get('/v1/me/sessions')).body.sessions[0].kept_until).toBeNull();
    });

    it('lasts no longer after a new password than it would have', async () => {
      const { email } = await signUp(app);
      const { browser } = await signIn(email);
      const end = async () => (await browser.get('/v1/dashboard')).body.session.kept_until;
      const before = await end();
      app.clock.advance(10 * DAY);
      const changed = await browser.send('PUT', '/v1/me/password', {
        current_password: PASSWORD,
        new_password: NEW_PASSWORD,
      });
      expect(changed.status).toBe(200);
      expect(await end()).toBe(before);
      app.clock.advance(13 * DAY);
      expect((await browser.get('/v1/me')).status).toBe(200);
      app.clock.advance(7 * DAY);
      expect((await browser.get('/v1/me')).status).toBe(401);
    });
  });

  describe('“Keep me signed in” that is off', () => {
    const { app } = withApp(create);

    it('is neither offered nor has an effect', async () => {
      const { email } = await signUp(app);
      expect((await send(app, 'GET', '/sign-in')).text).not.toContain('keep_signed_in');
      const body = { email, password: PASSWORD, keep_signed_in: true };
      expect(maxAge(await send(app, 'POST', '/v1/signin', body))).toBe(600);
    });
  });
});
