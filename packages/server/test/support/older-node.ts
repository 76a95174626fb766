import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/**
 * The Node.js that was installed before npm's own, if it is older than Usher requires.
 *
 * @param least The minimum major version.
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
