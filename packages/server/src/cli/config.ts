import type { Command } from 'commander';
import { inWords, settingsInForce } from '../flows/admin/settings.ts';
import { checkConfig } from '../open-context.ts';
import { printJson, printTable } from './output.ts';
import { settingsOf, withSettings } from './settings.ts';

export function addConfig(program: Command): void {
  withSettings(program.command('config'))
    .description('Check the settings as usher serve does, and show them with their sources.')
    .option('--json', 'Output as JSON.')
    .addHelpText('after', '\nExample:\n  usher config --port 4001 --json')
    .action(show);
}

async function show({ json }: { json?: true }, command: Command): Promise<void> {
  const { config, sources } = settingsOf(command);
  await checkConfig(config);
  const lines = settingsInForce(config, sources);
  if (json) printJson({ settings: lines });
  else
    printTable(
      ['SETTING', 'VALUE', 'SOURCE'],
      lines.map(({ name, value, source }) => [name, inWords(value), source]),
    );
}
