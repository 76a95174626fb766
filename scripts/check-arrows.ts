// Runs dependency-cruiser and checks that it read the code: with a TypeScript version that it does not support (7 and
// later) it finds no modules, hence no violations, and reports success.
import { spawnSync } from 'node:child_process';
import { globSync } from 'node:fs';
import { resolve } from 'node:path';
import type { ICruiseResult } from 'dependency-cruiser';

const house = resolve(import.meta.dirname, '..');

export interface Violation {
  rule: string;
  from: string;
  to: string;
}

/**
 * Checks the tree under `root` with this repository's rules. `unseen` are files that dependency-cruiser did not read.
 */
export function checkArrows(root: string): { files: number; unseen: string[]; violations: Violation[] } {
  const files = globSync('packages/*/src/**/*.{ts,tsx}', { cwd: root });
  const folders = globSync('packages/*/src', { cwd: root });
  const cruise = spawnSync(
    process.execPath,
    [
      resolve(house, 'node_modules/dependency-cruiser/bin/dependency-cruise.mjs'),
      ...['--config', resolve(house, '.dependency-cruiser.js')],
      ...['--output-type', 'json'],
      ...folders,
    ],
    { cwd: root, encoding: 'utf8', maxBuffer: 256 * 1024 * 1024 },
  );
  if (!cruise.stdout) throw new Error(`dependency-cruiser said nothing.\n${cruise.stderr}`);
  const found: ICruiseResult = JSON.parse(cruise.stdout);
  const seen = new Set(found.modules.map((module) => module.source));
  return {
    files: files.length,
    unseen: files.filter((file) => !seen.has(file)),
    violations: found.summary.violations.map(({ rule, from, to }) => ({ rule: rule.name, from, to })),
  };
}

/** The rules, and the reason for each. */
export async function reasons(): Promise<Map<string, string>> {
  const config: { default: { forbidden: { name: string; comment: string }[] } } = await import(
    resolve(house, '.dependency-cruiser.js')
  );
  return new Map(config.default.forbidden.map((rule) => [rule.name, rule.comment]));
}

if (import.meta.main) {
  const { files, unseen, violations } = checkArrows(house);
  const why = await reasons();
  for (const { rule, from, to } of violations) {
    console.error(`${from} -> ${to}\n  ${rule}: ${why.get(rule)}`);
  }
  for (const file of unseen) console.error(`${file}: dependency-cruiser did not see this file`);
  if (files === 0) console.error('There is no source file to look at.');
  if (files === 0 || unseen.length > 0 || violations.length > 0) process.exitCode = 1;
  console.log(`${files} files, ${files - unseen.length} seen, ${violations.length} forbidden imports`);
}
