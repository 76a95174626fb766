/**
 * In milliseconds. If something that a test waits for has not happened by then, it never will. The timeout only ends
 * tests that hang: no assertion may depend on it, since a busy machine can be arbitrarily slow. A test times out after
 * twice as long (`vitest.config.ts`), so that what waits can report first what it waits for.
 */
export const TIMEOUT = 5 * 60_000;
