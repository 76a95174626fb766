import { beforeAll, describe, expect, it } from 'vitest';
import { newIdentifiers, PASSWORD, send, signUp } from '../support/app.ts';
import { openEmailLink, startBrowser, visit } from '../support/browser.ts';
import { lastEmail } from '../support/emails.ts';
import { newIp } from '../support/forge.ts';
import { databases } from '../support/postgres.ts';
import { withApp, withStarted } from '../support/with-app.ts';

const browser = withStarted(startBrowser, (it) => it.close());

describe.each(databases)('an administrator lets people in on $name', ({ create }) => {
  const { app, database, inside } = withApp(create);
  let admin: Awaited<ReturnType<typeof signUp>>;
  beforeAll(async () => {
    admin = await signUp(app, newIp());
    await inside.promote(admin.id);
  });

  async function atConsole(options: Parameters<typeof visit>[2]) {
    const visitor = await visit(browser, app.url, options);
    await visitor.page.goto('/sign-in?return_to=/admin/users');
    await visitor.page.fill('[name=name]', admin.username);
    await visitor.page.fill('[name=password]', PASSWORD);
    await visitor.page.click('main form .button');
    await visitor.page.waitForURL('**/admin/users');
    return visitor;
  }

  it('by an invitation, until it is revoked', async () => {
    const { username, email } = newIdentifiers();
    const { page, close } = await atConsole({ javaScriptEnabled: false });
    await page.goto('/admin/users/new');
    await page.fill('[name=username]', username);
    await page.fill('[name=email]', email);
    await page.click('main form .button');
    const { link = '' } = await lastEmail(app, database, email, 'invitation');
    await page.click(`[aria-label="Revoke: ${email}"]`);
    expect(await page.textContent('main [role=status]')).toContain('Invitation revoked.');
    await openEmailLink(page, link, false);
    expect(await page.textContent('main [role=alert]')).toContain('invalid or has expired');
    await close();
  });

  it('by a temporary password, which is shown once and must be changed', async () => {
    const { username, email } = newIdentifiers();
    const { page, close } = await atConsole({ javaScriptEnabled: false });
    await page.goto('/admin/users/new');
    await page.fill('[name=username]', username);
    await page.fill('[name=email]', email);
    await page.check('#admin');
    await page.check('[value=password]');
    await page.click('main form .button');
    expect(await page.textContent('h1')).toBe(`${username} was created`);
    const password = (await page.textContent('main code')) ?? '';
    expect(password).toMatch(/^([a-z2-9]{4}-){4}[a-z2-9]{4}$/);
    expect(page.url()).not.toContain(password);
    const signedIn = await send(app, 'POST', '/v1/signin', { username, password }, { from: newIp() });
    expect([signedIn.status, signedIn.body.user.password_change_required]).toEqual([200, true]);
    expect(signedIn.body.user.role).toBe('admin');
    await page.click('text=Open the user’s page');
    expect(await page.textContent('h1')).toBe(username);
    expect(await page.content()).not.toContain(password);
    await close();
  });
});
