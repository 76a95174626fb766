import { createRequire } from 'node:module';
import { Command, CommanderError } from 'commander';
import { ConfigError } from '../config.ts';
import { Refusal } from '../errors.ts';
import { addServe } from './serve.ts';

/** Exit codes: what was asked cannot be done now; what was asked makes no sense. */
const REFUSED = 1;
const MISUSED = 2;

const { version } = createRequire(import.meta.url)('../../package.json') as { version: string };

/** Runs a command line; sets the exit code, and prints what went wrong as one sentence. */
export async function run(argv: string[]): Promise<void> {
  const program = new Command('usher')
    .description('A user-authentication server.')
    .version(version)
    .showSuggestionAfterError()
    .exitOverride();
  addServe(program, version);
  try {
    await program.parseAsync(argv);
  } catch (error) {
    process.exitCode = exitCodeOf(error);
    const sentence = sentenceOf(error);
    if (sentence) process.stderr.write(`usher: ${sentence}\n`);
  }
}

function exitCodeOf(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : MISUSED;
  return error instanceof ConfigError ? MISUSED : REFUSED;
}

/** Commander has printed its own sentence already. */
function sentenceOf(error: unknown): string | undefined {
  if (error instanceof CommanderError) return undefined;
  if (error instanceof Refusal && error.fields) return error.fields.map((field) => field.message).join(' ');
  return error instanceof Error ? error.message : String(error);
}
