import { mkdtemp } from 'node:fs/promises';
import { join } from 'node:path';
import type { Part } from './figures.ts';
import { askOnce, requestText } from './load.ts';
import { startUsher } from './servers.ts';

const ROUNDS = 10;
const READYZ = requestText('GET', '/readyz', { Host: 'localhost' });

/** From the start of the process to its first 200 of `/readyz`, with and without a database there. */
export async function measureStart(folder: string): Promise<Part[]> {
  const took = { fresh: [] as number[], existing: [] as number[] };
  const own = { fresh: [] as number[], existing: [] as number[] };
  const first = await startOnce(folder, join(folder, 'first.db'));
  for (let round = 0; round < ROUNDS; round++) {
    const database = join(await mkdtemp(join(folder, 'start-')), 'usher.db');
    for (const kind of ['fresh', 'existing'] as const) {
      const started = await startOnce(folder, database);
      took[kind].push(started.took);
      own[kind].push(started.own);
    }
  }
  return [
    {
      title: 'start: from the start of the process to the first 200 of /readyz',
      figures: [
        { name: 'no database yet', unit: 'ms', values: took.fresh, aim: { most: 500 } },
        { name: '  as the program says', unit: 'ms', values: own.fresh },
        { name: 'a database is there', unit: 'ms', values: took.existing, aim: { most: 500 } },
        { name: '  as the program says', unit: 'ms', values: own.existing },
        { name: 'the very first, nothing compiled yet', unit: 'ms', values: [first.took] },
      ],
    },
  ];
}

async function startOnce(folder: string, database: string): Promise<{ took: number; own: number }> {
  const began = performance.now();
  const server = await startUsher(folder, ['--database', `sqlite:${database}`], false);
  try {
    const status = await askOnce(server.port, READYZ);
    if (status !== 200)
      throw new Error(`/readyz answered ${status} after the server had said that it is ready.`);
    return { took: performance.now() - began, own: server.ownSample ?? Number.NaN };
  } finally {
    await server.stop();
  }
}
