// The to-do application on top of Usher: its API, its page, and that it is served with Usher in one process.
import { randomUUID } from 'node:crypto';
import { globSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { beforeAll, describe, expect, it } from 'vitest';
import { MOST } from '../../../../examples/todo/todos.ts';
import { asBearer, type Browser, login, type Reply, send, signUp, type TestApp } from '../support/app.ts';
import { beginRequest } from '../support/begin-request.ts';
import { clientOf, given, signedIn } from '../support/client.ts';
import { MINUTE } from '../support/clock.ts';
import { secretOf } from '../support/form.ts';
import { databases } from '../support/postgres.ts';
import { cookieOf, newFolder, startProcess, submit } from '../support/process.ts';
import { startTodos } from '../support/todos.ts';
import { withDatabase, withStarted } from '../support/with-app.ts';

const root = resolve(import.meta.dirname, '../../../..');

describe.each(databases)('to-dos beside $name', ({ create }) => {
  const database = withDatabase(create);
  const started = withStarted(
    () => startTodos(database),
    (it) => it.stop(),
  );
  let app: TestApp;
  let ada: Awaited<ReturnType<typeof somebody>>;
  beforeAll(async () => {
    app = started.app;
    ada = await somebody();
  });

  /** Someone new, with a browser and with a program. */
  async function somebody() {
    const who = await signUp(app);
    const token = (await login(app, who)).access_token;
    return {
      ...who,
      token,
      ask: (method: string, path = '', body?: unknown): Promise<Reply> =>
        send(app, method, `/api/todos${path}`, body, asBearer(token)),
    };
  }

  it('are listed, read, added, changed, completed and deleted, by token and by cookie', async () => {
    const { ask, browser } = await somebody();
    const made = await ask('POST', '', { text: '  buy milk ' });
    const { id } = made.body.todo;
    expect(made).toMatchObject({ status: 201, body: { todo: { text: 'buy milk', complete: false } } });
    expect(Object.keys(made.body.todo)).toEqual(['id', 'text', 'complete', 'created_at', 'completed_at']);

    const byCookie = await browser.get(`/api/todos/${id}`);
    expect(byCookie).toMatchObject({ status: 200, body: { todo: { id, text: 'buy milk' } } });
    expect(byCookie.headers.get('cache-control')).toBe('no-store');
    const put = await ask('PUT', `/${id}`, { text: 'buy oat milk', complete: true });
    expect(put.body.todo).toMatchObject({ text: 'buy oat milk', complete: true });
    const completedAt = put.body.todo.completed_at;
    expect((await ask('PATCH', `/${id}`, { complete: true })).body.todo.completed_at).toBe(completedAt);
    expect((await ask('PATCH', `/${id}`, { text: 'milk' })).body.todo).toMatchObject({
      text: 'milk',
      complete: true,
    });
    expect((await browser.send('PATCH', `/api/todos/${id}`, { complete: false })).body.todo.complete).toBe(
      false,
    );

    expect((await ask('DELETE', `/${id}`)).status).toBe(204);
    for (const [method, body] of [['GET'], ['DELETE'], ['PATCH', { complete: true }]] as const)
      expect((await ask(method, `/${id}`, body)).body.code).toBe('not_found');
    expect((await ask('GET')).body).toEqual({ todos: [], next_cursor: null });
  });

  it('of another user are not there', async () => {
    const eve = await somebody();
    const { id } = (await ada.ask('POST', '', { text: 'a secret' })).body.todo;
    const nowhere = `/${randomUUID()}`;
    for (const [method, body] of [
      ['GET'],
      ['PUT', { text: 'mine', complete: true }],
      ['PATCH', { complete: true }],
      ['DELETE'],
    ] as const) {
      const reply = await eve.ask(method, `/${id}`, body);
      expect([reply.status, reply.text]).toEqual([404, (await eve.ask(method, nowhere, body)).text]);
    }
    await eve.browser.send('POST', `/todos/${id}/delete`);
    await eve.ask('POST', '', { text: 'her own' });
    // As a place in her own list it is none, and tells nothing about when it was made.
    expect((await eve.ask('GET', `?cursor=${id}`)).body.todos).toMatchObject([{ text: 'her own' }]);
    expect((await eve.browser.get(`/todos?cursor=${id}`)).text).not.toContain('a secret');
    expect((await ada.ask('GET', `/${id}`)).body.todo).toMatchObject({ text: 'a secret', complete: false });
  });

  it('come in pages, newest first', async () => {
    const { ask, browser } = await somebody();
    for (let i = 0; i < 25; i++) await ask('POST', '', { text: `to-do ${i}` });
    const seen: string[] = [];
    let cursor: string | null = '';
    for (let pages = 0; cursor !== null; pages++) {
      const { body }: Reply = await ask('GET', `?limit=10${cursor && `&cursor=${cursor}`}`);
      seen.push(...body.todos.map(({ text }: { text: string }) => text));
      cursor = body.next_cursor;
      expect(pages).toBeLessThan(4);
    }
    expect(seen).toEqual(Array.from({ length: 25 }, (_, i) => `to-do ${24 - i}`));
    const [, older = ''] =
      /href="(\/todos\?cursor=[^"]+)">Older/.exec((await browser.get('/todos')).text) ?? [];
    const last = (await browser.get(older)).text;
    expect([last.includes('to-do 4<'), last.includes('to-do 5<'), last.includes('Older')]).toEqual([
      true,
      false,
      false,
    ]);
  });

  it.each([
    ['POST', '', {}, 'text', 'Text is required'],
    ['POST', '', { text: '   ' }, 'text', 'Text is required'],
    ['POST', '', { text: 'x'.repeat(501) }, 'text', 'Use 500 characters or fewer'],
    ['POST', '', { text: 7 }, 'text', 'Text is required'],
    ['POST', '', { text: 'a', user_id: 'somebody' }, '', 'Unrecognized key: "user_id"'],
    ['POST', '', [], '', 'Invalid input: expected object, received array'],
    ['PUT', '/x', { text: 'a' }, 'complete', 'Use true or false'],
    ['PATCH', '/x', { complete: 'yes' }, 'complete', 'Use true or false'],
    ['PATCH', '/x', {}, '', 'Provide "text", "complete" or both'],
    ['GET', '?limit=0', undefined, 'limit', 'Too small: expected number to be >=1'],
    ['GET', '?page=2', undefined, '', 'Unrecognized key: "page"'],
  ])('%s %s %j names what is wrong', async (method, path, body, field, message) => {
    const reply = await ada.ask(method, path, body);
    expect(reply).toMatchObject({
      status: 400,
      body: { code: 'invalid_request', errors: [{ field, message }] },
    });
    expect(reply.headers.get('content-type')).toContain('application/problem+json');
  });

  it('that are no JSON or too large are rejected, and those above the quota', async () => {
    const { ask, token, id } = await somebody();
    const raw = { ...asBearer(token), raw: '{' };
    expect((await send(app, 'POST', '/api/todos', undefined, raw)).body.code).toBe('invalid_request');
    const large = { text: 'x'.repeat(20_000) };
    expect((await ask('POST', '', large)).body).toMatchObject({ status: 413, code: 'content_too_large' });

    const rows = new DatabaseSync(started.file);
    rows.exec(`WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${MOST - 1})
      INSERT INTO todos (id, user_id, text, created_at) SELECT '${id}-' || i, '${id}', 'full', 1 FROM n`);
    rows.close();
    const both = await Promise.all([
      ask('POST', '', { text: 'last' }),
      ask('POST', '', { text: 'one more' }),
    ]);
    expect(both.map(({ status }) => status).sort()).toEqual([201, 409]);
    expect((await ask('POST', '', { text: 'again' })).body).toMatchObject({
      code: 'quota_reached',
      status: 409,
    });
    expect((await (await somebody()).ask('POST', '', { text: 'mine' })).status).toBe(201);
  });

  it('need a session that is good at this moment, from one’s own pages', async () => {
    const who = await somebody();
    const { ask, browser, token } = who;
    const silent = await send(app, 'GET', '/api/todos');
    expect([silent.status, silent.headers.get('www-authenticate')]).toEqual([401, 'Bearer realm="usher"']);
    const both = { headers: { authorization: `Bearer ${token}`, cookie: `usher=${browser.cookie}` } };
    expect((await send(app, 'GET', '/api/todos', undefined, both)).body.code).toBe('multiple_credentials');
    const elsewhere = { origin: 'https://attacker.example', 'sec-fetch-site': 'cross-site' };
    for (const path of ['/api/todos', '/todos'])
      expect((await browser.send('POST', path, { text: 'x' }, elsewhere)).body.code).toBe(
        'cross_site_request',
      );
    expect((await ask('GET')).body.todos).toEqual([]);

    await send(app, 'POST', '/v1/logout', undefined, asBearer(token));
    expect((await ask('GET')).body.code).toBe('invalid_token');
    const program = await signedIn(app, who);
    expect((await program.fetch(`${app.url}/api/todos`)).status).toBe(200);
    await program.signOut();
    expect((await program.fetch(`${app.url}/api/todos`)).status).toBe(401);
    await browser.post('/v1/logout-everywhere');
    expect((await browser.get('/api/todos')).status).toBe(401);
  });

  it('are not added by a session that is revoked before the body comes', async () => {
    const { token } = await somebody();
    const late = await beginRequest(
      app,
      'POST',
      '/api/todos',
      { authorization: `Bearer ${token}` },
      { text: 'late' },
    );
    const inTime = await beginRequest(
      app,
      'POST',
      '/api/todos',
      { authorization: `Bearer ${ada.token}` },
      {
        text: 'in time',
      },
    );
    await send(app, 'POST', '/v1/logout', undefined, asBearer(token));
    expect([await late.finish(), await inTime.finish()]).toEqual([401, 201]);
    const rows = new DatabaseSync(started.file);
    expect(rows.prepare("SELECT 1 FROM todos WHERE text = 'late'").all()).toEqual([]);
    rows.close();
  });

  it('slide the cookie like Usher’s own pages', async () => {
    const { browser } = await somebody();
    for (let i = 0; i < 3; i++) {
      const before = browser.cookie;
      app.clock.advance(9 * MINUTE);
      const reply = await browser.get(i === 1 ? '/todos' : '/api/todos');
      expect(reply.status).toBe(200);
      expect(reply.headers.getSetCookie()).toEqual([
        expect.stringMatching(/^usher=.+; Path=\/; HttpOnly; SameSite=Lax/),
      ]);
      expect(browser.cookie).not.toBe(before);
    }
    app.clock.advance(10 * MINUTE);
    expect((await browser.get('/api/todos')).body.code).toBe('invalid_token');
  });

  describe('on the page', () => {
    const form = (browser: Browser, path: string, fields: Record<string, string> = {}) =>
      send(app, 'POST', path, undefined, {
        raw: new URLSearchParams(fields).toString(),
        headers: {
          cookie: `usher=${browser.cookie}`,
          origin: app.url,
          'content-type': 'application/x-www-form-urlencoded',
        },
      });

    it('are added, completed, reopened and deleted with plain forms', async () => {
      const { browser, username } = await somebody();
      const empty = await browser.get('/todos');
      expect(empty.text).toContain('No to-dos yet.');
      expect(empty.text).toContain(username);
      expect(empty.text).not.toMatch(/<script|style=|onclick/);
      expect(empty.headers.get('content-security-policy')).toMatch(/^default-src 'none';/);

      const hostile = '"><script>alert(1)</script>';
      const added = await form(browser, '/todos', { text: hostile });
      expect([added.status, added.headers.get('location')]).toEqual([303, '/todos']);
      const { text } = await browser.get('/todos');
      expect(text).toContain('&lt;script&gt;alert(1)');
      expect(text).not.toContain('<script');

      const pathOf = async (act: string) =>
        new RegExp(`action="(/todos/[^"]+/${act})"`).exec((await browser.get('/todos')).text)?.[1] ?? '';
      expect((await form(browser, await pathOf('complete'))).status).toBe(303);
      expect((await browser.get('/api/todos')).body.todos).toMatchObject([{ complete: true }]);
      await form(browser, await pathOf('reopen'));
      expect((await browser.get('/api/todos')).body.todos).toMatchObject([{ complete: false }]);
      const gone = await pathOf('delete');
      await form(browser, gone);
      expect((await browser.get('/api/todos')).body.todos).toEqual([]);
      // Pressed twice.
      expect((await form(browser, gone)).status).toBe(303);
    });

    it('a rejected one keeps what was typed, and says why beside it', async () => {
      const { browser } = await somebody();
      const typed = `"${'long '.repeat(120)}`;
      const refused = await form(browser, '/todos', { text: typed });
      expect(refused.status).toBe(400);
      expect(refused.text).toContain(
        '<span id="text-error" class="error">Use 500 characters or fewer</span>',
      );
      expect(refused.text).toContain(`value="&quot;long `);
      expect((await form(browser, '/todos')).text).toContain('Text is required');
    });

    it('send whoever is not signed in to the sign-in, and back', async () => {
      const reply = await send(app, 'GET', '/todos');
      expect([reply.status, reply.headers.get('location')]).toEqual([303, '/sign-in?return_to=/todos']);
      expect(reply.headers.get('cache-control')).toBe('no-store');
    });
  });

  it('leave all else to Usher', async () => {
    expect((await send(app, 'GET', '/healthz')).body).toEqual({ status: 'ok' });
    expect((await send(app, 'GET', '/assets/usher.css')).headers.get('content-type')).toContain('text/css');
    expect((await send(app, 'GET', '/nowhere')).body.code).toBe('not_found');
  });
});

it('npm start serves it with Usher in one process, and stops both', async () => {
  const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  expect(scripts.start).toMatch(/ serve --app examples\/todo\/app\.ts$/);
  const cwd = newFolder();
  const args = ['--app', join(root, 'examples/todo/app.ts')];
  const started = await startProcess({ database: `sqlite:${join(cwd, 'usher.db')}`, cwd, args });
  const names = { username: 'ada', email: 'ada@example.org', password: 'correct horse battery staple' };
  const ada = clientOf(started);
  given(await ada.signUp(names));
  const headers = { 'content-type': 'application/json' };
  const body = JSON.stringify({ text: 'read' });
  expect((await ada.fetch(`${started.url}/api/todos`, { method: 'POST', headers, body })).status).toBe(201);
  // Everything leads to the application: the first lines, the end of the set-up, the dashboard.
  expect(started.logs()).toContain(`app        ${started.url}/todos`);
  const token = secretOf(started.setUpLink ?? '');
  const admin = { token, username: 'root', email: 'root@example.org', password: names.password };
  const done = await submit(started, '/setup', admin);
  expect([done.status, done.text.includes('href="/todos">To-dos<')]).toEqual([201, true]);
  const cookie = `usher=${cookieOf(done)}`;
  const { host } = new URL(started.url);
  const dashboard = await send(started, 'GET', '/dashboard', undefined, { headers: { cookie, host } });
  expect(dashboard.text).toMatch(/href="\/todos"[^>]*>Open To-dos</);
  expect(await started.kill('SIGTERM')).toEqual({ code: 0, signal: null });
  expect(globSync('*.db*', { cwd }).sort()).toEqual(['todos.db', 'usher.db']);
});

it('can be read as a tutorial: 300 lines at most', () => {
  const files = globSync('examples/todo/**/*.ts', { cwd: root, exclude: ['**/node_modules/**'] });
  const lines = files.map((file) => readFileSync(join(root, file), 'utf8').trimEnd().split('\n').length);
  expect(lines.reduce((sum, count) => sum + count, 0)).toBeLessThanOrEqual(300);
  expect(files.length).toBe(3);
});
