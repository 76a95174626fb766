/**
 * How long a failed check of a password takes at least, counted from when a thread began with it. It is nothing until a
 * hash of another program was met; from then on it is a little more than the dearest of these takes, so that who has one,
 * who has one of ours and who is nobody are not told apart by the clock (attack E2). It waits, and costs no work.
 */
export interface Pace {
  /** Notes how long a failed check took, in milliseconds, whose hash costs so many units. */
  learn(took: number, units: number): void;
  /** Waits until the check has taken long enough. */
  keep(took: number): Promise<void>;
  /** In milliseconds. */
  least(): number;
}

/** What hides the difference between two runs of the same work. */
const headroom = 1.25;

/** So many of the dearest count: few enough that a moment in which the machine stood still is forgotten soon. */
const remembered = 16;

/** Milliseconds; several times what the dearest hash takes that is followed at all. */
const longest = 3_000;

export function createPace(): Pace {
  let dearest = 0;
  let times: number[] = [];
  let least = 0;
  return {
    learn(took, units) {
      // A cheaper hash says nothing of how long the dearest takes.
      if (units < dearest * 0.9) return;
      if (units > dearest) {
        dearest = units;
        times = [];
      }
      times = [...times, took].slice(-remembered);
      least = Math.min(longest, Math.max(...times) * headroom);
    },
    keep: async (took) => {
      if (least > took) await new Promise((done) => setTimeout(done, least - took));
    },
    least: () => least,
  };
}
