// Stops the processes that a test run leaves behind and removes its folder, the first argument. It is a separate
// process that outlives the run, because a run stopped by Ctrl-C, a crash or a kill cannot clean up after itself. The
// run has ended when standard input closes.
import { globSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const folder = process.argv[2] as string;
process.stdin.resume().on('end', reap);

async function reap(): Promise<void> {
  const servers = globSync(join(folder, '*/postmaster.pid')).map((file) =>
    Number.parseInt(readFileSync(file, 'utf8'), 10),
  );
  for (const server of servers) signal(server, 'SIGQUIT');
  for (let waits = 0; waits < 100 && servers.some((server) => signal(server, 0)); waits++) await sleep(50);
  rmSync(folder, { recursive: true, force: true, maxRetries: 10 });
}

/** Sends a signal; returns whether the process exists. */
function signal(pid: number, name: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(pid, name);
  } catch {
    return false;
  }
}
