/** The module with a runtime that answers from a table: what goes into the graph, what is made of its answer. */

import { beforeAll, describe, expect, it } from "vitest";

import { Catalogue } from "../src/catalogue";
import { InvalidValue, OutOfMemory, RuntimeUnavailable, fromRuntime } from "../src/errors";
import type { FileSpec, Manifest, SignatureSpec } from "../src/manifest";
import { Recommender } from "../src/recsmith";
import type { Input, Session, Values } from "../src/session";

const N = 6;
const H = 3;
const K = 4;

const signature = (name: string, batch: number | null, outputs: string[]): SignatureSpec => ({
  name,
  batch,
  inputs: [
    { name: "history", dtype: "int32", shape: [batch, H], meaning: "rows", source: "history", default: -1 },
    { name: "weight", dtype: "float32", shape: [batch, H], meaning: "weights", source: "weight", default: 0 },
  ],
  outputs: outputs.map((output) => ({ name: output, dtype: output === "item" ? "int32" : "float32", shape: [batch, output === "scores" ? N : K], meaning: "" })),
});

const FILE: FileSpec = {
  path: "model.tflite",
  role: "recommend",
  format: "litert",
  bytes: 1,
  sha256: "0".repeat(64),
  signatures: [signature("recommend", 1, ["item", "score"]), signature("scores", 1, ["scores"])],
};

const MANIFEST: Manifest = {
  schema_version: 1,
  name: "toy",
  model_class: "Toy",
  created: "2026-11-22T00:00:00Z",
  created_by: {},
  n_items: N,
  history_length: H,
  context_length: H,
  keeps: "newest",
  padding: -1,
  top_k: K,
  score: { meaning: "sum", calibrated: false },
  excludes_seen: true,
  empty_history: "popular",
  liked_weight: 5,
  files: [FILE],
};

const catalogue = new Catalogue({ item_id: [10, 20, 30, 40, 50, 60], title: ["A", "B", "C", "D", "E", ""] }, N);

/** Scores item i by i, and by 10 more for the item that follows one of the history. */
class Toy implements Session {
  readonly runtime = "toy";
  readonly calls: Record<string, Input>[] = [];
  busy = false;

  async run(name: string, inputs: Record<string, Input>): Promise<Record<string, Values>> {
    expect(this.busy).toBe(false);
    this.busy = true;
    this.calls.push(inputs);
    await new Promise((resolve) => setTimeout(resolve, 1));
    this.busy = false;
    const { values, shape } = inputs["history"]!;
    const batch = shape[0]!;
    const scores = new Float32Array(batch * N);
    const items: number[] = [];
    for (let b = 0; b < batch; b++) {
      const history = [...values.slice(b * H, (b + 1) * H)].filter((row) => row >= 0);
      for (let i = 0; i < N; i++) scores[b * N + i] = i + (history.includes(i - 1) ? 10 : 0);
      const row = scores.slice(b * N, (b + 1) * N);
      const order = [...row.keys()].filter((i) => !history.includes(i)).sort((x, y) => row[y]! - row[x]!);
      for (let k = 0; k < K; k++) items.push(order[k] ?? -1);
    }
    if (name === "scores") return { scores };
    return { item: Int32Array.from(items), score: Float32Array.from(items, (i) => (i < 0 ? 0 : scores[i]!)), scores };
  }

  close(): void {}
}

let toy: Toy;
let recommender: Recommender;
const ids = (list: readonly { itemId: unknown }[]): unknown[] => list.map((one) => one.itemId);

beforeAll(() => {
  toy = new Toy();
  recommender = new Recommender(MANIFEST, catalogue, FILE, toy);
});

describe("recommend", () => {
  it("gives the best first, never one of the history", async () => {
    const list = await recommender.recommend([10], 3);
    expect(ids(list)).toEqual([20, 60, 50]);
    expect(list[0]).toEqual({ itemId: 20, score: 11, title: "B", row: 1 });
    expect(list[1]!.title).toBe("60");
  });

  it("pads behind the last event and gives the weights, the bundle's own where none is named", async () => {
    await recommender.recommend([20, { item: "30", weight: 2.5 }], 1);
    const inputs = toy.calls.at(-1)!;
    expect([...inputs["history"]!.values]).toEqual([1, 2, -1]);
    expect([...inputs["weight"]!.values]).toEqual([5, 2.5, 0]);
    expect(inputs["history"]!.values).toBeInstanceOf(Int32Array);
    expect(inputs["weight"]!.shape).toEqual([1, H]);
  });

  it("keeps the newest of a long history and still leaves out what it dropped", async () => {
    const list = await recommender.recommend([60, 10, 20, 30], 4);
    expect([...toy.calls.at(-1)!["history"]!.values]).toEqual([0, 1, 2]);
    expect(ids(list)).toEqual([40, 50]);
  });

  it("drops ids that the catalogue does not know; 50 and \"50\" are one", async () => {
    await recommender.recommend(["nobody", "50", 999], 1);
    expect([...toy.calls.at(-1)!["history"]!.values]).toEqual([4, -1, -1]);
  });

  it("gives a short list when little is left", async () => {
    expect(ids(await recommender.recommend([10, 20, 60], 4))).toEqual([30, 50, 40]);
  });

  it.each([
    ["k of 0", () => recommender.recommend([], 0), "k must be a whole number above 0. Got 0."],
    ["k above the graph's", () => recommender.recommend([], 5), "k must be at most 4, the longest list of this bundle. Got 5."],
    ["a history that is none", () => recommender.recommend("50" as never), "history must be a list of item ids"],
    ["an id that is none", () => recommender.recommend([null as never]), "history must be a list of item ids"],
    ["a weight that is none", () => recommender.recommend([{ item: 10, weight: NaN }]), "weight must be a finite number"],
    ["an item that is not there", () => recommender.explain([10], 11), "item must be in the catalogue. Got 11."],
  ])("refuses %s", async (_, call, message) => {
    await expect(call()).rejects.toThrow(InvalidValue);
    await expect(call()).rejects.toThrow(message);
  });

  it("lets calls wait for each other", async () => {
    const lists = await Promise.all([recommender.recommend([10]), recommender.recommend([20]), recommender.scores([])]);
    expect(lists.map((list) => (list as unknown[]).length)).toEqual([4, 4, N]);
  });

  it("goes on after a call that failed", async () => {
    const run = toy.run.bind(toy);
    toy.run = () => Promise.reject(new Error("once"));
    await expect(recommender.recommend([10])).rejects.toThrow("once");
    toy.run = run;
    expect(await recommender.recommend([10], 1)).toHaveLength(1);
  });
});

describe("explain", () => {
  it("names the item whose absence costs most", async () => {
    const reasons = await recommender.explain([10, 40], 20);
    expect(reasons).toEqual([
      { itemId: 10, title: "A", weight: 10 },
      { itemId: 40, title: "D", weight: 0 },
    ]);
  });

  it("rests the whole score on a single item, and nothing on nobody's", async () => {
    expect(await recommender.explain([10], 20)).toEqual([{ itemId: 10, title: "A", weight: 11 }]);
    expect(await recommender.explain([], 20)).toEqual([]);
  });

  it("counts an item that came twice once", async () => {
    expect(ids(await recommender.explain([10, 40, 10], 20))).toEqual([10, 40]);
  });

  it("asks a file with one signature for all at once", async () => {
    const one: FileSpec = { ...FILE, format: "onnx", signatures: [signature("recommend", null, ["item", "score", "scores"])] };
    const session = new Toy();
    const onnx = new Recommender({ ...MANIFEST, files: [one] }, catalogue, one, session);
    expect(onnx.canExplain).toBe(true);
    expect(ids(await onnx.explain([10, 40, 60], 20))[0]).toBe(10);
    expect(session.calls.map((call) => call["history"]!.shape[0])).toEqual([4]);
  });

  it("says so when the file has no scores", async () => {
    const bare: FileSpec = { ...FILE, signatures: [signature("recommend", 1, ["item", "score"])] };
    const silent = new Recommender(MANIFEST, catalogue, bare, new Toy());
    expect(silent.canExplain).toBe(false);
    await expect(silent.scores([10])).rejects.toThrow("must have the output scores");
  });
});

describe("changeTo", () => {
  class Quick extends Toy {
    constructor(private readonly wrong: boolean) {
      super();
    }
    override async run(name: string, inputs: Record<string, Input>): Promise<Record<string, Values>> {
      this.calls.push(inputs);
      const slow = new Toy();
      const answer = await slow.run(name, inputs);
      return this.wrong && answer["item"] ? { ...answer, item: answer["item"].reverse() } : answer;
    }
  }
  class Slow extends Toy {
    override async run(name: string, inputs: Record<string, Input>): Promise<Record<string, Values>> {
      await new Promise((resolve) => setTimeout(resolve, 40));
      return super.run(name, inputs);
    }
  }

  it("takes what is quicker and the same, and leaves what differs", async () => {
    const mine = new Recommender(MANIFEST, catalogue, FILE, new Slow());
    expect(await mine.changeTo(new Quick(true), [[10], [20]])).toBe(false);
    expect(await mine.changeTo(new Quick(false), [[10], [20]])).toBe(true);
    expect(await mine.changeTo(new Slow(), [[10], [20]])).toBe(false);
  });
});

describe("errors", () => {
  it.each(["Out of memory", "Array buffer allocation failed", "WebAssembly.Memory(): could not allocate memory", "Aborted(OOM)", "Cannot enlarge memory arrays"])("knows %s for want of memory", (said) => {
    const error = fromRuntime(new RangeError(said), "opening model.tflite");
    expect(error).toBeInstanceOf(OutOfMemory);
    expect(error.message).toContain("opening model.tflite");
    expect(error.code).toBe("out-of-memory");
  });

  it("calls the rest a failure, and passes its own on", () => {
    expect(fromRuntime(new Error("no such operator"), "calling recommend")).toBeInstanceOf(RuntimeUnavailable);
    const own = new InvalidValue("k", "whole", 1.5);
    expect(fromRuntime(own, "calling")).toBe(own);
    expect(own.name).toBe("InvalidValue");
  });
});
