// Who cannot see or point, has a small screen, large text or little time, uses the same pages.
import type { BrowserContextOptions, Page } from 'playwright-core';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { makeSetUpLink } from '../../src/app.ts';
import { configFromOptions } from '../../src/config.ts';
import { openContext } from '../../src/open-context.ts';
import { newIdentifiers, PASSWORD, Browser as Program } from '../support/app.ts';
import {
  enterCode,
  findBarriers,
  openEmailLink,
  overflowOf,
  startBrowser,
  type Visitor,
  visit,
} from '../support/browser.ts';
import { MINUTE, SECOND } from '../support/clock.ts';
import { lastEmail } from '../support/emails.ts';
import { withApp, withStarted } from '../support/with-app.ts';

const forVisitors = [
  '/',
  '/sign-up',
  '/sign-in',
  '/sign-in?done=reset',
  '/forgot-password',
  '/reset-password',
  '/verify',
];
const forUsers = [
  '/dashboard?done=welcome',
  '/dashboard/profile',
  '/dashboard/security',
  '/dashboard/email',
  '/dashboard/sessions',
  '/dashboard/activity',
  '/dashboard/data',
  '/dashboard/delete',
];

/** A link is opened by a script, which leads on at once. */
const open = (page: Page, path: string): Promise<unknown> =>
  path.includes('#token=') ? openEmailLink(page, path) : page.goto(path);

describe('pages for everybody', () => {
  const browser = withStarted(startBrowser, (it) => it.close());
  // What is seen does not depend on the database.
  const { app, database } = withApp();
  let setUpLink: string;
  const visitors: Visitor[] = [];
  beforeAll(async () => {
    const settings = { database: database.url, secret: app.secret, publicUrl: app.url };
    const { context, close } = await openContext(configFromOptions(settings), { clock: app.clock });
    setUpLink = (await makeSetUpLink(context)) ?? '';
    await close();
  });
  afterEach(async () => {
    for (const visitor of visitors.splice(0)) {
      await visitor.close();
      expect(visitor.complaints).toEqual([]);
    }
  });

  async function someone(options?: BrowserContextOptions): Promise<Visitor> {
    const visitor = await visit(browser, app.url, options);
    visitors.push(visitor);
    return visitor;
  }

  /** Somebody who has an account already, and whose browser has its session. */
  async function user(options?: BrowserContextOptions): Promise<Visitor & ReturnType<typeof newIdentifiers>> {
    const names = newIdentifiers();
    const program = new Program(app, `192.0.2.${visitors.length + 1}`);
    await program.post('/v1/signup', names);
    const visitor = await someone(options);
    await visitor.context.addCookies([{ name: 'usher', value: program.cookie ?? '', url: app.url }]);
    return { ...visitor, ...names };
  }

  it('have no barriers that axe can find, in either theme', async () => {
    const { page: visitor } = await someone();
    const { page, email } = await user();
    const expectNone = async (on: Page) => expect([on.url(), await findBarriers(on)]).toEqual([on.url(), []]);
    for (const path of [
      ...forVisitors,
      setUpLink,
      '/setup',
      '/restore-email',
      '/docs',
      '/mailbox',
      '/nothing',
      '/reset-password#token=x',
    ]) {
      await open(visitor, path);
      await expectNone(visitor);
    }
    for (const path of forUsers) {
      await page.goto(path);
      await expectNone(page);
    }
    // With what was refused, and with what is said while typing.
    await visitor.goto('/sign-up');
    await visitor.getByLabel('Username').fill('x y @');
    await visitor.getByLabel('Email', { exact: true }).fill('x@y');
    await visitor.getByLabel('Password', { exact: true }).fill('1234');
    await visitor.getByText('Use at least 8 characters').waitFor();
    await expectNone(visitor);
    await visitor.keyboard.press('Enter');
    await visitor.locator('#email-error').waitFor();
    await expectNone(visitor);
    await visitor.goto('/sign-in');
    await visitor.getByLabel('Username or email').fill('nobody');
    await visitor.getByLabel('Password', { exact: true }).fill('nothing at all');
    await visitor.keyboard.press('Enter');
    await visitor.getByRole('alert').waitFor();
    await expectNone(visitor);
    await visitor.goto('/forgot-password');
    await visitor.getByLabel('Email').fill(email);
    await visitor.keyboard.press('Enter');
    await visitor.getByLabel('6-digit code').waitFor();
    await expectNone(visitor);
    const { link = '' } = await lastEmail(app, database, email);
    await openEmailLink(visitor, link);
    await expectNone(visitor);
  });

  it('fit a window of 320 pixels, and text of twice the size', async () => {
    const { page } = await user({ viewport: { width: 320, height: 640 } });
    const { page: visitor } = await someone({ viewport: { width: 320, height: 640 } });
    for (const path of [
      ...forVisitors,
      ...forUsers,
      setUpLink,
      '/setup',
      '/restore-email',
      '/docs',
      '/mailbox',
    ]) {
      const on = forUsers.includes(path) ? page : visitor;
      await on.setViewportSize({ width: 320, height: 640 });
      await open(on, path);
      expect([path, await overflowOf(on)]).toEqual([path, 0]);
      await on.setViewportSize({ width: 640, height: 640 });
      await on.evaluate("document.documentElement.style.fontSize = '200%'");
      expect([path, 'twice', await overflowOf(on)]).toEqual([path, 'twice', 0]);
    }
  });

  it('ask for a new email once, and lead on from a link that is not valid', async () => {
    const { page, email } = await user();
    await page.goto('/dashboard/email');
    expect(await page.locator('main').innerText()).toContain('If you have a verification email from us');
    const changed = `new-${email}`;
    await page.getByLabel('New email').fill(changed);
    await page.getByLabel('Current password', { exact: true }).fill(PASSWORD);
    await page.keyboard.press('Enter');
    await page.getByLabel('6-digit code').waitFor();
    expect(await page.locator('main').innerText()).toContain(`We sent it to ${changed}.`);
    expect(await page.locator('main input[type=email]:visible').count()).toBe(0);
    expect(page.url()).not.toContain(changed);
    const { code = '' } = await lastEmail(app, database, changed, 'change_email');
    await enterCode(page, code, 'Verify');
    await page.waitForURL('**/dashboard/email?done=verified');
    expect(await page.locator('main .lead').first().innerText()).toContain(changed);

    const { page: visitor } = await someone();
    for (const [path, next] of [
      ['/verify', '/dashboard/email'],
      ['/reset-password', '/forgot-password'],
      ['/restore-email', '/sign-in'],
    ] as const) {
      await openEmailLink(visitor, `${app.url}${path}#token=x`);
      expect([path, await visitor.locator(`main a.button[href="${next}"]`).count()]).toEqual([path, 1]);
    }
  });

  it('are used with a keyboard alone', async () => {
    const { username, page } = await user();
    await page.context().clearCookies();
    await page.goto('/sign-in');
    const focused = () =>
      page.evaluate<string>('document.activeElement.name || document.activeElement.innerText');
    // The cursor is where one begins; before it lie the way to the content and the name of the service.
    // The browser moves the focus with its first frame, which can come after the page has loaded.
    await expect.poll(focused).toBe('name');
    await page.keyboard.type(username);
    const order: string[] = [];
    for (let i = 0; i < 4; i++) {
      await page.keyboard.press('Tab');
      order.push((await focused()).replace(/\s+/g, ' '));
      const outline = 'getComputedStyle(document.activeElement).outlineStyle';
      expect([order.at(-1), await page.evaluate(outline)]).toEqual([order.at(-1), 'solid']);
    }
    expect(order).toEqual(['password', 'Show Password', 'Sign in', 'Forgot password?']);
    await page.keyboard.press('Shift+Tab');
    await page.keyboard.press('Shift+Tab');
    await page.keyboard.press('Shift+Tab');
    await page.keyboard.type(PASSWORD);
    await page.keyboard.press('Enter');
    await page.waitForURL('**/dashboard');
    await page.keyboard.press('Tab');
    expect(await focused()).toBe('Skip to content');
    await page.keyboard.press('Enter');
    await expect.poll(() => page.evaluate('document.activeElement.id')).toBe('content');
  });

  it('say to a screen reader what they are', async () => {
    const { page } = await user();
    await page.goto('/dashboard/sessions');
    expect(await page.title()).toBe('Devices · Usher');
    const tree = await page.locator('body').ariaSnapshot();
    for (const line of [
      '- banner:',
      '- group: Signed in as',
      '- main:',
      '- navigation "Your account":',
      '- heading "Devices" [level=1]',
    ])
      expect(tree).toContain(line);
    await page.goto('/dashboard/profile');
    await page.getByLabel('Username').fill('@');
    await page.getByRole('button', { name: 'Save changes' }).click();
    await page.locator('#username-error').waitFor();
    expect(await page.title()).toBe('Error: Profile · Usher');
    expect(await page.getByLabel('Username').getAttribute('aria-describedby')).toBe(
      'username-hint username-error',
    );
    await expect.poll(() => page.evaluate('document.activeElement.id')).toBe('username');
  });

  it('move nothing for those who asked for that', async () => {
    const { page } = await someone({ reducedMotion: 'reduce' });
    await page.goto('/sign-in');
    const moving =
      "[...document.querySelectorAll('*')].filter((one) => getComputedStyle(one).transitionDuration !== '0s' || getComputedStyle(one).animationName !== 'none').length";
    expect(await page.evaluate(moving)).toBe(0);
  });

  it('weigh little: the first sign-in page is under 30 kB, and the next one loads nothing that it has', async () => {
    const { page, context } = await someone();
    const session = await context.newCDPSession(page);
    await session.send('Network.enable');
    let bytes = 0;
    const loaded: string[] = [];
    session.on('Network.loadingFinished', ({ encodedDataLength }) => {
      bytes += encodedDataLength;
    });
    context.on('response', (response) => loaded.push(new URL(response.url()).pathname));
    await page.goto('/sign-in', { waitUntil: 'networkidle' });
    // A browser with a window also loads the icon, which weighs less than 1 kB.
    expect(loaded.sort()).toEqual(['/assets/usher.css', '/assets/usher.js', '/sign-in']);
    expect(bytes).toBeGreaterThan(5_000);
    expect(bytes).toBeLessThan(30_000);
    bytes = 0;
    await page.goto('/sign-up', { waitUntil: 'networkidle' });
    expect(bytes).toBeLessThan(6_000);
  });

  it('lead from the name to the password to the button, and take a typed name along', async () => {
    const { page, email } = await user();
    await page.context().clearCookies();
    await page.goto('/sign-in');
    const focused = () =>
      page.evaluate<string>('document.activeElement.id || document.activeElement.textContent');
    await page.getByLabel('Username or email').focus();
    await page.keyboard.type(email);
    const order: string[] = [];
    for (let i = 0; i < 4; i++) {
      await page.keyboard.press('Tab');
      order.push(await focused());
    }
    expect(order).toEqual(['password', 'Show Password', 'Sign in', 'Forgot password?']);
    await page.keyboard.press('Enter');
    await page.waitForURL('**/forgot-password');
    await expect.poll(() => page.getByLabel('Email').inputValue()).toBe(email);
    await page.getByRole('link', { name: 'Sign in' }).click();
    await page.waitForURL('**/sign-in');
    await expect.poll(() => page.getByLabel('Username or email').inputValue()).toBe(email);
    await expect.poll(focused).toBe('password');
    await page.keyboard.insertText(PASSWORD);
    await page.keyboard.press('Enter');
    await page.waitForURL('**/dashboard');
    await expect.poll(() => page.evaluate("sessionStorage.getItem('usher-name')")).toBeNull();

    // Somebody who has an account already is led to it.
    await page.context().clearCookies();
    await page.goto('/sign-up');
    await page.getByLabel('Username').fill('another-name');
    await page.getByLabel('Email').fill(email);
    await page.getByLabel('Password', { exact: true }).fill(PASSWORD);
    await page.keyboard.press('Enter');
    const exists = page.locator('.notice a[href="/sign-in"]');
    await exists.click();
    await page.waitForURL('**/sign-in');
    await expect.poll(() => page.getByLabel('Username or email').inputValue()).toBe(email);
  });

  it('send a form once, and say that it is being sent', async () => {
    const { page } = await someone();
    await page.goto('/sign-in');
    await page.getByLabel('Username or email').fill('nobody');
    await page.getByLabel('Password', { exact: true }).fill('nothing at all');
    // The form goes nowhere, so that the page is still there to be looked at.
    const pressedTwice = `(() => {
      const form = document.querySelector('main form');
      const button = form.querySelector('[type=submit]');
      let sent = 0;
      form.addEventListener('submit', (event) => {
        if (!event.defaultPrevented) sent++;
        event.preventDefault();
      });
      button.click();
      button.click();
      return [sent, form.getAttribute('aria-busy'), button.classList.contains('pending')];
    })()`;
    expect(await page.evaluate(pressedTwice)).toEqual([1, 'true', true]);
  });

  it('submit a code when it is complete, and ask for another email after a while', async () => {
    const { page, email } = await user();
    await page.context().clearCookies();
    await page.goto('/forgot-password');
    await page.getByLabel('Email').fill(email);
    await page.keyboard.press('Enter');
    const field = page.getByLabel('6-digit code');
    await field.waitFor();
    const again = page.getByRole('button', { name: /^Send again/ });
    expect(await again.isDisabled()).toBe(true);
    expect(await again.innerText()).toMatch(/^Send again in \d+ s$/);
    const { code = '' } = await lastEmail(app, database, email);
    await field.focus();
    await page.keyboard.insertText(` ${code.slice(0, 3)} ${code.slice(3, 5)}`);
    expect(await field.inputValue()).toBe(code.slice(0, 5));
    await page.keyboard.insertText(code.slice(5));
    await page.getByLabel('New password').waitFor();
    expect(await page.getByLabel('6-digit code').count()).toBe(0);
  });

  it('help password managers and one-time codes', async () => {
    const { page } = await someone();
    const purposes = async (path: string) => {
      await page.goto(path);
      const list =
        "[...document.querySelectorAll('main input:not([type=hidden])')].map((one) => one.autocomplete)";
      return page.evaluate<string[]>(list);
    };
    expect(await purposes('/sign-in')).toEqual(['username', 'current-password']);
    expect(await purposes('/sign-up')).toEqual(['username', 'email', 'new-password']);
    expect(await purposes('/reset-password')).toEqual(['username', 'one-time-code', 'off']);
    // Pasting is typing.
    await page.goto('/sign-in');
    await page.getByLabel('Password', { exact: true }).focus();
    await page.keyboard.insertText(PASSWORD);
    expect(await page.getByLabel('Password', { exact: true }).inputValue()).toBe(PASSWORD);
  });

  it('show a password to who asks, say what it is worth, and send it hidden', async () => {
    const { page } = await someone();
    await page.goto('/sign-up');
    const field = page.getByLabel('Password', { exact: true });
    await page.getByRole('button', { name: 'Show' }).click();
    expect(await field.getAttribute('type')).toBe('text');
    await page.getByLabel('Username').fill('wilhelmina');
    await field.fill('wilhelmina1');
    await page.getByText('base your password on your name').waitFor();
    await field.fill('correct horse battery staple');
    await page.getByText('Strong password.').waitFor();
    await page.getByLabel('Email', { exact: true }).fill('not an address');
    await page.evaluate("document.querySelector('main form').noValidate = true");
    await page.evaluate(
      "document.querySelector('main form').addEventListener('submit', () => sessionStorage.setItem('sent as', document.querySelector('#password').type))",
    );
    await field.press('Enter');
    await page.locator('#email-error').waitFor();
    expect(await page.evaluate("sessionStorage.getItem('sent as')")).toBe('password');
  });

  describe('when ten minutes pass without a request', () => {
    async function leftAlone() {
      const visitor = await user();
      const { page, context } = visitor;
      await context.clock.install({ time: app.clock.now() });
      await page.goto('/dashboard/profile');
      await page.getByLabel('Username').fill('half-typed');
      const pass = async (milliseconds: number) => {
        app.clock.advance(milliseconds);
        await context.clock.fastForward(milliseconds);
      };
      return { ...visitor, pass, notice: page.getByText('You’ll be signed out at') };
    }

    it('say so before, and let one stay', async () => {
      const { page, pass, notice } = await leftAlone();
      await pass(7 * MINUTE + 50 * SECOND);
      expect(await notice.isVisible()).toBe(false);
      await pass(15 * SECOND);
      await notice.waitFor();
      expect(await findBarriers(page)).toEqual([]);
      await page.getByRole('button', { name: 'Stay signed in' }).click();
      await notice.waitFor({ state: 'hidden' });
      await pass(7 * MINUTE);
      expect(await page.getByLabel('Username').inputValue()).toBe('half-typed');
      await page.getByRole('button', { name: 'Save changes' }).click();
      await page.getByText('Profile updated.').waitFor();
    });

    it('keep what was typed for who signs in again, and no password', async () => {
      const { page, pass, username } = await leftAlone();
      await pass(10 * MINUTE + SECOND);
      await page.waitForURL('**/sign-in?return_to=%2Fdashboard%2Fprofile');
      expect(await page.locator('body').innerText()).not.toContain(username);
      await page.getByLabel('Username or email').fill(username);
      await page.getByLabel('Password', { exact: true }).fill(PASSWORD);
      await page.keyboard.press('Enter');
      await page.waitForURL('**/dashboard/profile');
      expect(await page.getByLabel('Username').inputValue()).toBe('half-typed');
      await page.goto('/dashboard/security');
      await page.getByLabel('Current password').fill('a secret that is not kept');
      await page.getByRole('button', { name: 'Show Current password' }).click();
      await pass(10 * MINUTE + SECOND);
      await page.waitForURL('**/sign-in?*');
      expect(await page.evaluate('JSON.stringify(sessionStorage)')).not.toContain('secret');
    });

    it('give it to nobody else', async () => {
      const { page, pass } = await leftAlone();
      const other = newIdentifiers();
      await new Program(app).post('/v1/signup', other);
      await pass(10 * MINUTE + SECOND);
      await page.waitForURL('**/sign-in?*');
      await page.getByLabel('Username or email').fill(other.username);
      await page.getByLabel('Password', { exact: true }).fill(PASSWORD);
      await page.keyboard.press('Enter');
      await page.waitForURL('**/dashboard/profile');
      expect(await page.getByLabel('Username').inputValue()).toBe(other.username);
    });

    it('know of what happens in another tab', async () => {
      const { page, context, pass, notice } = await leftAlone();
      const tab = await context.newPage();
      await pass(9 * MINUTE);
      await notice.waitFor();
      await tab.goto('/dashboard');
      await notice.waitFor({ state: 'hidden' });
      await tab.locator('.menu > summary').click();
      await tab.getByRole('button', { name: 'Sign out' }).click();
      await tab.getByText('You’ve signed out.').waitFor();
      await page.waitForURL('**/sign-in?*');
    });
  });
});
