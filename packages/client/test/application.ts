import { existsSync, readFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { join, resolve } from 'node:path';
import type { Page } from 'playwright-core';
import { type HttpServer, startHttpServer } from '../../server/src/platform/http-server.ts';
import type { Change } from '../src/changes.ts';
import type { ClientOptions } from '../src/client.ts';
import type { UsherError } from '../src/error.ts';

const dist = resolve(import.meta.dirname, '../dist');

/** No inline script, as on Usher's own pages: an application as strict as that can use the client. */
const POLICY =
  "default-src 'none'; script-src 'self'; connect-src 'self' http://localhost:*; require-trusted-types-for 'script'";

/** The one page, and its one script, which gives a test something to hold. */
const files: Record<string, { type: string; text: string }> = {
  '/': {
    type: 'text/html',
    text: '<!doctype html><html lang="en"><title>Application</title><script type="module" src="/app.js"></script>',
  },
  '/app.js': {
    type: 'text/javascript',
    text: `
      import { createClient, webStorage } from '/client/index.js';
      const heard = [];
      const say = async (call) => {
        const { data, error } = await call;
        return { data, error: error && { ...error, message: error.message } };
      };
      const openClient = (options) => {
        const clock = { now: () => Date.now() + globalThis.ahead };
        const storage = options.session === 'bearer' ? webStorage(localStorage) : undefined;
        globalThis.usher = createClient({ ...options, storage, clock });
        usher.onChange((change) => heard.push(change));
      };
      Object.assign(globalThis, { heard, say, openClient, ahead: 0 });
    `,
  },
};

type Answer = (request: Request, peer: { incoming: IncomingMessage }) => Response | Promise<Response>;

/** Serves an application of one page, and the built client with it. @param otherwise What answers all else. */
export function serveApplication(otherwise: Answer): Promise<HttpServer> {
  if (!existsSync(dist)) throw new Error('The client is not built: run `npm run build`, or `npm test`.');
  const answer: Answer = (request, peer) => {
    const { pathname } = new URL(request.url);
    const module = /^\/client\/([a-z-]+\.js)$/.exec(pathname)?.[1];
    const file = module
      ? { type: 'text/javascript', text: readFileSync(join(dist, module), 'utf8') }
      : files[pathname];
    if (!file) return otherwise(request, peer);
    const headers = { 'content-type': file.type, 'content-security-policy': POLICY };
    return new Response(file.text, { headers });
  };
  return startHttpServer(answer, '127.0.0.1', 0);
}

/** A tab with the application in it, and what its client says. */
export interface Tab {
  page: Page;
  /** @param call Such as `me.get()`. */
  ask(call: string): Promise<{ data: Record<string, unknown> | null; error: Partial<UsherError> | null }>;
  heard(): Promise<Change[]>;
  /** Moves the clock of its client. @param milliseconds How far. */
  advance(milliseconds: number): Promise<void>;
}

export async function openTab(
  page: Page,
  address: string,
  options: Pick<ClientOptions, 'url' | 'session'>,
): Promise<Tab> {
  await page.goto(address);
  await page.waitForFunction('globalThis.openClient');
  await page.evaluate(`openClient(${JSON.stringify(options)})`);
  return {
    page,
    ask: (call) => page.evaluate(`say(usher.${call})`),
    heard: () => page.evaluate('heard'),
    advance: (milliseconds) => page.evaluate(`void (ahead += ${milliseconds})`),
  };
}
