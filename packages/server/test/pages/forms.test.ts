// What a form of another site, another browser or another session can do here: nothing. And where a form may lead.
import { beforeAll, describe, expect, it } from 'vitest';
import { routes } from '../../src/routes.ts';
import { Browser, newIdentifiers, PASSWORD, send, signUp } from '../support/app.ts';
import { DAY } from '../support/clock.ts';
import { formTokenFor, submit } from '../support/form.ts';
import { databases } from '../support/postgres.ts';
import { withApp } from '../support/with-app.ts';

const LISTED = 'https://app.example.org';
const html = { accept: 'text/html,application/xhtml+xml' };

describe.each(databases)('forms on $name', ({ create }) => {
  const { app } = withApp(create, { allowedOrigins: [LISTED] });
  let user: Awaited<ReturnType<typeof signUp>>;
  beforeAll(async () => {
    user = await signUp(app);
  });

  /** Whoever is signed in is led on at once. */
  const ledTo = async (wish: string) => {
    const headers = { cookie: `usher=${user.browser.cookie}` };
    const query = new URLSearchParams({ return_to: wish });
    return (await send(app, 'GET', `/sign-in?${query}`, undefined, { headers })).headers.get('location');
  };

  describe('O1: where one goes after signing in', () => {
    it.each([
      ['/todos', '/todos'],
      ['/dashboard/sessions?a=b#c', '/dashboard/sessions?a=b#c'],
      ['/a/../b', '/b'],
      ['/%2f%2fevil.example', '/%2f%2fevil.example'],
      ['/@evil.example', '/@evil.example'],
      [`${LISTED}/inbox?a=b`, `${LISTED}/inbox?a=b`],
      [`${LISTED}/`, `${LISTED}/`],
    ])('is %s', async (wish, place) => {
      expect(await ledTo(wish)).toBe(place);
    });

    it.each([
      '//evil.example',
      '///evil.example',
      '/\\evil.example',
      '\\\\evil.example',
      '/.//evil.example',
      '/..//evil.example',
      '/%2e//evil.example',
      'https:evil.example',
      'https:/evil.example',
      'https://evil.example/',
      'http://evil.example/',
      `${LISTED}.evil.example/`,
      `${LISTED}@evil.example/`,
      `${LISTED}:444/`,
      'http://app.example.org/',
      'https://user@app.example.org/',
      '@evil.example',
      'javascript:alert(1)',
      'JaVaScRiPt:alert(1)',
      'data:text/html,x',
      'evil.example',
      '\t//evil.example',
      '/\t/evil.example',
      ' //evil.example',
      '/\r\nset-cookie: a=b',
      '/\u2044evil.example',
      '\uff0f\uff0fevil.example',
      '/\u{1f4a9}',
      '',
    ])('is never %j', async (wish) => {
      // What no form or query can hold is refused as such, and leads nowhere either.
      expect((await ledTo(wish)) ?? '/dashboard').toBe('/dashboard');
      for (const path of ['/sign-in', '/sign-up']) {
        const page = await send(app, 'GET', `${path}?${new URLSearchParams({ return_to: wish })}`);
        expect(page.text).not.toMatch(/evil|alert|name="return_to"/);
      }
    });

    it('is asked of the form once more: it need not be the one of the page', async () => {
      const places = async (path: string, fields: Record<string, string>) => {
        const reply = await submit(app, path, fields);
        expect(reply.status).toBe(303);
        return reply.headers.get('location');
      };
      const name = { name: user.username, password: PASSWORD };
      expect(await places('/sign-in', { ...name, return_to: '//evil.example' })).toBe('/dashboard');
      expect(await places('/sign-in', { ...name, return_to: `${LISTED}/inbox` })).toBe(`${LISTED}/inbox`);
      expect(await places('/sign-in', { ...name, return_to: `/${'a'.repeat(1_000)}` })).toBe('/dashboard');
      const evil = await places('/sign-up', { ...newIdentifiers(), return_to: 'https:/evil.example' });
      expect(evil).toBe('/dashboard?done=welcome');
    });

    it('is the page that asked for it, and a listed origin only where its policy says so', async () => {
      const asked = await send(app, 'GET', '/dashboard/sessions?x=1', undefined, { headers: html });
      expect([asked.status, asked.headers.get('location')]).toEqual([
        303,
        '/sign-in?return_to=%2Fdashboard%2Fsessions%3Fx%3D1',
      ]);
      const page = await send(app, 'GET', '/sign-in');
      expect(page.headers.get('content-security-policy')).toContain(`form-action 'self' ${LISTED}`);
      const other = await send(app, 'GET', '/forgot-password');
      expect(other.headers.get('content-security-policy')).toMatch(/form-action 'self'(;|$)/);
    });
  });

  it('C16: show nothing that a URL says', async () => {
    const marks = ['error', 'error_hint', 'message', 'return_to', 'done', 'username', 'email', 'name'];
    const pages = routes.filter(
      ({ isPage, method, access }) => isPage && method === 'GET' && access === 'public',
    );
    const paths = pages.map(({ path }) => path).filter((path) => !path.includes(':'));
    expect(paths.length).toBeGreaterThan(5);
    for (const path of [...paths, '/nothing'])
      for (const mark of marks) {
        const address = `${path}?${mark}=${encodeURIComponent('<b>hello-there</b>')}`;
        const page = await send(app, 'GET', address, undefined, { headers: html });
        expect([address, page.text.includes('hello-there')]).toEqual([address, false]);
      }
  });

  describe('C6: the token of a form', () => {
    const fields = () => ({ name: user.username, password: PASSWORD });
    const rename = (token: string, cookie = user.browser.cookie) =>
      submit(app, '/dashboard/profile', { username: 'mallory', form_token: token }, { cookie });

    it('is asked for before there is a session: nobody is signed in to another’s account', async () => {
      const [mine, yours] = [formTokenFor(app), 'C'.repeat(22)];
      const headers = { origin: '', 'sec-fetch-site': '' };
      for (const [token, cookie] of [
        ['', mine.cookies],
        ['x'.repeat(43), mine.cookies],
        [mine.form_token, `usher-form=${yours}`],
        [mine.form_token, ''],
      ] as const) {
        const reply = await submit(
          app,
          '/sign-in',
          { ...fields(), form_token: token },
          { headers: { cookie } },
        );
        expect([token, cookie, reply.status, reply.body?.code]).toEqual([token, cookie, 403, 'form_expired']);
        expect(reply.headers.has('set-cookie')).toBe(false);
      }
      // A browser so old that it says nothing of itself is held to the token all the more.
      const silent = { 'content-type': 'application/x-www-form-urlencoded' };
      const raw = new URLSearchParams(fields()).toString();
      const reply = await send(app, 'POST', '/sign-in', undefined, { raw, headers: silent });
      expect([headers.origin, reply.status, reply.body.code]).toEqual(['', 403, 'form_expired']);
    });

    it('is good for one session alone', async () => {
      const other = await signUp(app);
      const again = new Browser(app);
      await again.post('/v1/signin', { username: user.username, password: PASSWORD });
      for (const token of [
        formTokenFor(app).form_token,
        formTokenFor(app, other.browser.cookie).form_token,
        formTokenFor(app, again.cookie).form_token,
        '',
      ]) {
        const reply = await rename(token);
        expect([reply.status, reply.body.code]).toEqual([403, 'form_expired']);
      }
      expect((await user.browser.get('/v1/me')).body.user.username).toBe(user.username);
      const { username } = newIdentifiers();
      const good = await submit(app, '/dashboard/profile', { username }, { cookie: user.browser.cookie });
      expect([good.status, good.headers.get('location')]).toEqual([303, '/dashboard/profile?done=saved']);
      user = { ...user, username };
    });

    it('is told to a person who has an old one, with the way to a new one', async () => {
      const reply = await submit(
        app,
        '/sign-in',
        { ...fields(), form_token: 'old' },
        { headers: { ...html, cookie: formTokenFor(app).cookies } },
      );
      expect(reply.status).toBe(403);
      expect(reply.text).toContain('This form has expired');
      expect(reply.text).toContain('href="/sign-in"');
      expect(reply.text).not.toContain(PASSWORD);
    });

    it('is still good when a browser was left with it for a day, and the sign-out always is', async () => {
      const page = await send(app, 'GET', '/sign-in');
      expect(page.headers.getSetCookie()).toEqual([
        expect.stringMatching(/^usher-form=[\w-]{22}; Path=\/; HttpOnly; SameSite=Lax; Max-Age=86400$/),
      ]);
      app.clock.advance(DAY);
      const cookie = page.headers.get('set-cookie')?.split(';', 1)[0] ?? '';
      const form_token = /name="form_token" value="([^"]+)"/.exec(page.text)?.[1] ?? '';
      const reply = await submit(app, '/sign-in', { ...fields(), form_token }, { headers: { cookie } });
      expect(reply.status).toBe(303);
      for (const headers of [{ cookie: '' }, { cookie: `usher=${user.browser.cookie}` }]) {
        const left = await submit(app, '/sign-out', {}, { cookie: user.browser.cookie, headers });
        expect([left.status, left.headers.get('location')]).toEqual([303, '/sign-in?done=signed-out']);
        expect(left.headers.get('clear-site-data')).toBe('"cache"');
        expect(left.headers.get('set-cookie')).toMatch(/^usher=; .*Max-Age=0/);
      }
    });
  });

  it('E1: a rejected sign-in shows the same page to everybody', async () => {
    const shown = async (name: string) => {
      const reply = await submit(app, '/sign-in', { name, password: 'wrong wrong wrong' });
      return [reply.status, reply.text.replaceAll(name, 'NAME'), [...reply.headers.keys()]];
    };
    expect(await shown(user.username)).toEqual(await shown('nobodyhere'));
    const asked = async (email: string) => {
      const reply = await submit(app, '/forgot-password', { email });
      return [reply.status, reply.text.replaceAll(email, 'ADDRESS'), [...reply.headers.keys()]];
    };
    expect(await asked(user.email)).toEqual(await asked('nobody@example.org'));
  });

  it('all others of a user’s sessions end, and no one else’s', async () => {
    const [first, second] = [await signUp(app), await signUp(app)];
    const elsewhere = new Browser(app);
    await elsewhere.post('/v1/signin', { username: first.username, password: PASSWORD });
    const reply = await submit(
      app,
      '/dashboard/sessions',
      { others: 'end' },
      { cookie: first.browser.cookie },
    );
    expect([reply.status, reply.headers.get('location')]).toEqual([303, '/dashboard/sessions?done=others']);
    expect((await elsewhere.get('/v1/me')).status).toBe(401);
    expect((await first.browser.get('/v1/me')).status).toBe(200);
    expect((await second.browser.get('/v1/me')).status).toBe(200);
    const { events } = (await first.browser.get('/v1/dashboard')).body;
    expect(events[0].name).toBe('other_sessions_revoked');
  });

  it('my data is mine: everything that is kept of me, and no secret', async () => {
    const mine = await signUp(app);
    const reply = await mine.browser.get('/v1/me/data');
    expect(reply.headers.get('content-disposition')).toBe('attachment; filename="my-data.json"');
    expect(reply.body.user).toMatchObject({ id: mine.id, username: mine.username, email: mine.email });
    expect(reply.body.sessions).toHaveLength(1);
    expect(reply.body.events.map(({ name }: { name: string }) => name)).toContain('user_signed_up');
    expect(reply.text).not.toMatch(/argon2|hash|secret/);
    expect(reply.text).not.toContain(user.email);
    expect((await send(app, 'GET', '/v1/me/data')).status).toBe(401);
  });
});
