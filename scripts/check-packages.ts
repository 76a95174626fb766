// Checks the packages as they would be published: packed, and seen by a consumer. publint checks the manifest against
// the files, arethetypeswrong resolves the types as TypeScript does, and the rest is this repository's own promises.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import {
  checkPackage,
  createPackageFromTarballData,
  type Package,
  type Problem,
} from '@arethetypeswrong/core';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';
import { packAll } from './pack.ts';

const root = resolve(import.meta.dirname, '..');

/**
 * Checks a tarball.
 *
 * @param license The license text that it must contain.
 * @returns A sentence for each problem.
 */
export async function findFaults(tarball: Uint8Array, license: string): Promise<string[]> {
  const found = createPackageFromTarballData(tarball);
  return [...(await lint(tarball)), ...(await checkTypes(found)), ...checkFiles(found, license)];
}

async function lint(tarball: Uint8Array): Promise<string[]> {
  const { messages, pkg } = await publint({
    pack: { tarball: new Uint8Array(tarball).buffer },
    strict: true,
  });
  return messages.map((message) => `publint: ${formatMessage(message, pkg, { color: false })}`);
}

/** TypeScript resolution modes that the packages do not support: they are ES modules found by `exports`. */
const unserved: Problem['kind'][] = ['CJSResolvesToESM'];

async function checkTypes(found: Package): Promise<string[]> {
  const { problems = [], ...rest } = (await checkPackage(found)) as { types: unknown; problems?: Problem[] };
  if (!rest.types) return ['arethetypeswrong: there are no types.'];
  return problems
    .filter((problem) => !unserved.includes(problem.kind))
    .filter((problem) => !('resolutionKind' in problem && problem.resolutionKind === 'node10'))
    .map((problem) => `arethetypeswrong: ${JSON.stringify(problem)}`);
}

function checkFiles(found: Package, license: string): string[] {
  const read = (file: string) => {
    const path = `/node_modules/${found.packageName}/${file}`;
    return found.fileExists(path) ? found.readFile(path) : undefined;
  };
  const faults: string[] = [];
  const readme = read('README.md') ?? '';
  if (readme === '') faults.push('There is no README.md.');
  for (const [link] of readme.matchAll(/\]\((?!https?:|#)[^)]+\)/g))
    faults.push(`README.md links to ${link.slice(2, -1)}, which is not in the package.`);
  if (read('LICENSE') !== license) faults.push('LICENSE is missing, or not that of the repository.');
  const manifest = JSON.parse(read('package.json') ?? '{}');
  for (const member of ['description', 'keywords', 'license', 'engines', 'files', 'exports'])
    if (!(member in manifest)) faults.push(`package.json has no "${member}".`);
  return faults;
}

if (import.meta.main) {
  const folder = mkdtempSync(join(tmpdir(), 'usher-check-packages-'));
  try {
    const license = readFileSync(join(root, 'LICENSE'), 'utf8');
    const packages = packAll(folder);
    for (const { name, file } of packages)
      for (const fault of await findFaults(readFileSync(file), license)) {
        console.error(`${name}: ${fault}`);
        process.exitCode = 1;
      }
    if (!process.exitCode) console.log(`${packages.length} packages can be published as they are`);
  } finally {
    rmSync(folder, { recursive: true });
  }
}
