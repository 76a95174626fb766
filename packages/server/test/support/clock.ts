import { type Clock, systemClock } from '../../src/platform/clock.ts';

/** A clock that stands still until a test moves it. What is done again and again is done five times as often. */
export interface TestClock extends Clock {
  /** @param milliseconds How far; may be negative. */
  advance(milliseconds: number): void;
}

export const SECOND = 1_000;
export const MINUTE = 60 * SECOND;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;

const FASTER = 5;
/** In real milliseconds, how often that is done which is done every second. */
export const TURN = SECOND / FASTER;

/** Starts in the middle of a second, so that what counts whole seconds shows how it rounds. */
export function testClock(start = Date.parse('2026-03-01T12:00:00.500Z')): TestClock {
  let now = start;
  return {
    now: () => now,
    every: (milliseconds, turn) => systemClock.every(milliseconds / FASTER, turn),
    advance(milliseconds) {
      now += milliseconds;
    },
  };
}
