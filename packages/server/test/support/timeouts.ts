/**
 * In milliseconds. Whatever a test waits for that has not happened by then never happens. It only ends what hangs: no
 * assertion may depend on it, since a machine that is busy with other things takes as long as it takes. A test hangs after
 * twice as long (`vitest.config.ts`), so what waits can first say what it waits for.
 */
export const TIMEOUT = 5 * 60_000;
