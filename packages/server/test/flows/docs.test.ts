import { describe, expect, it } from 'vitest';
import { errors } from '../../src/errors.ts';
import { routes } from '../../src/routes.ts';
import { asBearer, login, newIdentifiers, PASSWORD, type Reply, send, signUp } from '../support/app.ts';
import { exampleOf } from '../support/example.ts';
import { databases } from '../support/postgres.ts';
import { withApp } from '../support/with-app.ts';

describe.each(databases)('documentation on $name', ({ create }) => {
  const { app, inside } = withApp(create);

  it('is served as OpenAPI 3.1, of this URL and this table', async () => {
    const reply = await send(app, 'GET', '/openapi.json');
    expect(reply.status).toBe(200);
    expect(reply.headers.get('content-type')).toBe('application/json; charset=utf-8');
    expect(reply.body).toMatchObject({ openapi: '3.1.1', servers: [{ url: app.url }] });
    const told = Object.entries<object>(reply.body.paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
    );
    const table = routes
      .filter(({ isPage }) => !isPage)
      .map(({ method, path }) => `${method} ${path.replace(/:(\w+)/g, '{$1}')}`);
    expect(told.sort()).toEqual(table.sort());
    // Every reference leads somewhere.
    for (const [, name = ''] of reply.text.matchAll(/"\$ref":"#\/components\/schemas\/(\w+)"/g))
      expect(Object.keys(reply.body.components.schemas)).toContain(name);
    expect(reply.text.match(/"\$ref":"(?!#\/components\/)/)).toBeNull();
    expect(reply.text).not.toMatch(/undefined|\[object|password_hash/);
  });

  it('is a page that loads nothing from elsewhere and runs no script', async () => {
    const page = await send(app, 'GET', '/docs');
    expect(page.status).toBe(200);
    expect(page.headers.get('content-type')).toBe('text/html; charset=utf-8');
    expect(page.headers.get('content-security-policy')).toMatch(
      /^default-src 'none'; style-src 'self'; img-src 'self';/,
    );
    const words = page.text.replaceAll('<wbr/>', '');
    for (const { path, isPage } of routes)
      if (!isPage) expect([path, words.includes(path.replace(/:(\w+)/g, '{$1}'))]).toEqual([path, true]);
    for (const [, address = ''] of page.text.matchAll(/(?:src|href|action)="([^"]*)"/g))
      expect(address).toMatch(/^[/#](?!\/)/);
    expect(page.text).not.toMatch(/<script|<iframe|<img|style=| on\w+="/);
    const style = await send(app, 'GET', '/assets/usher.css');
    expect(style.headers.get('content-type')).toBe('text/css; charset=utf-8');
    expect(style.text).not.toMatch(/url\(|@import/);
  });

  it('says of every answer what it is', async () => {
    const { paths } = (await send(app, 'GET', '/openapi.json')).body;
    const asked = new Set<string>();
    /** Whether the table foresees this answer, and the document tells of it. */
    function expectTold(line: string, reply: Reply): void {
      asked.add(line);
      const [method = '', path = ''] = line.split(' ');
      const route = routes.find((one) => `${one.method} ${one.path}` === line) ?? expect.fail(line);
      const operation = paths[path.replace(/:(\w+)/g, '{$1}')][method.toLowerCase()];
      expect([line, reply.status, Object.keys(operation.responses)]).toEqual([
        line,
        reply.status,
        expect.arrayContaining([String(reply.status)]),
      ]);
      const [mediaType = ''] = (reply.headers.get('content-type') ?? '').split(';');
      const content = operation.responses[reply.status].content[mediaType];
      expect([line, reply.status, mediaType, content]).toEqual([
        line,
        reply.status,
        mediaType,
        expect.anything(),
      ]);
      if (reply.status < 400) {
        const shape = route.responses[reply.status];
        // An object of the table has these members and no others.
        if (shape) expect([line, shape.safeParse(reply.body).error]).toEqual([line, undefined]);
        if (shape) expect(shape.parse(reply.body)).toEqual(reply.body);
        return;
      }
      expect(content.schema.allOf[1].properties.code.enum).toContain(reply.body.code);
      expect(Object.keys(errors)).toContain(reply.body.code);
      expect(reply.body.status).toBe(reply.status);
      expect(reply.body.request_id).toBe(reply.headers.get('x-request-id'));
      expect(Object.keys(reply.body).filter((name) => name !== 'errors')).toEqual([
        'type',
        'title',
        'status',
        'code',
        'message',
        'request_id',
      ]);
    }

    const admin = await signUp(app);
    await inside.promote(admin.id);
    const [user, other] = [await signUp(app), await signUp(app)];
    const told = async (line: string, ask: Promise<Reply>) => {
      const reply = await ask;
      expectTold(line, reply);
      return reply;
    };
    const call = (line: string, path: string, body?: unknown, who?: typeof user) => {
      const [method = ''] = line.split(' ');
      return told(line, who ? who.browser.send(method, path, body) : send(app, method, path, body));
    };
    const same = (line: string, body?: unknown, who?: typeof user) =>
      call(line, line.split(' ')[1] ?? '', body, who);
    const names = newIdentifiers();

    await same('POST /v1/signup', names);
    await same('POST /v1/signup', names);
    await same('POST /v1/signup', { ...newIdentifiers(), password: '1234' });
    await same('POST /v1/signup', {});
    await told('POST /v1/signup', send(app, 'POST', '/v1/signup', undefined, { raw: 'x'.repeat(17_000) }));
    await told(
      'POST /v1/signup',
      send(app, 'POST', '/v1/signup', undefined, { raw: '{', headers: { 'content-type': 'text/plain' } }),
    );
    await told(
      'POST /v1/signup',
      send(app, 'POST', '/v1/signup', {}, { headers: { origin: 'https://evil.example' } }),
    );
    await same('POST /v1/signin', { username: names.username, password: PASSWORD });
    await same('POST /v1/signin', { username: names.username, password: 'wrong wrong wrong' });
    await same('POST /v1/login', { username: names.username, password: PASSWORD });
    await same('POST /v1/login');
    await same('POST /v1/send-mail', { email: names.email });
    await same('POST /v1/send-mail', { email: 'x' });
    const code = '123456';
    await same('POST /v1/reset-password', { email: 'nobody@example.org', code, password: PASSWORD });
    await same('POST /v1/reset-password', { token: 'x' });
    await same('POST /v1/verify-email', { token: 'x' });
    await same('POST /v1/verify-email', { email: names.email, code });
    await same('POST /v1/me/verify-email', undefined, user);
    await same('POST /v1/me/verify-email');
    await same('POST /v1/me/email', { email: newIdentifiers().email, password: PASSWORD }, user);
    await same('POST /v1/me/email', { email: 'x', password: PASSWORD }, user);
    await same('POST /v1/reset-password', { email: names.email, code, password: '1234' });
    await same('POST /v1/check-password', { password: '1234' });
    await same('POST /v1/check-password', { password: PASSWORD });
    await same('GET /v1/me/data', undefined, user);
    await same('GET /v1/me/data');
    await same('DELETE /v1/me/sessions', undefined, user);
    await same('DELETE /v1/me/sessions');
    const { refresh_token, access_token } = await login(app, user);
    await same('POST /v1/refresh', { refresh_token });
    await same('POST /v1/refresh', { refresh_token: 'x' });
    await same('POST /v1/refresh', { refresh_token: 'x', audience: 'x' });
    const { body } = await same('POST /v1/token', { audience: 'services' }, user);
    await same('POST /v1/token', { audience: 'x' }, user);
    await same('POST /v1/token', {});
    for (const token of [body.access_token, 'x', 7]) await same('POST /v1/introspect', { token });
    await same('POST /v1/me/confirm', { password: PASSWORD }, user);
    const [device] = (await same('GET /v1/me/devices', undefined, user)).body.devices;
    const [named] = (await user.browser.get('/v1/me/sessions')).body.sessions;
    for (const [of, id] of [
      ['devices', device.id],
      ['sessions', named.id],
    ] as const) {
      await call(`PATCH /v1/me/${of}/:id`, `/v1/me/${of}/${id}`, { name: 'Laptop' }, user);
      await call(`PATCH /v1/me/${of}/:id`, `/v1/me/${of}/${id}`, {}, user);
      await call(`PATCH /v1/me/${of}/:id`, `/v1/me/${of}/${'A'.repeat(22)}`, { name: 'Laptop' }, user);
    }
    await call('DELETE /v1/me/devices/:id', `/v1/me/devices/${device.id}`, undefined, user);
    await call('DELETE /v1/me/devices/:id', '/v1/me/devices/x', undefined, user);
    await same('POST /v1/me/confirm', { password: 'wrong wrong wrong' }, user);
    await same('POST /v1/me/confirm', { password: PASSWORD });
    for (const line of ['GET /v1/me', 'GET /v1/dashboard', 'GET /v1/me/sessions']) {
      await same(line, undefined, user);
      await same(line);
      await told(line, send(app, 'GET', line.slice(4), undefined, asBearer('x')));
      await told(
        line,
        send(app, 'GET', line.slice(4), undefined, {
          headers: { authorization: 'Bearer x', cookie: 'usher=x' },
        }),
      );
    }
    await same('PATCH /v1/me', { username: newIdentifiers().username }, user);
    await same('PATCH /v1/me', { username: other.username }, user);
    await same('PATCH /v1/me', { name: '' }, user);
    await same(
      'PUT /v1/me/password',
      { current_password: 'wrong wrong wrong', new_password: 'a whole new password' },
      user,
    );
    await same(
      'PUT /v1/me/password',
      { current_password: PASSWORD, new_password: 'a whole new password' },
      user,
    );
    await told(
      'PUT /v1/me/password',
      send(
        app,
        'PUT',
        '/v1/me/password',
        { current_password: PASSWORD, new_password: 'x' },
        asBearer(access_token),
      ),
    );
    await call('DELETE /v1/me/sessions/:id', `/v1/me/sessions/${'A'.repeat(22)}`, undefined, user);
    await call('DELETE /v1/me/sessions/:id', '/v1/me/sessions/x', undefined, user);
    const [session] = (await user.browser.get('/v1/me/sessions')).body.sessions;
    await call('DELETE /v1/me/sessions/:id', `/v1/me/sessions/${session.id}`, undefined, user);
    await same('DELETE /v1/me', { email: 'x', password: 'x' }, other);
    await same('DELETE /v1/me', { email: admin.email, password: PASSWORD }, admin);

    for (const query of ['', '?limit=1', '?limit=0', '?nonsense=1'])
      await call('GET /v1/users', `/v1/users${query}`, undefined, admin);
    await same('GET /v1/users', undefined, other);
    await same('POST /v1/users', newIdentifiers(), admin);
    const { username, email } = newIdentifiers();
    await same('POST /v1/users', { username, email }, admin);
    await same('POST /v1/users', { username, email }, admin);
    await same('POST /v1/users', {}, admin);
    const { username: invited, email: to } = newIdentifiers();
    const { invitation } = (await same('POST /v1/invitations', { username: invited, email: to }, admin)).body;
    await same('POST /v1/invitations', {}, admin);
    await same('GET /v1/invitations', undefined, admin);
    const path = `/v1/invitations/${invitation.id}`;
    await call('POST /v1/invitations/:id/resend', `${path}/resend`, undefined, admin);
    await call('DELETE /v1/invitations/:id', path, undefined, admin);
    await same('POST /v1/accept-invitation', { token: 'x', password: PASSWORD });
    for (const [method, body] of [['GET'], ['PATCH', { disabled: false }], ['DELETE']] as const)
      for (const id of [other.id, '00000000-0000-7000-8000-000000000000', 'x'])
        if (method !== 'DELETE' || id !== other.id)
          await call(`${method} /v1/users/:id`, `/v1/users/${id}`, body, admin);
    await call('PATCH /v1/users/:id', `/v1/users/${admin.id}`, { role: 'user' }, admin);
    await call('PATCH /v1/users/:id', `/v1/users/${other.id}`, { username: admin.username }, admin);
    await call(
      'POST /v1/users/:id/logout-everywhere',
      `/v1/users/${other.id}/logout-everywhere`,
      undefined,
      admin,
    );
    for (const id of [other.id, other.id, other.id, 'x'])
      await call('POST /v1/users/:id/send-mail', `/v1/users/${id}/send-mail`, undefined, admin);
    for (const method of ['GET', 'DELETE'])
      for (const id of [other.id, '00000000-0000-7000-8000-000000000000', 'x'])
        for (const of of ['limits', 'devices'])
          await call(`${method} /v1/users/:id/${of}`, `/v1/users/${id}/${of}`, undefined, admin);
    for (const query of ['', `?user=${other.id}&limit=1`, '?name=nothing'])
      await call('GET /v1/events', `/v1/events${query}`, undefined, admin);
    for (const query of ['', '?span=day', '?span=year'])
      await call('GET /v1/stats', `/v1/stats${query}`, undefined, admin);
    await call('DELETE /v1/users/:id', `/v1/users/${other.id}`, undefined, admin);
    await call('DELETE /v1/users/:id', `/v1/users/${admin.id}`, undefined, admin);
    for (const line of [
      'GET /.well-known/jwks.json',
      'GET /healthz',
      'GET /readyz',
      'GET /openapi.json',
      'GET /metrics',
    ])
      await same(line);
    await same('POST /v1/logout', undefined, admin);
    await same('POST /v1/logout-everywhere', undefined, admin);
    await same('POST /v1/logout');
    // What is public and has a body also answers the example of the reference as it says.
    for (const route of routes.filter(({ isPage, access, body }) => !isPage && access === 'public' && body))
      await same(`${route.method} ${route.path}`, exampleOf(route));
    expect([...asked].sort()).toEqual(
      routes
        .filter(({ isPage }) => !isPage)
        .map(({ method, path }) => `${method} ${path}`)
        .sort(),
    );
  });
});
