/** Builds the module for npm into lib/; the runtimes stay outside. */

import { resolve } from "node:path";

import { defineConfig } from "vite";

export default defineConfig({
  publicDir: false,
  build: {
    outDir: "lib",
    target: "es2022",
    sourcemap: true,
    minify: false,
    lib: { entry: resolve(import.meta.dirname, "src/recsmith.ts"), formats: ["es"], fileName: "recsmith" },
    rollupOptions: { external: [/^@litertjs\//, /^onnxruntime-web/] },
  },
});
