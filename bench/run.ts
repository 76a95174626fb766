// npm run bench: measures, prints a table and writes bench/results/latest.json. See README.md.

import { rmSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { availableParallelism, cpus, loadavg, tmpdir, totalmem } from 'node:os';
import { join, resolve } from 'node:path';
import { measureEnumeration } from './enumeration.ts';
import { isMet, median, type Part, tableOf } from './figures.ts';
import { measureGuard } from './guard.ts';
import { measureImport } from './import.ts';
import { measureMe } from './me.ts';
import { measureMemory } from './memory.ts';
import { measurePages } from './pages.ts';
import { killAll } from './servers.ts';
import { measureSignIn } from './signin.ts';
import { measureStart } from './start.ts';
import { measureStorm } from './storm.ts';
import { measureTurns } from './turns.ts';
import { measureUsers } from './users.ts';

const measurements = {
  me: measureMe,
  signin: measureSignIn,
  storm: measureStorm,
  turns: measureTurns,
  start: measureStart,
  memory: measureMemory,
  enumeration: measureEnumeration,
  guard: measureGuard,
  import: measureImport,
  users: measureUsers,
  pages: measurePages,
};
type Name = keyof typeof measurements;
const names = Object.keys(measurements) as Name[];

/** Milliseconds for one measurement; they take less than a minute and a half on two busy cores. */
const TIMEOUT = 150_000;
/** `users` fills two databases with a million users each. */
const timeouts: Partial<Record<Name, number>> = { users: 20 * 60_000 };

const wanted = choose(process.argv.slice(2));
if (wanted) await run(wanted);

function choose(given: string[]): Name[] | undefined {
  const unknown = given.filter((name) => !names.includes(name as Name));
  if (unknown.length === 0) return given.length > 0 ? names.filter((name) => given.includes(name)) : names;
  console.error(`There is no measurement ${unknown.join(', ')}. There are: ${names.join(', ')}`);
  process.exitCode = 2;
  return undefined;
}

async function run(chosen: Name[]): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'usher-bench-'));
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.once(signal, () => {
      killAll();
      rmSync(folder, { recursive: true, force: true });
      process.exit(1);
    });
  const machine = describeMachine();
  console.log(
    `${machine.cores} × ${machine.processor}, Node.js ${machine.node}, load ${machine.load.join(' ')}\n`,
  );
  const parts: Part[] = [];
  try {
    for (const name of chosen) {
      const own = await mkdtemp(join(folder, `${name}-`));
      const measured = await inTime(name, measurements[name](own));
      for (const part of measured) console.log(tableOf(part));
      parts.push(...measured);
    }
    await save({ machine, parts });
  } finally {
    killAll();
    await rm(folder, { recursive: true, force: true });
  }
}

/** Ends the servers of a measurement that takes too long: what waits for them then fails. */
async function inTime<T>(name: Name, work: Promise<T>): Promise<T> {
  const timeout = timeouts[name] ?? TIMEOUT;
  const timer = setTimeout(() => {
    console.error(`${name} took longer than ${timeout / 1000} s; its servers are ended.`);
    killAll();
  }, timeout);
  try {
    return await work;
  } finally {
    clearTimeout(timer);
  }
}

function describeMachine() {
  return {
    cores: availableParallelism(),
    processor: cpus()[0]?.model.trim() ?? 'unknown processor',
    memory: totalmem(),
    platform: `${process.platform} ${process.arch}`,
    node: process.versions.node,
    /** Processes that wanted a core, on average over 1, 5 and 15 minutes, when the bench began. */
    load: loadavg().map((value) => Math.round(value * 10) / 10),
  };
}

async function save({ machine, parts }: { machine: object; parts: Part[] }): Promise<void> {
  const results = resolve(import.meta.dirname, 'results');
  await mkdir(results, { recursive: true });
  const told = parts.map(({ title, figures }) => ({
    title,
    figures: figures.map((figure) => ({
      name: figure.name.trim(),
      unit: figure.unit,
      median: median(figure.values),
      min: Math.min(...figure.values),
      max: Math.max(...figure.values),
      aim: figure.aim,
      met: isMet(figure),
      rounds: figure.values,
    })),
  }));
  const text = JSON.stringify({ at: new Date().toISOString(), machine, parts: told }, null, 2);
  await writeFile(join(results, 'latest.json'), `${text}\n`);
  console.log('Written to bench/results/latest.json');
}
