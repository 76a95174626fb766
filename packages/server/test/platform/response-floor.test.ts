import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { createResponseFloor, type ResponseFloor } from '../../src/platform/response-floor.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** Milliseconds that a failure has to wait that took so long. */
async function waitOf(responseFloor: ResponseFloor, took: number): Promise<number> {
  let over = false;
  void responseFloor.wait(took).then(() => {
    over = true;
  });
  await vi.advanceTimersByTimeAsync(0);
  let waited = 0;
  for (; !over && waited < 10_000; waited++) await vi.advanceTimersByTimeAsync(1);
  return waited;
}

it('E2: is none before a hash of another program was met', async () => {
  const responseFloor = createResponseFloor();
  expect(responseFloor.floor()).toBe(0);
  expect(await waitOf(responseFloor, 1)).toBe(0);
});

it('E2: is a quarter more than the dearest takes, and what is slower waits no more', async () => {
  const responseFloor = createResponseFloor();
  responseFloor.observe(100, 10);
  expect(responseFloor.floor()).toBe(125);
  expect(await waitOf(responseFloor, 45)).toBe(80);
  expect(await waitOf(responseFloor, 130)).toBe(0);
});

it('E2: is not lowered by cheaper hashes, however many, and follows dearer ones at once', () => {
  const responseFloor = createResponseFloor();
  responseFloor.observe(200, 10);
  for (let i = 0; i < 100; i++) responseFloor.observe(2, 1);
  expect(responseFloor.floor()).toBe(250);
  responseFloor.observe(400, 20);
  expect(responseFloor.floor()).toBe(500);
  for (let i = 0; i < 100; i++) responseFloor.observe(200, 10);
  expect(responseFloor.floor()).toBe(500);
});

it('E2: of one kind is that of its slowest run for a while, so that no run stands out', () => {
  const responseFloor = createResponseFloor();
  for (const took of [200, 230, 210, 205]) responseFloor.observe(took, 10);
  expect(responseFloor.floor()).toBe(287.5);
  responseFloor.observe(260, 9.5);
  expect(responseFloor.floor()).toBe(325);
});

it('forgets a moment in which the machine stood still, and never waits for longer than 3 seconds', () => {
  const responseFloor = createResponseFloor();
  responseFloor.observe(60_000, 10);
  expect(responseFloor.floor()).toBe(3_000);
  for (let i = 0; i < 15; i++) responseFloor.observe(200, 10);
  expect(responseFloor.floor()).toBe(3_000);
  responseFloor.observe(200, 10);
  expect(responseFloor.floor()).toBe(250);
});
