// Writes docs/images/*.png: the main pages in light and dark mode, from a temporary server.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { Page } from 'playwright-core';
import { startBrowser, visit } from '../packages/server/test/support/browser.ts';
import { writeHistory } from './screenshots-history.ts';

const root = resolve(import.meta.dirname, '..');
const images = join(root, 'docs/images');
/** The maximum size, because READMEs are also read over slow connections. */
const MAX_BYTES = 110_000;

const desk = { width: 1200, height: 760 };
const phone = { width: 390, height: 760 };

interface Shot {
  name: string;
  viewport: typeof desk;
  open: (page: Page) => Promise<unknown>;
}

const ada = { username: 'ada', email: 'ada@example.org', password: 'correct horse battery staple' };
const barbara = { ...ada, username: 'barbara', email: 'barbara@example.org' };
const alan = { ...ada, username: 'alan', email: 'alan@example.org' };
const devices = {
  firefox: ['Mozilla/5.0 (Windows NT 10.0; rv:140.0) Gecko/20100101 Firefox/140.0', '198.51.100.24'],
  safari: [
    'Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 Version/18.5 Mobile/15E148 Safari/604.1',
    '203.0.113.80',
  ],
  chrome: [
    'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 Chrome/141.0.0.0 Safari/537.36',
    '203.0.113.7',
  ],
} as const;

const shots: Shot[] = [
  // First, because signing in for the other pictures adds events.
  { name: 'console-events', viewport: desk, open: openEvents },
  { name: 'sign-in', viewport: desk, open: (page) => page.goto('/sign-in') },
  { name: 'sign-up', viewport: desk, open: fillSignUp },
  { name: 'dashboard', viewport: desk, open: openSignedIn('/dashboard') },
  { name: 'sessions', viewport: desk, open: openSignedIn('/dashboard/sessions') },
  { name: 'delete', viewport: desk, open: openSignedIn('/dashboard/delete') },
  { name: 'phone', viewport: phone, open: openSignedIn('/dashboard') },
  { name: 'console', viewport: desk, open: openSignedIn('/admin?span=month', barbara) },
  { name: 'console-user', viewport: desk, open: openUser },
];

async function fillSignUp(page: Page): Promise<void> {
  await page.goto('/sign-up');
  await page.getByLabel('Username').fill('grace');
  await page.getByLabel('Email', { exact: true }).fill('grace@example.org');
  await page.getByLabel('Password', { exact: true }).fill('hopper1906');
  await page.locator('.meter:not([hidden])').waitFor();
  await page.locator('h1').click();
}

/** Opens the page of a user who cannot sign in, as an administrator who looks for the reason. */
async function openUser(page: Page): Promise<void> {
  await openSignedIn(`/admin/users?search=${alan.username}`, barbara)(page);
  await page.getByRole('link', { name: alan.username, exact: true }).click();
}

async function openEvents(page: Page): Promise<void> {
  await openSignedIn('/admin/events', barbara)(page);
  await page.getByRole('button', { name: 'Live' }).click();
  await page.getByText(/^Live\./).waitFor();
}

function openSignedIn(path: string, who = ada) {
  return async (page: Page): Promise<void> => {
    await page.goto('/sign-in?return_to=/dashboard');
    await page.getByLabel('Username or email').fill(who.username);
    await page.getByLabel('Password', { exact: true }).fill(who.password);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.goto(path);
  };
}

const folder = mkdtempSync(join(tmpdir(), 'usher-screenshots-'));
const database = `sqlite:${join(folder, 'usher.db')}`;
await writeHistory(database, barbara);
const env = {
  ...process.env,
  USHER_DATABASE: database,
  USHER_PORT: '0',
  USHER_TRUSTED_PROXIES: '127.0.0.1',
};
const server = spawn(process.execPath, [join(root, 'packages/server/bin/usher.js'), 'serve'], {
  cwd: folder,
  env,
  stdio: ['ignore', 'pipe', 'pipe'],
});
let printed = '';
server.stderr.setEncoding('utf8').on('data', (text) => {
  printed += text;
  process.stderr.write(text);
});
const stopped = once(server, 'exit');
const browser = await startBrowser();
try {
  const url = await addressOf(server.stdout);
  await populate(url);
  mkdirSync(images, { recursive: true });
  for (const { name, viewport, open } of shots)
    for (const colorScheme of ['light', 'dark'] as const) {
      const [userAgent, address] = devices.chrome;
      const headers = { 'x-forwarded-for': address };
      const { page, close } = await visit(browser, url, {
        viewport,
        colorScheme,
        userAgent,
        extraHTTPHeaders: headers,
      });
      await open(page);
      const path = join(images, `${name}-${colorScheme}.png`);
      await page.screenshot({ path });
      await page.evaluate("fetch('/v1/logout', { method: 'POST' })");
      await close();
      const { size } = statSync(path);
      console.log(`${path.slice(root.length + 1)}: ${Math.round(size / 1000)} kB`);
      if (size > MAX_BYTES) throw new Error(`${path} is larger than ${MAX_BYTES} bytes.`);
    }
} finally {
  await browser.close();
  server.kill();
  await stopped;
  rmSync(folder, { recursive: true });
}

/** The URL that the server prints when it listens. */
async function addressOf(output: NodeJS.ReadableStream): Promise<string> {
  let text = '';
  for await (const chunk of output) {
    text += chunk;
    const port = /"port":(\d+)/.exec(text)?.[1];
    if (port !== undefined) return `http://localhost:${port}`;
  }
  throw new Error(`The server did not start:\n${text}`);
}

/** Creates a user with history: a verified email, and sessions on other devices. */
async function populate(url: string): Promise<void> {
  const post = async (path: string, body: unknown, [agent, address]: readonly [string, string]) => {
    const headers = { 'content-type': 'application/json', 'user-agent': agent, 'x-forwarded-for': address };
    const answer = await fetch(`${url}${path}`, { method: 'POST', headers, body: JSON.stringify(body) });
    return answer.status;
  };
  await post('/v1/signup', ada, devices.firefox);
  const token = /\/verify#token=([\w-]+)/.exec(await readEmail(url))?.[1];
  const { username, password, email } = ada;
  await post('/v1/verify-email', { token, password }, devices.firefox);
  for (const device of [devices.firefox, devices.safari])
    await post('/v1/signin', { email, password }, device);
  const stranger = ['Python-urllib/3.13', '192.0.2.66'] as const;
  await post('/v1/signin', { username, password: 'not this one' }, stranger);
  await post('/v1/signup', alan, devices.safari);
  for (let i = 0; i < 7; i++)
    await post('/v1/signin', { email: alan.email, password: `not this one ${i}` }, stranger);
}

/** The newest email in the mailbox, whose link is in the start message. */
async function readEmail(url: string): Promise<string> {
  const { page, close } = await visit(browser, url);
  await page.goto(/http\S+\/mailbox#token=[\w-]+/.exec(printed)?.[0] ?? '');
  await page.locator('a[href^="/mailbox/"]').first().click();
  await page.locator('iframe').waitFor();
  const email = await page.content();
  await close();
  return email;
}
