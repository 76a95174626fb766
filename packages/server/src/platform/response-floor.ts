/**
 * The minimum duration of a failed password check, counted from when a thread started it. It is zero until a hash from
 * another program is verified; from then on it is slightly more than the slowest of these takes. Timing then does not
 * reveal whether an account has a foreign hash, one of Usher's own, or does not exist (attack E2). It only waits, and
 * uses no CPU.
 */
export interface ResponseFloor {
  /** Records how long a failed check took, in milliseconds, and the cost of its hash, in units. */
  observe(took: number, units: number): void;
  /** Waits until the check has taken the minimum time. `took` is in milliseconds. */
  wait(took: number): Promise<void>;
  /** The current minimum, in milliseconds. */
  floor(): number;
}

/** Hides the variation between two runs of the same work. */
const headroom = 1.25;

/**
 * How many recent checks of the slowest hash count: few, so a moment in which the machine stalled is soon forgotten.
 */
const remembered = 16;

/** Milliseconds; several times what the slowest accepted hash takes. */
const longest = 3_000;

export function createResponseFloor(): ResponseFloor {
  let slowest = 0;
  let times: number[] = [];
  let floor = 0;
  return {
    observe(took, units) {
      // A cheaper hash says nothing about how long the slowest takes.
      if (units < slowest * 0.9) return;
      if (units > slowest) {
        slowest = units;
        times = [];
      }
      times = [...times, took].slice(-remembered);
      floor = Math.min(longest, Math.max(...times) * headroom);
    },
    wait: async (took) => {
      if (floor > took) await new Promise((done) => setTimeout(done, floor - took));
    },
    floor: () => floor,
  };
}
