import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['packages/*/test/**/*.test.ts'],
    globalSetup: ['packages/server/test/support/global-setup.ts'],
    // Many tests wait for time to pass, which takes no processor.
    maxWorkers: '100%',
    // Far more than any test takes: a machine that is busy with other things must not fail one.
    testTimeout: 30_000,
    hookTimeout: 30_000,
  },
});
