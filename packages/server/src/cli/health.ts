import type { Command } from 'commander';
import { probeHealth } from '../platform/health-probe.ts';
import { Misuse, printJson, printLine, say } from './output.ts';
import { settingsOf, withSettings } from './settings.ts';

const NOT_HEALTHY = 1;

export function addHealth(program: Command): void {
  withSettings(program.command('health'), ['host', 'port'])
    .description('Ask a running server whether it is ready; exit with 0 if so, else with 1.')
    .option('--live', 'Only ask whether the process responds, not whether its database does.')
    .option(
      '--url <url>',
      'Another server than the one of these settings, such as https://accounts.example.org.',
    )
    .option('--json', 'Print JSON.')
    .addHelpText('after', '\nExamples:\n  usher health --port 4001\n  usher health --live --json')
    .action(health);
}

interface Options {
  live?: true;
  url?: string;
  json?: true;
}

async function health({ live, url: other, json }: Options, command: Command): Promise<void> {
  const base = other === undefined ? localUrl(command) : parseUrl(other);
  const url = new URL(live ? '/healthz' : '/readyz', base);
  const { isHealthy, status, isReached } = await probeHealth(url);
  if (!isHealthy) process.exitCode = NOT_HEALTHY;
  if (json) printJson({ healthy: isHealthy, status, url: url.href });
  else if (isHealthy) printLine(status);
  else if (isReached) say(`usher: ${url.href}: ${status}`);
  else say(`usher: ${url.href}: ${status}. Check that the server runs, and its host and port.`);
}

/** The URL of the server with these settings, from the same machine. */
function localUrl(command: Command): URL {
  const { host, port } = settingsOf(command).config;
  if (port === 0) throw new Misuse('USHER_PORT is 0, so the port is not known. Give --port or --url.');
  const reachable =
    { '0.0.0.0': '127.0.0.1', '::': '[::1]' }[host] ?? (host.includes(':') ? `[${host}]` : host);
  return new URL(`http://${reachable}:${port}`);
}

function parseUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol !== 'http:' && url?.protocol !== 'https:')
    throw new Misuse(`--url is ${text}, which is no URL such as https://accounts.example.org.`);
  return url;
}
