/** Where every time in Usher comes from, so that tests can move it. */
export interface Clock {
  /** Milliseconds since 1970-01-01T00:00:00Z. */
  now(): number;
  /**
   * Has something done again and again, as long as the process has other reasons to live.
   *
   * @returns What ends it.
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
