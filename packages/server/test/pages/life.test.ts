// The whole life of an account on the pages, as people go through it, with scripts and without, on a phone and on a desk.
import { readFileSync } from 'node:fs';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { newNames, startApp, type TestApp } from '../support/app.ts';
import { overflowOf, startBrowser, type Visitor, visit, ways } from '../support/browser.ts';
import { lastMail } from '../support/mails.ts';
import { databases, type TestDatabase } from '../support/postgres.ts';

let browser: Browser;
beforeAll(async () => {
  browser = await startBrowser();
});
afterAll(() => browser.close());

describe.each(databases)('the life of an account on $name', ({ name, create }) => {
  let database: TestDatabase;
  let app: TestApp;
  const visitors: Visitor[] = [];
  beforeEach(async () => {
    database = await create();
    app = await startApp(database);
  });
  afterEach(async () => {
    for (const { close } of visitors.splice(0)) await close();
    await app.stop();
    await database.remove();
  });

  it.each(ways[name] ?? [])(
    'on pages of $viewport.width pixels, scripts: $javaScriptEnabled',
    async (way) => {
      const someone = async (more = {}): Promise<Page> => {
        const visitor = await visit(browser, app.url, { ...way, ...more });
        visitors.push(visitor);
        return visitor.page;
      };
      const page = await someone();
      const { username, email, password } = newNames();
      const heading = () => page.getByRole('heading', { level: 1 }).innerText();
      const said = (role: 'status' | 'alert') => page.locator('main').getByRole(role).first().innerText();
      const press = (button: string) => page.getByRole('button', { name: button, exact: true }).click();
      const fill = async (fields: Record<string, string>) => {
        for (const [label, value] of Object.entries(fields))
          await page.getByLabel(label, { exact: true }).fill(value);
      };
      const expectFits = async () => expect([page.url(), await overflowOf(page)]).toEqual([page.url(), 0]);

      // Nobody knows them yet; what they wanted to see waits for them.
      await page.goto('/');
      await page.getByRole('link', { name: 'Make an account' }).click();
      expect(await heading()).toBe('Make an account');
      await fill({ 'User name': username, 'E-mail address': email, Password: 'password1' });
      await press('Make the account');
      expect(await page.getByLabel('Password', { exact: true }).inputValue()).toBe('');
      expect(await page.getByLabel('User name').inputValue()).toBe(username);
      expect(await page.getByLabel('E-mail address').inputValue()).toBe(email);
      expect(await page.locator('#password-error').innerText()).toContain('most common');
      await expectFits();
      await fill({ Password: password });
      await press('Make the account');
      expect([await heading(), await said('status')]).toEqual([username, expect.stringContaining('Welcome')]);
      await expectFits();

      // The address is proven with the code of the mail.
      await page.getByRole('link', { name: 'Prove it' }).click();
      const { code: proof = '' } = await lastMail(app, database, email, 'verify_email');
      await page.getByLabel('Code of 6 digits').fill(`${proof.slice(0, 3)} ${proof.slice(3)}`);
      await press('Prove it');
      expect(await said('status')).toContain('proven');

      // Another device signs in, is seen, and is sent away.
      const other = await someone({
        userAgent: 'Mozilla/5.0 (Windows NT 10.0; rv:140.0) Gecko/20100101 Firefox/140.0',
      });
      await other.goto('/dashboard/activity');
      expect(new URL(other.url()).search).toBe('?return_to=%2Fdashboard%2Factivity');
      await other.getByLabel('User name or e-mail address').fill(email);
      await other.getByLabel('Password', { exact: true }).fill(password);
      await other.getByRole('button', { name: 'Sign in' }).click();
      expect(new URL(other.url()).pathname).toBe('/dashboard/activity');
      await page.getByRole('link', { name: 'Sessions' }).click();
      const onPage = page.getByRole('listitem').filter({ hasText: 'Firefox, Windows' });
      const row = onPage.filter({ has: page.getByRole('button', { name: /^End/ }) });
      expect(await row.innerText()).not.toContain('This one');
      await expectFits();
      await row.getByRole('button').click();
      expect(await said('status')).toBe('The session is ended.');
      expect(await row.count()).toBe(0);
      // The browser is still known; its user can have that ended, too.
      await onPage.getByRole('button', { name: /^Remove/ }).click();
      expect(await said('status')).toContain('not known any more');
      await expectFits();
      expect(await onPage.count()).toBe(0);
      await other.getByRole('link', { name: 'Security' }).click();
      expect(new URL(other.url()).pathname).toBe('/sign-in');

      // A new name and a new password; what was refused is said at its field.
      await page.getByRole('link', { name: 'Profile' }).click();
      await fill({ 'User name': 'no @ name' });
      await press('Save');
      expect(await page.getByLabel('User name').inputValue()).toBe('no @ name');
      expect(await page.getByLabel('User name').getAttribute('aria-invalid')).toBe('true');
      await fill({ 'User name': `${username}-new` });
      await press('Save');
      expect(await said('status')).toBe('Saved.');
      await page.getByRole('link', { name: 'Security' }).click();
      await fill({ 'Current password': 'not this one', 'New password': 'another horse battery staple' });
      await press('Change the password');
      expect(await page.locator('#current_password-error').innerText()).toBe('This is not your password.');
      await fill({ 'Current password': password, 'New password': 'another horse battery staple' });
      await press('Change the password');
      expect(await said('status')).toContain('Your password is changed');
      await expectFits();
      await page.getByRole('link', { name: 'Activity' }).click();
      const activity = await page.getByRole('list').first().innerText();
      for (const words of ['Your password was changed', 'You ended a session', 'You made this account'])
        expect(activity).toContain(words);
      await expectFits();

      // Their data is theirs.
      await page.getByRole('link', { name: 'Your data' }).click();
      const downloading = page.waitForEvent('download');
      await page.getByRole('link', { name: 'Download my data' }).click();
      const file = await (await downloading).path();
      const data = JSON.parse(readFileSync(file, 'utf8'));
      expect(data).toMatchObject({
        user: { username: `${username}-new`, email },
        sessions: [{ current: true }],
      });
      expect(JSON.stringify(data)).not.toMatch(/argon2|password_hash/);

      // They leave; going back shows nothing.
      await press('Sign out');
      expect(await said('status')).toBe('You are signed out.');
      await page.goBack();
      await page.waitForURL(/\/sign-in/);
      expect(await page.locator('body').innerText()).not.toContain(username);

      // They forget, and come back by mail.
      await page.goto('/sign-in');
      await fill({ 'User name or e-mail address': email, Password: password });
      await press('Sign in');
      expect(await said('alert')).toContain('do not belong together');
      expect(await page.getByLabel('User name or e-mail address').inputValue()).toBe(email);
      await page.getByRole('link', { name: 'Forgot it?' }).click();
      await fill({ 'E-mail address of the account': email });
      await press('Send the mail');
      expect(await said('status')).toContain('If an account has this address');
      await expectFits();
      const { code = '' } = await lastMail(app, database, email);
      const wrong = code === '000000' ? '111111' : '000000';
      await fill({ 'Code of 6 digits': wrong, 'New password': password });
      await press('Set the password');
      expect(await page.locator('#code-error').innerText()).toContain('This code is incorrect');
      await fill({ 'Code of 6 digits': code, 'New password': password });
      await press('Set the password');
      expect(await said('status')).toContain('Your new password is set');
      await fill({ 'User name or e-mail address': `${username}-new`, Password: password });
      await press('Sign in');
      expect(new URL(page.url()).pathname).toBe('/dashboard');

      // They have had enough.
      await page.getByRole('link', { name: 'Your data' }).click();
      await page.getByRole('link', { name: 'Delete my account' }).click();
      expect(await said('status')).toContain('Nobody can take this back');
      await fill({ 'Your e-mail address': email, 'Your password': 'wrong' });
      await press('Delete my account for good');
      expect(await page.locator('#password-error').innerText()).toBe('This is not your password.');
      await fill({ 'Your password': password });
      await press('Delete my account for good');
      expect(await said('status')).toContain('deleted');
      await page.goto('/sign-in');
      await fill({ 'User name or e-mail address': email, Password: password });
      await press('Sign in');
      expect(await said('alert')).toContain('do not belong together');
      for (const { complaints } of visitors) expect(complaints).toEqual([]);
    },
  );
});
