import type { Command } from 'commander';
import { inWords, settingsInForce } from '../flows/admin/settings.ts';
import { printJson, printTable } from './output.ts';
import { settingsOf, withSettings } from './settings.ts';

export function addConfig(program: Command): void {
  withSettings(program.command('config'))
    .description('Show current settings and their sources.')
    .option('--json', 'Output as JSON.')
    .addHelpText('after', '\nExample:\n  usher config --port 4001 --json')
    .action(show);
}

function show({ json }: { json?: true }, command: Command): void {
  const { config, sources } = settingsOf(command);
  const lines = settingsInForce(config, sources);
  if (json) printJson({ settings: lines });
  else
    printTable(
      ['SETTING', 'VALUE', 'SOURCE'],
      lines.map(({ name, value, source }) => [name, inWords(value), source]),
    );
}
