import { type Part, percentile, ratios } from './figures.ts';
import { type Ask, applyLoad, requestText } from './load.ts';
import { HOST, seed } from './seed.ts';
import { startUsher } from './servers.ts';
import { SIGN_IN_FLAGS, signIns } from './sign-ins.ts';

const ROUNDS = 6;
/** Milliseconds, for each of the two in each round. */
const DURATION = 4_000;
const ACCOUNTS = 1_000;
/** Requests of `GET /v1/me` a second. */
const RATE = 500;
/** More connections than answers are ever under way, so that no request waits for one. */
const CONNECTIONS = 64;
/** How many sign-ins are under way at every moment of a storm. */
const STORM = 32;

/** How long `GET /v1/me` takes beside a storm of sign-ins, against how long it takes alone. */
export async function measureStorm(folder: string): Promise<Part[]> {
  const { usernames, cookies } = await seed(folder, ACCOUNTS);
  const usher = await startUsher(folder, SIGN_IN_FLAGS, false);
  const headers = { Host: HOST, Cookie: `usher=${cookies[0]}` };
  const me: Ask = { text: requestText('GET', '/v1/me', headers) };
  const checks = { port: usher.port, connections: CONNECTIONS, rate: RATE, next: () => me };
  const storm = { port: usher.port, connections: STORM, next: signIns(usernames) };
  const calm: { p50: number[]; p99: number[] } = { p50: [], p99: [] };
  const stormy: typeof calm = { p50: [], p99: [] };
  const perSecond: number[] = [];
  try {
    await applyLoad({ ...checks, duration: 1_500 });
    await applyLoad({ ...storm, duration: 1_000 });
    for (let round = 0; round < ROUNDS; round++) {
      const alone = await applyLoad({ ...checks, duration: DURATION });
      const [beside, signedIn] = await Promise.all([
        applyLoad({ ...checks, duration: DURATION }),
        applyLoad({ ...storm, duration: DURATION }),
      ]);
      for (const [found, { latencies }] of [
        [calm, alone],
        [stormy, beside],
      ] as const) {
        found.p50.push(percentile(latencies, 0.5));
        found.p99.push(percentile(latencies, 0.99));
      }
      perSecond.push(signedIn.perSecond);
    }
  } finally {
    await usher.stop();
  }
  return [
    {
      title: `storm: GET /v1/me, ${RATE} a second, beside ${STORM} sign-ins at a time`,
      figures: [
        { name: 'p50 without a storm', unit: 'ms', values: calm.p50 },
        { name: 'p99 without a storm', unit: 'ms', values: calm.p99 },
        { name: 'p50 in a storm', unit: 'ms', values: stormy.p50 },
        { name: 'p99 in a storm', unit: 'ms', values: stormy.p99 },
        { name: '  p50 to without', unit: 'times', values: ratios(stormy.p50, calm.p50) },
        { name: '  p99 to without', unit: 'times', values: ratios(stormy.p99, calm.p99), aim: { most: 5 } },
        { name: 'sign-ins meanwhile', unit: 'a second', values: perSecond },
      ],
    },
  ];
}
