// Every language has room on every page. A page that is translated later is tested as soon as its path is in a list.
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Page } from 'playwright-core';
import { afterEach, describe, expect, inject, it } from 'vitest';
import { FIXED } from '../../src/languages/catalog.ts';
import { openLanguages } from '../../src/languages/languages.ts';
import { newIdentifiers, Browser as Program } from '../support/app.ts';
import { findBarriers, overflowOf, startBrowser, type Visitor, visit } from '../support/browser.ts';
import { stretch } from '../support/stretch.ts';
import { withApp, withStarted } from '../support/with-app.ts';

const forVisitors = [
  '/',
  '/?done=deleted',
  '/sign-in',
  '/sign-in?done=reset',
  '/sign-in?return_to=/dashboard',
  '/sign-up',
  '/forgot-password',
  '/reset-password',
  '/verify',
  '/restore-email',
  '/setup',
  '/nothing',
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

const { all } = openLanguages({ folder: undefined, fallback: 'en' });
/** A language without a catalog of ours stands for the longest one. */
const LONGEST = 'eo';

const english: Record<string, string> = JSON.parse(
  readFileSync(resolve(import.meta.dirname, '../../messages/en.json'), 'utf8'),
);
const stretched = Object.entries(english)
  .filter(([key]) => !FIXED.has(key))
  .map(([key, message]) => [key, stretch(message)]);

const narrow = { width: 320, height: 640 };
const phone = { width: 390, height: 844 };
const desk = { width: 1280, height: 800 };

describe('translated pages', () => {
  const browser = withStarted(startBrowser, (it) => it.close());
  // What is seen does not depend on the database.
  const { app } = withApp(undefined, () => {
    const messages = mkdtempSync(join(inject('folder'), 'messages-'));
    writeFileSync(join(messages, `${LONGEST}.json`), JSON.stringify(Object.fromEntries(stretched)));
    return { messages };
  });
  const visitors: Visitor[] = [];
  afterEach(async () => {
    for (const { close, complaints } of visitors.splice(0)) {
      await close();
      expect(complaints).toEqual([]);
    }
  });

  /** A browser that prefers a language. */
  async function someone(locale: string, viewport = narrow): Promise<Visitor> {
    const visitor = await visit(browser, app.url, { locale, viewport, reducedMotion: 'reduce' });
    visitors.push(visitor);
    return visitor;
  }
  /** The same, with the session of an account. */
  async function user(locale: string, viewport = narrow): Promise<Page> {
    const program = new Program(app, `192.0.2.${++users}`);
    await program.post('/v1/signup', newIdentifiers());
    const { context, page } = await someone(locale, viewport);
    await context.addCookies([{ name: 'usher', value: program.cookie ?? '', url: app.url }]);
    return page;
  }
  let users = 0;

  /** What is wider than its page, or cut off. */
  const misfitsOf = async (page: Page) => ({
    overflow: Math.max(0, await overflowOf(page)),
    cut: await page.evaluate<string[]>(cutTexts),
  });
  const FITS = { overflow: 0, cut: [] };
  const expectFit = async (page: Page) =>
    expect([page.url(), await misfitsOf(page)]).toEqual([page.url(), FITS]);
  const languageOf = (page: Page) => page.locator('html').getAttribute('lang');

  /** What the pages say about input that they reject, and after an email was sent. */
  async function walkThroughForms(page: Page, check: (page: Page) => Promise<void>): Promise<void> {
    await page.goto('/sign-up');
    await page.locator('#username').fill('x y @');
    await page.locator('#email').fill('x@y');
    await page.locator('#password').fill('1234');
    await page.locator('.meter:not([hidden])').waitFor();
    await check(page);
    await page.keyboard.press('Enter');
    await page.locator('#email-error').waitFor();
    await check(page);
    await page.goto('/sign-in');
    await page.locator('#name').fill('nobody');
    await page.locator('#password').fill('nothing at all');
    await page.keyboard.press('Enter');
    await page.getByRole('alert').waitFor();
    await check(page);
    await page.goto('/forgot-password');
    await page.locator('#email').fill(newIdentifiers().email);
    await page.keyboard.press('Enter');
    await page.locator('#code').waitFor();
    await check(page);
    await page.goto('/reset-password#token=x');
    await page.locator('main h1').waitFor();
    await check(page);
  }

  it('have room for words that are half as long again, on 320 pixels', async () => {
    const { page: visitor } = await someone(LONGEST);
    for (const path of forVisitors) {
      await visitor.goto(path);
      expect(await languageOf(visitor)).toBe(LONGEST);
      await expectFit(visitor);
    }
    await walkThroughForms(visitor, expectFit);
    const page = await user(LONGEST);
    for (const path of forUsers) {
      await page.goto(path);
      await expectFit(page);
    }
  });

  it.each(all)('fit 320 pixels in the language %s', async (language) => {
    const { page: visitor } = await someone(language);
    for (const path of forVisitors) {
      await visitor.goto(path);
      expect(await languageOf(visitor)).toBe(language);
      await expectFit(visitor);
    }
    const page = await user(language);
    for (const path of forUsers) {
      await page.goto(path);
      await expectFit(page);
    }
  });

  it.each([phone, desk])('are mirrored in Arabic, without barriers, at $width pixels', async (viewport) => {
    const { page } = await someone('ar', viewport);
    const check = async (on: Page) => {
      await expectFit(on);
      expect([on.url(), await findBarriers(on)]).toEqual([on.url(), []]);
    };
    for (const path of forVisitors) {
      await page.goto(path);
      expect(await page.locator('html').getAttribute('dir')).toBe('rtl');
      await check(page);
    }
    await walkThroughForms(page, check);
    const account = await user('ar', viewport);
    for (const path of forUsers) {
      await account.goto(path);
      await check(account);
    }
  });

  it('keep what is written from left to right so in Arabic', async () => {
    const { page } = await someone('ar', phone);
    await page.goto('/sign-up');
    const styleOf = async (selector: string, ...names: string[]) =>
      Promise.all(
        names.map((name) =>
          page.evaluate<string>(`getComputedStyle(document.querySelector('${selector}')).${name}`),
        ),
      );
    expect(await styleOf('#email', 'direction', 'textAlign')).toEqual(['ltr', 'right']);
    expect(await styleOf('#password', 'direction', 'textAlign')).toEqual(['ltr', 'right']);
    // What somebody types there decides.
    expect(await styleOf('#username', 'unicodeBidi', 'textAlign')).toEqual(['plaintext', 'right']);
    // The button beside the password is on the other side, and covers no text.
    const [button, input] = [await boxOf(page, '.reveal'), await boxOf(page, '#password')];
    expect(button.x + button.width / 2).toBeLessThan(input.x + input.width / 4);
    const [padding = ''] = await styleOf('#password', 'paddingLeft');
    expect(Number.parseFloat(padding)).toBeGreaterThanOrEqual(button.x + button.width - input.x);
    await page.goto('/reset-password');
    expect(await styleOf('.code-input', 'direction', 'textAlign')).toEqual(['ltr', 'right']);
  });
});

const boxOf = async (page: Page, selector: string) =>
  (await page.locator(selector).first().boundingBox()) ?? { x: NaN, y: NaN, width: NaN, height: NaN };

/** Runs in the page: elements whose text is cut off, or sticks out of them or of the window. */
const cutTexts = `[...document.querySelectorAll('body *')].filter((element) => {
  const { display, overflowX } = getComputedStyle(element);
  // Hidden from sight, names that people chose, and rows that scroll.
  if (element.textContent.trim() === '') return false;
  if (element.closest('.unseen, .skip, .who, svg, script, noscript, [hidden]')) return false;
  if (['inline', 'none', 'contents'].includes(display) || overflowX === 'auto') return false;
  const { left, right } = element.getBoundingClientRect();
  const isOut = !element.closest('.sections') && (left < -1 || right > innerWidth + 1);
  // A browser shortens the chosen option itself.
  const isWide = element.tagName !== 'SELECT' && element.scrollWidth > element.clientWidth + 1;
  const isHigh = overflowX === 'hidden' && element.scrollHeight > element.clientHeight + 1;
  return isOut || isWide || isHigh;
}).map((element) => element.tagName + '.' + element.className + ': ' + element.textContent.trim().slice(0, 60))`;
