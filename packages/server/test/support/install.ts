// Simulates an empty machine for npm: no cache, no configuration, and a registry that contains our packages.
import { type ChildProcess, spawn } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { mkdirSync, mkdtempSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { afterAll, inject } from 'vitest';
import { TIMEOUT } from './timeouts.ts';

export interface Machine {
  /** Creates an empty folder. */
  newFolder(name: string): string;
  /** Runs lines of shell to completion. @returns their output. @throws Error with the output if one of them fails */
  sh(folder: string, lines: string, options?: ShellOptions): Promise<string>;
  /** Starts a command that does not exit by itself. */
  start(folder: string, line: string, options?: ShellOptions): Started;
}

export interface ShellOptions {
  /** The `node` binary; by default the one that runs the tests. */
  node?: string;
  env?: Record<string, string>;
}

export interface Started {
  printed(): string;
  /** Waits until this text was printed. @throws Error with the output if the command exits first */
  until(what: string): Promise<void>;
  /**
   * Stops it and every process that it started with a signal; by default that of Ctrl-C.
   *
   * @returns the exit code; null if a signal ended it
   */
  stop(signal?: NodeJS.Signals): Promise<number | null>;
}

const running = new Set<ChildProcess>();
const end = (child: ChildProcess, signal: NodeJS.Signals) => {
  try {
    if (child.pid) process.kill(-child.pid, signal);
  } catch {
    // It has already exited.
  }
};
const endAll = () => {
  for (const child of running) end(child, 'SIGKILL');
};
process.on('exit', endAll);
afterAll(endAll);

export function newMachine(registry: string): Machine {
  const home = mkdtempSync(join(inject('folder'), 'home-'));
  const environment = (node: string, more: Record<string, string> = {}) => ({
    HOME: home,
    PATH: [dirname(node), ...ownPath()].join(delimiter),
    TMPDIR: inject('folder'),
    npm_config_registry: registry,
    npm_config_cache: join(home, 'npm'),
    npm_config_update_notifier: 'false',
    npm_config_audit: 'false',
    npm_config_fund: 'false',
    // What is missing stays missing, so retries only cost time.
    npm_config_fetch_retries: '0',
    // What one installation has fetched, the next ones take from the cache.
    npm_config_prefer_offline: 'true',
    ...more,
  });
  const run = (folder: string, lines: string, { node = process.execPath, env }: ShellOptions = {}) =>
    startShell(folder, lines, environment(node, env));
  return {
    newFolder(name) {
      const folder = join(mkdtempSync(join(inject('folder'), 'install-')), name);
      mkdirSync(folder);
      return folder;
    },
    async sh(folder, lines, options) {
      const { child, printed, ended } = run(folder, lines, options);
      const timer = setTimeout(() => end(child, 'SIGKILL'), TIMEOUT);
      const code = await ended;
      clearTimeout(timer);
      if (code !== 0) throw new Error(`${lines}\nended with ${code}. It printed:\n${printed()}`);
      return printed();
    },
    start(folder, line, options) {
      const { child, printed, output, ended } = run(folder, line, options);
      return {
        printed,
        async until(what) {
          const failed = ended.then((code) => {
            throw new Error(`${line}\nended with ${code}. It printed:\n${printed()}`);
          });
          failed.catch(() => {});
          while (!printed().includes(what)) await Promise.race([once(output, 'printed'), failed]);
        },
        stop(signal = 'SIGINT') {
          end(child, signal);
          return ended;
        },
      };
    },
  };
}

function startShell(folder: string, lines: string, env: NodeJS.ProcessEnv) {
  const child = spawn('bash', ['-e', '-c', lines], {
    cwd: folder,
    env,
    // A process group of its own, so that everything that npm starts is stopped with it.
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  running.add(child);
  let printed = '';
  const output = new EventEmitter();
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text) => {
      printed += text;
      output.emit('printed');
    });
  const ended = once(child, 'close').then(([code]) => {
    running.delete(child);
    return code as number | null;
  });
  return { child, printed: () => printed, output, ended };
}

/** The PATH without the tools of this repository. */
const ownPath = (): string[] =>
  (process.env['PATH'] ?? '').split(delimiter).filter((folder) => !folder.includes('node_modules'));
