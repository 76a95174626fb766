import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Command } from 'commander';
import { HashParts, writeBreachedPasswords } from '../core/passwords/breached-file.ts';
import { fetchParts } from './fetch-passwords.ts';
import { Misuse, printJson, say } from './output.ts';
import { countOf, readHashes } from './password-hashes.ts';

const FILE = 'breached.usher';
const OUTPUT_HELP = 'The file to write, for USHER_BREACHED_PASSWORDS.';

export function addPasswords(program: Command): void {
  const passwords = program
    .command('passwords')
    .description('Make a list of breached passwords, which no new password may be on.')
    .addHelpText('after', '\nExample:\n  usher passwords build pwned-passwords.txt.gz');
  passwords
    .command('build')
    .description('Make the list from a file: a SHA-1 hash or a password on each line; .gz too.')
    .argument('<file>', 'Hashes as Pwned Passwords has them (SHA1:COUNT), or passwords as they are.')
    .option('--output <file>', OUTPUT_HELP, FILE)
    .option('--min-count <number>', 'Leave out hashes that were seen less often.', countOf, 1)
    .option('--json', 'Print JSON.')
    .addHelpText(
      'after',
      '\nExample:\n  usher passwords build pwned-passwords.txt.gz --output breached.usher',
    )
    .action(build);
  passwords
    .command('fetch')
    .description('Make the list from Pwned Passwords, over the network: about 40 GB. Run it again to go on.')
    .option('--output <file>', OUTPUT_HELP, FILE)
    .option('--url <address>', 'Where ranges are fetched from, if not api.pwnedpasswords.com.')
    .option('--concurrency <number>', 'How many requests at once, at most 64.', countOf, 16)
    .option('--min-count <number>', 'Leave out hashes that were seen less often.', countOf, 1)
    .option('--prefix <digits>', 'Only hashes that begin with these hexadecimal digits: to try it out.')
    .option('--json', 'Print JSON.')
    .addHelpText('after', '\nExample:\n  usher passwords fetch --output breached.usher')
    .action(fetchAll);
}

interface BuildOptions {
  output: string;
  minCount: number;
  json?: true;
}

async function build(file: string, { output, minCount, json }: BuildOptions): Promise<void> {
  if (!existsSync(file)) throw new Misuse(`There is no file ${file}.`);
  if (!existsSync(dirname(output)))
    throw new Misuse(`--output names ${output}, but there is no folder ${dirname(output)}.`);
  const folder = mkdtempSync(`${output}.parts-`);
  try {
    const parts = new HashParts(folder);
    let counted = 0;
    try {
      for await (const hash of readHashes(file, minCount)) {
        parts.add(hash);
        counted += 1;
        if (counted % 10_000_000 === 0) say(`${counted.toLocaleString('en')} read.`);
      }
    } finally {
      parts.close();
    }
    if (parts.count === 0) throw new Error(`${file} has no hash or password in it: nothing was written.`);
    finish(output, folder, parts.count, json);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

interface FetchOptions extends BuildOptions {
  url?: string;
  concurrency: number;
  prefix?: string;
}

async function fetchAll(options: FetchOptions): Promise<void> {
  const { output, json, prefix = '' } = options;
  if (!/^[0-9a-f]{0,5}$/i.test(prefix)) throw new Misuse('--prefix takes up to five hexadecimal digits.');
  if (options.concurrency > 64) throw new Misuse('--concurrency takes 64 at most.');
  const { folder, count } = await fetchParts({ ...options, prefix: prefix.toUpperCase() });
  if (count === 0) throw new Error('There was no hash in what was fetched: nothing was written.');
  finish(output, folder, count, json);
  rmSync(folder, { recursive: true, force: true });
}

function finish(output: string, folder: string, count: number, json: true | undefined): void {
  const entries = writeBreachedPasswords(output, folder, count);
  if (json) printJson({ file: output, entries });
  say(`Wrote ${entries.toLocaleString('en')} entries. Use them with USHER_BREACHED_PASSWORDS=${output}`);
}
