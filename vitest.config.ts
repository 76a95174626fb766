import { defineConfig } from 'vitest/config';

/** Milliseconds. A test that takes this long hangs: no machine is so busy that an ordinary one needs more. */
const HANGS = 10 * 60_000;

export default defineConfig({
  test: {
    include: ['packages/*/test/**/*.test.ts'],
    globalSetup: ['packages/server/test/support/global-setup.ts'],
    // Many tests wait for time to pass, which takes no processor.
    maxWorkers: '100%',
    testTimeout: HANGS,
    hookTimeout: HANGS,
    teardownTimeout: HANGS,
    // `expect.poll` waits for a condition. It gives up before the test does, so that it can say what it saw last.
    expect: { poll: { timeout: HANGS / 2 } },
  },
});
