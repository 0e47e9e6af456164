/** Runs .onnx files with ONNX Runtime Web, on the CPU. */

import * as ort from "onnxruntime-web/wasm";

import { BundleError, RuntimeUnavailable, fromRuntime } from "./errors";
import type { FileSpec } from "./manifest";
import type { Input, Session, SessionOptions, Values } from "./session";

export const ORT_SCRIPT = "ort-wasm-simd-threaded.mjs";
export const ORT_WASM = "ort-wasm-simd-threaded.wasm";

/** Opens an .onnx file. */
export async function openOnnx(model: Uint8Array<ArrayBuffer>, file: FileSpec, options: SessionOptions): Promise<Session> {
  ort.env.wasm.wasmPaths = {
    mjs: new URL(ORT_SCRIPT, options.runtimeUrl).href,
    wasm: new URL(ORT_WASM, options.runtimeUrl).href,
  };
  // Threads need headers that not every host can send, and a list takes less than a millisecond on one.
  ort.env.wasm.numThreads = 1;
  let session: ort.InferenceSession;
  try {
    session = await ort.InferenceSession.create(model, { executionProviders: ["wasm"], logSeverityLevel: 3 });
  } catch (error) {
    const known = fromRuntime(error, `opening ${file.path}`);
    if (/no available backend|backend not found|both async and sync fetching/i.test(known.message)) {
      throw new RuntimeUnavailable("no-runtime", "ONNX Runtime must be loadable. This browser did not load its WebAssembly file.", { cause: error });
    }
    throw known;
  }
  for (const spec of file.signatures ?? []) {
    for (const { name } of spec.inputs) {
      if (!session.inputNames.includes(name)) throw notTogether(file, `input ${name}`);
    }
    for (const { name } of spec.outputs) {
      if (!session.outputNames.includes(name)) throw notTogether(file, `output ${name}`);
    }
  }
  return new OnnxSession(session, file);
}

class OnnxSession implements Session {
  readonly runtime = "ONNX Runtime, WebAssembly";

  constructor(
    private readonly session: ort.InferenceSession,
    private readonly file: FileSpec,
  ) {}

  async run(signature: string, inputs: Readonly<Record<string, Input>>): Promise<Record<string, Values>> {
    const spec = this.file.signatures?.find((one) => one.name === signature);
    if (spec === undefined) throw notTogether(this.file, `signature ${signature}`);
    const feeds: Record<string, ort.Tensor> = {};
    for (const [name, { values, shape }] of Object.entries(inputs)) {
      feeds[name] = values instanceof Int32Array ? new ort.Tensor("int32", values, shape) : new ort.Tensor("float32", values, shape);
    }
    try {
      const got = await this.session.run(feeds, spec.outputs.map((output) => output.name));
      return Object.fromEntries(spec.outputs.map(({ name }) => [name, got[name]!.data as Values]));
    } catch (error) {
      throw fromRuntime(error, `calling ${signature}`);
    }
  }

  close(): void {
    void this.session.release();
  }
}

function notTogether(file: FileSpec, what: string): BundleError {
  return new BundleError("mismatch", `${file.path} must have the ${what} that the manifest names. Got none: model and manifest don't belong together.`);
}
