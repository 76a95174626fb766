import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { createPace, type Pace } from '../../src/platform/pace.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** Milliseconds that a failure has to wait that took so long. */
async function waitOf(pace: Pace, took: number): Promise<number> {
  let over = false;
  void pace.keep(took).then(() => {
    over = true;
  });
  await vi.advanceTimersByTimeAsync(0);
  let waited = 0;
  for (; !over && waited < 10_000; waited++) await vi.advanceTimersByTimeAsync(1);
  return waited;
}

it('E2: is none before a hash of another program was met', async () => {
  const pace = createPace();
  expect(pace.least()).toBe(0);
  expect(await waitOf(pace, 1)).toBe(0);
});

it('E2: is a quarter more than the dearest takes, and what is slower waits no more', async () => {
  const pace = createPace();
  pace.learn(100, 10);
  expect(pace.least()).toBe(125);
  expect(await waitOf(pace, 45)).toBe(80);
  expect(await waitOf(pace, 130)).toBe(0);
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
