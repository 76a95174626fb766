// A registry for npm without network access: it serves our packages from their tarballs, and all others from the
// repository's node_modules. Record 16 explains why it is not Verdaccio.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { basename, dirname, join, resolve } from 'node:path';
import type { Packed } from '../../../../scripts/pack.ts';

const root = resolve(import.meta.dirname, '../../../..');

interface Manifest {
  name: string;
  version: string;
  [member: string]: unknown;
}

interface Version {
  manifest: Manifest;
  tarball(): Buffer;
  integrity?: string;
}

export interface Registry {
  url: string;
  /** The requested packages that are missing, except for optional ones. */
  missing: Set<string>;
  stop(): Promise<void>;
}

/**
 * @param upstream The URL of another registry, ending in a slash, for all packages but ours; by default node_modules is
 * used.
 */
export async function startRegistry(packed: Packed[], upstream?: string): Promise<Registry> {
  const locked = lockedPackages();
  const versions = [...packed.map(ownVersion), ...(upstream ? [] : installedVersions(locked))];
  const optional = new Set(Object.values(locked).flatMap(optionalOf));
  const missing = new Set<string>();
  const server = createServer((request, response) => {
    const path = decodeURIComponent((request.url ?? '').split('?', 1)[0] ?? '').slice(1);
    const [name = '', version] = path.split('/-/');
    const found = versions.filter(({ manifest }) => manifest.name === name);
    const asked = found.find(({ manifest }) => manifest.version === version);
    if (asked) response.end(asked.tarball());
    else if (version === undefined && found.length > 0) {
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify(packument(name, found, `http://${request.headers.host}`)));
    } else if (upstream && request.method === 'GET') {
      response.writeHead(302, { location: upstream + path }).end();
    } else {
      if (!optional.has(path)) missing.add(path);
      response.writeHead(404, { 'content-type': 'application/json' }).end('{"error":"not found"}');
    }
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    missing,
    async stop() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

function packument(name: string, found: Version[], url: string): object {
  const versions = found.map(({ manifest, integrity }) => {
    const tarball = `${url}/${name}/-/${manifest.version}`;
    return [
      manifest.version,
      { ...manifest, dist: { tarball, ...(integrity ? { integrity } : {}) } },
    ] as const;
  });
  return { name, 'dist-tags': { latest: versions[0]?.[0] }, versions: Object.fromEntries(versions) };
}

function ownVersion({ file }: Packed): Version {
  const tarball = readFileSync(file);
  const manifest = execFileSync('tar', ['-xzOf', file, 'package/package.json'], { encoding: 'utf8' });
  return {
    manifest: JSON.parse(manifest),
    tarball: () => tarball,
    integrity: `sha512-${createHash('sha512').update(tarball).digest('base64')}`,
  };
}

type Locked = Manifest & {
  link?: boolean;
  optionalDependencies?: Record<string, string>;
  peerDependenciesMeta?: Record<string, { optional?: boolean }>;
};

const lockedPackages = (): Record<string, Locked> =>
  JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')).packages;

/** The optional packages: for other platforms, or optional peer dependencies. */
const optionalOf = ({ optionalDependencies = {}, peerDependenciesMeta = {} }: Locked): string[] => [
  ...Object.keys(optionalDependencies),
  ...Object.keys(peerDependenciesMeta).filter((name) => peerDependenciesMeta[name]?.optional),
];

/** The versions in the lockfile, with those at the top level first. */
function installedVersions(locked: Record<string, Locked>): Version[] {
  return Object.entries(locked)
    .filter(([path, { link }]) => path.includes('node_modules/') && !link)
    .sort(([a], [b]) => a.length - b.length)
    .map(([path, found]) => {
      const folder = join(root, path);
      const name = path.split('node_modules/').at(-1) ?? '';
      const own = join(folder, 'package.json');
      // Packages for other platforms are not installed. Their lockfile entry names the platform, so npm never requests
      // the tarball.
      const manifest = existsSync(own) ? JSON.parse(readFileSync(own, 'utf8')) : { ...found, name };
      return { manifest, tarball: () => pack(folder) };
    });
}

const pack = (folder: string): Buffer =>
  execFileSync('tar', ['-cf', '-', '-C', dirname(folder), '--exclude', 'node_modules', basename(folder)], {
    maxBuffer: 256 * 1024 * 1024,
  });
