import type { Command } from 'commander';
import { type Config, type SettingName, settingNames, settings } from '../config.ts';
import { printJson, printTable } from './output.ts';
import { isSecret, settingsOf, withSettings } from './settings.ts';

export function addConfig(program: Command): void {
  withSettings(program.command('config'))
    .description('Print every setting in force, and where it comes from.')
    .option('--json', 'Print JSON.')
    .addHelpText('after', '\nExample:\n  usher config --port 4001 --json')
    .action(show);
}

type Value = string | number | readonly string[] | null;

function show({ json }: { json?: true }, command: Command): void {
  const { config, sources } = settingsOf(command);
  const lines = settingNames.map((name) => ({
    name: settings[name].env,
    value: valueInForce(name, config),
    source: sources[name],
  }));
  if (json) printJson({ settings: lines });
  else
    printTable(
      ['SETTING', 'VALUE', 'SOURCE'],
      lines.map(({ name, value, source }) => [name, inWords(value), source]),
    );
}

/** What counts for a setting; null for one that is not set. Secrets print themselves as `[secret]`. */
function valueInForce(name: SettingName, config: Config): Value {
  if (name === 'database') return withoutPassword(config.database);
  if (name === 'publicUrl') return publicUrlOf(config);
  if (name === 'audience') return config.audience ?? publicUrlOf(config);
  const value = config[name];
  if (isSecret(name)) return value === undefined ? null : String(value);
  return (value as Value | undefined) ?? null;
}

/** A free port is known only once a server listens on it. */
const publicUrlOf = ({ publicUrl, port }: Config): string =>
  publicUrl ?? `http://localhost:${port || 'PORT'}`;

/** A database's address without the password in it; what cannot be taken apart for sure is a secret as a whole. */
function withoutPassword(address: string): string {
  if (!/[@?]/.test(address)) return address;
  const url = URL.canParse(address) ? new URL(address) : undefined;
  if (!url || /@/.test(url.pathname + url.search)) return '[secret]';
  const parameters = [...url.searchParams].map(
    ([name, value]) => `${name}=${mayHide(name) ? '[secret]' : value}`,
  );
  const query = parameters.length > 0 ? `?${parameters.join('&')}` : '';
  const user = url.username + (url.password ? ':[secret]' : '');
  const authority = url.host || user ? `//${user}${user ? '@' : ''}${url.host}` : '';
  return `${url.protocol}${authority}${url.pathname}${query}`;
}

const mayHide = (parameter: string): boolean => /pass|secret|token|key|options/i.test(parameter);

function inWords(value: Value): string {
  if (value === null) return 'not set';
  return typeof value === 'object' ? value.join(', ') : String(value);
}
