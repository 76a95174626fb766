/** Runs related work sequentially. */
export interface Series {
  /**
   * Runs `work` after all earlier work with any of these keys has finished.
   *
   * @returns The result of `work`; undefined, without running it, if too much work waits for one of the keys.
   */
  run<Result>(keys: readonly string[], work: () => Promise<Result>): Promise<Result> | undefined;
}

/** @param most The maximum number of calls that run or wait per key. */
export function createSeries(most: number): Series {
  const lines = new Map<string, { length: number; last: Promise<unknown> }>();
  return {
    run(keys, work) {
      if (keys.some((key) => (lines.get(key)?.length ?? 0) >= most)) return undefined;
      const own = keys.map((key) => {
        const line = lines.get(key) ?? { length: 0, last: Promise.resolve() };
        lines.set(key, line);
        return { key, line };
      });
      const over = Promise.allSettled(own.map(({ line }) => line.last)).then(work);
      const ended = over
        .catch(() => {})
        .finally(() => {
          for (const { key, line } of own) if (--line.length === 0) lines.delete(key);
        });
      for (const { line } of own) {
        line.length++;
        line.last = ended;
      }
      return over;
    },
  };
}
