import { defineConfig } from 'vitest/config';

export default defineConfig({
  // As Node itself resolves packages: otherwise graphql would be there twice, once as its development build.
  ssr: {
    resolve: {
      conditions: ['node', 'import', 'module-sync', 'default'],
      externalConditions: ['node', 'import', 'default'],
    },
  },
  test: {
    include: ['test/**/*.test.ts'],
    testTimeout: 20_000,
  },
});
