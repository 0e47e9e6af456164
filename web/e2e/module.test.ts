/** The module in somebody's own page: raw histories, scores, both runtimes, and what goes wrong. */

import { readFileSync } from "node:fs";
import { resolve } from "node:path";

import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

import type * as Recsmith from "../src/recsmith";
import { Host, MADE, startBrowser } from "./host";
import { OWN_PAGE } from "./module";

declare global {
  var recsmith: typeof Recsmith;
}

type Id = string | number;
const EXPECTED = JSON.parse(readFileSync(resolve(MADE, "expected.json"), "utf8")) as Record<string, { history: Id[]; raw: { item_ids: Id[]; scores: number[] } }[]>;

let browser: Browser;
let host: Host;
let page: Page;

beforeAll(async () => {
  browser = await startBrowser();
  host = await Host.start(OWN_PAGE, { bundle: resolve(MADE, "site-both/bundle") });
  page = await browser.newPage();
  await page.goto(host.url);
  await page.waitForFunction(() => "recsmith" in globalThis);
});
afterAll(async () => {
  await browser.close();
  await host.stop();
});

describe.each(["litert", "onnx"] as const)("%s", (runtime) => {
  it("gives Python's ids and scores, with unknown ids, repeats and too many events", async () => {
    const expected = EXPECTED[runtime]!;
    const got = await page.evaluate(
      async ([name, histories]) => {
        const recommender = await recsmith.load("bundle/", { runtime: name });
        const lists: Recsmith.Recommendation[][] = [];
        for (const history of histories) lists.push(await recommender.recommend(history, 10));
        recommender.close();
        return lists;
      },
      [runtime, expected.map((one) => one.history)] as const,
    );
    let worst = 0;
    got.forEach((list, n) => {
      const { item_ids, scores } = expected[n]!.raw;
      expect(list).toHaveLength(item_ids.length);
      list.forEach(({ itemId, score }, at) => {
        const place = item_ids.findIndex((one) => one === itemId);
        expect(place, `list ${n}`).toBeGreaterThanOrEqual(0);
        if (place !== at) expect(Math.abs(scores[place]! - scores[at]!)).toBeLessThan(1e-5);
        worst = Math.max(worst, Math.abs(score - scores[place]!));
      });
    });
    expect(worst).toBeLessThan(1e-4);
  });

  it("scores every item, and explains by what a score loses", async () => {
    const history = EXPECTED[runtime]!.find((one) => one.history.length > 3)!.history.slice(-10);
    const found = await page.evaluate(
      async ([name, ids]) => {
        const recommender = await recsmith.load("bundle/", { runtime: name });
        const [first] = await recommender.recommend(ids, 1);
        const scores = await recommender.scores(ids);
        const reasons = await recommender.explain(ids, first!.itemId);
        const without = await recommender.scores(ids.filter((id) => id !== reasons[0]!.itemId));
        const answer = { n: scores.length, all: recommender.manifest.n_items, first: first!.score, same: scores[first!.row]!, weight: reasons[0]!.weight, lost: scores[first!.row]! - without[first!.row]!, falling: reasons.every((one, at) => at === 0 || one.weight <= reasons[at - 1]!.weight) };
        recommender.close();
        return answer;
      },
      [runtime, history] as const,
    );
    expect(found.n).toBe(found.all);
    expect(found.same).toBeCloseTo(found.first, 4);
    expect(found.lost).toBeCloseTo(found.weight, 5);
    expect(found.falling).toBe(true);
  });
});

it("falls back to the other runtime when one does not start", async () => {
  const fresh = await browser.newPage();
  host.spoil = (path, bytes) => (path.includes("litert_wasm") ? null : bytes);
  await fresh.goto(host.url);
  await fresh.waitForFunction(() => "recsmith" in globalThis);
  const used = await fresh.evaluate(async () => (await recsmith.load("bundle/")).runtime);
  expect(used).toBe("ONNX Runtime, WebAssembly");
  const code = await fresh.evaluate(() => recsmith.load("bundle/", { runtime: "litert" }).then(() => "", (error: Recsmith.RecsmithError) => `${error.name} ${error.code}`));
  expect(code).toBe("RuntimeUnavailable no-runtime");
  host.spoil = (_, bytes) => bytes;
});

it("tells apart a bundle that is not there, a file that is not in it, and a runtime that is not beside it", async () => {
  const fresh = await browser.newPage();
  await fresh.goto(host.url);
  await fresh.waitForFunction(() => "recsmith" in globalThis);
  const codes = await fresh.evaluate(async () => {
    const code = (promise: Promise<unknown>): Promise<string> => promise.then(() => "", (error: Recsmith.RecsmithError) => error.code);
    return [await code(recsmith.load("absent/")), await code(recsmith.load("bundle/", { quantize: "fp16" })), await code(recsmith.load("bundle/", { runtime: "onnx", runtimeUrl: "nowhere/" }))];
  });
  expect(codes).toEqual(["not-found", "mismatch", "no-runtime"]);
});
