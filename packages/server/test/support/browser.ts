import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import type { AxeResults } from 'axe-core';
import {
  type Browser,
  type BrowserContext,
  type BrowserContextOptions,
  chromium,
  type Page,
} from 'playwright-core';
import { TIMEOUT } from './timeouts.ts';

const root = resolve(import.meta.dirname, '../../../..');
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/**
 * Starts the browser from an npm package, which is the same on every machine. A test file starts one, with a context
 * for each test.
 */
export async function startBrowser(): Promise<Browser> {
  const folder = unpackedBrowser();
  return chromium.launch({
    executablePath: join(folder, 'chromium'),
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--headless=shell',
      '--hide-scrollbars',
      '--font-render-hinting=none',
    ],
    // With the font of the package, pages look the same on every machine.
    env: { ...process.env, FONTCONFIG_FILE: join(folder, FONTS), HOME: folder },
    timeout: TIMEOUT,
  });
}

const successors = new WeakMap<Browser, Promise<Browser>>();

/** Returns the browser, or a new one if it has crashed, so that later tests do not fail with it. */
async function living(browser: Browser): Promise<Browser> {
  if (browser.isConnected()) return browser;
  const successor = successors.get(browser) ?? startBrowser();
  successors.set(browser, successor);
  return living(await successor);
}

const FONTS = 'fonts.conf';

/**
 * Uses only the font of the package. The package's own configuration looks in paths of another system, and the browser
 * crashes at the first page if it finds no font.
 */
const fontsIn = (folder: string) => `<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig>
  <dir>${join(folder, 'fonts')}</dir>
  <cachedir>${join(folder, 'fonts-cache')}</cachedir>
</fontconfig>
`;

/**
 * Unpacks the browser once for a checkout, which takes seconds. Of several concurrent runs, the first one to finish
 * wins.
 */
function unpackedBrowser(): string {
  const { version } = JSON.parse(
    readFileSync(join(root, 'node_modules/@sparticuz/chromium/package.json'), 'utf8'),
  );
  const cache = join(root, 'node_modules/.cache');
  const folder = join(cache, `browser-${version}`);
  if (existsSync(folder)) return folder;
  mkdirSync(cache, { recursive: true });
  const aside = mkdtempSync(`${folder}-`);
  const unpack = "import('@sparticuz/chromium').then(({ default: packed }) => packed.executablePath())";
  execFileSync(process.execPath, ['-e', unpack], { cwd: root, env: { ...process.env, TMPDIR: aside } });
  writeFileSync(join(aside, FONTS), fontsIn(folder));
  try {
    renameSync(aside, folder);
  } catch (error) {
    rmSync(aside, { recursive: true });
    if (!existsSync(folder)) throw error;
  }
  return folder;
}

/** A user with a browser of their own, and a record of everything that must not happen in it. */
export interface Visitor {
  context: BrowserContext;
  page: Page;
  /** CSP violations, script errors and requests to other origins. */
  complaints: string[];
  close(): Promise<void>;
}

export async function visit(
  browser: Browser,
  url: string,
  options: BrowserContextOptions = {},
): Promise<Visitor> {
  const context = await (await living(browser)).newContext({ baseURL: url, ...options });
  context.setDefaultTimeout(TIMEOUT);
  const complaints: string[] = [];
  context.on('console', (message) => {
    if (/Content Security Policy|Trusted ?Type|policy violation/i.test(message.text()))
      complaints.push(message.text());
  });
  context.on('weberror', (error) => complaints.push(String(error.error())));
  context.on('request', (request) => {
    if (new URL(request.url()).origin !== url) complaints.push(`a request to ${request.url()}`);
  });
  // Some violations are reported only to the page.
  await context.addInitScript(`document.addEventListener('securitypolicyviolation', (event) =>
    console.error('policy violation: ' + event.effectiveDirective + ' ' + event.blockedURI))`);
  const page = await context.newPage();
  return { context, page, complaints, close: () => context.close() };
}

/** Opens the link of an email. A script submits its token; without scripts, the link is pasted. */
export async function openEmailLink(page: Page, link: string, javaScriptEnabled = true): Promise<void> {
  // As from a mail program: if the page is already open, a new fragment would not load it.
  await page.goto('about:blank');
  await page.goto(link);
  if (!javaScriptEnabled) {
    await page.getByLabel('Paste the link from your email').first().fill(link);
    await page.getByRole('button', { name: 'Open link', exact: true }).first().click();
  }
  // An opened page asks for no link; after a rejected link, it asks again.
  await page.locator('main:not(:has(input[name="link"])), main:has([role="alert"])').waitFor();
}

/** Enters the 6-digit code of an email. A script submits it once it is complete; without scripts, a button does. */
export async function enterCode(
  page: Page,
  code: string,
  button: string,
  javaScriptEnabled = true,
): Promise<void> {
  const field = page.getByLabel('6-digit code');
  if (!javaScriptEnabled) {
    await field.fill(code);
    return page.getByRole('button', { name: button, exact: true }).click();
  }
  const submitted = page.waitForEvent('framenavigated');
  await field.fill(code);
  await submitted;
}

/** The findings of axe in light and in dark mode, one line each. Only colors differ between the two. */
export async function findBarriers(page: Page): Promise<string[]> {
  await page.evaluate(axe);
  // Without animations, colors have their final value at once.
  await page.emulateMedia({ colorScheme: 'light', reducedMotion: 'reduce' });
  const light = await page.evaluate<AxeResults>(`axe.run({ resultTypes: ['violations'] })`);
  await page.emulateMedia({ colorScheme: 'dark', reducedMotion: 'reduce' });
  const colours = { runOnly: ['color-contrast', 'link-in-text-block'], resultTypes: ['violations'] };
  const dark = await page.evaluate<AxeResults>(`axe.run(${JSON.stringify(colours)})`);
  return [...light.violations, ...dark.violations].flatMap(({ id, nodes }) =>
    nodes.map(({ html, failureSummary }) => `${id}: ${html}\n${failureSummary}`),
  );
}

/** How much wider the page is than its window, in pixels. */
export const overflowOf = (page: Page): Promise<number> =>
  page.evaluate('document.documentElement.scrollWidth - window.innerWidth');

export const phone = { width: 375, height: 700 };
const desk = { width: 1280, height: 800 };
/** Both databases are tested with both screen sizes, with and without scripts. */
export const ways: Record<string, { viewport: typeof phone; javaScriptEnabled: boolean }[]> = {
  SQLite: [
    { viewport: phone, javaScriptEnabled: true },
    { viewport: desk, javaScriptEnabled: false },
  ],
  PostgreSQL: [
    { viewport: desk, javaScriptEnabled: true },
    { viewport: phone, javaScriptEnabled: false },
  ],
};
