// What somebody does who has never seen this repository: from an empty folder and a registry to something that runs.
import {
  existsSync,
  globSync,
  lstatSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  writeFileSync,
} from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import { delimiter, dirname, join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { packAll } from '../../../../scripts/pack.ts';
import { asBearer, newIdentifiers, send } from '../support/app.ts';
import { type Machine, newMachine, type Started } from '../support/install.ts';
import { findOlderNode } from '../support/older-node.ts';
import { freePort } from '../support/process.ts';
import { type Registry, startRegistry } from '../support/registry.ts';

const root = resolve(import.meta.dirname, '../../../..');
const blocksOf = (file: string, language: string): string[] =>
  [
    ...readFileSync(join(root, file), 'utf8').matchAll(
      new RegExp(`\`\`\`${language}\\n([\\s\\S]*?)\`\`\``, 'g'),
    ),
  ].map(([, block]) => block ?? '');
const readme = 'packages/server/README.md';

let registry: Registry;
let machine: Machine;
/** Usher, as `npx` runs it, and where. */
let usher: Started;
let port: number;
let place: string;
/** Tokens of one person, for Usher and for services. */
let tokens: { own: string; services: string };

beforeAll(async () => {
  registry = await startRegistry(packAll(mkdtempSync(join(inject('folder'), 'packed-'))));
  machine = newMachine(registry.url);
  port = await freePort();
  place = machine.newFolder('usher');
  usher = machine.start(place, (blocksOf(readme, 'sh')[0] ?? '').trim(), { env: { USHER_PORT: `${port}` } });
  await usher.until(' is ready at ');
});
afterAll(async () => {
  await usher?.stop();
  await registry?.stop();
});

describe('npx usher-auth', () => {
  it('serves from an empty folder', async () => {
    expect(blocksOf(readme, 'sh')[0]).toBe('npx usher-auth\n');
    expect(usher.printed()).toContain(`is ready at http://localhost:${port} `);
    expect(readdirSync(place)).toEqual(expect.arrayContaining(['usher.db', 'usher.key']));
    const page = await send({ port }, 'GET', '/sign-in');
    expect([page.status, page.text.includes('<form')]).toEqual([200, true]);
    tokens = await tokensOf(port);
    expect((await send({ port }, 'GET', '/v1/me', undefined, asBearer(tokens.own))).status).toBe(200);
  });

  it('is healthy, and has its help, by the lines of its README', async () => {
    const [, more = ''] = blocksOf(readme, 'sh');
    const lines = more.trim().split('\n');
    expect(lines).toHaveLength(3);
    const [another = '', ...others] = lines;
    const printed = await machine.sh(place, others.join('\n'), { env: { USHER_PORT: `${port}` } });
    expect(printed).toMatch(/Usage: usher serve \[options\][\s\S]+\nready\n$/);
    const [free, folder] = [await freePort(), machine.newFolder('another')];
    const second = machine.start(folder, another.replace('4001', `${free}`));
    await second.until(`is ready at http://localhost:${free} `);
    await second.stop();
    // npm passes on the Ctrl-C that Usher has heard already: it stops in order all the same.
    expect(second.printed()).toContain('"msg":"stopped"');
  });
});

describe('npx usher-auth init', () => {
  const [, , written = ''] = blocksOf(readme, 'sh');

  it.each(['hono', 'express'])('writes a project with %s whose lines work', async (framework) => {
    const [init = '', cd = '', ...rest] = written.trim().split('\n');
    expect([init, cd, ...rest]).toEqual([
      'npx usher-auth init my-app',
      'cd my-app',
      'npm install',
      'npm start',
    ]);
    const folder = machine.newFolder('projects');
    await machine.sh(folder, `${init} --framework ${framework}\n${cd}\nnpm install`);
    const free = await freePort();
    const project = machine.start(join(folder, 'my-app'), 'npm start', { env: { PORT: `${free}` } });
    await project.until(`Ready at http://localhost:${free}`);
    const { own, services } = await tokensOf(free);
    const hello = (token?: string) =>
      send({ port: free }, 'GET', '/api/hello', undefined, token === undefined ? {} : asBearer(token));
    expect((await hello(own)).body).toEqual({ hello: expect.any(String) });
    expect([(await hello(services)).status, (await hello()).status]).toEqual([401, 401]);
    expect((await send({ port: free }, 'GET', '/sign-in')).status).toBe(200);
    await project.stop();
  });
});

describe('the programs of the guides', () => {
  interface Program {
    title: string;
    file: string;
    text: string;
    /** The packages that it imports. */
    packages: string[];
  }
  const programs = [
    ...globSync('docs/guides/*.md', { cwd: root }),
    ...globSync('packages/*/README.md', { cwd: root }),
  ]
    .sort()
    .flatMap((file) => [...blocksOf(file, 'ts'), ...blocksOf(file, 'js')].map((text) => ({ file, text })))
    .map(({ file, text }): Program => {
      const names = [...text.matchAll(/from '((?:@[^/']+\/)?[^/']+)/g)].map(([, name]) => name ?? '');
      const packages = [...new Set(names.filter((name) => !name.startsWith('node:')))];
      return { title: `${file} with ${packages.join(', ')}`, file, text, packages };
    })
    // What serves by itself; other blocks are parts of something.
    .filter(
      ({ text, packages }) =>
        /\b(serve|listen)\(/.test(text) && packages.some((name) => /usher-auth/.test(name)),
    );
  const isGuarded = ({ packages }: Program) => packages.includes('@usher-auth/guard');
  const older = findOlderNode(20);
  let folder: string;

  beforeAll(async () => {
    folder = machine.newFolder('guides');
    const names = [...new Set(programs.flatMap(({ packages }) => packages)), '@usher-auth/client'];
    await machine.sh(folder, `npm install ${names.join(' ')}`, older ? { node: older } : {});
  });

  /** Writes a program as JavaScript, which every Node.js reads, and starts it. */
  async function start({ text }: Program, node = process.execPath) {
    const free = await freePort();
    const file = `program-${free}.mjs`;
    const local = stripTypeScriptTypes(text).replaceAll('http://localhost:4000', `http://localhost:${port}`);
    writeFileSync(join(folder, file), local.replaceAll('3000', `${free}`));
    const env = { USHER_DATABASE: `sqlite:program-${free}.db` };
    const program = machine.start(folder, `exec node ${file}`, { node, env });
    const ask = (path: string, token?: string) =>
      send({ port: free }, 'GET', path, undefined, token === undefined ? {} : asBearer(token));
    await expect.poll(() => ask('/').then(() => 'up', program.printed), { message: text }).toBe('up');
    return { ask, program, port: free };
  }

  it('are the ones that people look for', () => {
    for (const [name, framework] of [
      ['@usher-auth/guard', 'hono'],
      ['@usher-auth/guard', 'express'],
      ['@usher-auth/guard', 'fastify'],
      ['usher-auth', 'hono'],
      ['usher-auth', 'express'],
    ] as const)
      expect(
        programs.some(({ packages }) => packages.includes(name) && packages.includes(framework)),
        `${name} with ${framework}`,
      ).toBe(true);
  });

  it.each(programs)('are preceded by what installs them: $title', ({ file, packages }) => {
    const lines = blocksOf(file, 'sh')
      .join('')
      .match(/^npm install .+$/gm);
    // A page that says how to install anything names our package.
    const own = packages.filter((name) => name.includes('usher-auth'));
    if (lines) expect(lines.join(' ').split(' ')).toEqual(expect.arrayContaining(own));
  });

  it.each(programs.filter(isGuarded))('guard a route: $title', async (found) => {
    for (const node of [process.execPath, ...(older ? [older] : [])]) {
      const { ask, program } = await start(found, node);
      expect(JSON.parse((await ask('/api/hello', tokens.services)).text)).toEqual({
        hello: expect.any(String),
      });
      expect([(await ask('/api/hello')).status, (await ask('/api/hello', tokens.own)).status]).toEqual([
        401, 401,
      ]);
      await program.stop();
    }
  });

  it.each(programs.filter((found) => !isGuarded(found)))('mount Usher: $title', async (found) => {
    const { ask, program, port } = await start(found);
    expect((await ask('/readyz')).body).toEqual({ status: 'ready' });
    expect((await ask('/sign-in')).text).toContain('<form');
    await tokensOf(port);
    await program.stop();
  });

  it('have a client that signs in, on every Node.js', async () => {
    const names = newIdentifiers();
    await send({ port }, 'POST', '/v1/signup', names);
    const text = `import { createClient } from '@usher-auth/client';
      const usher = createClient({ url: 'http://localhost:${port}' });
      const { data } = await usher.signIn(${JSON.stringify({ email: names.email, password: names.password })});
      console.log(data.user.username);`;
    writeFileSync(join(folder, 'client.mjs'), text);
    for (const node of [process.execPath, ...(older ? [older] : [])])
      expect(await machine.sh(folder, 'node client.mjs', { node })).toBe(`${names.username}\n`);
  });

  it.skipIf(!older)('say what to do where Node.js is too old for the server', async () => {
    writeFileSync(join(folder, 'old.mjs'), `import 'usher-auth';`);
    for (const line of ['node old.mjs', 'npx usher-auth', 'npx usher --version'])
      await expect(machine.sh(folder, line, { node: older as string })).rejects.toThrow(
        /Usher needs Node\.js 24 or later; this is 2\d\.\d+\.\d+\. Install it, or let npm bring it\. In a project, run `npm install node@24` and start it with `npx node server\.js`\. For the command, run `npx -p node@24 -p usher-auth usher-auth`\.\n/,
      );
  });
});

describe('the Dockerfile', () => {
  const text = readFileSync(join(root, 'deploy/Dockerfile'), 'utf8').replaceAll('\\\n', ' ');
  const found = (pattern: RegExp): string => {
    const [, value] = pattern.exec(text) ?? [];
    if (value === undefined) throw new Error(`The Dockerfile has no ${pattern.source}.`);
    return value;
  };
  /** `CMD ["usher", "serve"]` as a line of a shell. */
  const lineOf = (list: string) => (JSON.parse(list) as string[]).map((word) => `'${word}'`).join(' ');
  const run = lineOf(found(/^CMD (\[.*\])$/m));
  const check = lineOf(found(/^HEALTHCHECK .* CMD (\[.*\])$/m));
  const variables = Object.fromEntries(
    [...found(/^ENV (.*)$/m).matchAll(/([A-Z_]+)=(\S+)/g)].map(([, name, value]) => [name, value] as const),
  );

  it('installs what its commands run, with nothing to write to but the volume', async () => {
    const opt = machine.newFolder('usher');
    await machine.sh(opt, found(/^RUN (npm install .*?) +&&/m), {
      env: { USHER: found(/^ARG USHER=(.+)$/m) },
    });
    const [data, free] = [machine.newFolder('data'), await freePort()];
    const env = {
      ...variables,
      PATH: [join(opt, 'node_modules/.bin'), dirname(process.execPath), '/usr/bin:/bin'].join(delimiter),
      USHER_DATABASE: (variables['USHER_DATABASE'] ?? '').replace('/data', data),
      USHER_PORT: `${free}`,
      USHER_PUBLIC_URL: 'https://accounts.example.org',
      // As without a writable /tmp: nobody can make a folder there, not even root.
      TMPDIR: '/proc/none',
    };
    const before = contentsOf(opt);
    await expect(machine.sh(data, check, { env })).rejects.toThrow(
      /ended with 1\. .*\n.*no server is listening there/,
    );
    const server = machine.start(data, `exec ${run}`, { env });
    await server.until('"msg":"ready"');
    expect(await machine.sh(data, check, { env })).toBe('ready\n');
    expect(await server.stop('SIGTERM')).toBe(0);
    expect(server.printed()).toContain('"msg":"stopped"');
    expect(contentsOf(opt)).toEqual(before);
    expect(readdirSync(data)).toContain('usher.db');
    // The systemd unit starts the same program by its path.
    const unit = readFileSync(join(root, 'deploy/usher.service'), 'utf8');
    const program = /^ExecStart=\S+ \/opt\/usher\/(\S+) serve$/m.exec(unit)?.[1] ?? '';
    expect(existsSync(join(opt, program))).toBe(true);
  });
});

/** Every file below a folder, and when it was written. */
const contentsOf = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' }).map(
    (name) => `${name} ${lstatSync(join(folder, name)).mtimeMs}`,
  );

it('asked the registry for nothing that is not there', () => {
  expect([...registry.missing]).toEqual([]);
});

async function tokensOf(port: number): Promise<{ own: string; services: string }> {
  const names = newIdentifiers();
  const { email, password } = names;
  expect((await send({ port }, 'POST', '/v1/signup', names)).body.message).toBe('user created!');
  const login = async (more: object) =>
    (await send({ port }, 'POST', '/v1/login', { email, password, ...more })).body.access_token;
  return { own: await login({}), services: await login({ audience: 'services' }) };
}
