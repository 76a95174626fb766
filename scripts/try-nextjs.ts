// Runs docs/guides/nextjs.md from an empty folder: with the packages as they would be published, and the current
// Next.js from npm's configured registry. It is not part of `npm test`, because Next.js is larger than everything else
// that the tests install. Writes the result to docs/tried/nextjs.md; review it before you commit it.
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { startRegistry } from '../packages/server/test/support/registry.ts';
import { packAll } from './pack.ts';

const root = resolve(import.meta.dirname, '..');
const guide = readFileSync(join(root, 'docs/guides/nextjs.md'), 'utf8');
/** The dependencies of every Next.js application; the guide starts after their installation. */
const beforehand = ['next', 'react', 'react-dom', 'typescript', '@types/react', '@types/node'];
/** Milliseconds. */
const TIMEOUT = 5 * 60_000;

const folder = mkdtempSync(join(tmpdir(), 'usher-nextjs-'));
const [packed, project] = [join(folder, 'packed'), join(folder, 'my-app')];
for (const made of [packed, project]) mkdirSync(made);
const upstream = execFileSync('npm', ['config', 'get', 'registry'], { encoding: 'utf8' }).trim();
const registry = await startRegistry(packAll(packed), upstream.replace(/\/?$/, '/'));
try {
  const seen = await tryGuide();
  mkdirSync(join(root, 'docs/tried'), { recursive: true });
  writeFileSync(join(root, 'docs/tried/nextjs.md'), report(seen));
  console.log(seen.join('\n'));
} finally {
  await registry.stop();
  rmSync(folder, { recursive: true, maxRetries: 10 });
}

async function tryGuide(): Promise<string[]> {
  writeFileSync(join(project, 'package.json'), '{ "private": true }\n');
  await shell(`npm install ${beforehand.join(' ')}`);
  // The Node.js that runs this script is new enough.
  for (const line of guide.match(/^npm install .+$/gm) ?? []) if (!line.includes('node@')) await shell(line);
  const files = [...guide.matchAll(/`([^`\n]+\.(?:mjs|js|ts|tsx))`:\n\n```\w+\n([\s\S]*?)```/g)];
  if (files.length < 4)
    throw new Error('The guide names fewer files than it should: `path`: above each block.');
  for (const [, file = '', text = ''] of files) {
    mkdirSync(dirname(join(project, file)), { recursive: true });
    writeFileSync(join(project, file), text);
  }
  const port = await freePort();
  const env = { PORT: `${port}`, PUBLIC_URL: `http://localhost:${port}` };
  const started = run(`npx next dev --port ${port}`, env);
  try {
    return [...files.map(([, file]) => `wrote \`${file}\``), ...(await visit(`http://localhost:${port}`))];
  } catch (error) {
    throw new Error(`${(error as Error).message}\n${started.printed()}`);
  } finally {
    process.kill(-(started.child.pid ?? 0), 'SIGTERM');
    await started.ended;
  }
}

/** Uses the application like a person, and collects what it shows. */
async function visit(url: string): Promise<string[]> {
  const seen: string[] = [];
  const ask = async (what: string, expected: number, path: string, init: RequestInit = {}) => {
    const response = await fetch(url + path, { redirect: 'manual', ...init });
    if (response.status !== expected)
      throw new Error(`${what}: ${response.status} instead of ${expected}: ${await response.text()}`);
    seen.push(`${what}: ${expected}`);
    return response;
  };
  await untilUp(url);
  for (const path of ['/sign-in', '/sign-up', '/reset-password', '/docs'])
    await ask(`\`GET ${path}\``, 200, path);
  await ask('`GET /api/hello` without a session', 401, '/api/hello');
  const body = JSON.stringify({
    ...{ username: 'ada', email: 'ada@example.org', password: 'correct horse battery staple' },
  });
  const headers = { 'content-type': 'application/json' };
  const signUp = await ask('`POST /v1/signup`', 201, '/v1/signup', { method: 'POST', headers, body });
  const cookie = (signUp.headers.get('set-cookie') ?? '').split(';', 1)[0] ?? '';
  const hello = await ask('`GET /api/hello` with the cookie', 200, '/api/hello', { headers: { cookie } });
  const { hello: name } = (await hello.json()) as { hello: string };
  if (name !== 'ada') throw new Error(`/api/hello says ${name}.`);
  const signOut = { method: 'POST', headers: { cookie, origin: url } };
  await ask('`POST /v1/logout`', 200, '/v1/logout', signOut);
  await ask('`GET /api/hello` with the old cookie', 401, '/api/hello', { headers: { cookie } });
  return seen;
}

async function untilUp(url: string): Promise<void> {
  for (const until = performance.now() + TIMEOUT; ; await sleep(500)) {
    const response = await fetch(`${url}/readyz`, { signal: AbortSignal.timeout(60_000) }).catch(
      () => undefined,
    );
    if (response?.ok) return;
    if (performance.now() > until) throw new Error('The application was not ready in time.');
  }
}

function run(line: string, env: Record<string, string> = {}) {
  const child = spawn('bash', ['-e', '-c', line], {
    cwd: project,
    env: {
      ...process.env,
      ...{ NEXT_TELEMETRY_DISABLED: '1', npm_config_registry: registry.url },
      ...{ npm_config_cache: join(folder, 'cache'), npm_config_audit: 'false', npm_config_fund: 'false' },
      ...env,
    },
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let printed = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text) => {
      printed += text;
    });
  return {
    child,
    printed: () => printed,
    ended: once(child, 'close').then(([code]) => code as number | null),
  };
}

async function shell(line: string): Promise<void> {
  const { ended, printed } = run(line);
  const code = await ended;
  if (code !== 0) throw new Error(`${line}\nended with ${code}:\n${printed()}`);
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0);
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  return typeof address === 'object' && address ? address.port : 0;
}

function report(seen: string[]): string {
  const versionOf = (name: string): string =>
    `${name} ${JSON.parse(readFileSync(join(project, 'node_modules', name, 'package.json'), 'utf8')).version}`;
  const npm = execFileSync('npm', ['--version'], { encoding: 'utf8' }).trim();
  const versions = [
    `Node.js ${process.versions.node}`,
    `npm ${npm}`,
    ...['usher-auth', ...beforehand].map(versionOf),
  ];
  return [
    '# The Next.js guide, tried',
    '',
    '`npm run try:nextjs` runs [the guide](../guides/nextjs.md) from an empty folder, and writes this page.',
    '',
    `Date: ${new Date().toISOString().slice(0, 10)}. ${versions.join(', ')}.`,
    '',
    ...seen.map((line) => `- ${line}`),
    '',
  ].join('\n');
}
