/** What a bundle says of itself: the parts of manifest.json that a reader needs, and their check. */

import { BundleError } from "./errors";

/** The newest schema that this module reads. */
export const SCHEMA_VERSION = 1;

export type DType = "int32" | "float32";
export type Format = "litert" | "onnx" | "executorch";
export type Quantize = "fp16" | "int8";

/** One named input or output; `null` in a shape is any size. */
export interface TensorSpec {
  readonly name: string;
  readonly dtype: DType;
  readonly shape: readonly (number | null)[];
  readonly meaning: string;
  readonly source?: "history" | "weight" | "event" | "person" | "context" | "candidate" | null;
  readonly feature?: string | null;
  readonly part?: "codes" | "value" | null;
  readonly default?: number;
}

/** One way to call a model file; a `batch` of `null` takes any number of people. */
export interface SignatureSpec {
  readonly name: string;
  readonly batch: number | null;
  readonly inputs: readonly TensorSpec[];
  readonly outputs: readonly TensorSpec[];
}

export interface ParityFigures {
  readonly n_histories: number;
  readonly k: number;
  readonly order_equal: number;
  readonly near_ties: number;
  readonly max_score_difference: number | null;
  readonly overlap: number;
  readonly passed: boolean;
}

export interface FileSpec {
  readonly path: string;
  readonly role: "recommend" | "rank" | "catalogue" | "parity" | "card";
  readonly format?: Format | null;
  readonly quantize?: Quantize | null;
  readonly bytes: number;
  readonly sha256: string;
  readonly signatures?: readonly SignatureSpec[];
  readonly parity?: ParityFigures | null;
}

export interface ColumnSpec {
  readonly name: string;
  readonly kind: "categorical" | "multi" | "text" | "number" | "time";
  readonly tokens?: readonly string[];
  readonly cuts?: readonly number[];
  readonly mean?: number;
  readonly deviation?: number;
  readonly length?: number;
}

export interface Manifest {
  readonly schema_version: number;
  readonly name: string;
  readonly model_class: string;
  readonly created: string;
  readonly created_by: Readonly<Record<string, string>>;
  readonly n_items: number;
  /** Events that an input holds; of a longer history the newest are given. */
  readonly history_length: number;
  readonly context_length: number;
  readonly keeps: "newest";
  readonly padding: number;
  /** The longest list that the graph gives. */
  readonly top_k: number;
  readonly score: { readonly meaning: string; readonly calibrated: boolean };
  readonly excludes_seen: boolean;
  readonly empty_history: "popular" | "scores";
  /** Weight of an item that was named without one. */
  readonly liked_weight: number;
  readonly features?: Readonly<Partial<Record<"event" | "person" | "context", readonly ColumnSpec[]>>>;
  readonly request_time?: number | null;
  readonly mismatch_allowed?: boolean;
  readonly files: readonly FileSpec[];
}

/** Columns of the catalogue; row r of every column is the item with code r. */
export type CatalogueColumns = Readonly<Record<string, readonly unknown[]>>;

/** Reads manifest.json; throws `BundleError` for one that is cut short, too new or something else. */
export function readManifest(text: string, where: string): Manifest {
  const found = parse(text, where);
  const version = found["schema_version"];
  if (typeof version !== "number") {
    throw new BundleError("not-a-bundle", `${where} must describe a recsmith bundle. Got no schema_version.`);
  }
  if (version > SCHEMA_VERSION) {
    throw new BundleError(
      "newer-schema",
      `${where} must have schema_version ${SCHEMA_VERSION} or lower. Got ${version}. This page is older than the bundle: build the site again with a newer recsmith.`,
    );
  }
  for (const [name, isRight] of REQUIRED) {
    if (!isRight(found[name])) throw new BundleError("not-a-bundle", `${where} must follow its schema. Got a wrong ${name}.`);
  }
  const manifest = found as unknown as Manifest;
  for (const file of manifest.files) {
    // A path with folders could point out of the bundle.
    if (typeof file?.path !== "string" || !/^[^/\\]+$/.test(file.path) || file.path === "..") {
      throw new BundleError("not-a-bundle", `${where}: a file's path must be a plain name. Got ${JSON.stringify(file?.path)}.`);
    }
    if (typeof file.bytes !== "number" || !/^[0-9a-f]{64}$/.test(file.sha256)) {
      throw new BundleError("not-a-bundle", `${where}: ${file.path} must have its bytes and sha256.`);
    }
  }
  return manifest;
}

/** Returns the file of a role, format and quantisation; undefined when the bundle has none. */
export function findFile(
  manifest: Manifest,
  role: FileSpec["role"],
  format: Format | null = null,
  quantize: Quantize | null = null,
): FileSpec | undefined {
  return manifest.files.find((f) => f.role === role && (f.format ?? null) === format && (f.quantize ?? null) === quantize);
}

/** Parses a JSON object, with the bundle's own error when it is none. */
export function parse(text: string, where: string): Record<string, unknown> {
  let found: unknown;
  try {
    found = JSON.parse(text);
  } catch (error) {
    throw new BundleError("corrupt", `${where} must be JSON. The file is cut short, altered, or another page.`, { cause: error });
  }
  if (typeof found !== "object" || found === null || Array.isArray(found)) {
    throw new BundleError("not-a-bundle", `${where} must be a JSON object.`);
  }
  return found as Record<string, unknown>;
}

const isCount = (value: unknown): boolean => Number.isInteger(value) && (value as number) > 0;
const isText = (value: unknown): boolean => typeof value === "string";

const REQUIRED: readonly [string, (value: unknown) => boolean][] = [
  ["name", isText],
  ["model_class", isText],
  ["n_items", isCount],
  ["history_length", isCount],
  ["top_k", isCount],
  ["padding", (value) => Number.isInteger(value)],
  ["keeps", (value) => value === "newest"],
  ["liked_weight", (value) => typeof value === "number"],
  ["score", (value) => typeof value === "object" && value !== null],
  ["files", Array.isArray],
];
