import { randomBytes } from 'node:crypto';
import { request } from 'node:http';
import { connect } from 'node:net';
import { Writable } from 'node:stream';
import { serveContext, type Usher, type UsherOptions } from '../../src/app.ts';
import { configFromOptions, sourcesOfOptions } from '../../src/config.ts';
import { sessionTimeoutsOf } from '../../src/core/sessions/timeouts.ts';
import { mailboxLink } from '../../src/http/mailbox-access.ts';
import { openContext } from '../../src/open-context.ts';
import type { Timeouts } from '../../src/platform/db/index.ts';
import type { Hashing } from '../../src/platform/hasher.ts';
import { type HttpServer, startHttpServer } from '../../src/platform/http-server.ts';
import { createLog } from '../../src/platform/log.ts';
import { type TestClock, testClock } from './clock.ts';
import type { TestDatabase } from './postgres.ts';
import { TIMEOUT } from './timeouts.ts';

/** An Usher server on its own port, with a clock that the test controls. */
export interface TestApp {
  url: string;
  port: number;
  secret: string;
  clock: TestClock;
  usher: Usher;
  /** The link to the mailbox page, as the start message prints it; undefined without a mailbox page. */
  mailbox: string | undefined;
  /** Every logged line, at any level. */
  log: string[];
  stop(): Promise<void>;
}

/**
 * Hashing at almost no cost, since most tests are not about hashes. Its threads do not yield to other load on the
 * machine, and a busy machine does not use up a client's share of the queue. A test where the real cost or queue
 * matters passes `hashing: {}`.
 */
export const cheapHashing: Hashing = {
  parameters: { memoryKib: 64, passes: 1 },
  niceness: 0,
  queuePerThread: 10_000,
};

/** How long sessions last by default. */
export const sessionTimeouts = sessionTimeoutsOf(configFromOptions({}));

/** Timeouts for the database that a busy machine does not exceed. */
export const longTimeouts: Timeouts = {
  connection: TIMEOUT,
  lock: TIMEOUT,
  turn: TIMEOUT,
  statement: TIMEOUT,
  answer: TIMEOUT,
  idle: TIMEOUT,
};

/**
 * Serves on a database. Two apps with the same database, `secret`, `publicUrl` and `clock` stand for two processes of
 * one installation, as far as a single process can.
 */
export async function startApp(
  database: Pick<TestDatabase, 'url'>,
  options: UsherOptions & { clock?: TestClock; secret?: string; hashing?: Hashing; timeouts?: Timeouts } = {},
): Promise<TestApp> {
  const {
    clock = testClock(),
    hashing = cheapHashing,
    timeouts = longTimeouts,
    log: ownLog,
    ...given
  } = options;
  const secret = options.secret ?? randomBytes(32).toString('base64');
  const log: string[] = [];
  const sink = new Writable({
    write(line, _encoding, done) {
      log.push(String(line));
      done();
    },
  });
  let usher: Usher | undefined;
  let mailbox: string | undefined;
  const server: HttpServer = await startHttpServer(
    (request, peer) => usher?.fetch(request, peer) ?? new Response('', { status: 503 }),
    '127.0.0.1',
    0,
  );
  const url = `http://localhost:${server.port}`;
  try {
    const settings = {
      database: database.url,
      publicUrl: url,
      // Lets tests choose the client IP with X-Forwarded-For.
      trustedProxies: ['127.0.0.1'],
      ...given,
      secret,
    };
    const contextOptions = { clock, hashing, timeouts, log: ownLog ?? createLog('debug', sink) };
    const sources = sourcesOfOptions(settings);
    const opened = await openContext(configFromOptions(settings), { ...contextOptions, sources });
    mailbox = opened.context.hasMailbox ? mailboxLink(opened.context) : undefined;
    usher = serveContext(opened);
  } catch (error) {
    await server.stop(0);
    throw error;
  }
  const started = usher;
  return {
    url,
    port: server.port,
    secret,
    clock,
    usher: started,
    mailbox,
    log,
    async stop() {
      await server.stop(0);
      await started.close();
    },
  };
}

export interface Reply {
  status: number;
  headers: Headers;
  /** The body parsed as JSON; undefined if it is not JSON. */
  // biome-ignore lint/suspicious/noExplicitAny: tests look into bodies; what they find there is what they assert.
  body: any;
  text: string;
}

interface Sending {
  headers?: Record<string, string>;
  /** The IP that the request comes from. */
  from?: string;
  /** A body that is sent unchanged. */
  raw?: string;
}

/** Sends one request like an API client: no cookie, no Origin header. `body` is sent as JSON. */
export function send(
  app: Pick<TestApp, 'port'>,
  method: string,
  path: string,
  body?: unknown,
  how: Sending = {},
): Promise<Reply> {
  const payload = how.raw ?? (body === undefined ? undefined : JSON.stringify(body));
  const headers: Record<string, string | number> = {
    host: `localhost:${app.port}`,
    ...(payload === undefined
      ? {}
      : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(payload) }),
    ...(how.from ? { 'x-forwarded-for': how.from } : {}),
    ...how.headers,
  };
  return new Promise((resolve, reject) => {
    const call = request(
      { host: '127.0.0.1', port: app.port, method, path, headers, agent: false },
      async (answer) => {
        try {
          let text = '';
          // A stream is closed after its head; `support/stream` reads streams.
          if (answer.headers['content-type']?.startsWith('text/event-stream')) answer.destroy();
          else for await (const chunk of answer.setEncoding('utf8')) text += chunk;
          const heads = new Headers();
          for (let i = 0; i < answer.rawHeaders.length; i += 2)
            heads.append(answer.rawHeaders[i] ?? '', answer.rawHeaders[i + 1] ?? '');
          const isJson = text !== '' && /json(;|$)/.test(heads.get('content-type') ?? '');
          resolve({
            status: answer.statusCode ?? 0,
            headers: heads,
            text,
            body: isJson ? JSON.parse(text) : undefined,
          });
        } catch (error) {
          reject(error);
        }
      },
    );
    call.on('error', reject);
    call.end(payload);
  });
}

/** Sends raw bytes and reads until the server closes the connection: for requests that no HTTP client would send. */
export function sendBytes(app: Pick<TestApp, 'port'>, bytes: string | Buffer): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(app.port, '127.0.0.1', () => socket.write(bytes));
    let answer = '';
    socket.setEncoding('latin1').on('data', (chunk) => {
      answer += chunk;
    });
    socket.on('close', () => resolve(answer)).on('error', reject);
  });
}

let names = 0;
export const PASSWORD = 'correct horse battery staple';
/** A password that is never correct, and one to change to. */
export const WRONG = 'not the password of anybody';
export const NEW_PASSWORD = 'a much better passphrase';

/** A username and email that are unique in this run. */
export function newIdentifiers(): { username: string; email: string; password: string } {
  const name = `user${++names}`;
  return { username: name, email: `${name}@example.org`, password: PASSWORD };
}

/** A user's browser: stores cookies, and sends an Origin header as our pages make a browser do. */
export class Browser {
  cookie: string | undefined;
  readonly app: TestApp;
  readonly from: string;

  constructor(app: TestApp, from = '192.0.2.1') {
    this.app = app;
    this.from = from;
  }

  async send(
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<Reply> {
    const reply = await send(this.app, method, path, body, {
      from: this.from,
      headers: {
        ...(this.cookie ? { cookie: `usher=${this.cookie}` } : {}),
        ...(method === 'GET' ? {} : { origin: this.app.url, 'sec-fetch-site': 'same-origin' }),
        ...headers,
      },
    });
    const set = reply.headers.getSetCookie().find((one) => one.startsWith('usher='));
    if (set) this.cookie = /^usher=([^;]+)/.exec(set)?.[1];
    return reply;
  }
  get = (path: string) => this.send('GET', path);
  post = (path: string, body?: unknown) => this.send('POST', path, body);
}

/** Signs up a new user in a browser. */
export async function signUp(app: TestApp, from?: string) {
  const names = newIdentifiers();
  const browser = new Browser(app, from);
  const reply = await browser.post('/v1/signup', names);
  if (reply.status !== 201) throw new Error(`Sign-up answered ${reply.status}: ${reply.text}`);
  return { ...names, id: reply.body.user.id as string, browser };
}

/** Gets a token pair for a user with an account; for Usher itself unless `audience` names a service. */
export async function login(
  app: TestApp,
  who: { username: string; password: string },
  from?: string,
  audience?: string,
) {
  const reply = await send(app, 'POST', '/v1/login', audience === undefined ? undefined : { audience }, {
    headers: basic(who.username, who.password),
    ...(from ? { from } : {}),
  });
  if (reply.status !== 200) throw new Error(`Login answered ${reply.status}: ${reply.text}`);
  return reply.body as { access_token: string; refresh_token: string; expires_in: number };
}

/** The HTTP Basic header. */
export const basic = (name: string, password: string): { authorization: string } => ({
  authorization: `Basic ${Buffer.from(`${name}:${password}`).toString('base64')}`,
});

/** A request with an access token. */
export const asBearer = (token: string): Sending => ({ headers: { authorization: `Bearer ${token}` } });
