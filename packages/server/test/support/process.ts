import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdtempSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { join, resolve } from 'node:path';
import { afterAll, inject } from 'vitest';
import { type Reply, send } from './app.ts';
import { newIp } from './forge.ts';
import { TIMEOUT } from './timeouts.ts';

const program = resolve(import.meta.dirname, '../../bin/usher.js');
const built = resolve(import.meta.dirname, '../../dist/main.js');

/** The public URL of all processes in a test, whatever port they listen on, so that they are one installation. */
export const PUBLIC_URL = 'http://localhost:4000';

export interface Exit {
  /** Null if a signal ended it. */
  code: number | null;
  signal: NodeJS.Signals | null;
}

/** The real program, `usher serve`, in its own process. */
export interface Launched {
  pid: number;
  /** Its output so far: log and start message. */
  logs(): string;
  /** Sends it a signal, and resolves when it has exited. */
  kill(signal?: NodeJS.Signals): Promise<Exit>;
  exited: Promise<Exit>;
  /** Rejects with the output if the process exits instead. */
  ready: Promise<UsherProcess>;
}

export interface UsherProcess extends Omit<Launched, 'ready'> {
  /** Its public URL. */
  url: string;
  port: number;
  setUpLink: string | undefined;
}

export interface LaunchOptions {
  database: string;
  /** Settings in addition to a database, a secret, `PUBLIC_URL` and a trusted proxy. Undefined removes one of these. */
  env?: Record<string, string | undefined>;
  /** The working directory; by default a new folder. */
  cwd?: string;
  /** By default a free port. */
  port?: number;
  /** Additional command-line arguments. */
  args?: string[];
  /** Shell commands to run before the program, such as `ulimit`. */
  shell?: string;
}

/** The secret of installations that are given no other. */
export const SECRET = randomBytes(32).toString('base64');

const running = new Set<Launched>();
afterAll(async () => {
  await Promise.all([...running].map((one) => one.kill('SIGKILL')));
});

/**
 * Makes a Node.js process with an `ipc` channel to us exit when the channel closes, so that it does not outlive killed
 * tests.
 */
export const leash = `--import=data:text/javascript,${encodeURIComponent(
  `process.on('disconnect', () => process.exit(1)); process.channel?.unref();`,
)}`;

/** Starts the program with none of our own environment variables. */
export function launch(options: LaunchOptions): Launched {
  const { database, env = {}, cwd = newFolder(), port = 0, args: more = [], shell } = options;
  if (!existsSync(built)) throw new Error('The program is not built: run `npm run build`, or `npm test`.');
  const settings = {
    USHER_DATABASE: database,
    USHER_SECRET: SECRET,
    USHER_PUBLIC_URL: PUBLIC_URL,
    USHER_TRUSTED_PROXIES: '127.0.0.1',
    ...env,
  };
  const line = [leash, program, 'serve', '--port', `${port}`, ...more];
  const command = shell
    ? ['/bin/sh', '-c', `${shell}; exec "$0" "$@"`, process.execPath]
    : [process.execPath];
  const [file = '', ...args] = [...command, ...line];
  const child = spawn(file, args, {
    cwd,
    env: Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== undefined)),
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  const printed: string[] = [];
  for (const stream of [child.stdout, child.stderr])
    stream?.setEncoding('utf8').on('data', (text) => printed.push(text));

  const exited = once(child, 'close').then(([code, signal]): Exit => {
    running.delete(launched);
    return { code, signal };
  });
  const kill = async (signal: NodeJS.Signals = 'SIGTERM'): Promise<Exit> => {
    child.kill(signal);
    return exited;
  };
  const logs = () => printed.join('');
  const base = { pid: child.pid ?? 0, logs, kill, exited };
  const ready = new Promise<UsherProcess>((fulfil, reject) => {
    const fail = (what: string) => reject(new Error(`usher serve ${what}. It printed:\n${logs()}`));
    const timer = setTimeout(() => fail('was not ready in time'), TIMEOUT);
    const look = () => {
      const url = /is ready at (\S+)/.exec(logs())?.[1];
      const itsPort = /"port":(\d+)[^\n]*"msg":"ready"/.exec(logs())?.[1];
      if (url === undefined || itsPort === undefined) return;
      clearTimeout(timer);
      fulfil({ ...base, url, port: Number(itsPort), setUpLink: /^ +(http\S+\/setup\S+)/m.exec(logs())?.[1] });
    };
    child.stdout?.on('data', look);
    child.stderr?.on('data', look);
    void exited.then(({ code, signal }) => {
      clearTimeout(timer);
      fail(`ended with ${code ?? signal}`);
    });
  });
  // Callers that only wait for the exit may ignore this rejection.
  ready.catch(() => {});
  const launched = { ...base, ready };
  running.add(launched);
  return launched;
}

/** Starts the program and waits until it serves. */
export const startProcess = (options: LaunchOptions): Promise<UsherProcess> => launch(options).ready;

export const newFolder = (): string => mkdtempSync(join(inject('folder'), 'process-'));

/** A port that is currently free. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

export type Credential = { cookie: string } | { bearer: string };

/** Sends from its own IP: like one of our pages with a cookie, otherwise like an API client. */
export function call(
  to: Pick<UsherProcess, 'url' | 'port'>,
  method: string,
  path: string,
  body?: unknown,
  credential?: Credential,
): Promise<Reply> {
  const headers: { [name: string]: string; authorization?: string } = { host: new URL(to.url).host };
  if (credential && 'cookie' in credential)
    Object.assign(headers, {
      cookie: `usher=${credential.cookie}`,
      origin: to.url,
      'sec-fetch-site': 'same-origin',
    });
  if (credential && 'bearer' in credential) headers.authorization = `Bearer ${credential.bearer}`;
  return send(to, method, path, body, { from: newIp(), headers });
}

/** Submits a form like one of our pages, with the form token and cookie from such a page. */
export async function submit(
  to: Pick<UsherProcess, 'url' | 'port'>,
  path: string,
  form: Record<string, string>,
): Promise<Reply> {
  const { host } = new URL(to.url);
  const page = await send(to, 'GET', '/sign-in', undefined, { headers: { host } });
  const headers = {
    host,
    origin: to.url,
    'sec-fetch-site': 'same-origin',
    'content-type': 'application/x-www-form-urlencoded',
    cookie: page.headers.get('set-cookie')?.split(';', 1)[0] ?? '',
  };
  const form_token = /name="form_token" value="([^"]+)"/.exec(page.text)?.[1] ?? '';
  const raw = new URLSearchParams({ form_token, ...form }).toString();
  return send(to, 'POST', path, undefined, { raw, from: newIp(), headers });
}

/** The session cookie that a response sets. */
export const cookieOf = (reply: Reply): string | undefined =>
  /^usher=([^;]+)/.exec(reply.headers.getSetCookie().find((one) => /^usher=[^;]/.test(one)) ?? '')?.[1];
