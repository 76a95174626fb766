import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { makeSetUpLink } from '../../src/app.ts';
import { configFromOptions } from '../../src/config.ts';
import { openContext } from '../../src/open-context.ts';
import { Browser, newIdentifiers, send, sendBytes } from '../support/app.ts';
import { SECOND } from '../support/clock.ts';
import { openLink, secretOf, submit } from '../support/form.ts';
import { databases } from '../support/postgres.ts';
import { withApp } from '../support/with-app.ts';

describe.each(databases)('logs on $name', ({ create }) => {
  const metricsToken = `metrics-${randomBytes(12).toString('hex')}`;
  const { app, database, inside } = withApp(create, { metricsToken });

  const metrics = async () =>
    (await send(app, 'GET', '/metrics', undefined, { headers: { authorization: `Bearer ${metricsToken}` } }))
      .text;

  /** Every column of every row of every table, and the very bytes of the files where there are files. */
  async function everythingStored(): Promise<string> {
    const { db } = inside;
    const rows: unknown[] = [];
    for (const { name } of await db.introspection.getTables())
      rows.push(
        await db
          .selectFrom(name as 'users')
          .selectAll()
          .execute(),
      );
    const file = database.url.startsWith('sqlite:') ? database.url.slice('sqlite:'.length) : undefined;
    const bytes = file ? ['', '-wal'].map((end) => readFileSync(`${file}${end}`, 'latin1')) : [];
    return [JSON.stringify(rows), ...bytes].join('\n');
  }

  it('L1: no secret is in a log, an event, a metric or the database, wherever it was written', async () => {
    const secrets: Record<string, string> = { secret: app.secret, metricsToken };
    /** A secret that nothing else in the context looks like. */
    const canary = (what: string): string => {
      secrets[what] = `Canary-${randomBytes(9).toString('hex')}`;
      return secrets[what];
    };
    const keep = (what: string, value: string | undefined): string => {
      expect(value, what).toMatch(/.{20}/);
      secrets[what] = value ?? '';
      return secrets[what];
    };
    const basic = (name: string, password: string) => ({
      authorization: `Basic ${Buffer.from(`${name}:${password}`).toString('base64')}`,
    });

    // The link that makes the first administrator.
    const settings = configFromOptions({ database: database.url, secret: app.secret, publicUrl: app.url });
    const { context, close } = await openContext(settings, { clock: app.clock });
    const link = new URL((await makeSetUpLink(context)) ?? expect.fail('no link'));
    await close();
    const token = keep('set-up link', secretOf(link.href));
    expect((await openLink(app, '/setup', link.href)).status).toBe(200);
    await openLink(app, '/setup', canary('wrong set-up link'));
    await send(app, 'GET', `/setup?token=${canary('set-up link in an address')}`);
    const admin = { ...newIdentifiers(), password: canary('password of the administrator') };
    const refused = await submit(app, '/setup', {
      token,
      ...admin,
      email: 'none',
      password: canary('password in a refused form'),
    });
    expect(refused.status).toBe(400);
    expect(refused.text).not.toContain('Canary');
    const made = await submit(app, '/setup', { token, ...admin });
    expect(made.status).toBe(201);
    keep('cookie of the administrator', /usher=([^;]+)/.exec(made.headers.get('set-cookie') ?? '')?.[1]);

    // Right passwords, on every path.
    const user = { ...newIdentifiers(), password: canary('password') };
    const browser = new Browser(app);
    expect((await browser.post('/v1/signup', user)).status).toBe(201);
    keep('cookie', browser.cookie);
    app.clock.advance(2 * SECOND);
    await browser.get('/v1/dashboard');
    keep('cookie that slid', browser.cookie);
    const login = await send(app, 'POST', '/v1/login', undefined, {
      headers: basic(user.email, user.password),
    });
    keep('Basic header', basic(user.email, user.password).authorization.slice('Basic '.length));
    keep('access token', login.body.access_token);
    const refresh = keep('refresh token', login.body.refresh_token);
    const next = await send(app, 'POST', '/v1/refresh', { refresh_token: refresh });
    keep('next access token', next.body.access_token);
    keep('next refresh token', next.body.refresh_token);
    const change = { current_password: user.password, new_password: canary('new password') };
    expect((await browser.send('PUT', '/v1/me/password', change)).status).toBe(200);
    keep('cookie after the change', browser.cookie);
    const console = new Browser(app);
    await console.post('/v1/signin', { email: admin.email, password: admin.password });
    keep('cookie of the console', console.cookie);
    const { username, email } = newIdentifiers();
    keep('generated password', (await console.post('/v1/users', { username, email })).body.password);

    // Secrets in the wrong place.
    const from = '198.51.100.1';
    await send(
      app,
      'POST',
      '/v1/signin',
      { username: user.username, password: canary('wrong password') },
      { from },
    );
    await send(
      app,
      'POST',
      '/v1/signin',
      { username: canary('password as user name'), password: 'x' },
      { from },
    );
    await send(
      app,
      'POST',
      '/v1/signin',
      { email: `${canary('password in an address')}@example.org`, password: 'x' },
      { from },
    );
    await send(app, 'POST', '/v1/login', undefined, {
      from,
      headers: basic(canary('password as name'), canary('wrong in Basic')),
    });
    await send(app, 'POST', '/v1/login', undefined, {
      headers: { authorization: `Basic ${canary('not base64')}` },
    });
    await send(app, 'POST', '/v1/signin', { [canary('password as a field')]: 'x' });
    await send(app, 'POST', '/v1/signin', undefined, { raw: `{"password":"${canary('in broken JSON')}` });
    await send(app, 'POST', '/v1/signin', undefined, {
      raw: `"${canary('in a body that is too large')}${'x'.repeat(20_000)}"`,
    });
    await send(app, 'POST', '/v1/signin', undefined, {
      raw: canary('in text'),
      headers: { 'content-type': 'text/plain' },
    });
    await send(app, 'POST', '/v1/signup', {
      ...newIdentifiers(),
      username: user.username,
      password: canary('password of who is refused'),
    });
    await send(app, 'POST', `/v1/signin?password=${canary('in a query')}`, { username: user.username });
    await send(app, 'GET', `/v1/me/${canary('in a path')}`);
    await send(app, 'GET', `/v1/users/${canary('as an id')}`);
    await console.get(`/v1/users/${canary('as an id to an admin')}`);
    await console.get(`/v1/users?search=${canary('in a search')}`);
    await send(app, 'GET', '/v1/me', undefined, {
      headers: { authorization: `Bearer ${canary('wrong bearer')}` },
    });
    await send(app, 'GET', '/v1/me', undefined, { headers: { authorization: canary('another scheme') } });
    await send(app, 'GET', '/v1/me', undefined, { headers: { cookie: `usher=${canary('wrong cookie')}` } });
    await send(app, 'GET', '/v1/me', undefined, { headers: { cookie: `${canary('cookie name')}=1` } });
    await send(app, 'GET', '/v1/me', undefined, {
      headers: { 'x-api-key': canary('header'), referer: `${app.url}/${canary('referer')}` },
    });
    await send(app, 'GET', '/v1/me', undefined, { headers: { host: `${canary('host')}.example` } });
    await send(app, 'POST', '/v1/logout', undefined, {
      headers: { origin: `https://${canary('origin')}.example` },
    });
    await send(app, 'GET', '/metrics', undefined, {
      headers: { authorization: `Bearer ${canary('wrong metrics token')}` },
    });
    await send(app, 'POST', '/v1/refresh', { refresh_token: canary('wrong refresh token') });
    await send(app, 'POST', '/v1/refresh', { refresh_token: `${refresh.slice(0, -2)}AA` });
    await browser.send('PUT', '/v1/me/password', {
      current_password: canary('wrong current password'),
      new_password: canary('new one in vain'),
    });
    await browser.send('DELETE', '/v1/me', { email: user.email, password: canary('wrong at deletion') });

    // A failure of ours: what the log says of it must not quote what was asked.
    await inside.db.schema.alterTable('events').renameTo('events_away').execute();
    const lost = await send(
      app,
      'POST',
      '/v1/signin',
      { username: user.username, password: canary('in a failure') },
      { from },
    );
    const alsoLost = await send(app, 'POST', '/v1/signup', {
      ...newIdentifiers(),
      password: canary('in another failure'),
    });
    expect([lost.status, alsoLost.status]).toEqual([500, 500]);
    await inside.db.schema.alterTable('events_away').renameTo('events').execute();
    await console.post('/v1/logout');

    const places = { log: app.log.join(''), metrics: await metrics(), database: await everythingStored() };
    // Each of them is the place it says it is.
    expect(places.log).toContain('"code":"invalid_credentials"');
    expect(places.log).toContain('"msg":"request failed"');
    expect(places.metrics).toContain('usher_errors_total{code="invalid_credentials"}');
    for (const seen of [user.username, user.email, 'reauthentication_failed', '$argon2id$'])
      expect(places.database).toContain(seen);
    for (const [place, text] of Object.entries(places))
      for (const [what, secret] of Object.entries(secrets)) {
        const forms = [
          secret,
          Buffer.from(secret).toString('base64'),
          Buffer.from(secret).toString('base64url'),
          encodeURIComponent(secret),
        ];
        for (const form of forms) expect([place, what, text.includes(form)]).toEqual([place, what, false]);
        // The part of a token that makes it one.
        const last = secret.split(/[._]/).at(-1) ?? '';
        if (last.length >= 40) expect([place, what, text.includes(last)]).toEqual([place, what, false]);
      }
    expect(Object.keys(secrets).length).toBeGreaterThan(45);
  });

  it('L2: whatever is sent, a line of the log is one line of JSON, and short', async () => {
    const before = app.log.length;
    const odd = [
      'a\tb',
      '"},{"level":60,"msg":"forged"}',
      '\\u000a\\n',
      'é\u00ff',
      `${'A'.repeat(9_000)}`,
      '%0a%0d%1b[31m',
      '$(id) `id` {{7*7}}',
    ];
    for (const text of odd) {
      const header = Buffer.from(text).toString('latin1');
      const headers = {
        'user-agent': header,
        referer: header,
        'x-forwarded-for': header,
        'x-request-id': header,
        accept: header,
      };
      await send(app, 'POST', '/v1/signup', newIdentifiers(), { headers });
      await send(app, 'POST', '/v1/signin', { username: text, password: text }, { headers });
      await send(app, 'GET', `/${encodeURIComponent(text.slice(0, 500))}`, undefined, { headers });
    }
    for (const text of ['\u001b[31mred', 'a\r\nb', 'a\u2028b', '\u0007', 'a\u0000b']) {
      await send(app, 'POST', '/v1/signin', { username: text, password: text });
      await send(app, 'POST', '/v1/signup', { ...newIdentifiers(), username: text });
      const head = `GET /v1/me HTTP/1.1\r\nHost: localhost:${app.port}\r\nConnection: close\r\n`;
      await sendBytes(
        app,
        `${head}User-Agent: ${Buffer.from(text).toString('latin1')}\r\nX-Forwarded-For: ${text}\r\n\r\n`,
      );
    }
    const lines = app.log.slice(before);
    expect(lines.length).toBeGreaterThan(25);
    for (const line of lines) {
      expect(line).toMatch(/^\{.*\}\n$/);
      expect(line.slice(0, -1)).not.toMatch(/[\p{Cc}\u2028\u2029]/u);
      expect(line.length).toBeLessThan(1_000);
      const { level, time, msg, ...entry } = JSON.parse(line);
      expect(level).toBe(30);
      expect(new Date(time).toISOString()).toBe(time);
      // A new user who signs in elsewhere is told so by email.
      if (msg === 'email finished') continue;
      expect(msg).toBe('request');
      expect(Object.keys(entry).sort()).toEqual(
        expect.arrayContaining(['ip', 'method', 'ms', 'request_id', 'route', 'status']),
      );
      expect(entry.ip).toMatch(/^[\da-f.:]+$/);
      expect(entry.route).toMatch(/^(\*|\/[\w/.:-]*)$/);
    }
    // What is kept of a browser's name for itself is short, too.
    const agents = await inside.db.selectFrom('sessions').select('user_agent').execute();
    for (const { user_agent } of agents) expect(user_agent.length).toBeLessThanOrEqual(200);
    const text = await metrics();
    for (const label of text.matchAll(/\{([^}]*)\}/g)) expect(label[1]).toMatch(/^(\w+="[\w/:.*+ -]*",?)*$/);
  });
});
