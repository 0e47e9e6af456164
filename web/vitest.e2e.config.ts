/** The tests in a real browser, one after the other; `--mode bench` measures instead. */

import { defineConfig } from "vitest/config";

export default defineConfig(({ mode }) => ({
  test: {
    include: mode === "bench" ? ["e2e/latency.ts"] : ["e2e/**/*.test.ts"],
    // A loaded machine starts the runtimes slowly; nothing here is a matter of time.
    testTimeout: mode === "bench" ? 600_000 : 240_000,
    hookTimeout: 120_000,
    fileParallelism: false,
    globalSetup: "e2e/module.ts",
  },
}));
