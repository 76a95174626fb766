// Ends and removes what a test run leaves in its folder: the first argument. It is a process of its own that outlives the
// run, because a run that is stopped by Ctrl-C, a crash or a kill has no moment left to clean up in. The end of the run is
// the end of standard input.
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

/** Whether there is such a process. */
function signal(pid: number, name: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(pid, name);
  } catch {
    return false;
  }
}
