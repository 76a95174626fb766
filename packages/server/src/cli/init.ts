import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname, join, resolve } from 'node:path';
import { type Command, Option } from 'commander';
import { printJson, printLine } from './output.ts';

interface Manifest {
  version: string;
  engines: { node: string };
  dependencies: Record<string, string>;
}
const manifest = createRequire(import.meta.url)('../../package.json') as Manifest;

const frameworks = ['hono', 'express'] as const;
type Framework = (typeof frameworks)[number];

/** The folder of the project templates. */
const projects = new URL('../../projects/', import.meta.url);

export function addInit(program: Command): void {
  program
    .command('init')
    .argument('[folder]', 'Target folder; created if missing.', '.')
    .description('Create a starter project with one protected route.')
    .addOption(new Option('--framework <name>', 'Web framework.').choices(frameworks).default('hono'))
    .option('--json', 'Output as JSON.')
    .addHelpText('after', '\nExample:\n  usher init my-app --framework express')
    .action(init);
}

function init(folder: string, { framework, json }: { framework: Framework; json?: true }): void {
  const place = resolve(folder);
  const files = filesOf(framework, basename(place));
  makeFolder(place);
  const there = new Set(readdirSync(place));
  const inTheWay = Object.keys(files).filter((name) => there.has(name));
  if (inTheWay.length > 0)
    throw new Error(
      `${place} already contains ${inTheWay.join(' and ')}. Nothing was written; choose another folder.`,
    );
  for (const [name, text] of Object.entries(files)) writeFileSync(join(place, name), text, { flag: 'wx' });
  if (json) printJson({ folder: place, framework, files: Object.keys(files) });
  else
    for (const line of [
      `Created in ${place}: ${Object.keys(files).join(', ')}.`,
      'Next:',
      ...(folder === '.' ? [] : [`  cd ${quoted(folder)}`]),
      '  npm install',
      '  npm start',
    ])
      printLine(line);
}

/** Creates a folder and those above it. Node's own way never returns where the system allows none, as in `/proc`. */
function makeFolder(path: string): void {
  if (existsSync(path)) return;
  makeFolder(dirname(path));
  mkdirSync(path);
}

/** A word for a shell, in quotes if it needs them. */
const quoted = (word: string): string =>
  /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`;

function filesOf(framework: Framework, name: string): Record<string, string> {
  return {
    '.gitignore': 'node_modules/\n*.db\n*.db-shm\n*.db-wal\n*.state\nusher.key\n.env\n',
    'package.json': `${JSON.stringify(packageOf(framework, name), null, 2)}\n`,
    'server.ts': readFileSync(new URL(`${framework}/server.ts`, projects), 'utf8'),
  };
}

function packageOf(framework: Framework, name: string): object {
  const nodeServer = manifest.dependencies['@hono/node-server'];
  const own = `^${manifest.version}`;
  const dependencies: Record<Framework, Record<string, string | undefined>> = {
    hono: { '@hono/node-server': nodeServer, hono: manifest.dependencies['hono'], 'usher-auth': own },
    express: {
      '@hono/node-server': nodeServer,
      express: '^5.0.0',
      'usher-auth': own,
    },
  };
  return {
    // npm allows lower-case letters, digits and a few other characters.
    name:
      name
        .toLowerCase()
        .replaceAll(/[^a-z0-9-]+/g, '-')
        .replaceAll(/^-+|-+$/g, '') || 'my-app',
    private: true,
    type: 'module',
    engines: { node: manifest.engines.node },
    scripts: { start: 'node --env-file-if-exists=.env server.ts' },
    dependencies: dependencies[framework],
  };
}
