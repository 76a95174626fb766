import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Command } from 'commander';
import { HashParts, writeBreachedPasswords } from '../core/passwords/breached-file.ts';
import { fetchParts } from './fetch-passwords.ts';
import { Misuse, printJson, say } from './output.ts';
import { countOf, readHashes } from './password-hashes.ts';

const FILE = 'breached.usher';
const OUTPUT_HELP = 'Output file, for USHER_BREACHED_PASSWORDS.';

export function addPasswords(program: Command): void {
  const passwords = program
    .command('passwords')
    .description('Create the list of breached passwords that new passwords are checked against.')
    .addHelpText('after', '\nExample:\n  usher passwords build pwned-passwords.txt.gz');
  passwords
    .command('build')
    .description('Create the list from a file with one SHA-1 hash or password per line (may be .gz).')
    .argument(
      '<file>',
      'File of hashes in the Pwned Passwords format (SHA1:COUNT), or of plain-text passwords.',
    )
    .option('--output <file>', OUTPUT_HELP, FILE)
    .option('--min-count <number>', 'Skip hashes that were seen fewer times than this.', countOf, 1)
    .option('--json', 'Output as JSON.')
    .addHelpText(
      'after',
      '\nExample:\n  usher passwords build pwned-passwords.txt.gz --output breached.usher',
    )
    .action(build);
  passwords
    .command('fetch')
    .description(
      'Create the list by downloading Pwned Passwords (about 40 GB). Run again to continue after an interruption.',
    )
    .option('--output <file>', OUTPUT_HELP, FILE)
    .option('--url <address>', 'URL to download from instead of api.pwnedpasswords.com.')
    .option('--concurrency <number>', 'Number of parallel requests (up to 64).', countOf, 16)
    .option('--min-count <number>', 'Skip hashes that were seen fewer times than this.', countOf, 1)
    .option(
      '--prefix <digits>',
      'Download only hashes that start with these hexadecimal digits, for testing.',
    )
    .option('--json', 'Output as JSON.')
    .addHelpText('after', '\nExample:\n  usher passwords fetch --output breached.usher')
    .action(fetchAll);
}

interface BuildOptions {
  output: string;
  minCount: number;
  json?: true;
}

async function build(file: string, { output, minCount, json }: BuildOptions): Promise<void> {
  if (!existsSync(file)) throw new Misuse(`File not found: ${file}.`);
  if (!existsSync(dirname(output)))
    throw new Misuse(`Can’t write ${output}: folder ${dirname(output)} doesn’t exist.`);
  const folder = mkdtempSync(`${output}.parts-`);
  try {
    const parts = new HashParts(folder);
    let counted = 0;
    try {
      for await (const hash of readHashes(file, minCount)) {
        parts.add(hash);
        counted += 1;
        if (counted % 10_000_000 === 0) say(`Read ${counted.toLocaleString('en')} lines.`);
      }
    } finally {
      parts.close();
    }
    if (parts.count === 0) throw new Error(`${file} contains no hashes or passwords. Nothing was written.`);
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
  if (!/^[0-9a-f]{0,5}$/i.test(prefix)) throw new Misuse('--prefix must be up to five hexadecimal digits.');
  if (options.concurrency > 64) throw new Misuse('--concurrency must be 64 or less.');
  const { folder, count } = await fetchParts({ ...options, prefix: prefix.toUpperCase() });
  if (count === 0) throw new Error('The download contains no hashes. Nothing was written.');
  finish(output, folder, count, json);
  rmSync(folder, { recursive: true, force: true });
}

function finish(output: string, folder: string, count: number, json: true | undefined): void {
  const entries = writeBreachedPasswords(output, folder, count);
  if (json) printJson({ file: output, entries });
  say(`Wrote ${entries.toLocaleString('en')} entries. Use them with USHER_BREACHED_PASSWORDS=${output}`);
}
