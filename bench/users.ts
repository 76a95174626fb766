import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { chmodSync, mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createCluster } from '../packages/server/test/support/cluster.ts';
import { type Part, percentile } from './figures.ts';
import { askOnce, requestText } from './load.ts';
import { emailOf, fillUsers, HOST, idOf, publicUrl, usernameOf } from './seed.ts';
import { type Server, startUsher } from './servers.ts';

const MANY = 1_000_000;
const FEW = 10_000;
const ROUNDS = 3;
/** How often each question is asked in a round. */
const ASKED = 100;
const WARM_UP = 10;
/** Milliseconds at the 99th percentile. */
const AIM = 20;

/** Lists and searches of users by an administrator, over many users and over few, in turn; on both databases. */
export async function measureUsers(folder: string): Promise<Part[]> {
  const sqlite = await compare('SQLite', folder, (name) => `sqlite:${join(folder, `${name}.db`)}`);
  const cluster = await startCluster();
  try {
    const postgres = await compare('PostgreSQL', folder, cluster.url);
    return [sqlite, postgres];
  } finally {
    await cluster.stop();
  }
}

/** A PostgreSQL that forces to disk what it is told, and that ends with us, however we end. */
async function startCluster() {
  const folder = mkdtempSync(join(tmpdir(), 'usher-bench-postgres-'));
  // PostgreSQL may run as another user, who has to pass through.
  chmodSync(folder, 0o711);
  const reaper = spawn(
    process.execPath,
    [resolve(import.meta.dirname, '../packages/server/test/support/reaper.ts'), folder],
    { detached: true, stdio: ['pipe', 'ignore', 'ignore'] },
  );
  const cluster = await createCluster(folder, { fsync: true });
  return {
    url: (name: string) => cluster.url(name === 'many' ? 'postgres' : 'template1'),
    async stop() {
      await cluster.stop();
      reaper.stdin.end();
      await once(reaper, 'exit');
    },
  };
}

interface Filled {
  server: Server;
  count: number;
  cookie: string;
}

async function compare(database: string, folder: string, urlOf: (name: string) => string): Promise<Part> {
  const both: Filled[] = [];
  try {
    both.push(await fill(join(folder, `${database}-many`), urlOf('many'), MANY));
    both.push(await fill(join(folder, `${database}-few`), urlOf('few'), FEW));
    for (const one of both) await timesOf(one, WARM_UP);
    // By question, and there first of the many, then of the few.
    const slowest = new Map<string, number[][]>();
    for (let round = 0; round < ROUNDS; round++)
      for (const [index, one] of both.entries())
        for (const [question, times] of await timesOf(one, ASKED)) {
          const of = slowest.get(question) ?? both.map(() => []);
          of[index]?.push(percentile(times, 0.99));
          slowest.set(question, of);
        }
    return {
      title: `users: lists and searches over ${MANY} users and over ${FEW}, ${database}; p99 of ${ASKED}, ${ROUNDS} times`,
      figures: [...slowest].flatMap(([question, [many = [], few = []]]) => [
        { name: question, unit: 'ms', values: many, aim: { most: AIM } },
        { name: `  over ${FEW}`, unit: 'ms', values: few },
      ]),
    };
  } finally {
    for (const { server } of both) await server.stop();
  }
}

/** Asks every question so often, in turn. @returns For each how long its answers took, in milliseconds, ascending. */
async function timesOf({ server, count, cookie }: Filled, often: number): Promise<Map<string, Float64Array>> {
  const times = new Map<string, number[]>();
  for (let turn = 0; turn < often; turn++)
    for (const [question, path] of Object.entries(questions(count, turn / often))) {
      const text = requestText('GET', path, { Host: HOST, Cookie: `usher=${cookie}` });
      const began = performance.now();
      const status = await askOnce(server.port, text);
      const took = performance.now() - began;
      if (status !== 200) throw new Error(`${path} answered ${status}.`);
      times.set(question, [...(times.get(question) ?? []), took]);
    }
  return new Map([...times].map(([question, took]) => [question, Float64Array.from(took).sort()]));
}

async function fill(folder: string, database: string, count: number): Promise<Filled> {
  const secret = randomBytes(32).toString('base64');
  const cookie = await fillUsers(database, secret, count);
  mkdirSync(folder);
  writeFileSync(join(folder, '.env'), `USHER_SECRET=${secret}\nUSHER_DATABASE=${database}\n`);
  return { server: await startUsher(folder, ['--public-url', publicUrl], false), count, cookie };
}

/** What is asked about so many users. @param share From 0 to 1: which of them, so that they are spread over all. */
function questions(count: number, share: number): Record<string, string> {
  const one = Math.floor(share * count);
  return {
    'first page': '/v1/users',
    'a page from the middle': `/v1/users?cursor=${idOf(one)}`,
    'one of ten begins so': '/v1/users?search=a',
    '  a page from the middle': `/v1/users?search=a&cursor=${idOf(one)}`,
    'all have this': '/v1/users?search=example',
    'all have this, by name': '/admin/users?search=example&sort=username',
    'one of a hundred has this': `/v1/users?search=.${String(one % 100).padStart(2, '0')}`,
    'one of a hundred has this, by name': `/admin/users?search=.${String(one % 100).padStart(2, '0')}&sort=-username`,
    'one of a thousand has this': `/v1/users?search=${usernameOf(one).slice(2, 7)}`,
    'one of a thousand has this, by name': `/admin/users?search=${usernameOf(one).slice(2, 7)}&sort=username`,
    'a few have this': `/v1/users?search=${usernameOf(one).slice(-6)}`,
    'a few have this, by name': `/admin/users?search=${usernameOf(one).slice(-6)}&sort=username`,
    'nobody has these common parts together': '/v1/users?search=example.org.example.org',
    'a whole user name': `/v1/users?search=${usernameOf(one)}`,
    'a whole address': `/v1/users?search=${encodeURIComponent(emailOf(one))}`,
    'an id': `/v1/users?search=${idOf(one)}`,
    'nobody is called so': '/v1/users?search=zzz',
    administrators: `/v1/users?role=admin&cursor=${idOf(one)}`,
    'the disabled': `/v1/users?disabled=true&cursor=${idOf(one)}`,
    'administrators whose names begin so': '/v1/users?search=a&role=admin',
    'others, enabled': `/v1/users?role=user&disabled=false&cursor=${idOf(one)}`,
    'the page of the console, with its count': '/admin/users',
    '  by name': '/admin/users?sort=username',
    '  who have not verified their email': '/admin/users?email=unverified',
    '  without a sign-in for a year': '/admin/users?inactive=365',
    '  a search': `/admin/users?search=${usernameOf(one).slice(0, 4)}`,
  };
}
