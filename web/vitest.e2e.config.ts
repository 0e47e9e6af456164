/** The tests in a real browser: one after the other, for the machine is small and the figures are timed. */

import { defineConfig } from "vitest/config";

export default defineConfig({
  test: { include: ["e2e/**/*.test.ts"], testTimeout: 60_000, hookTimeout: 120_000, fileParallelism: false, globalSetup: "e2e/module.ts" },
});
