import { beforeAll, describe, expect, it } from 'vitest';
import { type Browser, send, signUp } from '../support/app.ts';
import { newIp } from '../support/forge.ts';
import { withApp } from '../support/with-app.ts';

describe('a page whose URL has a malformed ID', () => {
  const { app, inside } = withApp();
  let admin: Browser;
  beforeAll(async () => {
    const { id, browser } = await signUp(app, newIp());
    await inside.promote(id);
    admin = browser;
  });
  const look = (path: string, accept: string) =>
    send(app, 'GET', path, undefined, { headers: { cookie: `usher=${admin.cookie}`, accept } });

  it.each([
    '/admin/users/nobody',
    '/admin/users/nobody/disable',
    '/admin/users/01990a3c-5d2e-7c41-9f08-6b1d2e3f4a5b/praise',
    '/admin/emails/none',
    '/admin/emails/none/html',
  ])('%s is a page that does not exist', async (path) => {
    const page = await look(path, 'text/html');
    expect(page.status).toBe(404);
    expect(page.text).toContain('Page not found');
    expect(page.text).not.toContain('invalid');
  });

  it('is a malformed request of a program', async () => {
    const reply = await look('/v1/users/nobody', '*/*');
    expect(reply).toMatchObject({ status: 400, body: { code: 'invalid_request' } });
    expect(reply.body.errors).toMatchObject([{ field: 'id' }]);
  });
});
