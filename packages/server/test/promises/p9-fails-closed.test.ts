import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import type { Route } from '../../src/http/route.ts';
import { routes } from '../../src/routes.ts';
import {
  asBearer,
  login,
  newIdentifiers,
  PASSWORD,
  send,
  signUp,
  startApp,
  type TestApp,
} from '../support/app.ts';
import { type Cluster, createCluster } from '../support/cluster.ts';
import { exampleOf } from '../support/example.ts';
import { openInside } from '../support/forge.ts';
import { formTokenFor } from '../support/form.ts';

/** What anyone may read knows of no account, so it has nothing to ask a database for, except in these. */
const readsDatabase = ['GET /', 'GET /setup', 'GET /readyz'];
const needsDatabase = ({ method, path, access }: Route): boolean => {
  if (['POST /mailbox', 'POST /v1/check-password'].includes(`${method} ${path}`)) return false;
  return method !== 'GET' || access !== 'public' || readsDatabase.includes(`${method} ${path}`);
};

describe('P9: without its database Usher rejects', () => {
  let cluster: Cluster;
  let app: TestApp;
  let admin: Awaited<ReturnType<typeof signUp>>;
  let token: string;
  let serviceToken: string;
  let ended: string;
  beforeAll(async () => {
    cluster = await createCluster(inject('folder'));
    app = await startApp({ url: cluster.url('usher') });
    admin = await signUp(app);
    const inside = await openInside(app, { url: cluster.url('usher') });
    await inside.promote(admin.id);
    await inside.close();
    token = (await login(app, admin)).access_token;
    ended = (await login(app, admin)).access_token;
    await send(app, 'POST', '/v1/logout', undefined, asBearer(ended));
    // Both were seen as good by this process, so that a memory of it would let them in.
    for (const route of ['/v1/me', '/v1/users']) {
      expect((await send(app, 'GET', route, undefined, asBearer(token))).status).toBe(200);
      expect((await admin.browser.get(route)).status).toBe(200);
    }
    const asked = await send(app, 'POST', '/v1/token', {}, asBearer(token));
    serviceToken = asked.body.access_token;
    await cluster.stop();
  });
  afterAll(async () => {
    await app.stop();
    await cluster.stop();
  });

  const pathOf = ({ path }: Route): string =>
    path.replace(':id', /\/(sessions|me\/devices)\//.test(path) ? 'A'.repeat(22) : admin.id);
  /** A body with which the route would do what it is for. */
  const bodyOf = (route: Route): unknown => {
    const { method, path } = route;
    const { username, email } = admin;
    if (path === '/v1/me/password')
      return { current_password: PASSWORD, new_password: 'another one altogether' };
    if (path === '/v1/me') return method === 'DELETE' ? { email, password: PASSWORD } : { username };
    if (path === '/v1/signup' || path === '/v1/users') return newIdentifiers();
    if (path === '/v1/signin' || path === '/v1/login') return { username, password: PASSWORD };
    if (path.startsWith('/v1/send-mail')) return { email };
    if (path === '/v1/reset-password') return { email, code: '123456', password: 'another one altogether' };
    if (path === '/v1/introspect') return { token: serviceToken };
    if (path === '/v1/refresh') return { refresh_token: 'x' };
    return path === '/v1/users/:id' && method === 'PATCH' ? { disabled: true } : exampleOf(route);
  };

  /** What its form holds. */
  const fieldsOf = (route: Route): Record<string, string> => {
    const fields: Record<string, Record<string, string>> = {
      '/sign-up': newIdentifiers(),
      '/sign-in': { name: admin.username, password: PASSWORD },
      '/reset-password': { token: 'x', password: 'another one altogether' },
      '/setup': { token: 'x', ...newIdentifiers() },
    };
    return fields[route.path] ?? (exampleOf(route) as Record<string, string> | undefined) ?? {};
  };

  it.each(routes.map((route) => [`${route.method} ${route.path}`, route] as const))(
    '%s',
    async (_, route) => {
      const isForm = route.encoding === 'form';
      const body = isForm || route.method === 'GET' ? undefined : bodyOf(route);
      const ask = (
        credential: { authorization?: string; cookie?: string; origin?: string } = {},
        session?: string,
      ) => {
        if (!isForm) return send(app, route.method, pathOf(route), body, { headers: credential });
        const bound = route.access === 'public' ? undefined : session;
        const { form_token, cookies } = formTokenFor(app, bound);
        const browser = bound ? {} : { cookie: [cookies, credential.cookie].filter(Boolean).join('; ') };
        const raw = new URLSearchParams({ form_token, ...fieldsOf(route) }).toString();
        const type = { 'content-type': 'application/x-www-form-urlencoded' };
        return send(app, 'POST', route.path, undefined, {
          raw,
          headers: { ...type, origin: app.url, ...credential, ...browser },
        });
      };
      const nobody = await ask();
      if (!needsDatabase(route)) {
        expect(nobody.status).toBeLessThan(500);
        expect(nobody.text).not.toContain(admin.username);
        return;
      }
      const bearer = route.path === '/v1/login' ? {} : { authorization: `Bearer ${token}` };
      const signedIn = [
        await ask(bearer, token),
        await ask({ cookie: `usher=${admin.browser.cookie}`, origin: app.url }, admin.browser.cookie),
      ];
      for (const reply of signedIn) {
        expect([reply.status, reply.body.code]).toEqual([503, 'unavailable']);
        expect(Number(reply.headers.get('retry-after'))).toBeGreaterThan(0);
        // Nobody is signed in, nor told to sign in again: the session may be good.
        expect(reply.headers.getSetCookie()).toEqual([]);
      }
      if (route.access === 'optional') {
        // Without a credential there is nothing to end, which is true without a database, too.
        expect(nobody.status).toBe(isForm ? 303 : 200);
        return;
      }
      expect(nobody.status).toBe(route.access === 'public' ? 503 : 401);
      expect(nobody.headers.getSetCookie()).toEqual([]);
    },
  );

  it('says so in health and log, and tells nothing of the database', async () => {
    expect((await send(app, 'GET', '/healthz')).status).toBe(200);
    const ready = await send(app, 'GET', '/readyz');
    expect([ready.status, ready.body.code]).toEqual([503, 'unavailable']);
    const failures = app.log.filter((line) => line.includes('"msg":"request failed"'));
    expect(failures.length).toBeGreaterThan(10);
    const { password, port } = new URL(cluster.url('usher'));
    expect(app.log.join('')).not.toContain(password);
    expect(ready.text).not.toContain(port);
  });

  it('serves again by itself, and who was logged out stays out', async () => {
    await cluster.start();
    const readiness = () => send(app, 'GET', '/readyz').then(({ status }) => status);
    await expect.poll(readiness).toBe(200);
    expect((await send(app, 'GET', '/v1/me', undefined, asBearer(token))).status).toBe(200);
    expect((await admin.browser.get('/v1/users')).status).toBe(200);
    expect((await send(app, 'GET', '/v1/me', undefined, asBearer(ended))).status).toBe(401);
    // Nothing of what was refused has happened.
    const { users } = (await admin.browser.get('/v1/users')).body;
    expect(users).toEqual([expect.objectContaining({ id: admin.id, role: 'admin', disabled: false })]);
    expect(
      (await send(app, 'POST', '/v1/signin', { username: admin.username, password: PASSWORD })).status,
    ).toBe(200);
  });
});
