/**
 * Measures bundles in headless Chromium and prints the table of docs/guide/web.md.
 *
 *     npm run bench                                  the bundle of the browser tests
 *     BUNDLES=../bundles/a,../bundles/b npm run bench
 */

import { existsSync, readFileSync, readdirSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";

import { expect, it } from "vitest";

import { Host, MADE, startBrowser } from "./host";
import { OWN_PAGE } from "./module";

const CALLS = Number(process.env["CALLS"] ?? 1000);
const bundles = (process.env["BUNDLES"]?.split(",") ?? [join(MADE, "site-both/bundle")]).map((path) => resolve(path));

interface Measured {
  readonly start: number;
  readonly lists: number[];
  readonly reasons: number[];
}

it("measures", async () => {
  const lines = ["| bundle | runtime | model KB: raw / gzip / brotli | opened, ms | a list, ms: p50 / p99 | ten lists' reasons for 10 likes, ms: p50 |", "|---|---|---|---|---|---|"];
  const browser = await startBrowser();
  for (const bundle of bundles) {
    const manifest = JSON.parse(readFileSync(join(bundle, "manifest.json"), "utf8")) as { name: string; files: { path: string; role: string; format?: string; quantize?: "fp16" | "int8" | null }[] };
    const models = manifest.files.filter((file) => file.role === "recommend" && (file.format === "litert" || file.format === "onnx") && existsSync(join(bundle, file.path)));
    for (const file of models) {
      const host = await Host.start(OWN_PAGE, { bundle });
      // Pages apart from all others are given a clock of 5 µs; else it is one of 100.
      host.headers = { "cross-origin-opener-policy": "same-origin", "cross-origin-embedder-policy": "require-corp" };
      const page = await browser.newPage();
      await page.goto(host.url);
      await page.waitForFunction(() => "recsmith" in globalThis);
      const found: Measured = await page.evaluate(
        async ([runtime, quantize, calls]) => {
          const before = performance.now();
          const recommender = await recsmith.load("bundle/", { runtime, quantize });
          const start = performance.now() - before;
          const { histories } = (await (await fetch("bundle/parity.json")).json()) as { histories: (string | number)[][] };
          const timed = async (times: number, call: (n: number) => Promise<unknown>): Promise<number[]> => {
            const found: number[] = [];
            for (let n = 0; n < times; n++) {
              const from = performance.now();
              await call(n);
              found.push(performance.now() - from);
            }
            return found;
          };
          await timed(50, (n) => recommender.recommend(histories[n % histories.length]!, 10));
          const lists = await timed(calls, (n) => recommender.recommend(histories[n % histories.length]!, 10));
          const ten = histories.find((history) => history.length >= 10)!.slice(-10);
          const top = (await recommender.recommend(ten, 10)).map((one) => one.itemId);
          const reasons = recommender.canExplain ? await timed(20, () => recommender.explainAll(ten, top)) : [];
          return { start, lists, reasons };
        },
        [file.format as "litert" | "onnx", file.quantize ?? null, CALLS] as const,
      );
      const bytes = sizes([join(bundle, file.path)]);
      const runtime = `${file.format === "litert" ? "LiteRT.js" : "ONNX Runtime Web"}${file.quantize ? `, ${file.quantize}` : ""}`;
      lines.push(`| ${manifest.name} | ${runtime} | ${bytes.map((size) => Math.round(size / 1000)).join(" / ")} | ${Math.round(found.start)} | ${at(found.lists, 0.5)} / ${at(found.lists, 0.99)} | ${at(found.reasons, 0.5)} |`);
      await page.close();
      await host.stop();
    }
  }
  await browser.close();
  const parts: [string, string[]][] = [
    ["page and its code", filesOf(join(MADE, "site-litert"), (name) => !/bundle|runtime|licences|png$/.test(name))],
    ["LiteRT.js, wasm and loader", filesOf(join(OWN_PAGE, "runtime/litert"))],
    ["ONNX Runtime Web, wasm and loader", filesOf(join(OWN_PAGE, "runtime/onnx"))],
    ["catalogue", [join(MADE, "site-litert/bundle/catalogue.json")]],
  ];
  lines.push("", "| part | MB: raw / gzip / brotli |", "|---|---|");
  for (const [name, files] of parts) lines.push(`| ${name} | ${sizes(files).map((size) => (size / 1e6).toFixed(2)).join(" / ")} |`);
  process.stdout.write(`\n${lines.join("\n")}\n`);
  expect(lines.length).toBeGreaterThan(6);
});

function at(times: readonly number[], share: number): string {
  const sorted = [...times].sort((a, b) => a - b);
  return sorted.length === 0 ? "–" : sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]!.toFixed(2);
}

function sizes(files: readonly string[]): number[] {
  const all = files.map((file) => readFileSync(file));
  const sum = (pack: (bytes: Buffer) => Buffer): number => all.reduce((total, bytes) => total + pack(bytes).length, 0);
  return [sum((bytes) => bytes), sum((bytes) => gzipSync(bytes, { level: 9 })), sum((bytes) => brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 11 } }))];
}

function filesOf(folder: string, wanted: (name: string) => boolean = () => true): string[] {
  return (readdirSync(folder, { recursive: true }) as string[]).filter((name) => wanted(name) && statSync(join(folder, name)).isFile()).map((name) => join(folder, name));
}
