// The guides for those who call the API, word for word but for the addresses.
import { execFile } from 'node:child_process';
import { mkdtempSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, describe, expect, inject, it, vi } from 'vitest';
import { newIdentifiers, PASSWORD, signUp, startApp } from '../../server/test/support/app.ts';
import { lastEmail } from '../../server/test/support/emails.ts';
import { openLink } from '../../server/test/support/form.ts';
import { asHere, textsOf as blocks, readGuide as guide } from '../../server/test/support/guides.ts';
import { sqlite } from '../../server/test/support/postgres.ts';
import { freePort } from '../../server/test/support/process.ts';
import { withApp } from '../../server/test/support/with-app.ts';
import type { Client } from '../src/client.ts';
import { browserFetch } from './browser-fetch.ts';

const root = resolve(import.meta.dirname, '../../..');
const { app } = withApp();
afterEach(() => {
  vi.unstubAllGlobals();
});

/** Puts programs where packages are found as in any project. */
function write(files: Record<string, string>): string {
  const folder = mkdtempSync(join(inject('folder'), 'guide-'));
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'), 'junction');
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
  for (const [name, text] of Object.entries(files))
    writeFileSync(join(folder, name), asHere(text).replaceAll('http://localhost:4000', app.url));
  return folder;
}

/** Runs shell blocks one after the other. @returns What they printed, one answer a line. */
async function shell(lines: string[], url = app.url): Promise<unknown[]> {
  const script = lines.map((block) => `${block.replaceAll('http://localhost:4000', url)}\necho`).join('\n');
  const { stdout } = await promisify(execFile)('bash', ['-e', '-c', script], { cwd: write({}) });
  return stdout
    .split('\n')
    .filter((line) => line !== '')
    .map(shapeOf);
}

/** An answer with what differs every time left out, as a guide shows it. */
const shapeOf = (line: string): unknown =>
  JSON.parse(line, (name, value) => (unlike.has(name) ? '...' : value));
const unlike = new Set(['id', 'created_at', 'request_id', 'access_token', 'refresh_token', 'sub', 'sid']);

describe('curl.md', () => {
  it('prints what it says', async () => {
    const text = guide('curl.md');
    const printed = await shell(blocks(text, 'sh'));
    // A field that is added since needs no place in the guide.
    expect(printed).toMatchObject(blocks(text, 'json').map(shapeOf));
    expect(printed.length).toBe(8);
  });
});

describe('quick-start.md', () => {
  it('prints what it says, and its email can be read and its link opened', async () => {
    const own = await sqlite.create();
    const fresh = await startApp(own);
    const text = guide('quick-start.md');
    const printed = await shell(blocks(text, 'sh'), fresh.url);
    expect(printed).toMatchObject(blocks(text, 'json').map(shapeOf));
    expect(printed.length).toBe(3);
    const { link = '' } = await lastEmail(fresh, own, 'ada@example.org');
    expect(link).toMatch(new RegExp(`^${fresh.url}/reset-password#token=`));
    expect((await openLink(fresh, '/reset-password', link)).status).toBe(200);
    await fresh.stop();
    await own.remove();
  });
});

describe('sign-in-users.md', () => {
  const text = guide('sign-in-users.md');
  const [session = '', signIn = '', service = '', bearer = '', ...others] = blocks(text, 'ts');

  it('links to pages that are there', async () => {
    const paths = [...text.matchAll(/`(\/(?:sign-in|sign-up|dashboard)[^`]*)`/g)].map(
      ([, path = '']) => path,
    );
    expect(paths.length).toBeGreaterThanOrEqual(3);
    for (const path of new Set(paths)) {
      const { status } = await fetch(`${app.url}${path}${path.endsWith('=') ? '/dashboard' : ''}`, {
        redirect: 'manual',
        headers: { accept: 'text/html' },
      });
      expect([path, status]).toEqual([path, path.startsWith('/dashboard') ? 303 : 200]);
    }
  });

  it('keeps a session by cookie, and goes to the sign-in when it ends', async () => {
    expect(others).toEqual([]);
    const visited: string[] = [];
    vi.stubGlobal('document', {});
    vi.stubGlobal('location', { origin: app.url, assign: (path: string) => visited.push(path) });
    vi.stubGlobal('fetch', browserFetch(app.url, fetch));
    const folder = write({ 'session.ts': session, 'sign-in.ts': signIn });
    const page: { usher: Client; currentUser: () => Promise<{ email: string } | null> } = await import(
      join(folder, 'session.ts')
    );
    const form: { signIn: (form: FormData) => Promise<string | undefined> } = await import(
      join(folder, 'sign-in.ts')
    );
    const ada = await signUp(app);
    const filled = (password: string) => {
      const data = new FormData();
      data.set('login', ada.email);
      data.set('password', password);
      return data;
    };
    expect(await page.currentUser()).toBe(null);
    expect(await form.signIn(filled('not this one'))).toBe('Wrong username, email or password.');
    expect(await form.signIn(filled(PASSWORD))).toBe(undefined);
    expect((await page.currentUser())?.email).toBe(ada.email);
    expect(visited).toEqual([]);
    await page.usher.signOut();
    await expect.poll(() => visited).toEqual(['/sign-in']);
    vi.stubGlobal('fetch', async () => {
      throw new TypeError('fetch failed');
    });
    expect(await form.signIn(filled(PASSWORD))).toBe('There is no connection. Try again.');
    page.usher.close();
  });

  /** A service that answers with the audience of the token that it was sent. */
  async function startService() {
    const port = await freePort();
    const server = createServer((request, response) => {
      const [, payload = ''] = request.headers.authorization?.split('.') ?? [];
      const { aud = null } = payload ? JSON.parse(Buffer.from(payload, 'base64url').toString()) : {};
      response.end(JSON.stringify({ aud, cookie: request.headers.cookie ?? null }));
    }).listen(port, '127.0.0.1');
    const stop = () => {
      server.close();
      server.closeAllConnections();
    };
    return { port: String(port), stop };
  }

  it('calls a service of one’s own with the session of a cookie, which stays at home', async () => {
    vi.stubGlobal('document', {});
    vi.stubGlobal('location', { origin: app.url, assign: () => {} });
    vi.stubGlobal('fetch', browserFetch(app.url, fetch));
    const { port, stop } = await startService();
    const folder = write({ 'session.ts': session, 'api.ts': service.replace('3000', port) });
    const page: { usher: Client } = await import(join(folder, 'session.ts'));
    const api: { hello: () => Promise<unknown> } = await import(join(folder, 'api.ts'));
    expect(await api.hello()).toEqual({ aud: null, cookie: null });
    await page.usher.signUp(newIdentifiers());
    expect(await api.hello()).toEqual({ aud: 'services', cookie: null });
    page.usher.close();
    stop();
  });

  it('calls a service of one’s own with a token', async () => {
    const kept = new Map<string, string>();
    vi.stubGlobal('localStorage', {
      getItem: (key: string) => kept.get(key) ?? null,
      setItem: (key: string, value: string) => kept.set(key, value),
      removeItem: (key: string) => kept.delete(key),
    });
    const { port, stop } = await startService();
    const folder = write({ 'api.ts': bearer.replace('3000', port) });
    const api: { usher: Client; hello: () => Promise<unknown> } = await import(join(folder, 'api.ts'));
    await api.usher.signUp(newIdentifiers());
    expect(await api.hello()).toEqual({ aud: 'services', cookie: null });
    expect([...kept.keys()]).toEqual(['usher']);
    api.usher.close();
    stop();
  });
});

describe('mobile.md', () => {
  const text = guide('mobile.md');

  it('keeps its tokens where the system keeps secrets', async () => {
    const [program = '', ...others] = blocks(text, 'ts');
    expect(others).toEqual([]);
    const folder = write({ 'session.ts': program });
    const { openSession } = await import(join(folder, 'session.ts'));
    const kept = new Map<string, string>();
    const secrets = {
      get: async (name: string) => kept.get(name) ?? null,
      set: async (name: string, value: string) => void kept.set(name, value),
      delete: async (name: string) => void kept.delete(name),
    };
    const first: Client = openSession(secrets);
    await first.signUp(newIdentifiers());
    expect(kept.size).toBe(1);
    const later: Client = openSession(secrets);
    expect((await later.me.get()).error).toBe(null);
    await later.signOut();
    expect(kept.size).toBe(0);
    first.close();
    later.close();
  });

  it('signs in, renews and logs out in any language', async () => {
    // The account of the curl guide, if that ran before; whoever comes first makes it.
    const body = JSON.stringify({ username: 'ada', email: 'ada@example.org', password: PASSWORD });
    const headers = { 'content-type': 'application/json' };
    await fetch(`${app.url}/v1/signup`, { method: 'POST', headers, body });
    const printed = await shell(blocks(text, 'sh'));
    expect(printed).toMatchObject([{ user: { username: 'ada' } }, { message: 'logout successful!' }]);
  });
});
