import { defineConfig } from "vitest/config";

/** One browser for all, and as many files at a time as two cores bear. `--mode pictures` photographs. */
export default defineConfig(({ mode }) => ({
  test: {
    include: [mode === "pictures" ? "tests/pictures.test.ts" : "tests/e2e/**/*.test.ts"],
    environment: "node",
    globalSetup: "tests/support/chromium.ts",
    isolate: false,
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
}));
