/** Builds the module for npm once, with its runtimes, into a page of one script: what people with a page of their own do. */

import { cpSync, mkdirSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";

import { build, defaultClientConditions } from "vite";

import { LITERT_FILES, ORT_FILES } from "../runtimes.ts";

export const OWN_PAGE = resolve(import.meta.dirname, "../.e2e/own-page");

export default async function setup(): Promise<void> {
  await build({
    configFile: false,
    logLevel: "error",
    publicDir: false,
    resolve: { conditions: ["onnxruntime-web-use-extern-wasm", ...defaultClientConditions] },
    build: {
      outDir: OWN_PAGE,
      emptyOutDir: true,
      target: "es2022",
      minify: false,
      lib: { entry: resolve(import.meta.dirname, "../src/recsmith.ts"), formats: ["es"], fileName: "recsmith" },
    },
  });
  writeFileSync(resolve(OWN_PAGE, "index.html"), "<!doctype html><title>own page</title><link rel=icon href=data:,><script type=module>window.recsmith = await import('./recsmith.js')</script>\n");
  for (const [from, to, files] of [["@litertjs/core/wasm", "litert", LITERT_FILES], ["onnxruntime-web/dist", "onnx", ORT_FILES]] as const) {
    mkdirSync(resolve(OWN_PAGE, "runtime", to), { recursive: true });
    for (const file of files) cpSync(resolve(import.meta.dirname, "../node_modules", from, file), resolve(OWN_PAGE, "runtime", to, file));
  }
}
