/** The source of every time in Usher, so that tests can control it. */
export interface Clock {
  /** Milliseconds since 1970-01-01T00:00:00Z. */
  now(): number;
  /**
   * Calls a function repeatedly. Does not keep the process alive.
   *
   * @returns A function that stops it.
   */
  every(milliseconds: number, turn: () => void): () => void;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  every(milliseconds, turn) {
    const timer = setInterval(turn, milliseconds).unref();
    return () => clearInterval(timer);
  },
};
