// Every dependency has a reason in docs/decisions/0006-dependencies.md, and no reason is left of a removed one.
import { globSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';

interface Package {
  /** Set for the workspace root, which is not published and ships nothing. */
  private?: boolean;
  dependencies?: Record<string, string>;
  peerDependencies?: Record<string, string>;
  optionalDependencies?: Record<string, string>;
  devDependencies?: Record<string, string>;
}

/**
 * Compares the tables under "Shipped" and "Development" with the manifests of the packages.
 *
 * @returns A sentence for each difference.
 */
export function findUndecided(record: string, packages: Package[]): string[] {
  const shipped = packages.flatMap((found) => [
    ...Object.keys(found.dependencies ?? {}),
    ...Object.keys(found.peerDependencies ?? {}),
    ...Object.keys((!found.private && found.optionalDependencies) || {}),
  ]);
  const development = packages.flatMap((found) => [
    ...Object.keys(found.devDependencies ?? {}),
    ...Object.keys((found.private && found.optionalDependencies) || {}),
  ]);
  return [
    ...compare('Shipped', reasonsUnder('Shipped', record), shipped),
    ...compare('Development', reasonsUnder('Development', record), development),
  ];
}

function compare(heading: string, reasons: Map<string, string>, names: string[]): string[] {
  const wanted = new Set(names);
  return [
    ...[...wanted]
      .filter((name) => !reasons.get(name))
      .map((name) => `${name} has no reason under "${heading}".`),
    ...[...reasons.keys()]
      .filter((name) => !wanted.has(name))
      .map((name) => `${name} has a line under "${heading}", but no package names it there.`),
  ];
}

/** The rows `| name | reason |` of one section, without the table header. */
function reasonsUnder(heading: string, record: string): Map<string, string> {
  const section = record.split(/^## /m).find((part) => part.startsWith(`${heading}\n`)) ?? '';
  const rows = section.matchAll(/^\| *`([^`]+)` *\|([^|]*)\|$/gm);
  return new Map([...rows].map(([, name = '', reason = '']) => [name, reason.trim()]));
}

if (import.meta.main) {
  const root = resolve(import.meta.dirname, '..');
  const read = (file: string) => readFileSync(resolve(root, file), 'utf8');
  const packages = ['package.json', ...globSync('packages/*/package.json', { cwd: root })];
  const undecided = findUndecided(
    read('docs/decisions/0006-dependencies.md'),
    packages.map((file): Package => JSON.parse(read(file))),
  );
  for (const sentence of undecided) console.error(sentence);
  if (undecided.length > 0) {
    console.error('The record is docs/decisions/0006-dependencies.md.');
    process.exitCode = 1;
  } else {
    console.log('Every dependency has its reason');
  }
}
