import { type Clock, systemClock } from '../../src/platform/clock.ts';

/** A clock that stands still until a test advances it. Its periodic tasks run five times as often. */
export interface TestClock extends Clock {
  /** @param milliseconds How far; may be negative. */
  advance(milliseconds: number): void;
}

export const SECOND = 1_000;
export const MINUTE = 60 * SECOND;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;

const FASTER = 5;
/** How often a task runs that runs every second in production, in real milliseconds. */
export const TURN = SECOND / FASTER;

/** Starts in the middle of a second, so that rounding to whole seconds is visible. */
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
