import { expect, it } from 'vitest';
import { createPace } from '../../src/platform/pace.ts';

const time = async (work: Promise<void>) => {
  const began = performance.now();
  await work;
  return performance.now() - began;
};

it('E2: is none before a hash of another program was met', async () => {
  const pace = createPace();
  expect(pace.least()).toBe(0);
  expect(await time(pace.keep(1))).toBeLessThan(50);
});

it('E2: is a quarter more than the dearest takes, and what is slower waits no more', async () => {
  const pace = createPace();
  pace.learn(100, 10);
  expect(pace.least()).toBe(125);
  expect(await time(pace.keep(45))).toBeGreaterThan(75);
  expect(await time(pace.keep(130))).toBeLessThan(50);
});

it('E2: is not lowered by cheaper hashes, however many, and follows dearer ones at once', () => {
  const pace = createPace();
  pace.learn(200, 10);
  for (let i = 0; i < 100; i++) pace.learn(2, 1);
  expect(pace.least()).toBe(250);
  pace.learn(400, 20);
  expect(pace.least()).toBe(500);
  for (let i = 0; i < 100; i++) pace.learn(200, 10);
  expect(pace.least()).toBe(500);
});

it('E2: of one kind is that of its slowest run for a while, so that no run stands out', () => {
  const pace = createPace();
  for (const took of [200, 230, 210, 205]) pace.learn(took, 10);
  expect(pace.least()).toBe(287.5);
  pace.learn(260, 9.5);
  expect(pace.least()).toBe(325);
});

it('forgets a moment in which the machine stood still, and never waits for longer than 3 seconds', () => {
  const pace = createPace();
  pace.learn(60_000, 10);
  expect(pace.least()).toBe(3_000);
  for (let i = 0; i < 15; i++) pace.learn(200, 10);
  expect(pace.least()).toBe(3_000);
  pace.learn(200, 10);
  expect(pace.least()).toBe(250);
});
