// Builds the tarballs of the three packages, as `npm publish` would: in a copy of the sources, so as not to interfere
// with other builds or servers.
import { execFileSync } from 'node:child_process';
import { cpSync, globSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative, resolve } from 'node:path';

const root = resolve(import.meta.dirname, '..');
/** The files that the builds read in addition to the packages. */
const shared = ['package.json', 'tsconfig.json', 'scripts'];
const isBuiltOrTest = /^packages\/[^/]+\/(dist|node_modules|test)(\/|$)/;

export interface Packed {
  name: string;
  version: string;
  /** The path of the tarball. */
  file: string;
}

/** Packs every package into a folder, after the steps of `prepack`. */
export function packAll(folder: string): Packed[] {
  const copy = mkdtempSync(join(tmpdir(), 'usher-pack-'));
  try {
    for (const from of [...shared, ...globSync('packages/*', { cwd: root })])
      cpSync(join(root, from), join(copy, from), {
        recursive: true,
        filter: (file) => !isBuiltOrTest.test(relative(root, file)),
      });
    symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'), 'junction');
    execFileSync('npm', ['pack', '--workspaces', '--silent', '--pack-destination', folder], {
      cwd: copy,
      stdio: ['ignore', 'ignore', 'pipe'],
    });
  } finally {
    rmSync(copy, { recursive: true });
  }
  return globSync('packages/*/package.json', { cwd: root }).map((manifest) => {
    const { name, version }: Packed = JSON.parse(readFileSync(join(root, manifest), 'utf8'));
    return { name, version, file: join(folder, `${name.replace('@', '').replace('/', '-')}-${version}.tgz`) };
  });
}
