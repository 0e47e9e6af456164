/** The reader's idea of a manifest, against what recsmith writes and against what is broken. */

import { readFileSync } from "node:fs";
import { resolve } from "node:path";

import { describe, expect, it } from "vitest";

import { Catalogue } from "../src/catalogue";
import { verify } from "../src/download";
import { encode } from "../src/inputs";
import { type Manifest, SCHEMA_VERSION, type TensorSpec, readManifest } from "../src/manifest";

const GOOD = {
  schema_version: 1,
  name: "toy",
  model_class: "Toy",
  n_items: 3,
  history_length: 2,
  top_k: 2,
  padding: -1,
  keeps: "newest",
  liked_weight: 1,
  score: { meaning: "sum", calibrated: false },
  files: [{ path: "model.tflite", role: "recommend", bytes: 3, sha256: "0".repeat(64) }],
};

describe("readManifest", () => {
  it("reads what it needs and passes over what it does not know", () => {
    expect(readManifest(JSON.stringify({ ...GOOD, later: true }), "manifest.json").n_items).toBe(3);
  });

  it.each([
    ["a newer schema", { ...GOOD, schema_version: SCHEMA_VERSION + 1 }, "newer-schema", "schema_version 1 or lower. Got 2"],
    ["no schema", { hello: 1 }, "not-a-bundle", "must describe a recsmith bundle"],
    ["a list", [], "not-a-bundle", "must be a JSON object"],
    ["no items", { ...GOOD, n_items: 0 }, "not-a-bundle", "wrong n_items"],
    ["another end kept", { ...GOOD, keeps: "oldest" }, "not-a-bundle", "wrong keeps"],
    ["a path that leaves the bundle", { ...GOOD, files: [{ ...GOOD.files[0], path: "../secret" }] }, "not-a-bundle", "plain name"],
    ["a file without checksum", { ...GOOD, files: [{ ...GOOD.files[0], sha256: "" }] }, "not-a-bundle", "bytes and sha256"],
  ])("refuses %s", (_, manifest, code, message) => {
    const reading = (): unknown => readManifest(JSON.stringify(manifest), "manifest.json");
    expect(reading).toThrow(expect.objectContaining({ code }));
    expect(reading).toThrow(message);
  });

  it("refuses what is cut short", () => {
    expect(() => readManifest('{"schema_version": 1', "manifest.json")).toThrow(expect.objectContaining({ code: "corrupt" }));
  });

  it("names only fields that recsmith's own schema has", () => {
    const schema = JSON.parse(readFileSync(resolve(import.meta.dirname, "../../src/recsmith/export/manifest.schema.json"), "utf8")) as {
      properties: Record<string, unknown>;
      $defs: Record<string, { properties?: Record<string, unknown> }>;
    };
    const source = readFileSync(resolve(import.meta.dirname, "../src/manifest.ts"), "utf8");
    const fields = (name: string): string[] => {
      const body = new RegExp(`interface ${name} \\{([\\s\\S]*?)\\n\\}`).exec(source)![1]!;
      return [...body.matchAll(/^ {2}readonly (\w+)\??:/gm)].map((match) => match[1]!);
    };
    for (const field of fields("Manifest")) expect(Object.keys(schema.properties)).toContain(field);
    for (const part of ["FileSpec", "SignatureSpec", "TensorSpec", "ColumnSpec", "ParityFigures"]) {
      for (const field of fields(part)) expect(Object.keys(schema.$defs[part]!.properties!), part).toContain(field);
    }
  });
});

describe("verify", () => {
  const bytes = new TextEncoder().encode("abc");
  const sha256 = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

  it("passes the file that is meant, refuses another and a shorter one", async () => {
    await verify(bytes, { path: "a", role: "card", bytes: 3, sha256 });
    await expect(verify(bytes, { path: "a", role: "card", bytes: 3, sha256: "0".repeat(64) })).rejects.toThrow("another checksum");
    await expect(verify(bytes.slice(0, 2), { path: "a", role: "card", bytes: 3, sha256 })).rejects.toThrow("must have 3 bytes. Got 2");
  });
});

describe("encode", () => {
  const features = {
    event: [
      { name: "rating", kind: "number", mean: 3, deviation: 2 },
      { name: "gap", kind: "number", cuts: [0.5, 1] },
      { name: "day_of_week", kind: "categorical", tokens: ["3", "4"] },
    ],
    context: [{ name: "instant", kind: "time", cuts: [10, 20, 30] }],
  };
  const manifest = { ...GOOD, features, request_time: 25 } as unknown as Manifest;
  const spec = (name: string, source: "event" | "person" | "context", feature: string, part: "codes" | "value", shape: number[]): TensorSpec => ({ name, dtype: part === "codes" ? "int32" : "float32", shape: [1, ...shape], meaning: "", source, feature, part, default: 0 });

  it("codes what an event and a request say, and leaves unknown what nobody knows", () => {
    const specs = [
      spec("event_rating", "event", "rating", "value", [2]),
      spec("event_gap", "event", "gap", "codes", [2, 1]),
      spec("event_day", "event", "day_of_week", "codes", [2, 1]),
      spec("person_city", "person", "city", "codes", [1]),
      spec("context_instant", "context", "instant", "codes", [1]),
    ];
    const day = 24 * 3_600_000;
    const timed = encode(specs, [[{ row: 1, weight: 4, time: 0 }, { row: 2, weight: 100, time: day }]], 1, manifest);
    expect([...timed["event_rating"]!.values]).toEqual([0.5, 10]);
    expect([...timed["event_gap"]!.values]).toEqual([0, 3]);
    expect([...timed["event_day"]!.values]).toEqual([1, 2]); // 1970 began on a Thursday
    expect([...timed["context_instant"]!.values]).toEqual([4]);
    const bare = encode(specs, [[{ row: 1, weight: 3 }]], 1, manifest);
    expect([...bare["event_gap"]!.values, ...bare["event_day"]!.values, ...bare["person_city"]!.values]).toEqual([0, 0, 0, 0, 0]);
    expect([...bare["context_instant"]!.values]).toEqual([3]);
  });

  it("leaves rows of a batch that nobody uses empty", () => {
    const history = { name: "history", dtype: "int32", shape: [2, 2], meaning: "", source: "history", default: -1 } as const;
    expect([...encode([history], [[{ row: 2, weight: 1 }]], 2, manifest)["history"]!.values]).toEqual([2, -1, -1, -1]);
  });
});

describe("Catalogue", () => {
  it("must have as many rows as the manifest says", () => {
    expect(() => new Catalogue({ item_id: [1, 2] }, 3)).toThrow("must hold 3 item_id. Got 2");
    expect(() => new Catalogue({}, 3)).toThrow(expect.objectContaining({ code: "mismatch" }));
  });

  it("refuses a row that it does not have", () => {
    expect(() => new Catalogue({ item_id: [1] }, 1).id(4)).toThrow("rows below 1. Got 4");
  });
});
