// The processes that are measured. Nothing here ends a process that it did not start.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { createInterface } from 'node:readline';

const here = import.meta.dirname;
const usher = resolve(here, '../packages/server/bin/usher.js');
const usage = ['--import', resolve(here, 'usage.ts')];

/** How long a server may take to start and to stop, in milliseconds. */
const START_TIMEOUT = 20_000;
const STOP_TIMEOUT = 5_000;

export interface Server {
  port: number;
  /** What the program says that its start took, in milliseconds. */
  ownSample: number | undefined;
  /** Processor time so far, of all threads, in microseconds. Only of servers that were started `withUsage`. */
  cpu(): Promise<number>;
  /** Resident memory, in bytes. */
  memory(): Promise<number>;
  stop(): Promise<void>;
}

const running = new Set<ChildProcess>();

/** Ends at once whatever still runs. */
export function killAll(): void {
  for (const child of running) child.kill('SIGKILL');
}

export const startBare = (folder: string): Promise<Server> =>
  start([...usage, resolve(here, 'bare.ts')], folder);

/**
 * Starts `usher serve` on the database in a folder, on a free port.
 *
 * @param withUsage Whether `cpu()` will be asked. The module for it makes the start and the process a little larger.
 */
export const startUsher = (folder: string, flags: string[], withUsage: boolean): Promise<Server> =>
  start([...(withUsage ? usage : []), usher, 'serve', '--port', '0', ...flags], folder);

async function start(args: string[], folder: string): Promise<Server> {
  const child = spawn(process.execPath, args, {
    cwd: folder,
    env: environment(folder),
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  running.add(child);
  const gone = once(child, 'exit').then(() => void running.delete(child));
  let said = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  const { port } = await readyLine(child, () => said);
  return {
    port,
    ownSample: Number(/ \((\d+) ms\)/.exec(said)?.[1]) || undefined,
    cpu: async () => {
      const answer = once(child, 'message');
      child.send('cpu');
      const [microseconds] = await answer;
      return microseconds as number;
    },
    memory: async () => residentMemory(child.pid ?? 0),
    stop: async () => {
      child.kill('SIGTERM');
      const end = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT);
      await gone;
      clearTimeout(end);
    },
  };
}

/** Our own surroundings, without settings of an Usher, and with the folder for whatever is kept between starts. */
function environment(folder: string): NodeJS.ProcessEnv {
  const ours = Object.entries(process.env).filter(([name]) => !name.startsWith('USHER_'));
  return { ...Object.fromEntries(ours), TMPDIR: folder, TEMP: folder, TMP: folder };
}

/** Waits for the line of the log that says `ready`, and reads on, so that the server never waits for us. */
function readyLine(child: ChildProcess, said: () => string): Promise<{ port: number }> {
  return new Promise((resolve, reject) => {
    const fail = () => reject(new Error(`A server did not start: ${said() || 'it said nothing'}`));
    const timer = setTimeout(fail, START_TIMEOUT);
    child.once('exit', fail);
    child.once('error', reject);
    const lines = createInterface({ input: child.stdout as NodeJS.ReadableStream });
    lines.on('line', (line) => {
      if (!line.includes('"ready"')) return;
      clearTimeout(timer);
      child.off('exit', fail);
      lines.removeAllListeners('line');
      resolve(JSON.parse(line));
    });
  });
}

async function residentMemory(pid: number): Promise<number> {
  if (process.platform === 'linux') {
    const kib = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
    return Number(kib) * 1024;
  }
  const ps = spawn('ps', ['-o', 'rss=', '-p', String(pid)], { stdio: ['ignore', 'pipe', 'inherit'] });
  let text = '';
  for await (const chunk of ps.stdout.setEncoding('utf8')) text += chunk;
  return Number(text) * 1024;
}
