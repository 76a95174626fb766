import { resolve } from 'node:path';
import { createLocalJWKSet, jwtVerify } from 'jose';
import { type Part, ratios } from './figures.ts';
import { AUDIENCE, publicUrl, seed } from './seed.ts';

type GuardModule = typeof import('../packages/guard/src/index.ts');

const ROUNDS = 7;
/** Tokens that are checked in each round; a guard sees each for the first time. */
const TOKENS = 300;
/** How often each is checked again. */
const AGAIN = 100;

/** A check by `@usher-auth/guard` of a token that it has seen, and of one that it has not, against bare jose. */
export async function measureGuard(folder: string): Promise<Part[]> {
  const { bearers, jwks } = await seed(folder, 1, TOKENS);
  const { createGuard }: GuardModule = await import(
    resolve(import.meta.dirname, '../packages/guard/dist/index.js')
  );
  const keySet = createLocalJWKSet(jwks);
  const fetchKeys = async () => Response.json(jwks);
  const took = { bare: [] as number[], first: [] as number[], again: [] as number[] };
  for (let round = 0; round < ROUNDS + 1; round++) {
    const guard = createGuard({ issuer: publicUrl, fetch: fetchKeys });
    const bare = await each(bearers, (token) =>
      jwtVerify(token, keySet, { issuer: publicUrl, audience: AUDIENCE, algorithms: ['ES256'] }),
    );
    const first = await each(bearers, (token) => guard.verify(token));
    const all = Array.from({ length: AGAIN }, () => bearers).flat();
    const again = await each(all, (token) => guard.verify(token));
    // The first one warms up.
    if (round === 0) continue;
    took.bare.push(bare);
    took.first.push(first);
    took.again.push(again);
  }
  return [
    {
      title: `guard: a check of a token, ${TOKENS} different ones in each round`,
      figures: [
        { name: 'bare jose', unit: 'µs', values: took.bare },
        { name: 'the guard, a token that it has not seen', unit: 'µs', values: took.first },
        { name: '  to bare jose', unit: 'times', values: ratios(took.first, took.bare) },
        { name: 'the guard, a token that it has seen', unit: 'µs', values: took.again },
        {
          name: '  to bare jose',
          unit: '%',
          values: ratios(took.again, took.bare).map((share) => 100 * share),
          aim: { most: 2 },
        },
      ],
    },
  ];
}

/** @returns Microseconds for one, on average. */
async function each(tokens: readonly string[], check: (token: string) => Promise<unknown>): Promise<number> {
  const began = performance.now();
  for (const token of tokens) await check(token);
  return ((performance.now() - began) * 1000) / tokens.length;
}
