import { createRequire } from 'node:module';
import { Command, CommanderError } from 'commander';
import { ConfigError, fileFault } from '../config.ts';
import { HttpError } from '../errors.ts';
import { english } from '../languages/translator.ts';
import { isUnavailable } from '../platform/db/index.ts';
import { commandLineFault } from './command-line-fault.ts';
import { addCompletion } from './completion.ts';
import { addConfig } from './config.ts';
import { addDb } from './db.ts';
import { addEmail } from './email.ts';
import { addEvents } from './events.ts';
import { addHealth } from './health.ts';
import { addInit } from './init.ts';
import { addKey } from './key.ts';
import { Misuse, say } from './output.ts';
import { addPasswords } from './passwords.ts';
import { addServe } from './serve.ts';
import { addUser } from './user.ts';

/** Exit codes: the command failed; the command line is invalid. */
const FAILED = 1;
const MISUSED = 2;

const { version } = createRequire(import.meta.url)('../../package.json') as { version: string };

/** Runs a command line. Sets the exit code, and prints an error as one sentence. */
export async function run(argv: string[]): Promise<void> {
  process.stdout.on('error', noteLostOutput);
  const program = new Command('usher')
    .description('Self-hosted user authentication server.')
    .version(version, '-V, --version', 'Show the version.')
    .helpOption('-h, --help', 'Show this help.')
    .helpCommand('help [command]', 'Show help for a command.')
    .addHelpText(
      'after',
      '\nExample:\n  usher serve\n\nRun `usher <command> --help` for details.\n\nExit codes: 0 done, 1 failed, 2 invalid command line or settings.',
    )
    .showSuggestionAfterError()
    // Errors are printed below, like all others.
    .configureOutput({ outputError: () => {} })
    .exitOverride();
  addServe(program, version);
  addHealth(program);
  addDb(program);
  addUser(program);
  addEvents(program);
  addKey(program);
  addEmail(program);
  addPasswords(program);
  addConfig(program);
  addInit(program);
  addCompletion(program);
  try {
    await program.parseAsync(argv);
  } catch (error) {
    process.exitCode = exitCodeOf(error);
    const sentence = error instanceof CommanderError ? faultOf(program, argv, error) : sentenceOf(error);
    if (sentence) say(`usher: ${sentence}`);
  }
}

function exitCodeOf(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : MISUSED;
  return error instanceof ConfigError || error instanceof Misuse ? MISUSED : FAILED;
}

/** The sentence for an invalid command line; undefined if Commander has shown help or the version instead. */
const faultOf = (program: Command, argv: string[], error: CommanderError): string | undefined =>
  error.message.startsWith('error: ') ? commandLineFault(program, argv.slice(2), error) : undefined;

function sentenceOf(error: unknown): string {
  if (error instanceof HttpError && error.fields)
    return error.fields.map(({ field, message }) => `${field}: ${english(message)}`).join(' ');
  if (isUnavailable(error)) return `Database error: ${(error as Error).message}`;
  return aboutFile(error) ?? (error instanceof Error ? error.message : String(error));
}

/** What to do about a file that cannot be used. */
const remedies: Record<string, string> = {
  EACCES: 'Give the user that runs usher access to it, or choose another place.',
  EPERM: 'Give the user that runs usher access to it, or choose another place.',
  ENOSPC: 'Free space on this disk.',
};

/** The sentence for an error of the file system that no command has explained; undefined for any other error. */
function aboutFile(error: unknown): string | undefined {
  const { errno, path, code = '' } = error as NodeJS.ErrnoException;
  if (errno === undefined || path === undefined) return undefined;
  return `Couldn’t use ${path}: ${fileFault(error)}. ${remedies[code] ?? 'Choose another place.'}`;
}

/**
 * The reader of our output may stop early (`| head`). That is no bug, but the output is incomplete, so the command did
 * not succeed.
 */
function noteLostOutput(error: NodeJS.ErrnoException): void {
  process.exitCode = FAILED;
  if (error.code !== 'EPIPE') say(`usher: Couldn’t write output: ${error.message}`);
}
