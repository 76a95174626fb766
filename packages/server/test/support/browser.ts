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

/** The browser that is inside an npm package: the same on every machine. A test file starts one, and a context for each test. */
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
    // With the font of the package pages look the same everywhere, too.
    env: { ...process.env, FONTCONFIG_FILE: join(folder, FONTS), HOME: folder },
    timeout: TIMEOUT,
  });
}

const successors = new WeakMap<Browser, Promise<Browser>>();

/** The browser itself or, when it has died, one in its place, so that no later test dies with it. */
async function living(browser: Browser): Promise<Browser> {
  if (browser.isConnected()) return browser;
  const successor = successors.get(browser) ?? startBrowser();
  successors.set(browser, successor);
  return living(await successor);
}

const FONTS = 'fonts.conf';

/**
 * Only the font of the package. The package's own configuration looks for it in places of another system, and a browser that
 * finds no font at all ends with the first page.
 */
const fontsIn = (folder: string) => `<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig>
  <dir>${join(folder, 'fonts')}</dir>
  <cachedir>${join(folder, 'fonts-cache')}</cachedir>
</fontconfig>
`;

/** Unpacked once for a checkout: it takes seconds. Of several that do so at once the first one counts. */
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

/** Somebody at a browser of their own, and what must not happen while they use it. */
export interface Visitor {
  context: BrowserContext;
  page: Page;
  /** What was against the policy of a page, failed in a script, or was asked of another origin. */
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
  // Some violations are said to the page and to nobody else.
  await context.addInitScript(`document.addEventListener('securitypolicyviolation', (event) =>
    console.error('policy violation: ' + event.effectiveDirective + ' ' + event.blockedURI))`);
  const page = await context.newPage();
  return { context, page, complaints, close: () => context.close() };
}

/** Opens the link of an email: a script sends its secret, and without scripts it is pasted. */
export async function openEmailLink(page: Page, link: string, javaScriptEnabled = true): Promise<void> {
  // As from a mail program: where the page is open already, another fragment would load nothing.
  await page.goto('about:blank');
  await page.goto(link);
  if (!javaScriptEnabled) {
    await page.getByLabel('Paste the link from your email').first().fill(link);
    await page.getByRole('button', { name: 'Open link', exact: true }).first().click();
  }
  // What was opened asks for no link; a link that was refused is asked for again.
  await page.locator('main:not(:has(input[name="link"])), main:has([role="alert"])').waitFor();
}

/** What axe finds in light and in dark, in a line each. Only colours differ between the two. */
export async function findBarriers(page: Page): Promise<string[]> {
  await page.evaluate(axe);
  // Without motion a colour is at once what it is going to be.
  await page.emulateMedia({ colorScheme: 'light', reducedMotion: 'reduce' });
  const light = await page.evaluate<AxeResults>(`axe.run({ resultTypes: ['violations'] })`);
  await page.emulateMedia({ colorScheme: 'dark', reducedMotion: 'reduce' });
  const colours = { runOnly: ['color-contrast', 'link-in-text-block'], resultTypes: ['violations'] };
  const dark = await page.evaluate<AxeResults>(`axe.run(${JSON.stringify(colours)})`);
  return [...light.violations, ...dark.violations].flatMap(({ id, nodes }) =>
    nodes.map(({ html, failureSummary }) => `${id}: ${html}\n${failureSummary}`),
  );
}

/** How far a page is wider than its window, in pixels. */
export const overflowOf = (page: Page): Promise<number> =>
  page.evaluate('document.documentElement.scrollWidth - window.innerWidth');

export const phone = { width: 375, height: 700 };
const desk = { width: 1280, height: 800 };
/** Each database sees both sizes, and pages with scripts and without. */
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
