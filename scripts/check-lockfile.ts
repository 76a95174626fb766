// Every package in package-lock.json has a checksum, so that an installation cannot get other content than the one
// tested.
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';

interface Lockfile {
  packages: Record<string, { link?: boolean; integrity?: string; resolved?: string }>;
}

/** @returns A sentence for each package without a checksum. */
export function findUnpinned({ packages }: Lockfile): string[] {
  return Object.entries(packages).flatMap(([path, { link, integrity = '', resolved }]) => {
    // Workspace packages are our own: they are linked, not downloaded.
    if (!path.includes('node_modules/') || link) return [];
    const sentences = [];
    if (!/^sha512-[A-Za-z0-9+/]{86}==$/.test(integrity)) sentences.push(`${path} has no SHA-512 checksum.`);
    if (resolved !== undefined && !resolved.startsWith('https://registry.npmjs.org/'))
      sentences.push(`${path} comes from ${resolved}, which is not the npm registry.`);
    return sentences;
  });
}

if (import.meta.main) {
  const file = resolve(import.meta.dirname, '../package-lock.json');
  const lockfile: Lockfile = JSON.parse(readFileSync(file, 'utf8'));
  const unpinned = findUnpinned(lockfile);
  for (const sentence of unpinned) console.error(sentence);
  if (unpinned.length > 0) {
    console.error(
      'npm leaves checksums out when it finds packages in node_modules. Remove node_modules and package-lock.json, then run npm install.',
    );
    process.exitCode = 1;
  } else {
    console.log(`Each of ${Object.keys(lockfile.packages).length} packages has its checksum`);
  }
}
