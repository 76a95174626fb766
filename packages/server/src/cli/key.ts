import type { Command } from 'commander';
import { OPERATOR } from '../core/events.ts';
import { keysOf, rotateSigningKey, type ShownKey } from '../flows/keys/rotate-key.ts';
import { withContext } from './open.ts';
import { consent, minuteOf, printJson, printRecord, printTable, say } from './output.ts';
import { withSettings } from './settings.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** How soon running servers reload the keys (`jobs/jobs`). */
const NOTICED = 'Running servers pick this up within a second.';

export function addKey(program: Command): void {
  const key = program
    .command('key')
    .description('Manage token signing keys.')
    .addHelpText('after', '\nExample:\n  usher key list');
  withSettings(key.command('list'), ['database'])
    .description('List signing keys, newest first.')
    .option('--json', 'Output as JSON.')
    .addHelpText('after', '\nExample:\n  usher key list')
    .action(list);
  withSettings(key.command('rotate'), ['database', 'signingAlgorithm'])
    .description('Rotate the signing key. Existing tokens stay valid unless --leaked is used.')
    .option('--leaked', 'Activate the new key and revoke all existing access tokens immediately.')
    .option('--yes', 'Skip confirmation.')
    .option('--json', 'Output as JSON.')
    .addHelpText('after', '\nExamples:\n  usher key rotate\n  usher key rotate --leaked --yes')
    .action(rotate);
}

async function list({ json }: { json?: true }, command: Command): Promise<void> {
  const { keys, now } = await withContext(command, async (context) => ({
    keys: await keysOf(context),
    now: context.clock.now(),
  }));
  if (json) return printJson({ keys: keys.map(showKey) });
  printTable(
    ['ID', 'ALGORITHM', 'STATE', 'AGE', 'ACTIVE FROM (UTC)', 'PUBLISHED UNTIL (UTC)'],
    keys.map((key) => Object.values(membersOf(key, now))),
  );
}

const showKey = (key: ShownKey) => ({
  id: key.id,
  algorithm: key.algorithm,
  state: key.state,
  created_at: timeOf(key.created_at),
  signs_from: timeOf(key.signs_from),
  published_until: key.published_until === null ? null : timeOf(key.published_until),
});

const timeOf = (milliseconds: number): string => new Date(milliseconds).toISOString();

const membersOf = (key: ShownKey, now: number) => ({
  id: key.id,
  algorithm: key.algorithm,
  state: key.state,
  age: ageOf(now - key.created_at),
  signsFrom: minuteOf(key.signs_from),
  publishedUntil: key.published_until === null ? '' : minuteOf(key.published_until),
});

/** The age in its largest unit: `3 days`. */
function ageOf(milliseconds: number): string {
  const [unit, length] =
    milliseconds >= DAY ? ['day', DAY] : milliseconds >= HOUR ? ['hour', HOUR] : ['minute', MINUTE];
  const count = Math.max(0, Math.floor(milliseconds / (length as number)));
  return `${count} ${unit}${count === 1 ? '' : 's'}`;
}

interface RotateOptions {
  leaked?: boolean;
  yes?: true;
  json?: true;
}

async function rotate({ leaked = false, yes, json }: RotateOptions, command: Command): Promise<void> {
  await withContext(command, async (context) => {
    const warning = 'This immediately revokes every existing access token.';
    if (leaked) await consent(yes, warning, 'leaked');
    const made = await rotateSigningKey(context, leaked, { actor: 'operator', client: OPERATOR });
    const { id, algorithm, state } = made;
    if (json) printJson({ key: showKey(made) });
    else printRecord({ id, algorithm, state, 'active from': `${minuteOf(made.signs_from)} UTC` });
    say(leaked ? sayLeaked() : sayRotated(made.signs_from));
  });
}

const sayRotated = (signsFrom: number): string =>
  `New key published; it becomes active at ${minuteOf(signsFrom)} UTC. Existing tokens stay valid until they expire. ${NOTICED}`;

const sayLeaked = (): string =>
  `The new key is active. Existing access tokens are revoked; sessions continue, and clients get a new token on refresh. ${NOTICED} Services that verify tokens themselves must refetch the JWKS.`;
