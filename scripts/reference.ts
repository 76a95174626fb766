// Writes docs/reference/ from the tables in packages/server/src, the client's types and the icons of the pages; with --check it
// only reports stale files. It reads the built tables, because routes.ts imports pages in .tsx, which Node.js cannot run.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { keepClientTypes } from './client-types.ts';
import { keepIcons } from './icons.ts';

const root = resolve(import.meta.dirname, '..');

interface Page {
  title: string;
  /** The module in packages/server/src that exports the table. */
  module: string;
  /** The name of the exported table, if it is not the page's. */
  export?: string;
  /** The introduction before the table. */
  intro: string;
  write: (module: never) => string;
}

const pages: Record<string, Page> = {
  errors: {
    title: 'Errors',
    module: 'errors',
    intro:
      'Every failure that Usher expects. The response is `application/problem+json` (RFC 9457). `code` is stable and meant for programs; `message` is for people and may be more exact than here.',
    write: writeErrors,
  },
  emails: {
    title: 'Emails',
    module: 'core/emails/kinds',
    export: 'emailValues',
    intro:
      'Every email, with the values that its template may use, apart from `service` and `url`. [Send email](../guides/send-email.md) says how to replace a template.',
    write: writeEmails,
  },
  events: {
    title: 'Events',
    module: 'events',
    intro:
      'Every event of the audit log. The API, the CLI and the log use the name; the admin console shows the label.',
    write: writeEvents,
  },
  limits: {
    title: 'Rate limits',
    module: 'core/rate-limits',
    export: 'rateLimits',
    intro:
      'Every rate limit. A blocked attempt is rejected without being checked. `passwords_per_account` and `passwords_per_identifier` wait longer after each incorrect attempt; the others count in a time window, or until they are reset. A blocked attempt is recorded as the event `rate_limit_exceeded` with the name of the limit; the admin console shows the label.',
    write: writeLimits,
  },
  settings: {
    title: 'Settings',
    module: 'config',
    intro:
      'A setting comes from its flag, from the environment, from the file that `NAME_FILE` names, or from `.env`: the first one found counts. Secrets have no flag, because others on the machine can read a command line. Usher does not start if a variable that begins with `USHER_` is not in this list.',
    write: writeSettings,
  },
  routes: {
    title: 'Routes',
    module: 'routes',
    intro:
      'Every route of Usher, and who may call it: `public`; `optional` is anyone, with or without a valid credential; `session` is a signed-in user; `admin` is an administrator. In addition to the errors listed here, a route can return the errors that all routes share.',
    write: writeRoutes,
  },
};

/** The texts in English. */
const english: Record<string, string> = JSON.parse(
  readFileSync(resolve(root, 'packages/server/messages/en.json'), 'utf8'),
);

type ErrorTable = Record<string, readonly [status: number, title: string]>;
type SettingTable = Record<string, { env: string; default: string; help: string }>;
interface RouteLine {
  method: string;
  path: string;
  access: string;
  summary: string;
  errors: readonly string[];
  isPage?: boolean;
}

function writeErrors({ errors }: { errors: ErrorTable }): string {
  const rows = Object.entries(errors).map(([code, [status, title]]) => [
    quote(code),
    `${status}`,
    title,
    english[`errors.${code}`] ?? '',
  ]);
  return table(['code', 'status', 'title', 'message'], rows);
}

interface EmailTable {
  emailValues: Record<string, readonly string[]>;
  emailLabels: Record<string, string>;
  CLIENT_VALUES: readonly string[];
}

function writeEmails({ emailValues, emailLabels, CLIENT_VALUES }: EmailTable): string {
  const rows = Object.entries(emailValues).map(([kind, values]) => [
    quote(kind),
    emailLabels[kind] ?? '',
    [...values, ...CLIENT_VALUES].map(quote).join(' '),
  ]);
  return table(['email', 'label', 'values'], rows);
}

function writeEvents({
  events,
}: {
  events: Record<string, readonly [label: string, meaning: string]>;
}): string {
  const rows = Object.entries(events).map(([name, [label, meaning]]) => [
    quote(name),
    english[label] ?? '',
    meaning,
  ]);
  return table(['event', 'label', 'meaning'], rows);
}

type RateLimitTable = Record<
  string,
  { of: string; label: string; description: string } & (
    | { kind: 'back-off'; free: number; first: number; longest: number; resetAfter: number }
    | { kind: 'window' | 'distinct'; max: number; length: number }
  )
>;

function writeLimits({ rateLimits }: { rateLimits: RateLimitTable }): string {
  const rows = Object.entries(rateLimits).map(([name, rateLimit]) => [
    quote(name),
    english[rateLimit.label] ?? '',
    rateLimit.of,
    rateLimit.kind === 'back-off'
      ? `${rateLimit.free}, then a wait of ${inWords(rateLimit.first)} that doubles up to ${inWords(rateLimit.longest)}; reset after ${inWords(rateLimit.resetAfter)} without an attempt`
      : `${rateLimit.max} in ${inWords(rateLimit.length)}`,
    rateLimit.description,
  ]);
  return table(['limit', 'label', 'counted per', 'allows', 'what it counts'], rows);
}

function inWords(milliseconds: number): string {
  const seconds = milliseconds / 1000;
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3_600) return `${seconds / 60} min`;
  if (seconds <= 86_400) return `${seconds / 3_600} h`;
  const days = seconds / 86_400;
  // A window of many years lasts until the rate limit is reset.
  return days <= 365 ? `${days} days` : 'total';
}

interface Config {
  settings: SettingTable;
  flagName: (name: string) => string;
  isSecretSetting: (name: string) => boolean;
}

function writeSettings(config: Config): string {
  const rows = Object.entries(config.settings).map(([name, setting]) => [
    quote(setting.env),
    config.isSecretSetting(name) ? '' : quote(config.flagName(name)),
    quote(setting.default),
    setting.help,
  ]);
  return table(['setting', 'flag', 'default', 'what it does'], rows);
}

function writeRoutes({ routes }: { routes: readonly RouteLine[] }): string {
  const rows = (lines: RouteLine[]) =>
    lines.map(({ method, path, access, summary, errors }) => [
      quote(`${method} ${path}`),
      access,
      summary,
      errors.map(quote).join(' '),
    ]);
  const head = ['route', 'access', 'summary', 'errors'];
  const api = table(head, rows(routes.filter((line) => !line.isPage)));
  const pagesOfUsher = table(head, rows(routes.filter((line) => line.isPage)));
  return `${api}\n\n## Pages and assets\n\n${pagesOfUsher}`;
}

const quote = (text: string) => (text === '' ? '' : `\`${text}\``);

function table(head: string[], rows: string[][]): string {
  const line = (cells: string[]) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

async function render(
  name: string,
  { title, module, export: exported = name, intro, write }: Page,
): Promise<string | undefined> {
  const source = `packages/server/src/${module}.ts`;
  if (!existsSync(resolve(root, source))) return undefined;
  const built = await import(resolve(root, `packages/server/dist/${module}.js`));
  if (!built[exported]) throw new Error(`${source} does not export \`${exported}\``);
  const note = `<!-- Written by \`npm run reference\` from ${source}. Change that file. -->`;
  return `# ${title}\n\n${note}\n\n${intro}\n\n${write(built as never)}\n`;
}

const checking = process.argv.includes('--check');
mkdirSync(resolve(root, 'docs/reference'), { recursive: true });
for (const [name, page] of Object.entries(pages)) {
  const file = `docs/reference/${name}.md`;
  const text = await render(name, page);
  if (text === undefined) {
    console.log(`${file}: its table is not there yet`);
  } else if (existsSync(resolve(root, file)) && readFileSync(resolve(root, file), 'utf8') === text) {
    console.log(`${file}: current`);
  } else if (checking) {
    console.error(`${file}: stale. Run \`npm run reference\`.`);
    process.exitCode = 1;
  } else {
    writeFileSync(resolve(root, file), text);
    console.log(`${file}: written`);
  }
}
await keepClientTypes(checking);
keepIcons(checking);
