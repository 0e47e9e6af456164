/** Runs .tflite files with LiteRT.js. */

import { type CompiledModel, type SignatureRunner, Tensor, loadAndCompile, loadLiteRt } from "@litertjs/core";

import { BundleError, RuntimeUnavailable, fromRuntime } from "./errors";
import type { FileSpec } from "./manifest";
import type { Input, Session, SessionOptions, Values } from "./session";

/** The build without relaxed SIMD: half the files to keep, and every device rounds alike. */
export const LITERT_SCRIPT = "litert_wasm_compat_internal.js";

let loading: Promise<void> | undefined;

/** Opens a .tflite file. */
export async function openLiteRt(model: Uint8Array<ArrayBuffer>, file: FileSpec, options: SessionOptions): Promise<Session> {
  try {
    // One runtime a page: LiteRT keeps it in a global of its own.
    loading ??= start(new URL(LITERT_SCRIPT, options.runtimeUrl));
    await loading;
  } catch (error) {
    loading = undefined;
    throw noRuntime(error);
  }
  let compiled: CompiledModel;
  try {
    compiled = await loadAndCompile(model, {
      accelerator: options.accelerator,
      gpuOptions: { precision: "fp32" },
    });
  } catch (error) {
    throw fromRuntime(error, `opening ${file.path}`);
  }
  if (options.accelerator === "webgpu" && !compiled.isFullyAccelerated) {
    compiled.delete();
    throw new RuntimeUnavailable("no-runtime", `${file.path} must run on WebGPU as a whole. Some of its operators cannot.`);
  }
  checkAgainst(compiled, file);
  return new LiteRtSession(compiled, options.accelerator);
}

/** Loads the wasm file once. */
async function start(script: URL): Promise<void> {
  // LiteRT tells of its well-being on standard error, which browsers show as errors of the page.
  const quiet = (text: string): void => (/^(INFO|WARNING|VERBOSE)\b/.test(text) ? console.debug(text) : console.error(text));
  (globalThis as { Module?: unknown }).Module = { print: console.debug, printErr: quiet };
  await loadLiteRt(script.href);
}

class LiteRtSession implements Session {
  readonly runtime: string;

  constructor(
    private readonly compiled: CompiledModel,
    accelerator: string,
  ) {
    this.runtime = `LiteRT, ${accelerator === "webgpu" ? "WebGPU" : "WebAssembly"}`;
  }

  async run(signature: string, inputs: Readonly<Record<string, Input>>): Promise<Record<string, Values>> {
    const runner = runnerOf(this.compiled, signature);
    const given: Record<string, Tensor> = {};
    let got: Record<string, Tensor> = {};
    try {
      for (const [name, input] of Object.entries(inputs)) given[name] = new Tensor(input.values, [...input.shape]);
      got = await runner.run(given);
      const outputs: Record<string, Values> = {};
      for (const [name, tensor] of Object.entries(got)) {
        // A copy: the tensor's own memory is freed below.
        outputs[name] = (await tensor.data()).slice() as Values;
      }
      return outputs;
    } catch (error) {
      throw fromRuntime(error, `calling ${signature}`);
    } finally {
      for (const tensor of [...Object.values(given), ...Object.values(got)]) tensor.delete();
    }
  }

  close(): void {
    this.compiled.delete();
  }
}

function runnerOf(compiled: CompiledModel, signature: string): SignatureRunner {
  const runner = compiled.signatures[signature];
  if (runner === undefined) throw new BundleError("mismatch", `The model must have the signature ${signature}. Got none: model and manifest don't belong together.`);
  return runner;
}

/** Compares what the model file asks for with what the manifest says it does. */
function checkAgainst(compiled: CompiledModel, file: FileSpec): void {
  for (const spec of file.signatures ?? []) {
    const details = runnerOf(compiled, spec.name).getInputDetails();
    for (const input of spec.inputs) {
      const found = details.find((one) => one.name === input.name);
      const shape = found === undefined ? "none" : `${found.dtype} [${[...found.shape].join(", ")}]`;
      const wanted = `${input.dtype} [${input.shape.join(", ")}]`;
      if (shape !== wanted) {
        throw new BundleError("mismatch", `${file.path}: input ${input.name} of ${spec.name} must be ${wanted}. Got ${shape}: model and manifest don't belong together.`);
      }
    }
  }
}

function noRuntime(error: unknown): Error {
  const known = fromRuntime(error, "loading LiteRT");
  if (known.code === "out-of-memory") return known;
  return new RuntimeUnavailable("no-runtime", "LiteRT must be loadable. This browser did not load its WebAssembly file.", { cause: error });
}
