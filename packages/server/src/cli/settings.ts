import type { Command } from 'commander';
import {
  flagName,
  isSecretSetting,
  type LoadedConfig,
  loadConfig,
  type SettingName,
  settingNames,
  settings,
} from '../config.ts';

/**
 * Gives a command a flag for each of these settings, by default for all of them. Secrets get none: every user of the
 * machine can read command lines.
 */
export function withSettings(command: Command, names: readonly SettingName[] = settingNames): Command {
  // A command that accepts the database also accepts how to connect to it.
  const all = names.includes('database') ? new Set([...names, 'databaseTls' as const]) : names;
  for (const name of all) {
    if (isSecretSetting(name)) continue;
    const { env, default: fallback, help } = settings[name];
    command.option(
      `${flagName(name)} <value>`,
      `${help} (${fallback ? `default: ${fallback}, ` : ''}env: ${env})`,
    );
  }
  return command;
}

/** The effective settings of a command, from its flags, the environment, files and defaults. */
export function settingsOf(command: Command): LoadedConfig {
  const given = command.optsWithGlobals<Record<string, string | undefined>>();
  const flags: Partial<Record<SettingName, string>> = {};
  for (const name of settingNames) {
    const value = given[camelCase(flagName(name))];
    if (value !== undefined) flags[name] = value;
  }
  return loadConfig(flags);
}

/** The option name that Commander derives from a flag. */
const camelCase = (flag: string): string =>
  flag.slice(2).replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
