/**
 * How long a failed check of a password takes at least, counted from when a thread began with it. It is nothing until a
 * hash of another program was met; from then on it is a little more than the slowest of these takes, so that who has one,
 * who has one of ours and who is nobody are not told apart by the clock (attack E2). It waits, and costs no work.
 */
export interface ResponseFloor {
  /** Notes how long a failed check took, in milliseconds, whose hash costs so many units. */
  observe(took: number, units: number): void;
  /** Waits until the check has taken long enough. */
  wait(took: number): Promise<void>;
  /** In milliseconds. */
  floor(): number;
}

/** What hides the difference between two runs of the same work. */
const headroom = 1.25;

/** So many of the slowest count: few enough that a moment in which the machine stood still is forgotten soon. */
const remembered = 16;

/** Milliseconds; several times what the slowest hash takes that is followed at all. */
const longest = 3_000;

export function createResponseFloor(): ResponseFloor {
  let slowest = 0;
  let times: number[] = [];
  let floor = 0;
  return {
    observe(took, units) {
      // A cheaper hash says nothing of how long the slowest takes.
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
