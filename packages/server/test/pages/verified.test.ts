// The life of an account where addresses are proven before there is one, on the pages, with scripts and without.
import type { Page } from 'playwright-core';
import { afterEach, describe, expect, it } from 'vitest';
import { newIdentifiers } from '../support/app.ts';
import {
  enterCode,
  findBarriers,
  openEmailLink,
  overflowOf,
  startBrowser,
  type Visitor,
  visit,
  ways,
} from '../support/browser.ts';
import { lastEmail, queuedEmails } from '../support/emails.ts';
import { newIp } from '../support/forge.ts';
import { databases } from '../support/postgres.ts';
import { withApp, withStarted } from '../support/with-app.ts';

const browser = withStarted(startBrowser, (it) => it.close());

describe.each(
  databases.flatMap((database) => (ways[database.name] ?? []).map((way) => ({ ...database, ...way }))),
)(
  'a verified sign-up on $name, $viewport.width pixels, scripts: $javaScriptEnabled',
  ({ create, viewport, javaScriptEnabled }) => {
    const visitors: Visitor[] = [];
    /** Every address that a browser asked for, as a proxy would write it down. */
    const addresses: string[] = [];
    const { app, database } = withApp(create, { signup: 'verified' }, 'test');
    afterEach(async () => {
      for (const { close, complaints } of visitors.splice(0)) {
        await close();
        expect(complaints).toEqual([]);
      }
    });

    /** Somebody at a browser of their own. */
    async function someone(): Promise<Page> {
      const extraHTTPHeaders = { 'x-forwarded-for': newIp() };
      const visitor = await visit(browser, app.url, { viewport, javaScriptEnabled, extraHTTPHeaders });
      visitors.push(visitor);
      visitor.context.on('request', (request) => addresses.push(request.url()));
      return visitor.page;
    }
    const heading = (page: Page) => page.getByRole('heading', { level: 1 }).innerText();
    const press = (page: Page, name: string) => page.getByRole('button', { name, exact: true }).click();
    const fill = async (page: Page, fields: Record<string, string>) => {
      for (const [label, value] of Object.entries(fields))
        await page.getByLabel(label, { exact: true }).fill(value);
    };
    type Names = ReturnType<typeof newIdentifiers>;
    async function signUp(page: Page, { username, email, password }: Names): Promise<void> {
      await page.goto('/sign-up');
      await fill(page, { Username: username, Email: email, Password: password });
      await press(page, 'Create account');
    }
    async function signIn(page: Page, name: string, password: string): Promise<void> {
      await page.goto('/sign-in');
      await fill(page, { 'Username or email': name, Password: password });
      await press(page, 'Sign in');
    }
    const expectWelcome = async (page: Page, username: string) => {
      expect(await heading(page)).toBe(username);
      expect(await page.locator('main').getByRole('status').first().innerText()).toContain('Welcome');
      expect(await page.getByRole('link', { name: 'Verify' }).count()).toBe(0);
    };
    const expectFits = async (page: Page) => {
      expect([page.url(), await overflowOf(page)]).toEqual([page.url(), 0]);
      if (javaScriptEnabled) expect([page.url(), await findBarriers(page)]).toEqual([page.url(), []]);
    };
    const wrongOf = (code: string) => (code === '000000' ? '111111' : '000000');

    it('is finished with the code of the email, and there is no account before', async () => {
      const page = await someone();
      const names = newIdentifiers();
      await signUp(page, names);
      expect(await heading(page)).toBe('Check your email');
      await expectFits(page);
      const { code = '' } = await lastEmail(app, database, names.email, 'sign_up');

      const other = await someone();
      await signIn(other, names.email, names.password);
      expect(await other.getByRole('alert').first().innerText()).toContain(
        'Incorrect username, email or password',
      );

      await enterCode(page, wrongOf(code), 'Verify', javaScriptEnabled);
      expect(await page.locator('#code-error').innerText()).toContain('This code is incorrect');
      expect(await page.getByLabel('Email', { exact: true }).inputValue()).toBe(names.email);
      await expectFits(page);
      await enterCode(page, `${code.slice(0, 3)} ${code.slice(3)}`, 'Verify', javaScriptEnabled);
      await expectWelcome(page, names.username);
      await expectFits(page);

      // It works once.
      await other.goto('/verify');
      await fill(other, { Email: names.email });
      await enterCode(other, code, 'Verify', javaScriptEnabled);
      expect(await other.locator('#code-error').innerText()).toContain('This code is incorrect');

      // From here on it is an account as every other.
      await page.locator('.menu > summary').click();
      await press(page, 'Sign out');
      await signIn(page, names.username, names.password);
      expect(new URL(page.url()).pathname).toBe('/dashboard');
      await page.getByRole('link', { name: 'Data & privacy' }).click();
      await page.getByRole('link', { name: 'Delete account' }).click();
      await fill(page, { Email: names.email, Password: names.password });
      await press(page, 'Permanently delete account');
      expect(await page.locator('main').getByRole('status').first().innerText()).toContain('deleted');
      await signUp(page, names);
      expect(await heading(page)).toBe('Check your email');
    });

    it('is finished with the link in the same browser, which changes nothing when it is only opened', async () => {
      const page = await someone();
      const names = newIdentifiers();
      await signUp(page, names);
      const { link = '' } = await lastEmail(app, database, names.email, 'sign_up');
      // A part of a link is asked for again.
      const stranger = await someone();
      await openEmailLink(stranger, link.slice(0, -5), javaScriptEnabled);
      expect(await stranger.getByRole('alert').innerText()).toContain('This link is invalid');
      await stranger.getByLabel('Paste the link from your email').fill(link);
      await press(stranger, 'Open link');
      expect(await heading(stranger)).toBe('Finish signing up');
      for (const path of ['/verify', '/reset-password']) {
        await stranger.goto(path);
        await expectFits(stranger);
        const text = await stranger.locator('main').innerText();
        expect(text.includes('JavaScript is off in your browser')).toBe(!javaScriptEnabled);
        expect(await stranger.locator('input[name="link"]:visible').count()).toBe(1);
        const codeIsFirst = text.indexOf('Open link') > text.indexOf('6-digit code');
        expect(codeIsFirst).toBe(javaScriptEnabled);
      }
      const scanner = await someone();
      for (let i = 0; i < 2; i++) await openEmailLink(scanner, link, javaScriptEnabled);
      await openEmailLink(page, link, javaScriptEnabled);
      expect(await heading(page)).toBe('Finish signing up');
      // The secret stays neither in the address bar nor in what a proxy saw.
      if (javaScriptEnabled) expect(page.url()).toBe(`${app.url}/verify`);
      expect(addresses.filter((address) => address.includes('token='))).toEqual([]);
      expect(await page.getByLabel('New password').count()).toBe(0);
      await expectFits(page);
      await press(page, 'Create account');
      await expectWelcome(page, names.username);
      await openEmailLink(page, link, javaScriptEnabled);
      expect(await page.getByRole('alert').innerText()).toContain('This link is invalid');
    });

    it('asks in another browser for a password, which is then the only one', async () => {
      const first = await someone();
      const names = newIdentifiers();
      await signUp(first, names);
      const { link = '', code = '' } = await lastEmail(app, database, names.email, 'sign_up');
      const page = await someone();
      await openEmailLink(page, link, javaScriptEnabled);
      expect(await page.locator('main').innerText()).toContain('in a different browser');
      expect(await page.locator('main').innerText()).toContain(
        'enter the code from the email in the browser',
      );
      await expectFits(page);
      await fill(page, { 'New password': 'password1' });
      await press(page, 'Create account');
      expect(await page.locator('#password-error').innerText()).toContain('too common');
      await expectFits(page);
      await fill(page, { 'New password': 'another horse battery staple' });
      await press(page, 'Create account');
      await expectWelcome(page, names.username);

      // Who signed up with the address of somebody else has nothing of it.
      await enterCode(first, code, 'Verify', javaScriptEnabled);
      expect(await first.locator('#code-error').innerText()).toContain('This code is incorrect');
      await signIn(first, names.email, names.password);
      expect(await first.getByRole('alert').first().innerText()).toContain(
        'Incorrect username, email or password',
      );
      await page.locator('.menu > summary').click();
      await press(page, 'Sign out');
      await signIn(page, names.email, 'another horse battery staple');
      expect(new URL(page.url()).pathname).toBe('/dashboard');
    });

    it('shows of an email that is taken what it shows of a free one, and tells its owner', async () => {
      const owner = await someone();
      const names = newIdentifiers();
      await signUp(owner, names);
      const { code = '' } = await lastEmail(app, database, names.email, 'sign_up');
      await enterCode(owner, code, 'Verify', javaScriptEnabled);
      await expectWelcome(owner, names.username);

      const page = await someone();
      const seen: string[] = [];
      for (const email of [newIdentifiers().email, names.email]) {
        await signUp(page, { ...newIdentifiers(), email });
        seen.push(await page.locator('body').innerText());
        await enterCode(page, '000000', 'Verify', javaScriptEnabled);
        expect(await page.locator('#code-error').innerText()).toContain('This code is incorrect');
        seen.push((await page.locator('body').innerText()).replaceAll(email, ''));
      }
      expect(seen.slice(2)).toEqual(seen.slice(0, 2));
      const kinds = (await queuedEmails(app, database)).filter(({ to }) => to === names.email);
      expect(kinds.map(({ kind }) => kind)).toEqual(['sign_up', 'sign_up_attempt']);
      await signIn(page, names.email, names.password);
      expect(await heading(page)).toBe(names.username);
    });

    it('says that a user name is taken, also when it is only by the time of the answer', async () => {
      const slow = await someone();
      const names = newIdentifiers();
      await signUp(slow, names);
      const quick = await someone();
      const { email } = newIdentifiers();
      await signUp(quick, { ...names, email });
      const { code: quickCode = '' } = await lastEmail(app, database, email, 'sign_up');
      await enterCode(quick, quickCode, 'Verify', javaScriptEnabled);
      await expectWelcome(quick, names.username);

      const { code = '' } = await lastEmail(app, database, names.email, 'sign_up');
      await enterCode(slow, code, 'Verify', javaScriptEnabled);
      expect(await slow.locator('#username-error').innerText()).not.toBe('');
      await expectFits(slow);
      const { username } = newIdentifiers();
      await fill(slow, { Username: username });
      await press(slow, 'Verify');
      await expectWelcome(slow, username);

      const late = await someone();
      await signUp(late, { ...newIdentifiers(), username: names.username });
      expect(await late.locator('#username-error').innerText()).not.toBe('');
    });
  },
);
