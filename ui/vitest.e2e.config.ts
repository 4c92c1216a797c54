import { defineConfig } from "vitest/config";

/** One browser, one page server, one file after the other: two cores are enough. */
export default defineConfig({
  test: {
    include: ["tests/e2e/**/*.test.ts"],
    environment: "node",
    fileParallelism: false,
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
