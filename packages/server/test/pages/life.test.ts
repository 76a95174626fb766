// The whole life of an account on the pages, as people go through it, with scripts and without, on a phone and on a desk.
import { readFileSync } from 'node:fs';
import type { Page } from 'playwright-core';
import { afterEach, describe, expect, it } from 'vitest';
import { newIdentifiers } from '../support/app.ts';
import { enterCode, overflowOf, startBrowser, type Visitor, visit, ways } from '../support/browser.ts';
import { lastEmail } from '../support/emails.ts';
import { databases } from '../support/postgres.ts';
import { withApp, withStarted } from '../support/with-app.ts';

const browser = withStarted(startBrowser, (it) => it.close());

describe.each(databases)('the life of an account on $name', ({ name, create }) => {
  const visitors: Visitor[] = [];
  const { app, database } = withApp(create, {}, 'test');
  afterEach(async () => {
    for (const { close } of visitors.splice(0)) await close();
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
      const { username, email, password } = newIdentifiers();
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
      await page.getByRole('link', { name: 'Create account' }).click();
      expect(await heading()).toBe('Create your account');
      await fill({ Username: username, Email: email, Password: 'password1' });
      await press('Create account');
      expect(await page.getByLabel('Password', { exact: true }).inputValue()).toBe('');
      expect(await page.getByLabel('Username').inputValue()).toBe(username);
      expect(await page.getByLabel('Email', { exact: true }).inputValue()).toBe(email);
      expect(await page.locator('#password-error').innerText()).toContain('too common');
      await expectFits();
      await fill({ Password: password });
      await press('Create account');
      expect([await heading(), await said('status')]).toEqual([username, expect.stringContaining('Welcome')]);
      await expectFits();

      // The address is proven with the code of the email.
      await page.getByRole('link', { name: 'Verify' }).click();
      const { code: proof = '' } = await lastEmail(app, database, email, 'verify_email');
      await enterCode(page, `${proof.slice(0, 3)} ${proof.slice(3)}`, 'Verify', way.javaScriptEnabled);
      expect(await said('status')).toBe('Email verified.');

      // Another device signs in, is seen, and is sent away.
      const other = await someone({
        userAgent: 'Mozilla/5.0 (Windows NT 10.0; rv:140.0) Gecko/20100101 Firefox/140.0',
      });
      await other.goto('/dashboard/activity');
      expect(new URL(other.url()).search).toBe('?return_to=%2Fdashboard%2Factivity');
      await other.getByLabel('Username or email').fill(email);
      await other.getByLabel('Password', { exact: true }).fill(password);
      await other.getByRole('button', { name: 'Sign in' }).click();
      expect(new URL(other.url()).pathname).toBe('/dashboard/activity');
      await page.getByRole('link', { name: 'Devices' }).click();
      const onPage = page.getByRole('listitem').filter({ hasText: 'Firefox on Windows' });
      const row = onPage.filter({ has: page.getByRole('button', { name: /^Sign out/ }) });
      expect(await row.innerText()).not.toContain('This device');
      await expectFits();
      await row.getByRole('button').click();
      expect(await said('status')).toBe('Device signed out.');
      expect(await row.count()).toBe(0);
      // The browser is still known; its user can have that ended, too.
      await onPage.getByRole('button', { name: /^Remove/ }).click();
      expect(await said('status')).toContain('Known device removed');
      await expectFits();
      expect(await onPage.count()).toBe(0);
      await other.getByRole('link', { name: 'Security' }).click();
      expect(new URL(other.url()).pathname).toBe('/sign-in');

      // A new name and a new password; what was refused is said at its field.
      await page.getByRole('link', { name: 'Profile' }).click();
      await fill({ Username: 'no @ name' });
      await press('Save changes');
      expect(await page.getByLabel('Username').inputValue()).toBe('no @ name');
      expect(await page.getByLabel('Username').getAttribute('aria-invalid')).toBe('true');
      await fill({ Username: `${username}-new` });
      await press('Save changes');
      expect(await said('status')).toBe('Profile updated.');
      await page.getByRole('link', { name: 'Security' }).click();
      await fill({ 'Current password': 'not this one', 'New password': 'another horse battery staple' });
      await press('Change password');
      expect(await page.locator('#current_password-error').innerText()).toBe('Incorrect password.');
      await fill({ 'Current password': password, 'New password': 'another horse battery staple' });
      await press('Change password');
      expect(await said('status')).toContain('Password changed');
      await expectFits();
      await page.getByRole('link', { name: 'Activity' }).click();
      const activity = await page.getByRole('list').first().innerText();
      for (const words of ['Password changed', 'Signed out a device', 'Account created'])
        expect(activity).toContain(words);
      await expectFits();

      // Their data is theirs.
      await page.getByRole('link', { name: 'Data & privacy' }).click();
      const downloading = page.waitForEvent('download');
      await page.getByRole('link', { name: 'Download data' }).click();
      const file = await (await downloading).path();
      const data = JSON.parse(readFileSync(file, 'utf8'));
      expect(data).toMatchObject({
        user: { username: `${username}-new`, email },
        sessions: [{ current: true }],
      });
      expect(JSON.stringify(data)).not.toMatch(/argon2|password_hash/);

      // They leave; going back shows nothing.
      await page.locator('.menu > summary').click();
      await press('Sign out');
      expect(await said('status')).toBe('You’ve signed out.');
      await page.goBack();
      await page.waitForURL(/\/sign-in/);
      expect(await page.locator('body').innerText()).not.toContain(username);

      // They forget, and come back by email.
      await page.goto('/sign-in');
      await fill({ 'Username or email': email, Password: password });
      await press('Sign in');
      expect(await said('alert')).toContain('Incorrect username, email or password');
      expect(await page.getByLabel('Username or email').inputValue()).toBe(email);
      await page.getByRole('link', { name: 'Forgot password?' }).click();
      await fill({ Email: email });
      await press('Send reset email');
      expect(await said('status')).toContain('If there’s an account for this email');
      await expectFits();
      const { code = '' } = await lastEmail(app, database, email);
      const wrong = code === '000000' ? '111111' : '000000';
      await enterCode(page, wrong, 'Continue', way.javaScriptEnabled);
      expect(await page.locator('#code-error').innerText()).toContain('This code is incorrect');
      await enterCode(page, code, 'Continue', way.javaScriptEnabled);
      await fill({ 'New password': password });
      await press('Reset password');
      expect(await said('status')).toContain('Your password has been reset');
      await fill({ 'Username or email': `${username}-new`, Password: password });
      await press('Sign in');
      expect(new URL(page.url()).pathname).toBe('/dashboard');

      // They have had enough.
      await page.getByRole('link', { name: 'Data & privacy' }).click();
      await page.getByRole('link', { name: 'Delete account' }).click();
      expect(await said('status')).toContain('This can’t be undone');
      await fill({ Email: email, Password: 'wrong' });
      await press('Permanently delete account');
      expect(await page.locator('#password-error').innerText()).toBe('Incorrect password.');
      await fill({ Password: password });
      await press('Permanently delete account');
      expect(await said('status')).toContain('deleted');
      await page.goto('/sign-in');
      await fill({ 'Username or email': email, Password: password });
      await press('Sign in');
      expect(await said('alert')).toContain('Incorrect username, email or password');
      for (const { complaints } of visitors) expect(complaints).toEqual([]);
    },
  );
});
