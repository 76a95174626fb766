import { setTimeout as sleep } from 'node:timers/promises';
import { measureConnections } from './connections.ts';
import type { Part } from './figures.ts';
import { startUsher } from './servers.ts';

const ROUNDS = 3;
/** Milliseconds between the start and the look. */
const REST = 5_000;

/** Resident memory of a server that was started and then left alone, and of one that is attacked. */
export async function measureMemory(folder: string): Promise<Part[]> {
  const values: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const server = await startUsher(folder, ['--database', 'sqlite:usher.db'], false);
    try {
      await sleep(REST);
      values.push((await server.memory()) / 1e6);
    } finally {
      await server.stop();
    }
  }
  return [
    {
      title: `memory: ${REST / 1000} seconds after the start`,
      figures: [{ name: 'resident memory', unit: 'MB', values, aim: { most: 100 } }],
    },
    await measureConnections(folder),
  ];
}
