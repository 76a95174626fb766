import {
  type Config,
  isSecretSetting,
  type SettingName,
  type Source,
  settingNames,
  settings,
} from '../../config.ts';

/** The effective value of a setting and its source; null if unset. */
export interface SettingInForce {
  name: string;
  value: string | number | readonly string[] | null;
  source: Source;
}

/** The effective value of every setting. Secrets are `[secret]`. */
export const settingsInForce = (config: Config, sources: Record<SettingName, Source>): SettingInForce[] =>
  settingNames.map((name) => ({
    name: settings[name].env,
    value: valueInForce(name, config),
    source: sources[name],
  }));

function valueInForce(name: SettingName, config: Config): SettingInForce['value'] {
  if (name === 'database') return withoutPassword(config.database);
  if (name === 'publicUrl') return publicUrlOf(config);
  const value = config[name];
  if (isSecretSetting(name)) return value === undefined ? null : String(value);
  return (value as SettingInForce['value'] | undefined) ?? null;
}

/** A free port (port 0) is known only once a server listens on it. */
const publicUrlOf = ({ publicUrl, port }: Config): string =>
  publicUrl ?? `http://localhost:${port || 'PORT'}`;

/** A database URL without its password; entirely secret if it cannot be parsed unambiguously. */
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

export function inWords(value: SettingInForce['value']): string {
  if (value === null) return 'not set';
  return typeof value === 'object' ? value.join(', ') : String(value);
}
