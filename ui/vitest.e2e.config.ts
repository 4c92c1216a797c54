import { defineConfig } from "vitest/config";

/** One browser, one page server, one file after the other: two cores are enough. `--mode pictures` photographs. */
export default defineConfig(({ mode }) => ({
  test: {
    include: [mode === "pictures" ? "tests/pictures.test.ts" : "tests/e2e/**/*.test.ts"],
    environment: "node",
    fileParallelism: false,
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
}));
