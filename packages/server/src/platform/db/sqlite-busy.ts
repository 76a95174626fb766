import { setTimeout as sleep } from 'node:timers/promises';
import { SQLITE_BUSY, sqliteResult } from './unavailable.ts';

/**
 * Retries while another process holds the lock, for `timeouts` milliseconds. SQLite's own busy timeout would wait
 * inside the call and block the whole process meanwhile, including reads.
 */
export async function whileBusy<T>(timeouts: number, attempt: () => T | Promise<T>): Promise<T> {
  const end = performance.now() + timeouts;
  for (let pause = 1; ; pause = Math.min(pause * 2, 25)) {
    try {
      return await attempt();
    } catch (error) {
      if (sqliteResult(error) !== SQLITE_BUSY || performance.now() + pause > end) throw error;
    }
    await sleep(pause);
  }
}
