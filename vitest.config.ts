import { defineConfig } from 'vitest/config';
import { LongestFirst } from './test/support/longest-first.ts';

export default defineConfig({
  // As Node itself resolves packages: otherwise graphql would be there twice, once as its development build.
  // Without `import`, which goes for every `require` too, then: Drizzle's ES modules take a second to load.
  ssr: {
    resolve: {
      conditions: ['node', 'module-sync'],
      externalConditions: ['node'],
    },
  },
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/support/bundle-first.ts'],
    testTimeout: 30_000,
    hookTimeout: 30_000,
    // Whole processes on a busy machine; who waits for what never comes waits this long.
    expect: { poll: { timeout: 15_000 } },
    // Whole-process tests wait more than they work.
    maxWorkers: 3,
    sequence: { sequencer: LongestFirst },
    // All packages would be loaded anew for each file. No test changes what others share.
    isolate: false,
  },
});
