// The rules of the house are only as good as the tools that look: one that finds nothing because it sees nothing
// reports success. So every rule is broken here once, in a tree made for it.
import { execFileSync, spawnSync } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { checkArrows, reasons, type Violation } from '../../../scripts/check-arrows.ts';
import { findUndecided } from '../../../scripts/check-dependencies.ts';
import { checks } from '../../../scripts/check-deploy.ts';
import { findUnpinned } from '../../../scripts/check-lockfile.ts';
import { findFaults } from '../../../scripts/check-packages.ts';
import { findForbiddenWords } from '../../../scripts/check-words.ts';
import { citedIn, fillIn, findOrphans } from '../../../scripts/security-tables.ts';
import { findOlderNode } from './support/older-node.ts';

const house = resolve(import.meta.dirname, '../../..');
const trees: string[] = [];

/** Writes the files into a folder of their own, which goes away after the tests. */
function tree(files: Record<string, string>): string {
  const root = mkdtempSync(join(tmpdir(), 'usher-house-'));
  trees.push(root);
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, name)), { recursive: true });
    writeFileSync(join(root, name), text);
  }
  return root;
}

afterAll(() => {
  for (const root of trees) rmSync(root, { recursive: true });
});

describe('arrows', () => {
  const src = 'packages/server/src';
  const leaves = ['errors', 'events', 'config', 'user-fields'];

  // Written out, not computed: this is the drawing in ARCHITECTURE.md.
  const below: Record<string, string[]> = {
    main: [
      'cli',
      'app',
      'open-context',
      'routes',
      'jobs',
      'flows',
      'pages',
      'http',
      'context',
      'core',
      'platform',
    ],
    cli: ['app', 'open-context', 'routes', 'jobs', 'flows', 'pages', 'http', 'context', 'core', 'platform'],
    app: ['open-context', 'routes', 'jobs', 'flows', 'pages', 'http', 'context', 'core', 'platform'],
    'open-context': ['jobs', 'flows', 'pages', 'http', 'context', 'core', 'platform'],
    jobs: ['core', 'platform'],
    routes: ['flows', 'pages', 'http', 'context', 'core', 'platform'],
    flows: ['http', 'context', 'core', 'platform'],
    pages: ['flows', 'http', 'context', 'core', 'platform'],
    http: ['context', 'core', 'platform'],
    context: ['core', 'platform'],
    core: ['platform'],
    platform: [],
  };
  const places = Object.keys(below);
  const fileOf = (place: string) =>
    ['main', 'app', 'open-context', 'routes', 'context', ...leaves].includes(place)
      ? `${place}.ts`
      : `${place}/asked.ts`;
  const askerOf = (place: string) => fileOf(place).replace('asked', 'asks');

  /** Every place imports every other place and every leaf. */
  const everybody = Object.fromEntries(
    places.flatMap((place) => {
      const up = fileOf(place).includes('/') ? '../' : './';
      const all = [...places, ...leaves].filter((other) => other !== place);
      return [
        [`${src}/${fileOf(place)}`, 'export {};'],
        [`${src}/${askerOf(place)}`, all.map((other) => `import '${up}${fileOf(other)}';`).join('\n')],
      ];
    }),
  );
  const modules = (...names: string[]) =>
    Object.fromEntries(
      names.flatMap((name) => [
        [`node_modules/${name}/package.json`, JSON.stringify({ name, main: 'index.js' })],
        [`node_modules/${name}/index.js`, ''],
      ]),
    );

  const broken: [rule: string, file: string, text: string][] = [
    ['known-place', `${src}/utils/dates.ts`, `import '../errors.ts';`],
    ['leaves-import-nothing', `${src}/errors.ts`, `import './events.ts';`],
    ['leaves-import-nothing', `${src}/config.ts`, `import type { Clock } from './platform/asked.ts';`],
    ['flow-folders-apart', `${src}/flows/sign-up/form.ts`, `import '../sign-in/password.ts';`],
    ['flow-folders-apart', `${src}/flows/accounts/recover-account.ts`, `import '../sign-in/password.ts';`],
    ['flows-in-folders', `${src}/flows/loose.ts`, `import '../errors.ts';`],
    ['core-files-apart', `${src}/core/users.ts`, `import './sessions.ts';`],
    ['core-files-apart', `${src}/core/keys.ts`, `import type { Session } from './sessions.ts';`],
    ['core-files-apart', `${src}/core/verifications.ts`, `export type S = import('./sessions.ts').Session;`],
    ['core-files-apart', `${src}/core/emails.ts`, `export const load = () => import('./tokens/access.ts');`],
    ['core-files-apart', `${src}/core/rate-limits.ts`, `export * from './tokens/access.ts';`],
    ['one-exit', `${src}/flows/sign-in/passkey.ts`, `import { start } from '../../core/sessions/start.ts';`],
    ['one-exit', `${src}/flows/known.ts`, `export * from '../core/sessions/start.ts';`],
    ['one-exit', `${src}/pages/quick.ts`, `export const go = () => import('../core/sessions/start.ts');`],
    ['one-exit', `${src}/core/sessions/again.ts`, `import './start.ts';`],
    [
      'lock-taken-by-the-exit',
      `${src}/flows/account/lock.ts`,
      `import { lock } from '../../core/users/lock.ts';`,
    ],
    ['lock-taken-by-the-exit', `${src}/core/devices.ts`, `import { lock } from './users/lock.ts';`],
    [
      'proofs-where-secrets-are-checked',
      `${src}/flows/tokens/forge.ts`,
      `import { SignInProof } from '../sessions/sign-in-proof.ts';`,
    ],
    ['core-points-down', `${src}/core/feed.ts`, `import type { Guard } from '../http/asked.ts';`],
    ['pages-points-down', `${src}/pages/sign-in.tsx`, `import '../routes.ts'; export const A = () => <p />;`],
    ['pages-through-flows', `${src}/pages/profile.tsx`, `import { findById } from '../core/users.ts';`],
    ['main-points-down', `${src}/main.ts`, `import './utils/strings.ts';`],
    ['no-circles', `${src}/http/chicken.ts`, `import './egg.ts';`],
    ['network-in-platform', `${src}/core/emails-http.ts`, `import { request } from 'node:http';`],
    ['network-in-platform', `${src}/http/look-up.ts`, `import dns from 'dns/promises';`],
    ['network-in-platform', `${src}/app.ts`, `import { serve } from '@hono/node-server';`],
    ['network-in-platform', `${src}/jobs/send.ts`, `import type { Transporter } from 'nodemailer';`],
    ['sql-in-core', `${src}/flows/sign-in/sql.ts`, `import { sql } from 'kysely';`],
    ['sql-in-core', `${src}/platform/log.ts`, `import type { Kysely } from 'kysely';`],
    ['drivers-in-platform-db', `${src}/core/pool.ts`, `import { Pool } from 'pg';`],
    ['drivers-in-platform-db', `${src}/cli/backup.ts`, `import { backup } from 'node:sqlite';`],
    ['src-stands-alone', 'packages/guard/src/index.ts', `import '../../server/src/errors.ts';`],
    ['src-stands-alone', `${src}/cli/fake.ts`, `import '../../test/support/clock.ts';`],
    ['src-stands-alone', `${src}/cli/tool.ts`, `import '../../../../scripts/check.ts';`],
    ['no-dev-dependencies', `${src}/cli/watch.ts`, `import 'vitest';`],
    ['all-resolved', `${src}/http/lost.ts`, `import './not-there.ts';`],
  ];
  const harmless: [file: string, text: string][] = [
    [
      `${src}/flows/sign-in/password.ts`,
      `import './code.ts'; import '../sessions/finish.ts'; import '../../core/sessions.ts';`,
    ],
    [`${src}/flows/sign-in/code.ts`, `import '../../errors.ts'; import '../sessions/sign-in-proof.ts';`],
    [`${src}/flows/sessions/sign-in-proof.ts`, 'export type Proof = string;'],
    [`${src}/flows/tokens/named.ts`, `import type { Proof } from '../sessions/sign-in-proof.ts';`],
    [`${src}/flows/sessions/finish.ts`, `import '../passwords/prove.ts';`],
    [`${src}/flows/passwords/prove.ts`, 'export {};'],
    [
      `${src}/flows/sessions/finish-sign-in.ts`,
      `import { start } from '../../core/sessions/start.ts'; import { lock } from '../../core/users/lock.ts';`,
    ],
    [
      `${src}/core/sessions/start.ts`,
      `import type { Lock } from '../users/lock.ts'; export const start = 1;`,
    ],
    [`${src}/core/users/lock.ts`, 'export type Lock = string; export const lock = 1;'],
    [
      `${src}/core/sessions.ts`,
      `import { sql } from 'kysely'; import 'node:crypto'; export type Session = string;`,
    ],
    [`${src}/core/tokens/access.ts`, `import './claims.ts';`],
    [`${src}/core/tokens/claims.ts`, 'export {};'],
    [`${src}/core/tokens.ts`, `import './tokens/access.ts';`],
    [`${src}/pages/user.tsx`, `import type { Session } from '../core/sessions.ts';`],
    [`${src}/platform/network.ts`, `import 'node:http'; import '@hono/node-server'; import 'nodemailer';`],
    [
      `${src}/platform/db/index.ts`,
      `import 'kysely'; import 'pg'; import 'node:sqlite'; import '../network.ts';`,
    ],
    [`${src}/http/egg.ts`, `import './chicken.ts';`],
    [`${src}/cli/version.ts`, `import '../../package.json' with { type: 'json' };`],
  ];

  let found: { files: number; unseen: string[]; violations: Violation[] };
  beforeAll(() => {
    const extra = Object.fromEntries(
      [...broken, ...harmless.map((pair) => ['', ...pair] as const)].map(([, f, t]) => [f, t]),
    );
    const files: Record<string, string> = {
      'package.json': JSON.stringify({ devDependencies: { vitest: '*' } }),
      'packages/server/package.json': JSON.stringify({
        dependencies: { kysely: '*', pg: '*', '@hono/node-server': '*', nodemailer: '*' },
      }),
      'packages/server/test/support/clock.ts': '',
      'scripts/check.ts': '',
      [`${src}/utils/strings.ts`]: '',
      [`${src}/events.ts`]: '',
      ...modules('kysely', 'pg', 'nodemailer', '@hono/node-server', 'vitest'),
      ...everybody,
    };
    // A file of the tables above may already be there for everybody: then it says both.
    for (const [file, text] of Object.entries(extra)) files[file] = `${files[file] ?? ''}\n${text}`;
    found = checkArrows(tree(files));
  });

  it.each(places)('%s reaches what is below it and the leaves, and nothing else', (place) => {
    const forbidden = found.violations
      .filter(({ rule, from }) => rule === `${place}-points-down` && from === `${src}/${askerOf(place)}`)
      .map(({ to }) => to)
      .filter((to) => !to.includes('/utils/'));
    const others = places.filter((other) => other !== place && !below[place]?.includes(other));
    expect(forbidden.sort()).toEqual(others.map((other) => `${src}/${fileOf(other)}`).sort());
  });

  it.each(broken)('%s: %s', (rule, from) => {
    expect(found.violations.filter((violation) => violation.from === from).map((v) => v.rule)).toContain(
      rule,
    );
  });

  it.each(harmless)('nothing is wrong with %s', (file) => {
    const rules = found.violations.filter(({ from }) => from === file).map(({ rule }) => rule);
    expect(rules.filter((rule) => rule !== 'no-circles')).toEqual([]);
  });

  it('every rule was broken at least once, and says why it is there', async () => {
    const rules = await reasons();
    expect([...rules.keys()].sort()).toEqual([...new Set(found.violations.map(({ rule }) => rule))].sort());
    for (const [rule, comment] of rules) expect(comment.length, rule).toBeGreaterThan(40);
  });

  it('all files were seen', () => {
    expect(found.files).toBeGreaterThan(30);
    expect(found.unseen).toEqual([]);
  });

  it('a dependency-cruiser that cannot read TypeScript is found out', () => {
    const hide = `import { registerHooks } from 'node:module';
      registerHooks({ resolve(name, context, next) {
        if (name.startsWith('typescript')) throw new Error('hidden');
        return next(name, context);
      } });`;
    const before = process.env['NODE_OPTIONS'];
    process.env['NODE_OPTIONS'] = `--import=data:text/javascript,${encodeURIComponent(hide)}`;
    try {
      const { files, unseen, violations } = checkArrows(
        tree({ [`${src}/core/users.ts`]: `import '../main.ts';` }),
      );
      expect({ files, unseen, violations }).toEqual({
        files: 1,
        unseen: [`${src}/core/users.ts`],
        violations: [],
      });
    } finally {
      if (before === undefined) delete process.env['NODE_OPTIONS'];
      else process.env['NODE_OPTIONS'] = before;
    }
  });
});

describe('words', () => {
  const said = (file: string, text: string) => findForbiddenWords(file, text).map(({ rule }) => rule);
  const core = 'packages/server/src/core/users.ts';

  it.each([
    ['database-names', core, '// faster on PostgreSQL\nexport {};'],
    ['database-names', core, `const file = 'x.sqlite';`],
    ['environment', core, 'process.env.USHER_PORT;'],
    ['environment', core, `process['env'].USHER_PORT;`],
    ['environment', core, 'globalThis.process.env;'],
    ['environment', core, 'const { env } = process;'],
    ['environment', core, `import { env } from 'node:process';`],
    ['network', core, `await fetch('https://example.org');`],
    ['network', core, `globalThis.fetch('https://example.org');`],
    ['network', core, `new WebSocket('wss://example.org');`],
    ['network', core, `import { isIP, connect } from 'node:net';`],
    ['network', core, `import * as net from 'net';`],
    ['time', core, 'Date.now();'],
    ['time', core, 'const now = Date.now;'],
    ['time', core, 'new Date();'],
    ['time', core, 'new Date;'],
    ['time', core, 'Date();'],
    ['time', 'packages/guard/src/index.ts', 'Date.now();'],
    ['chance', 'packages/server/src/platform/random.ts', 'Math.random();'],
    ['chance', 'packages/client/src/index.ts', 'Math.random();'],
    ['unverified-tokens', core, `import { decodeJwt } from 'jose';`],
    ['pages-write-nothing', 'packages/server/src/pages/home.tsx', 'world.db.transaction();'],
    ['as-any', core, 'x as any;'],
    ['as-any', 'packages/server/src/pages/home.tsx', '<p>{x as any}</p>;'],
  ])('%s: %s must not say %s', (rule, file, text) => {
    expect(said(file, text)).toContain(rule);
  });

  it.each([
    ['packages/server/src/platform/db/open.ts', `const kind = 'sqlite'; // or postgres`],
    ['packages/server/src/config.ts', `process.env.USHER_DATABASE ?? 'sqlite:usher.db';`],
    ['packages/server/src/platform/clock.ts', 'Date.now();'],
    ['packages/server/src/platform/mail.ts', `fetch('https://example.org');`],
    ['packages/client/src/index.ts', `fetch('https://example.org');`],
    ['packages/guard/src/clock.ts', 'Date.now();'],
    [core, '// Not Date.now(), not Math.random(), not process.env: see above.'],
    [core, 'new Date(now).toISOString();'],
    [core, `import { BlockList, isIP } from 'node:net';`],
    ['packages/server/src/app.ts', 'const { fetch } = build(); fetch(request); app.fetch(request);'],
    ['packages/server/src/app.ts', 'export const usher = { fetch(request) { return app.fetch(request); } };'],
  ])('%s may say %s', (file, text) => {
    expect(said(file, text)).toEqual([]);
  });
});

describe('style', () => {
  it('sees floating promises, any, and console in the source', () => {
    const root = tree({
      'packages/server/src/http/a.ts': `import { b } from './b.ts';\nb();\nconsole.log(1);\nexport const c: any = 1;\n`,
      'packages/server/src/http/b.ts': 'export async function b(): Promise<void> {}\n',
    });
    cpSync(join(house, 'biome.json'), join(root, 'biome.json'));
    const { stdout, stderr } = spawnSync(
      join(house, 'node_modules/.bin/biome'),
      ['lint', '--vcs-enabled=false', '.'],
      {
        cwd: root,
        encoding: 'utf8',
      },
    );
    for (const rule of ['noFloatingPromises', 'noConsole', 'noExplicitAny'])
      expect(stdout + stderr).toContain(rule);
  });
});

describe('dependencies', () => {
  const record =
    '# 6\n\n## Shipped\n\n| dependency | reason |\n|---|---|\n| `hono` | routes |\n\n## Development\n\n| `knip` | |\n';

  it('finds the one without a line, the one without a reason, and the line without one', () => {
    const found = findUndecided(record, [{ dependencies: { jose: '6' }, devDependencies: { knip: '6' } }]);
    expect(found).toEqual([
      'jose has no reason under "Shipped".',
      'hono has a line under "Shipped", but no package names it there.',
      'knip has no reason under "Development".',
    ]);
    expect(
      findUndecided(record.replace('| |', '| tidies |'), [
        { dependencies: { hono: '4' }, devDependencies: { knip: '6' } },
      ]),
    ).toEqual([]);
  });

  it('does not take a line for development as one for what is shipped', () => {
    expect(findUndecided(record, [{ dependencies: { hono: '4', knip: '6' } }]).join('\n')).toMatch(
      /knip has no reason under "Shipped"/,
    );
  });
});

describe('L8: the lockfile', () => {
  const integrity = `sha512-${'A'.repeat(86)}==`;

  it('finds a package without a checksum, with a weak one, and from somewhere else', () => {
    const packages = {
      '': {},
      'packages/server': {},
      'node_modules/usher': { link: true },
      'node_modules/good': { integrity },
      'node_modules/bare': {},
      'node_modules/weak': { integrity: 'sha1-AAAA' },
      'packages/server/node_modules/far': { integrity, resolved: 'https://example.org/far.tgz' },
    };
    expect(findUnpinned({ packages })).toEqual([
      'node_modules/bare has no SHA-512 checksum.',
      'node_modules/weak has no SHA-512 checksum.',
      'packages/server/node_modules/far comes from https://example.org/far.tgz, which is not the npm registry.',
    ]);
  });
});

describe('packages', () => {
  const license = 'MIT, in short.';
  const manifest = {
    ...{ name: 'x', version: '1.0.0', description: 'x', keywords: ['x'], license: 'MIT', type: 'module' },
    ...{ engines: { node: '>=20' }, files: ['dist'] },
    exports: { '.': { types: './dist/index.d.ts', default: './dist/index.js' } },
  };
  const good = {
    'package.json': JSON.stringify(manifest),
    'README.md': '# x',
    LICENSE: license,
    'dist/index.js': 'export const one = 1;',
    'dist/index.d.ts': 'export declare const one: number;',
  };
  async function faultsOf(change: Record<string, string>): Promise<string> {
    const files = Object.entries({ ...good, ...change }).filter(([, text]) => text !== '');
    const root = tree(Object.fromEntries(files));
    execFileSync('npm', ['pack', '--silent'], { cwd: root });
    return (await findFaults(readFileSync(join(root, 'x-1.0.0.tgz')), license)).join('\n');
  }

  it('are found good, or bad for a reason', async () => {
    const cases: [change: Record<string, string>, fault: string][] = [
      [
        { 'dist/index.js': '' },
        'publint: pkg.exports["."].default is ./dist/index.js but the file does not exist',
      ],
      [{ 'dist/index.d.ts': '' }, 'arethetypeswrong: '],
      [
        {
          'dist/index.d.cts': good['dist/index.d.ts'],
          'package.json': JSON.stringify({
            ...manifest,
            exports: { '.': { types: './dist/index.d.cts', default: './dist/index.js' } },
          }),
        },
        'arethetypeswrong: {"kind":"FalseCJS"',
      ],
      [{ 'README.md': '# x\n\n[more](../README.md)' }, 'README.md links to ../README.md'],
      [{ LICENSE: 'none' }, 'LICENSE is missing'],
      [
        { 'package.json': JSON.stringify({ ...manifest, engines: undefined }) },
        'package.json has no "engines".',
      ],
    ];
    expect(await faultsOf({})).toBe('');
    for (const [change, fault] of cases) expect(await faultsOf(change)).toContain(fault);
  });
});

describe('deploy', () => {
  const read = (file: string) => readFileSync(join(house, 'deploy', file), 'utf8');
  const breaks: [file: string, was: string | RegExp, is: string, fault: string][] = [
    ['Dockerfile', /^USER .*$/m, '', 'other than root'],
    ['Dockerfile', /^USER .*$/m, 'USER 0:0', 'other than root'],
    ['Dockerfile', 'CMD ["usher", "health"]', 'CMD ["curl", "localhost"]', 'The health check'],
    ['Dockerfile', 'CMD ["usher", "serve"]', 'CMD usher serve', 'CMD must be a list'],
    ['Dockerfile', /node:24-bookworm-slim/, 'node', 'node has no version.'],
    ['Dockerfile', 'WORKDIR /data', 'WORKDR /data', 'WORKDR'],
    ['Dockerfile', 'usher-auth@', 'usher-auth@9', 'The image must install usher-auth@'],
    ['Dockerfile', 'USHER_HOST', 'USHER_HOTS', 'USHER_HOTS is no setting.'],
    ['compose.yaml', 'read_only: true', 'read_only: false', 'must be read-only'],
    ['compose.yaml', '- ALL', '- NET_RAW', 'must drop all capabilities'],
    ['compose.yaml', '127.0.0.1:4000:4000', '4000:4000', 'port 4000:4000 is open to the network.'],
    ['compose.yaml', 'postgres:17-bookworm', 'postgres', 'postgres: its image has no version.'],
    ['compose.yaml', 'USHER_SECRET_FILE:', 'USHER_SECRET:', 'belongs into a secret'],
    ['compose.yaml', /^ {2}database:$/m, '  other:', 'volumes has no "database'],
    ['compose.yaml', '    networks:', '   networks:', 'line'],
    ['compose.sqlite.yaml', 'no-new-privileges:true', 'seccomp:unconfined', 'no new privileges'],
    ['usher.service', 'ProtectSystem=strict', 'ProtectSystem=no', 'must say ProtectSystem=strict'],
    ['usher.service', '/usr/bin/node', 'node', 'by its whole path'],
    ['usher.service', 'DynamicUser=yes', 'DynamicUser yes', 'is neither a section nor NAME=value'],
    ['Caddyfile', /}\s*$/, '', 'The braces do not match.'],
    ['nginx.conf', '$remote_addr;', '$proxy_add_x_forwarded_for;', 'nothing that the client sent'],
    ['nginx.conf', 'proxy_buffering off;', 'proxy_buffering off', 'ends with none of'],
  ];

  it('has files in which nothing is found', () => {
    for (const [file, check] of Object.entries(checks)) expect(check(read(file)), file).toEqual([]);
  });

  it.each(breaks)('%s must not say something else than %s: %s', (file, was, is, fault) => {
    const text = read(file);
    const broken = text.replace(was, is);
    expect(broken).not.toBe(text);
    expect(checks[file]?.(broken).join('\n')).toContain(fault);
  });
});

describe('the tables of attacks and faults', () => {
  // Written with a gap that is closed here: this file must not cite the ids that its examples are made of.
  const example = (text: string) => text.replaceAll(/([A-Z])_(\d)/g, '$1$2');
  const titles = (text: string) => ({ path: 'packages/server/test/a.test.ts', text: example(text) });

  it('find the ids that titles and comments cite, and nothing else', () => {
    const text = `it('T_1: a'); it('E_2, E_4: b'); describe.each(x)('P_6 on $name: c'); // (attacks U_1 and U_2) (fault F_3)
      ['W_8', 'a,b'] 'MD5' 'A4 paper' it('what B7 is')`;
    expect([...citedIn(example(text))].sort()).toEqual(['E2', 'E4', 'F3', 'P6', 'T1', 'U1', 'U2', 'W8']);
  });

  it('name the tests of a row, and complain of one that nothing shows', () => {
    const document =
      '| id | attack | what happens | shown by |\n|---|---|---|---|\n| T1 | a | b | old |\n| T2 | c | d | |';
    const { text, unshown } = fillIn(document, [titles("it('T_1: a')")]);
    expect(text).toContain('| T1 | a | b | [a](../../packages/server/test/a.test.ts) |');
    expect(unshown).toEqual([expect.stringMatching(/^T2 is in no test title/)]);
    const excused = text.replace('| d | |', '| d | No test: needs two machines |');
    expect(fillIn(excused, []).unshown).toEqual([expect.stringMatching(/^T1/)]);
  });

  it('know every id that is cited', () => {
    const orphans = findOrphans([titles("it('T_1: a')\nit('T_2: b')")], new Set(['T1']));
    expect(orphans).toEqual([
      'packages/server/test/a.test.ts names T2, which is neither in a table of docs/security nor a promise of SECURITY.md.',
    ]);
  });
});

describe('the entries of the package', () => {
  const main = `process.emitWarning('SQLite is an experimental feature and might change at any time', 'ExperimentalWarning');
    process.emitWarning('Something else is, too', 'ExperimentalWarning');
    console.log('started', ...process.argv.slice(2));`;

  function install(files: Record<string, string> = { 'dist/main.js': main }): string {
    const root = tree({ 'package.json': '{ "type": "module" }', ...files });
    for (const part of ['bin', 'index.js', 'node-version.js'])
      cpSync(join(house, 'packages/server', part), join(root, part), { recursive: true });
    mkdirSync(join(root, 'tmp'));
    return root;
  }

  interface Start {
    node?: string | undefined;
    /** For Node.js itself. */
    args?: string[];
    file?: string;
    command?: string[];
  }

  function start(root: string, options: Start = {}) {
    const { node = process.execPath, args = [], file = 'bin/usher.js' } = options;
    const { command = ['serve', '--port', '0'] } = options;
    const { status, stdout, stderr } = spawnSync(node, [...args, join(root, file), ...command], {
      encoding: 'utf8',
      env: { PATH: process.env['PATH'], TMPDIR: join(root, 'tmp') },
    });
    return { status, stdout, stderr };
  }

  it('hands over to the built program, with its arguments', () => {
    expect(start(install())).toMatchObject({ status: 0, stdout: 'started serve --port 0\n' });
  });

  it('keeps back the warning about the built-in driver, and no other', () => {
    const { stderr } = start(install());
    expect(stderr).toContain('ExperimentalWarning: Something else is, too');
    expect(stderr).not.toContain('SQLite');
  });

  const pretend = `Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '20.11.1' } })`;
  const asOlder = [`--import=data:text/javascript,${encodeURIComponent(pretend)}`];
  const needed =
    /Usher needs Node\.js 24 or later; this is \d+\.\d+\.\d+\. Install it, or let npm bring it\. In a project, run `npm install node@24` and start it with `npx node server\.js`\. For the command, run `npx -p node@24 -p usher-auth usher-auth`\.\n/;

  it.each(['bin/usher.js', 'bin/usher-auth.js'])('rejects an older Node.js in one sentence (%s)', (file) => {
    const root = install();
    const { status, stdout, stderr } = start(root, { args: asOlder, file });
    expect(stderr).toMatch(needed);
    expect(stderr.split('\n')).toHaveLength(2);
    expect({ status, stdout, cache: readdirSync(join(root, 'tmp')) }).toEqual({
      status: 1,
      stdout: '',
      cache: [],
    });
  });

  const older = findOlderNode(12);
  it.skipIf(!older)('is understood by the older Node.js of this machine', () => {
    for (const file of ['bin/usher.js', 'bin/usher-auth.js']) {
      const { status, stdout, stderr } = start(install(), { node: older, file });
      expect(stderr).toMatch(needed);
      expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
    }
  });

  it('serves when it is called by the name of the package and given no command', () => {
    const file = 'bin/usher-auth.js';
    const root = install();
    const started = (...command: string[]) => start(root, { file, command }).stdout.trim();
    expect(started()).toBe('started serve');
    expect(started('--port', '0')).toBe('started serve --port 0');
    expect(started('health', '--live')).toBe('started health --live');
    for (const about of ['--help', '-h', '--version', '-V']) expect(started(about)).toBe(`started ${about}`);
  });

  it('says what to do when nothing was built', () => {
    const { status, stdout, stderr } = start(install({}));
    expect({ status, stdout, stderr }).toEqual({
      status: 2,
      stdout: '',
      stderr: 'Usher isn’t built yet. Run `npm run build` first.\n',
    });
  });

  const library = `export class ConfigError {}\nexport const createUsher = 1;\nexport const makeSetUpLink = 2;`;
  const tries = {
    'import.mjs': `import * as usher from './index.js'; console.log(Object.keys(usher).join());`,
    'require.cjs': `console.log(Object.keys(require('./index.js')).join());`,
  };

  it.each(Object.keys(tries))('is a library for %s', async (file) => {
    const root = install({ 'dist/app.js': library, ...tries });
    const exported = Object.keys(await import(join(house, 'packages/server/src/app.ts')));
    expect(exported).toEqual(expect.arrayContaining(['ConfigError', 'createUsher', 'makeSetUpLink']));
    expect(start(root, { file }).stdout).toBe('ConfigError,createUsher,makeSetUpLink\n');
    expect(start(root, { file }).stderr).toBe('');
  });

  it.each(Object.keys(tries))('says to %s what to do about an older Node.js', (file) => {
    const root = install({ 'dist/app.js': `import 'node:none-such';\n${library}`, ...tries });
    for (const { node, args } of [
      { node: process.execPath, args: asOlder },
      ...(older ? [{ node: older, args: [] }] : []),
    ]) {
      const { status, stdout, stderr } = start(root, { file, node, args });
      expect(stderr).toMatch(new RegExp(`Error: ${needed.source}`));
      expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
    }
  });

  it.skipIf(process.platform === 'win32')('keeps compiled code where only the user can write', () => {
    const root = install();
    start(root);
    const [cache = ''] = readdirSync(join(root, 'tmp'));
    expect(statSync(join(root, 'tmp', cache)).mode & 0o777).toBe(0o700);
    expect(readdirSync(join(root, 'tmp', cache))).not.toEqual([]);
  });

  it.skipIf(process.platform === 'win32')(
    'takes no compiled code out of a folder in which others can write',
    () => {
      const root = install();
      start(root);
      const cache = join(root, 'tmp', readdirSync(join(root, 'tmp'))[0] ?? '');
      rmSync(cache, { recursive: true });
      mkdirSync(cache);
      chmodSync(cache, 0o777);
      expect(start(root)).toMatchObject({ status: 0, stdout: 'started serve --port 0\n' });
      expect(readdirSync(cache)).toEqual([]);
    },
  );
});

const tooOldForTests = findOlderNode(20);
it.skipIf(!tooOldForTests)('says which Node.js the tests need, before anything is started', () => {
  const temporary = tree({});
  const { status, stdout, stderr } = spawnSync(
    tooOldForTests ?? '',
    [join(house, 'node_modules/vitest/vitest.mjs'), 'run', 'packages/guard/test/guard.test.ts'],
    { cwd: house, encoding: 'utf8', env: { PATH: process.env['PATH'], TMPDIR: temporary } },
  );
  expect(stdout + stderr).toContain('The tests need Node.js 24 or later');
  expect({ status, files: readdirSync(temporary) }).toEqual({ status: 1, files: [] });
});
