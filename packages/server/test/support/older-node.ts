import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/**
 * The Node.js that this machine had before npm brought its own, if it is older than Usher needs.
 *
 * @param least The least major version that will do.
 */
export function findOlderNode(least: number): string | undefined {
  const all = (process.env['PATH'] ?? '').split(delimiter).map((folder) => join(folder, 'node'));
  return all.find((node) => {
    if (!existsSync(node)) return false;
    const major = Number(
      execFileSync(node, ['-p', 'process.versions.node.split(".")[0]'], { encoding: 'utf8' }),
    );
    return major >= least && major < 24;
  });
}
