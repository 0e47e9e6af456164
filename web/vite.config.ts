/** Builds the page into the Python package, where `recsmith web` takes it from; git ignores that folder. */

import { cpSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";

import { type Plugin, defaultClientConditions, defineConfig } from "vite";

import { LITERT_FILES, ORT_FILES } from "./runtimes.ts";

const page = resolve(import.meta.dirname, "../src/recsmith/export/page");
const modules = resolve(import.meta.dirname, "node_modules");

export default defineConfig({
  base: "./",
  // ONNX Runtime's own files stay beside the page: bundled, the wasm would be there twice.
  resolve: { conditions: ["onnxruntime-web-use-extern-wasm", ...defaultClientConditions] },
  build: {
    outDir: page,
    emptyOutDir: true,
    target: "es2022",
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 700,
  },
  worker: { format: "es" },
  plugins: [runtimes()],
});

/** Puts the runtimes' wasm files and the licences beside the page, as they came. */
function runtimes(): Plugin {
  return {
    name: "recsmith-runtimes",
    apply: "build",
    closeBundle() {
      const copies: [string, string, readonly string[]][] = [
        ["@litertjs/core/wasm", "litert", LITERT_FILES],
        ["onnxruntime-web/dist", "onnx", ORT_FILES],
      ];
      for (const [from, to, files] of copies) {
        mkdirSync(resolve(page, "runtime", to), { recursive: true });
        for (const file of files) cpSync(resolve(modules, from, file), resolve(page, "runtime", to, file));
      }
      writeFileSync(resolve(page, "licences.txt"), licences());
    },
  };
}

/** Names what others made of the page, and gives their terms where the package carries them. */
function licences(): string {
  const parts = ["This page was made with recsmith, Apache-2.0. It holds code of others:"];
  for (const [name, holder] of [
    ["@litertjs/core", "Google LLC"],
    ["@litertjs/wasm-utils", "Google LLC"],
    ["onnxruntime-web", "Microsoft Corporation"],
    ["onnxruntime-common", "Microsoft Corporation"],
  ] as const) {
    const about = JSON.parse(readFileSync(resolve(modules, name, "package.json"), "utf8")) as { version: string; license: string };
    parts.push(`${name} ${about.version}, ${about.license}. Copyright (c) ${holder}.`);
  }
  // The packages come without the texts of their licences.
  for (const file of ["licences/MIT.txt", "../LICENSE"]) parts.push("-".repeat(78), readFileSync(resolve(import.meta.dirname, file), "utf8"));
  return `${parts.join("\n\n")}\n`;
}
