// The files in deploy/ cannot be run here without a container engine. Instead, each is parsed by a library or strict
// rules, and checked for what it promises: no root, nothing writable, no secrets.
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { DockerfileParser } from 'dockerfile-ast';
import { validate } from 'dockerfile-utils';
import { parseDocument } from 'yaml';
import { settings } from '../packages/server/src/config.ts';

const root = resolve(import.meta.dirname, '..');
const { version }: { version: string } = JSON.parse(
  readFileSync(resolve(root, 'packages/server/package.json'), 'utf8'),
);
const settingNames = new Set(Object.values(settings).flatMap(({ env }) => [env, `${env}_FILE`]));

type Check = (text: string) => string[];

/** Every file in `deploy/` except prose, and its checks. */
export const checks: Record<string, Check> = {
  Dockerfile: checkDockerfile,
  'compose.yaml': checkCompose,
  'compose.sqlite.yaml': checkCompose,
  'usher.service': checkUnit,
  Caddyfile: checkCaddyfile,
  'nginx.conf': checkNginx,
};

function checkDockerfile(text: string): string[] {
  const file = DockerfileParser.parse(text);
  const faults = validate(text).map(({ range, message }) => `line ${range.start.line + 1}: ${message}`);
  const stages = text.split(/^FROM /m);
  const last = stages.at(-1) ?? '';
  const require = (pattern: RegExp, sentence: string) => {
    if (!pattern.test(last)) faults.push(sentence);
  };
  for (const from of file.getFROMs())
    if (!from.getImageTag() || from.getImageTag() === 'latest')
      faults.push(`${from.getImage()} has no version.`);
  require(/^USER [1-9]\d*:[1-9]\d*$/m, 'The image must run as a user other than root, given by its number.');
  require(/^HEALTHCHECK [\s\S]*?CMD \["usher", "health"/m, 'The health check must be that of the program itself.');
  require(/^STOPSIGNAL SIGTERM$/m, 'The image must be stopped by SIGTERM.');
  require(/^CMD \[/m, 'CMD must be a list: behind a shell the program gets no signals.');
  if (!text.includes(`usher-auth@${version}`)) faults.push(`The image must install usher-auth@${version}.`);
  return [...faults, ...unknownSettings(text)];
}

interface Service {
  image?: string;
  read_only?: boolean;
  cap_drop?: string[];
  security_opt?: string[];
  ports?: string[];
  volumes?: string[];
  networks?: string[];
  secrets?: string[];
  environment?: Record<string, string>;
}
interface Compose {
  services?: Record<string, Service>;
  volumes?: Record<string, unknown>;
  networks?: Record<string, unknown>;
  secrets?: Record<string, { file?: string }>;
}

function checkCompose(text: string): string[] {
  const document = parseDocument(text, { strict: true, uniqueKeys: true });
  const problems = [...document.errors, ...document.warnings].map(({ message }) => message);
  if (problems.length > 0) return problems;
  const compose: Compose = document.toJS();
  const services = Object.entries(compose.services ?? {});
  const usher = compose.services?.['usher'];
  const faults = services.flatMap(([name, service]) => checkService(name, service, compose));
  if (!usher) return [...faults, 'There is no service "usher".'];
  if (!usher.read_only) faults.push('usher: its file system must be read-only.');
  if (!usher.cap_drop?.includes('ALL')) faults.push('usher: it must drop all capabilities.');
  if (!usher.image?.endsWith(`:${version}`)) faults.push(`usher: its image must be version ${version}.`);
  return [...faults, ...unknownSettings(text)];
}

function checkService(name: string, service: Service, compose: Compose): string[] {
  const faults: string[] = [];
  if (!/:[^:]*\d/.test(service.image ?? '')) faults.push(`${name}: its image has no version.`);
  if (!service.security_opt?.includes('no-new-privileges:true'))
    faults.push(`${name}: it must get no new privileges.`);
  for (const port of service.ports ?? [])
    if (!port.startsWith('127.0.0.1:')) faults.push(`${name}: port ${port} is open to the network.`);
  for (const [variable, value] of Object.entries(service.environment ?? {}))
    if (/SECRET$|PASSWORD$/.test(variable))
      faults.push(`${name}: ${variable} (${value}) belongs into a secret.`);
  for (const kind of ['volumes', 'networks', 'secrets'] as const)
    for (const used of service[kind] ?? [])
      if (!Object.keys(compose[kind] ?? {}).includes(used.split(':', 1)[0] ?? ''))
        faults.push(`${name}: ${kind} has no "${used}".`);
  return faults;
}

/** The required directives of the unit. systemd itself ignores unknown directives, so typos are not reported. */
const hardening: Record<string, string> = {
  DynamicUser: 'yes',
  ProtectSystem: 'strict',
  ProtectHome: 'yes',
  PrivateTmp: 'yes',
  PrivateDevices: 'yes',
  NoNewPrivileges: 'yes',
  CapabilityBoundingSet: '',
  StateDirectory: 'usher',
  SystemCallArchitectures: 'native',
};

function checkUnit(text: string): string[] {
  const faults: string[] = [];
  const found = new Map<string, string>();
  let section = '';
  for (const [index, line] of text.split('\n').entries()) {
    if (/^([#;].*)?$/.test(line)) continue;
    const [, head] = /^\[(Unit|Service|Install)\]$/.exec(line) ?? [];
    const [, name = '', value = ''] = /^([A-Z][A-Za-z]+)=(.*)$/.exec(line) ?? [];
    if (head) section = head;
    else if (name && section) found.set(`${section}.${name}`, value);
    else faults.push(`line ${index + 1} is neither a section nor NAME=value.`);
  }
  for (const [name, value] of Object.entries(hardening))
    if (found.get(`Service.${name}`) !== value) faults.push(`[Service] must say ${name}=${value}.`);
  const command = found.get('Service.ExecStart') ?? '';
  if (!/^\/\S+ \/\S+\/usher-auth\/bin\/usher\.js serve$/.test(command))
    faults.push('ExecStart must name the program by its whole path.');
  if (found.get('Install.WantedBy') !== 'multi-user.target')
    faults.push('The unit must be startable at boot.');
  return [...faults, ...unknownSettings(text)];
}

function checkCaddyfile(text: string): string[] {
  return [
    ...unbalanced(text.replace(/#.*/g, '')),
    ...missing(text, [
      [/^accounts\.example\.org \{$/m, 'a site'],
      [/^\treverse_proxy 127\.0\.0\.1:4000 \{$/m, 'the address that Usher listens on'],
      [/^\trespond \/metrics 404$/m, 'the rejection of requests for metrics'],
    ]),
    ...unknownSettings(text),
  ];
}

function checkNginx(text: string): string[] {
  const plain = text.replace(/#.*/g, '');
  const loose = plain
    .split('\n')
    .map((line, index) => [line.trim(), index + 1] as const)
    .filter(([line]) => line !== '' && !/[;{}]$/.test(line))
    .map(([, line]) => `line ${line} ends with none of ; { }`);
  return [
    ...loose,
    ...unbalanced(plain),
    ...missing(plain, [
      [
        /proxy_set_header X-Forwarded-For \$remote_addr;/,
        'the client’s address, and nothing that the client sent',
      ],
      [/proxy_set_header Host \$host;/, 'the name that was asked for'],
      [/proxy_buffering off;/, 'streams as they come'],
      [/limit_conn \w+ \d+;/, 'a limit of connections'],
      [/location = \/metrics \{\s+return 404;/, 'the rejection of requests for metrics'],
      [/ssl_protocols TLSv1\.2 TLSv1\.3;/, 'TLS 1.2 and later'],
    ]),
    ...unknownSettings(text),
  ];
}

const missing = (text: string, wanted: [pattern: RegExp, what: string][]): string[] =>
  wanted
    .filter(([pattern]) => !pattern.test(text))
    .map(([pattern, what]) => `${what} is missing: ${pattern.source}`);

function unbalanced(text: string): string[] {
  let depth = 0;
  for (const [sign] of text.matchAll(/[{}]/g)) {
    depth += sign === '{' ? 1 : -1;
    if (depth < 0) break;
  }
  return depth === 0 ? [] : ['The braces do not match.'];
}

/** An unknown setting prevents Usher from starting. */
const unknownSettings = (text: string): string[] =>
  [...new Set([...text.matchAll(/\bUSHER_[A-Z_]+/g)].map(([name]) => name))]
    .filter((name) => !settingNames.has(name))
    .map((name) => `${name} is no setting.`);

if (import.meta.main) {
  for (const [name, check] of Object.entries(checks))
    for (const fault of check(readFileSync(resolve(root, 'deploy', name), 'utf8'))) {
      console.error(`deploy/${name}: ${fault}`);
      process.exitCode = 1;
    }
  if (!process.exitCode) console.log(`${Object.keys(checks).length} files of deploy/ are in order`);
}
