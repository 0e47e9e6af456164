/**
 * recsmith in the browser: opens a bundle and recommends from it, on this device alone.
 *
 *     const recommender = await load("bundle/");
 *     await recommender.recommend([1, 50, 260], 10);
 */

import { Catalogue, type ItemId } from "./catalogue";
import { type Progress, canVerify, download, verify } from "./download";
import { BundleError, InvalidValue, RuntimeUnavailable } from "./errors";
import { type Event, encode } from "./inputs";
import { type FileSpec, type Manifest, type Quantize, type SignatureSpec, findFile, parse, readManifest } from "./manifest";
import type { OpenSession, Session, Values } from "./session";

export { Catalogue, type ItemId } from "./catalogue";
export { BundleError, type ErrorCode, InvalidValue, OutOfMemory, RecsmithError, RuntimeUnavailable } from "./errors";
export { type FileSpec, type Manifest, SCHEMA_VERSION } from "./manifest";

/**
 * An item of a history, with the weight (rating) that the person gave, the bundle's `liked_weight` when left out, and the time
 * in milliseconds since 1970, which a few models read.
 */
export type HistoryEntry = ItemId | { readonly item: ItemId; readonly weight?: number; readonly time?: number };

export interface Recommendation {
  readonly itemId: ItemId;
  /** What it means stands in `manifest.score.meaning`. */
  readonly score: number;
  readonly title: string;
  /** The item's row in the catalogue. */
  readonly row: number;
}

/** How much an item's score falls when one item of the history is taken away. */
export interface Reason {
  readonly itemId: ItemId;
  readonly title: string;
  readonly weight: number;
}

export interface LoadOptions {
  /** `auto` takes LiteRT where the bundle has a .tflite file, else ONNX Runtime; and the other when one does not start. */
  readonly runtime?: "auto" | "litert" | "onnx";
  /** Which of the model files: float32 (null), fp16 or int8. */
  readonly quantize?: Quantize | null;
  /** LiteRT: `auto` goes over to WebGPU where it gives the same lists sooner. */
  readonly accelerator?: "wasm" | "webgpu" | "auto";
  /** Folder with the wasm files of the runtimes: `litert/` and `onnx/`. Relative to the page; `runtime/` by default. */
  readonly runtimeUrl?: string | URL;
  readonly onProgress?: Progress;
}

const OPENERS: Readonly<Record<"litert" | "onnx", () => Promise<OpenSession>>> = {
  litert: async () => (await import("./litert")).openLiteRt,
  onnx: async () => (await import("./onnx")).openOnnx,
};

/** Explaining reads at most so many of the newest items: each costs one row of a call. */
const MOST_EXPLAINED = 32;

/**
 * Opens the bundle at `url` (a folder): checks its schema version, sizes and checksums, starts a runtime.
 *
 * Throws `BundleError`, `RuntimeUnavailable` or `OutOfMemory`. Nothing is kept between calls of the recommender,
 * and nothing is fetched after this.
 */
export async function load(url: string | URL, options: LoadOptions = {}): Promise<Recommender> {
  const folder = asFolder(url);
  const manifest = readManifest(new TextDecoder().decode(await download(new URL("manifest.json", folder))), "manifest.json");
  const files = modelFiles(manifest, options);
  const listed = findFile(manifest, "catalogue");
  if (listed === undefined) throw new BundleError("not-a-bundle", "The bundle must hold a catalogue. Got none.");

  const first = files[0]!;
  const total = first.bytes + listed.bytes;
  let loaded = 0;
  const onBytes = (count: number): void => options.onProgress?.((loaded += count), total);
  const [model, catalogueBytes] = await Promise.all([first, listed].map((file) => checked(folder, file, onBytes)));
  const columns = parse(new TextDecoder().decode(catalogueBytes), listed.path) as Record<string, readonly unknown[]>;
  const catalogue = new Catalogue(columns, manifest.n_items);

  const failures: unknown[] = [];
  for (const file of files) {
    try {
      const bytes = file === first ? model! : await checked(folder, file);
      const session = await open(bytes, file, options, "wasm");
      const recommender = new Recommender(manifest, catalogue, file, session);
      return await accelerated(recommender, bytes, options);
    } catch (error) {
      failures.push(error);
      // Another runtime helps against a missing one; it would not mend a broken bundle.
      if (!(error instanceof RuntimeUnavailable)) break;
    }
  }
  throw failures[0];
}

/** Is an opened bundle. */
export class Recommender {
  private last: Promise<unknown> = Promise.resolve();

  constructor(
    readonly manifest: Manifest,
    readonly catalogue: Catalogue,
    /** The model file in use. */
    readonly file: FileSpec,
    private session: Session,
  ) {
    for (const name of ["item", "score"]) {
      if (!this.signature("recommend").outputs.some((output) => output.name === name)) {
        throw new BundleError("mismatch", `${file.path} must have the output ${name}. Got none.`);
      }
    }
  }

  /** What computes: "LiteRT, WebAssembly". */
  get runtime(): string {
    return this.session.runtime;
  }

  /** Whether sizes and checksums could both be compared; browsers compute checksums on https and localhost alone. */
  get verified(): boolean {
    return canVerify();
  }

  /** Whether `scores` and `explain` are there; very large catalogues leave them out. */
  get canExplain(): boolean {
    return this.scoring(1) !== undefined;
  }

  /**
   * Returns the `k` best items for a history (10), best first; fewer when there are no more. Never one of the history.
   *
   * The history is oldest first. Ids that the catalogue does not know are left out; of a history longer than the graph
   * reads, the newest items count and the older ones are still not recommended. Nobody's history (`[]`) gets what is popular.
   */
  async recommend(history: readonly HistoryEntry[], k = Math.min(10, this.manifest.top_k)): Promise<Recommendation[]> {
    if (!Number.isInteger(k) || k < 1) throw new InvalidValue("k", "a whole number above 0", k);
    if (k > this.manifest.top_k) throw new InvalidValue("k", `at most ${this.manifest.top_k}, the longest list of this bundle`, k);
    const events = this.events(history);
    const got = await this.call(this.signature("recommend"), [events]);
    const seen = new Set(events.map((event) => event.row));
    const list: Recommendation[] = [];
    for (const [at, row] of got["item"]!.entries()) {
      if (row === this.manifest.padding || list.length === k) break;
      if (this.manifest.excludes_seen && seen.has(row)) continue;
      list.push({ itemId: this.catalogue.id(row), score: got["score"]![at]!, title: this.catalogue.title(row), row });
    }
    return list;
  }

  /** Returns the score of every item, by row: seen ones too, -Infinity for what is never recommended. */
  async scores(history: readonly HistoryEntry[]): Promise<Float32Array> {
    return (await this.scoresOf([this.events(history)]))[0]!;
  }

  /** Returns which items of the history an item's score rests on, strongest first: what it loses without each. */
  async explain(history: readonly HistoryEntry[], item: ItemId): Promise<Reason[]> {
    return (await this.explainAll(history, [item]))[0]!;
  }

  /** Explains several items at once, for little more than the price of one. */
  async explainAll(history: readonly HistoryEntry[], items: readonly ItemId[]): Promise<Reason[][]> {
    const rows = items.map((item) => {
      const row = this.catalogue.row(item);
      if (row === undefined) throw new InvalidValue("item", "in the catalogue", item);
      return row;
    });
    const events = this.events(history).slice(-this.manifest.history_length);
    const causes = [...new Set(events.map((event) => event.row).reverse())].slice(0, MOST_EXPLAINED);
    if (causes.length === 0) return rows.map(() => []);
    const without = causes.map((cause) => events.filter((event) => event.row !== cause));
    const [whole, ...occluded] = await this.scoresOf([events, ...without.filter((rest) => rest.length > 0)]);
    return rows.map((row) => {
      // With one item there is nothing to compare with: the whole score rests on it.
      const fall = (n: number): number => (occluded.length === 0 ? whole![row]! : difference(whole![row]!, occluded[n]![row]!));
      const reasons = causes.map((cause, n) => ({ itemId: this.catalogue.id(cause), title: this.catalogue.title(cause), weight: fall(n) }));
      return reasons.sort((a, b) => b.weight - a.weight);
    });
  }

  /** Gives the runtime's memory back; the recommender cannot be used afterwards. */
  close(): void {
    this.session.close();
  }

  /** Goes over to another session of the same file when it gives the same lists sooner; says whether it did. */
  async changeTo(other: Session, probes: readonly (readonly ItemId[])[]): Promise<boolean> {
    const mine = await this.timed(probes);
    const before = this.session;
    this.session = other;
    const theirs = await this.timed(probes).catch(() => undefined);
    const better = theirs !== undefined && theirs.milliseconds < mine.milliseconds && theirs.lists === mine.lists;
    if (!better) this.session = before;
    (better ? before : other).close();
    return better;
  }

  private async timed(probes: readonly (readonly ItemId[])[]): Promise<{ lists: string; milliseconds: number }> {
    const lists: ItemId[][] = [];
    let milliseconds = Infinity;
    for (const probe of probes) {
      const start = performance.now();
      lists.push((await this.recommend(probe)).map((one) => one.itemId));
      milliseconds = Math.min(milliseconds, performance.now() - start);
    }
    return { lists: JSON.stringify(lists), milliseconds };
  }

  private events(history: readonly HistoryEntry[]): Event[] {
    if (!Array.isArray(history)) throw new InvalidValue("history", "a list of item ids", history);
    const events: Event[] = [];
    for (const entry of history as readonly HistoryEntry[]) {
      const given: Exclude<HistoryEntry, ItemId> = typeof entry === "object" && entry !== null ? entry : { item: entry };
      if (typeof given.item !== "string" && typeof given.item !== "number") throw new InvalidValue("history", "a list of item ids", given.item);
      const weight = given.weight ?? this.manifest.liked_weight;
      if (!Number.isFinite(weight)) throw new InvalidValue("weight", "a finite number", weight);
      if (given.time !== undefined && !Number.isFinite(given.time)) throw new InvalidValue("time", "milliseconds since 1970", given.time);
      const row = this.catalogue.row(given.item);
      if (row !== undefined) events.push({ row, weight, time: given.time });
    }
    return events;
  }

  private async scoresOf(histories: readonly (readonly Event[])[]): Promise<Float32Array[]> {
    const signature = this.scoring(histories.length);
    if (signature === undefined) throw new BundleError("mismatch", `${this.file.path} must have the output scores for this. Got none: catalogues above 200,000 items leave it out.`);
    const step = signature.batch ?? Math.min(histories.length, 16);
    const found: Float32Array[] = [];
    for (let start = 0; start < histories.length; start += step) {
      const part = histories.slice(start, start + step);
      const got = await this.call(signature, part);
      const scores = got["scores"] as Float32Array;
      part.forEach((_, n) => found.push(scores.subarray(n * this.catalogue.size, (n + 1) * this.catalogue.size)));
    }
    return found;
  }

  /** Calls wait for each other: a runtime answers one at a time. */
  private call(signature: SignatureSpec, histories: readonly (readonly Event[])[]): Promise<Record<string, Values>> {
    const inputs = encode(signature.inputs, histories, signature.batch ?? histories.length, this.manifest);
    const answer = this.last.then(() => this.session.run(signature.name, inputs));
    this.last = answer.catch(() => {});
    return answer;
  }

  private signature(name: string): SignatureSpec {
    const found = this.find(name);
    if (found === undefined) throw new BundleError("mismatch", `${this.file.path} must have the signature ${name}. Got none.`);
    return found;
  }

  /** What gives the scores of all items: a signature of its own, or an output of the only one, as in ONNX files. */
  private scoring(people: number): SignatureSpec | undefined {
    const names = people > 1 ? ["scores_batch", "scores", "recommend"] : ["scores", "recommend"];
    return names.map((name) => this.find(name)).find((one) => one?.outputs.some((output) => output.name === "scores"));
  }

  private find(name: string): SignatureSpec | undefined {
    return this.file.signatures?.find((signature) => signature.name === name);
  }
}

function modelFiles(manifest: Manifest, options: LoadOptions): FileSpec[] {
  const formats = options.runtime === undefined || options.runtime === "auto" ? (["litert", "onnx"] as const) : [options.runtime];
  const quantize = options.quantize ?? null;
  const files = formats.map((format) => findFile(manifest, "recommend", format, quantize)).filter((file) => file !== undefined);
  if (files.length === 0) {
    const have = manifest.files.filter((file) => file.role === "recommend").map((file) => `${file.format} ${file.quantize ?? "float32"}`);
    throw new BundleError("mismatch", `The bundle must hold a model for ${formats.join(" or ")}, ${quantize ?? "float32"}. Got ${have.join("; ") || "none"}.`);
  }
  return files;
}

async function open(bytes: Uint8Array<ArrayBuffer>, file: FileSpec, options: LoadOptions, accelerator: "wasm" | "webgpu"): Promise<Session> {
  const format = file.format as "litert" | "onnx";
  const base = asFolder(options.runtimeUrl ?? "runtime/");
  let opener: OpenSession;
  try {
    opener = await OPENERS[format]();
  } catch (error) {
    throw new RuntimeUnavailable("no-runtime", `The code for ${format} must be loadable. Got none.`, { cause: error });
  }
  return opener(bytes, file, { runtimeUrl: new URL(`${format}/`, base), accelerator });
}

/** Goes over to WebGPU as far as the options want it and it holds. */
async function accelerated(recommender: Recommender, bytes: Uint8Array<ArrayBuffer>, options: LoadOptions): Promise<Recommender> {
  const wanted = options.accelerator ?? "wasm";
  if (wanted === "wasm" || recommender.file.format !== "litert") return recommender;
  try {
    if (!(await hasGpu())) throw new RuntimeUnavailable("no-runtime", "WebGPU must be there. This browser or device has none.");
    const session = await open(bytes, recommender.file, options, "webgpu");
    if (wanted === "webgpu") return new Recommender(recommender.manifest, recommender.catalogue, recommender.file, session);
    const some = [0, 1, 2, 3, 4].map((n) => recommender.catalogue.id(Math.floor((n / 5) * recommender.catalogue.size)));
    await recommender.changeTo(session, [[], some.slice(0, 1), some.slice(0, 3), some, some]);
  } catch (error) {
    if (wanted === "webgpu") throw error;
  }
  return recommender;
}

async function hasGpu(): Promise<boolean> {
  const gpu = (navigator as { gpu?: { requestAdapter(): Promise<unknown> } }).gpu;
  return gpu !== undefined && (await gpu.requestAdapter()) != null;
}

async function checked(folder: URL, file: FileSpec, onBytes?: (count: number) => void): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = await download(new URL(file.path, folder), onBytes);
  await verify(bytes, file);
  return bytes;
}

function asFolder(url: string | URL): URL {
  const text = String(url);
  return new URL(text.endsWith("/") ? text : `${text}/`, document.baseURI);
}

function difference(whole: number, rest: number): number {
  // -Infinity on both sides: it was never to be had, with the item or without.
  return whole === rest ? 0 : whole - rest;
}
