import { resolve } from 'node:path';
import { type Part, ratios } from './figures.ts';
import { applyLoad } from './load.ts';
import { PASSWORD, seed } from './seed.ts';
import { startUsher } from './servers.ts';
import { SIGN_IN_FLAGS, signIns } from './sign-ins.ts';

type HasherModule = typeof import('../packages/server/src/platform/hasher.ts');

const ROUNDS = 8;
/** Milliseconds, for each of the two in each round. */
const DURATION = 3_000;
const ACCOUNTS = 1_000;
const CONNECTIONS = 16;

/** Sign-ins a second, against as many checks of a password as the same workers do when that is all there is to do. */
export async function measureSignIn(folder: string): Promise<Part[]> {
  const { usernames } = await seed(folder, ACCOUNTS);
  const usher = await startUsher(folder, SIGN_IN_FLAGS, false);
  const load = { port: usher.port, connections: CONNECTIONS, next: signIns(usernames) };
  const bare = await openBareHasher();
  const perSecond: { bare: number[]; signIns: number[] } = { bare: [], signIns: [] };
  try {
    await bare.check(1_000);
    await applyLoad({ ...load, duration: 1_000 });
    for (let round = 0; round < ROUNDS; round++) {
      perSecond.bare.push(await bare.check(DURATION));
      perSecond.signIns.push((await applyLoad({ ...load, duration: DURATION })).perSecond);
    }
  } finally {
    await Promise.all([usher.stop(), bare.close()]);
  }
  return [
    {
      title: `signin: POST /v1/signin at full throttle, over ${CONNECTIONS} connections`,
      figures: [
        { name: 'argon2id alone', unit: 'a second', values: perSecond.bare },
        { name: 'sign-ins', unit: 'a second', values: perSecond.signIns },
        {
          name: '  to argon2id alone',
          unit: 'times',
          values: ratios(perSecond.signIns, perSecond.bare),
          aim: { least: 0.9 },
        },
      ],
    },
  ];
}

/** The same workers, parameters and password as the server has, with nothing around them. */
async function openBareHasher() {
  const module: HasherModule = await import(
    resolve(import.meta.dirname, '../packages/server/dist/platform/hasher.js')
  );
  const hasher = module.createHasher();
  const hash = await hasher.hash(PASSWORD, 'background');
  return {
    /** @returns Checks a second. */
    async check(duration: number): Promise<number> {
      const began = performance.now();
      let checks = 0;
      const inTurn = async () => {
        while (performance.now() - began < duration) {
          await hasher.verify(hash, PASSWORD, 'background');
          checks++;
        }
      };
      await Promise.all(Array.from({ length: CONNECTIONS }, inTurn));
      return (checks * 1000) / (performance.now() - began);
    },
    close: () => hasher.close(),
  };
}
