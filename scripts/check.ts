// Runs all `check:*` scripts of package.json, two at a time, without stopping at failures, and prints the output of
// each. To add a check, add a script there. To run one: `npm run check:types`.
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';

const root = resolve(import.meta.dirname, '..');
const { scripts }: { scripts: Record<string, string> } = JSON.parse(
  readFileSync(resolve(root, 'package.json'), 'utf8'),
);
const waiting = Object.entries(scripts).filter(([name]) => name.startsWith('check:'));
const failed: string[] = [];
const began = performance.now();

await Promise.all([runAll(), runAll()]);

const seconds = ((performance.now() - began) / 1000).toFixed(1);
if (failed.length > 0) {
  console.error(`\nThe check failed in ${failed.join(', ')} (${seconds} s).`);
  process.exitCode = 1;
} else {
  console.log(`\nEverything is in order (${seconds} s).`);
}

async function runAll(): Promise<void> {
  for (let next = waiting.shift(); next; next = waiting.shift()) await run(...next);
}

async function run(name: string, command: string): Promise<void> {
  const started = performance.now();
  const { code, output } = await shell(command);
  const took = ((performance.now() - started) / 1000).toFixed(1);
  if (code !== 0) failed.push(name);
  console.log(`\n== ${name}: ${code === 0 ? 'in order' : 'FAILED'} (${took} s)\n${output.trimEnd()}`);
}

/** Runs a command like `npm run`: the repository's tools come first in PATH. */
function shell(command: string): Promise<{ code: number | null; output: string }> {
  const { promise, resolve: done, reject } = Promise.withResolvers<{ code: number | null; output: string }>();
  const child = spawn(command, { cwd: root, shell: true, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
  }
  child.on('error', reject).on('close', (code) => done({ code, output }));
  return promise;
}
