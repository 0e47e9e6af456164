/** The panel "on this device": how fast, how big, how many requests, and the proof. */

import type { ItemId, Recommender } from "../recsmith";
import { byId, h } from "./dom";
import type { OfflineState } from "./offline";
import type { Language, Words } from "./words";

const KEPT_TIMES = 50;
const CHECKED_AT_MOST = 200;
/** Neighbours whose scores differ by less may have changed places, here as in the bundle's own record. */
const NEAR_TIE = 1e-5;

interface Parity {
  readonly k: number;
  readonly histories: readonly (readonly ItemId[])[];
  readonly item_ids: readonly (readonly ItemId[])[];
  readonly scores: readonly (readonly number[])[];
}

/** Is the panel. */
export class DevicePanel {
  private times: number[] = [];
  private requests = 0;
  private state: OfflineState = "getting";
  private ready = Infinity;

  constructor(
    private readonly recommender: Recommender,
    private readonly bundle: URL,
    private readonly words: () => Words,
    private readonly language: () => Language,
  ) {
    byId("check").addEventListener("click", () => void this.check());
    this.countRequests();
  }

  /** Notes how long a list took. */
  took(milliseconds: number): void {
    this.times = [...this.times, milliseconds].slice(-KEPT_TIMES);
    this.renderTiles();
  }

  offline(state: OfflineState): void {
    this.state = state;
    // What the service worker fetched to keep the page belongs to loading.
    if (state !== "getting") this.ready = performance.now();
    this.renderTiles();
  }

  render(): void {
    const words = this.words();
    const { manifest, file } = this.recommender;
    const locale = this.language() === "zh" ? "zh-CN" : "en";
    const texts = { "device-title": words.device, "device-note": words.deviceNote, "model-title": words.model, "proof-title": words.proof, check: words.check, "proof-here": "" };
    for (const [id, text] of Object.entries(texts)) byId(id).textContent = text;
    const made = new Date(manifest.created);
    const values = [
      `${manifest.model_class}, ${file.quantize ?? "float32"}`,
      words.itemsKnown(manifest.n_items.toLocaleString(locale)),
      this.recommender.runtime,
      Number.isNaN(made.getTime()) ? "" : made.toLocaleDateString(locale, { year: "numeric", month: "long", day: "numeric" }),
    ];
    byId("model").replaceChildren(
      ...words.modelFacts.flatMap((name, n) => (values[n] === "" ? [] : [h("dt", {}, name), h("dd", {}, values[n]!)])),
    );
    const figures = file.parity;
    byId("proof").textContent = figures ? words.proofText(figures.order_equal.toLocaleString(locale), figures.n_histories.toLocaleString(locale), figures.k) : words.proofNone;
    byId("check").hidden = !manifest.files.some((one) => one.role === "parity");
    this.renderTiles();
  }

  private renderTiles(): void {
    const words = this.words();
    const { manifest, file } = this.recommender;
    const sorted = [...this.times].sort((a, b) => a - b);
    const middle = sorted[Math.floor(sorted.length / 2)];
    const catalogue = manifest.files.find((one) => one.role === "catalogue")?.bytes ?? 0;
    const [offline, offlineNote] = words.offlineStates[this.state];
    const tiles: [string, string, string][] = [
      [middle === undefined ? "…" : milliseconds(middle), words.speed, words.speedNote],
      [megabytes(file.bytes), words.size, words.sizeNote(megabytes(catalogue), runtimeSize())],
      [String(this.requests), words.requests, words.requestsNote],
      [offline, words.offline, offlineNote],
    ];
    byId("tiles").replaceChildren(
      ...tiles.map(([value, label, note]) => h("li", {}, h("span", { class: "value" }, value), h("span", { class: "label" }, label), h("span", { class: "note" }, note))),
    );
  }

  /** Counts what the browser itself reports as fetched over the network since the page was ready. */
  private countRequests(): void {
    if (!("PerformanceObserver" in window)) return;
    const observer = new PerformanceObserver((list) => {
      const entries = list.getEntries() as PerformanceResourceTiming[];
      const sent = entries.filter((entry) => entry.startTime > this.ready && entry.workerStart === 0 && !entry.name.startsWith("blob:"));
      if (sent.length === 0) return;
      this.requests += sent.length;
      this.renderTiles();
    });
    observer.observe({ type: "resource", buffered: true });
  }

  /** Runs the recorded histories here and compares the lists. */
  private async check(): Promise<void> {
    const button = byId<HTMLButtonElement>("check");
    button.disabled = true;
    const result = byId("proof-here");
    try {
      const parity = (await (await fetch(new URL("parity.json", this.bundle))).json()) as Parity;
      const all = Math.min(parity.histories.length, CHECKED_AT_MOST);
      const k = Math.min(parity.k, this.recommender.manifest.top_k);
      const step = Math.floor(parity.histories.length / all);
      const start = performance.now();
      let equal = 0;
      for (let n = 0; n < all; n++) {
        // Spread over the record; every fifth alone might always be of the same kind.
        const at = n * step + (n % step);
        const list = await this.recommender.recommend(parity.histories[at]!, k);
        if (isSame(list.map((one) => one.itemId), parity.item_ids[at]!.slice(0, k), parity.scores[at]!)) equal++;
        if (n % 20 === 0) {
          result.textContent = this.words().checking(n, all);
          await new Promise(requestAnimationFrame);
        }
      }
      result.textContent = this.words().checked(equal, all, ((performance.now() - start) / 1000).toFixed(1));
    } catch {
      result.textContent = this.words().failures["not-found"]!;
    } finally {
      button.disabled = false;
    }
  }
}

/** Says whether two lists are the same but for neighbours with nearly equal scores. */
export function isSame(found: readonly ItemId[], expected: readonly ItemId[], scores: readonly number[]): boolean {
  if (found.length !== expected.length) return false;
  return found.every((id, at) => {
    if (String(id) === String(expected[at])) return true;
    const place = expected.findIndex((one) => String(one) === String(id));
    return place >= 0 && Math.abs((scores[place] ?? NaN) - (scores[at] ?? NaN)) < NEAR_TIE;
  });
}

function milliseconds(value: number): string {
  // Browsers round their clocks, some to a whole millisecond.
  if (value < 0.1) return "< 0.1 ms";
  return `${value < 10 ? value.toFixed(1) : Math.round(value)} ms`;
}

function megabytes(bytes: number): string {
  return bytes < 950_000 ? `${Math.max(1, Math.round(bytes / 1000))} KB` : `${(bytes / 1e6).toFixed(1)} MB`;
}

function runtimeSize(): string {
  const entries = performance.getEntriesByType("resource") as PerformanceResourceTiming[];
  const bytes = entries.filter((entry) => entry.name.includes("/runtime/")).reduce((sum, entry) => sum + entry.decodedBodySize, 0);
  return bytes === 0 ? "…" : megabytes(bytes);
}
