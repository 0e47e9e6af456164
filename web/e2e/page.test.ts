/** The page in a real browser: same answers as Python, offline, silent, usable, plain about what is wrong. */

import { readFileSync } from "node:fs";
import { resolve } from "node:path";

import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";

import { Host, MADE, answered, complaints, importHistory, openReady, shownIds, startBrowser } from "./host";

interface Answer {
  readonly item_ids: readonly (string | number)[];
  readonly scores: readonly number[];
}
interface Expected {
  readonly history: readonly (string | number)[];
  readonly kept: readonly (string | number)[];
  readonly raw: Answer;
  readonly page: Answer;
}

const EXPECTED = JSON.parse(readFileSync(resolve(MADE, "expected.json"), "utf8")) as Record<"litert" | "onnx", Expected[]>;
const AXE = readFileSync(resolve(import.meta.dirname, "../node_modules/axe-core/axe.min.js"), "utf8");

let browser: Browser;
let host: Host;
let context: BrowserContext;

beforeAll(async () => {
  browser = await startBrowser();
});
afterAll(async () => browser.close());

/** Opens each test's own host and browser profile. */
function withSite(runtime: "litert" | "onnx"): void {
  beforeEach(async () => {
    host = await Host.start(resolve(MADE, `site-${runtime}`));
    context = await browser.newContext({ locale: "en-GB" });
  });
  afterEach(async () => {
    await context.close();
    await host.stop().catch(() => {});
  });
}

describe.each(["litert", "onnx"] as const)("with %s", (runtime) => {
  withSite(runtime);

  it("shows Python's top ten for fifty histories, complains of nothing, asks nobody else", async () => {
    const page = await context.newPage();
    page.setDefaultTimeout(100_000);
    const heard = complaints(page);
    const asked: string[] = [];
    context.on("request", (request) => asked.push(new URL(request.url()).origin));
    await page.goto(host.url);
    await page.waitForSelector("body[data-ready]");
    const different: unknown[] = [];
    for (const { kept, page: answer } of EXPECTED[runtime]) {
      await importHistory(page, kept);
      const shown = await shownIds(page);
      if (!sameButForTies(shown, answer)) different.push({ kept, shown, expected: answer.item_ids });
    }
    expect(EXPECTED[runtime]).toHaveLength(50);
    expect(different).toEqual([]);
    expect(heard).toEqual([]);
    expect(new Set(asked)).toEqual(new Set([new URL(host.url).origin]));
    expect(host.log.every((path) => path.startsWith("/some/where/"))).toBe(true);
  });

  it("works after a reload with the server stopped", async () => {
    const page = await openReady(context, host.url);
    await answered(page, () => page.locator("#list .like").first().click());
    const shown = await shownIds(page);
    await host.stop();
    await page.reload();
    await page.waitForSelector("body[data-ready]");
    expect(await shownIds(page)).toEqual(shown);
    await answered(page, () => page.locator("#list .like").first().click());
    expect(await page.locator("#liked > li").count()).toBe(2);
    // Opened anew, as the installed app is, and the model card as a page of its own.
    const again = await openReady(context, `${host.url}index.html`);
    expect(await again.locator("#list > li").count()).toBe(10);
    expect((await again.goto(`${host.url}bundle/README.md`))?.status()).toBe(200);
  });

  it("sends no request once it is ready, whatever one does", async () => {
    const page = await openReady(context, host.url);
    const before = host.log.length;
    const asked: string[] = [];
    context.on("request", (request) => asked.push(request.url()));
    await page.fill("#search", "star");
    await answered(page, () => page.keyboard.press("Enter"));
    await answered(page, () => page.locator("#list .like").nth(2).click());
    await answered(page, () => page.locator("#list .hide").first().click());
    await answered(page, () => page.locator("#more").click());
    await page.locator('#language [value="zh"]').check({ force: true });
    await page.locator('#theme [value="dark"]').check({ force: true });
    await answered(page, () => page.locator("#liked .remove").first().click());
    const download = page.waitForEvent("download");
    await page.click("#export");
    await (await download).path();
    await page.click("#clear");
    await answered(page, () => page.click("#clear-yes"));
    expect(asked.filter((url) => !url.startsWith("blob:"))).toEqual([]);
    // Nor does what the page reads once more leave the device.
    await page.click("#check");
    await page.waitForFunction(() => /[0-9] s|秒/.test(document.getElementById("proof-here")!.textContent!));
    expect(host.log.slice(before)).toEqual([]);
    expect(await page.locator("#tiles .value").nth(2).textContent()).toBe("0");
  });
});

describe("the page", () => {
  withSite("litert");

  it("answers the recorded histories as the bundle says, when asked to check", async () => {
    const page = await openReady(context, host.url);
    await page.click("#check");
    await page.waitForFunction(() => /checked in/.test(document.getElementById("proof-here")!.textContent!));
    const [, equal, all] = /(\d+) of (\d+)/.exec((await page.locator("#proof-here").textContent())!)!;
    expect(Number(all)).toBeGreaterThan(100);
    expect(equal).toBe(all);
  });

  it("can be used by keyboard alone, and keeps the focus where the hand is", async () => {
    const page = await openReady(context, host.url);
    await page.keyboard.press("Tab");
    expect(await page.evaluate(() => document.activeElement?.id)).toBe("skip");
    await page.focus("#search");
    await page.keyboard.type("toy story");
    await page.waitForSelector("#search-list [role=option]");
    expect(await page.getAttribute("#search", "aria-expanded")).toBe("true");
    expect(await page.getAttribute("#search", "aria-activedescendant")).toBe("search-0");
    await page.keyboard.press("ArrowDown");
    expect(await page.locator("#search-1").getAttribute("aria-selected")).toBe("true");
    await page.keyboard.press("ArrowUp");
    await answered(page, () => page.keyboard.press("Enter"));
    expect(await page.locator("#liked li").allTextContents()).toEqual(["Toy Story 1995"]);
    expect(await page.evaluate(() => document.activeElement?.id)).toBe("search");
    expect(await page.locator("#said").textContent()).toBe("Added Toy Story. 10 recommendations.");
    expect(await page.locator("#list .because").first().textContent()).toBe("Because you liked Toy Story");
    await page.locator("#list .like").nth(1).focus();
    await answered(page, () => page.keyboard.press("Enter"));
    expect(await page.evaluate(() => [...document.querySelectorAll("#list .like")].indexOf(document.activeElement!))).toBe(1);
    await page.fill("#search", "zzzz");
    expect(await page.locator("#search-list").textContent()).toBe("No title has these words.");
    await page.keyboard.press("Escape");
    expect(await page.locator("#search-list").isVisible()).toBe(false);
  });

  it("takes its list along, brings it back, refuses what is none, and forgets all when told to", async () => {
    const page = await openReady(context, host.url);
    const { kept } = EXPECTED.litert.find((one) => one.kept.length > 3)!;
    await importHistory(page, kept);
    const shown = await shownIds(page);
    const download = page.waitForEvent("download");
    await page.click("#export");
    const file = await (await download).path();
    expect(JSON.parse(readFileSync(file, "utf8"))).toMatchObject({ format: "recsmith-history", liked: kept });
    await page.click("#clear");
    await answered(page, () => page.click("#clear-yes"));
    expect(await page.evaluate(() => Object.keys(localStorage).length)).toBe(0);
    await answered(page, () => page.locator("#import-file").setInputFiles(file));
    expect(await shownIds(page)).toEqual(shown);
    await page.locator("#import-file").setInputFiles({ name: "x.json", mimeType: "application/json", buffer: Buffer.from("[]") });
    await page.waitForFunction(() => document.getElementById("data-note")!.textContent!.startsWith("This file is not a list"));
    expect(await shownIds(page)).toEqual(shown);
  });

  it("speaks the browser's language, and the other when asked", async () => {
    await context.close();
    context = await browser.newContext({ locale: "zh-CN" });
    const page = await openReady(context, host.url);
    expect(await page.getAttribute("html", "lang")).toBe("zh-Hans");
    expect(await page.textContent("#promise")).toBe("不向任何地方发送数据。你的选择只留在这个浏览器里。");
    await answered(page, () => page.locator('#language [value="en"]').check({ force: true }));
    expect(await page.textContent("#promise")).toBe("Nothing is sent anywhere. What you pick stays in this browser.");
    await page.reload();
    await page.waitForSelector("body[data-ready]");
    expect(await page.getAttribute("html", "lang")).toBe("en");
  });

  it("can be installed: a manifest with icons that are there, and a worker", async () => {
    const page = await openReady(context, host.url);
    const session = await context.newCDPSession(page);
    const { errors, data } = (await session.send("Page.getAppManifest")) as { errors: unknown[]; data: string };
    expect(errors).toEqual([]);
    const icons = (JSON.parse(data) as { icons: { src: string }[] }).icons;
    for (const icon of icons) expect((await page.request.get(new URL(icon.src, host.url).href)).status()).toBe(200);
    const { installabilityErrors } = (await session.send("Page.getInstallabilityErrors" as never)) as { installabilityErrors: { errorId: string }[] };
    expect(installabilityErrors.map((one) => one.errorId).filter((id) => id !== "in-incognito")).toEqual([]);
  });

  it("offers a newer version and goes over to it", async () => {
    const page = await openReady(context, host.url);
    host.spoil = (path, bytes) => (path === "cache-list.js" ? Buffer.from(bytes.toString().replace(/"version": "[0-9a-f]+"/, '"version": "later"')) : bytes);
    await page.reload();
    await page.waitForSelector("#notice-newer");
    await page.click("#notice-newer button");
    await page.waitForFunction(async () => (await caches.keys()).join().endsWith("later"));
    await page.waitForSelector("body[data-ready]");
    expect(await page.locator("#list > li").count()).toBe(10);
  });

  const THEMES = ["light", "dark"] as const;
  it.each(THEMES.flatMap((theme) => (["en-GB", "zh-CN"] as const).map((locale) => [theme, locale] as const)))("has no serious accessibility fault, %s, %s", async (theme, locale) => {
    await context.close();
    context = await browser.newContext({ locale, colorScheme: theme, reducedMotion: "reduce" });
    const page = await openReady(context, host.url);
    expect(await faults(page)).toEqual([]);
    await answered(page, () => page.locator("#list .like").first().click());
    await page.fill("#search", "the");
    expect(await faults(page)).toEqual([]);
    await page.keyboard.press("Escape");
    await page.click("#clear");
    expect(await faults(page)).toEqual([]);
  });

  it("fits a narrow phone without sideways scrolling", async () => {
    await context.close();
    context = await browser.newContext({ locale: "en-GB", viewport: { width: 320, height: 640 } });
    const page = await openReady(context, host.url);
    await answered(page, () => page.locator("#list .like").first().click());
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(320);
  });
});

describe("what is wrong", () => {
  withSite("litert");

  const failure = async (code: string): Promise<string> => {
    const page = await context.newPage();
    page.setDefaultTimeout(100_000);
    await page.goto(host.url);
    await page.waitForSelector("#failure");
    expect(await page.getAttribute("#failure", "data-code"), (await page.textContent("#failure"))!).toBe(code);
    expect(await page.locator("#app").isVisible()).toBe(false);
    return (await page.textContent("#failure"))!;
  };
  const flip = (bytes: Buffer): Buffer => {
    const copy = Buffer.from(bytes);
    copy[copy.length >> 1]! ^= 1;
    return copy;
  };

  it("says that one changed byte of the model is a damaged file", async () => {
    host.spoil = (path, bytes) => (path === "bundle/model.tflite" ? flip(bytes) : bytes);
    const said = await failure("corrupt");
    expect(said).toContain("A file of the model is damaged");
    expect(said).toContain("model.tflite must be the file that the manifest names. Got another checksum.");
  });

  it("says so of a catalogue that was cut short", async () => {
    host.spoil = (path, bytes) => (path === "bundle/catalogue.json" ? bytes.subarray(0, 1000) : bytes);
    expect(await failure("corrupt")).toContain("catalogue.json must have");
  });

  it("keeps no damaged file for offline use", async () => {
    host.spoil = (path, bytes) => (path === "bundle/parity.json" ? flip(bytes) : bytes);
    const page = await openReady(context, host.url);
    expect(await page.locator("#tiles .value").nth(3).textContent()).toBe("No");
    expect(await page.evaluate(() => caches.keys())).toEqual([]);
  });

  it.each([
    ["a manifest from the future", "newer-schema", (text: string) => text.replace(/"schema_version": ?1/, '"schema_version": 99'), "newer than this page"],
    ["a page instead of a manifest", "corrupt", () => "<!doctype html>", "must be JSON"],
    ["another kind of JSON", "not-a-bundle", () => "{}", "not a recsmith bundle"],
    ["a model and a manifest of different lengths", "mismatch", (text: string) => text.replace(/("history_length": ?)\d+/, "$17").replace(/("shape": ?\[\s*1,\s*)\d+/g, "$17"), "do not belong together"],
  ])("says what it is about %s", async (_, code, change, words) => {
    host.spoil = (path, bytes) => (path === "bundle/manifest.json" ? Buffer.from(change(bytes.toString())) : bytes);
    expect(await failure(code)).toContain(words);
  });

  it("says that a model is missing", async () => {
    host.spoil = (path, bytes) => (path === "bundle/model.tflite" ? null : bytes);
    expect(await failure("not-found")).toContain("could not be fetched");
  });

  it("says that the browser has no WebAssembly", async () => {
    await context.addInitScript("delete globalThis.WebAssembly");
    expect(await failure("no-runtime")).toContain("needs WebAssembly");
  });

  it("says that the memory does not suffice, in the person's language", async () => {
    await context.close();
    context = await browser.newContext({ locale: "zh-CN" });
    await context.addInitScript(() => {
      const none = (): never => {
        throw new RangeError("WebAssembly.instantiate(): Out of memory: Cannot allocate Wasm memory for new instance");
      };
      WebAssembly.instantiate = none;
      WebAssembly.instantiateStreaming = none;
    });
    const said = await failure("out-of-memory");
    expect(said).toContain("浏览器内存不足");
    expect(said).toContain("Out of memory");
  });
});

/** Runs axe and returns what is serious or worse. */
async function faults(page: Page): Promise<string[]> {
  await page.evaluate(AXE);
  return page.evaluate(async () => {
    const { axe } = globalThis as unknown as { axe: { run: () => Promise<{ violations: { id: string; impact: string; nodes: { target: string[]; failureSummary: string }[] }[] }> } };
    const { violations } = await axe.run();
    return violations.filter((one) => one.impact === "serious" || one.impact === "critical").map((one) => `${one.id}: ${one.nodes.map((node) => `${node.target.join(" ")} ${node.failureSummary}`).join("; ")}`);
  });
}

/** The same ids in the same order; neighbours whose scores are nearly equal may change places. */
export function sameButForTies(found: readonly (string | number)[], { item_ids, scores }: Answer): boolean {
  if (found.length !== item_ids.length) return false;
  return found.every((id, at) => {
    const place = item_ids.findIndex((one) => String(one) === String(id));
    return place === at || (place >= 0 && Math.abs(scores[place]! - scores[at]!) < 1e-5);
  });
}
