/** What a runtime does for the recommender: open a model file, call its signatures. */

import type { FileSpec } from "./manifest";

export type Values = Int32Array | Float32Array;

/** One input: its values and shape, batch first. */
export interface Input {
  readonly values: Values;
  readonly shape: readonly number[];
}

/** Is an opened model file. Calls must not overlap; the recommender sees to that. */
export interface Session {
  /** What runs it, for people: "LiteRT 2.5.3, wasm". */
  readonly runtime: string;
  /** Calls a signature and returns its outputs by name. */
  run(signature: string, inputs: Readonly<Record<string, Input>>): Promise<Record<string, Values>>;
  close(): void;
}

export interface SessionOptions {
  /** Folder with the runtime's wasm files. */
  readonly runtimeUrl: URL;
  /** LiteRT: what computes. */
  readonly accelerator: "wasm" | "webgpu";
}

export type OpenSession = (model: Uint8Array<ArrayBuffer>, file: FileSpec, options: SessionOptions) => Promise<Session>;
