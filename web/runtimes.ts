/** The files of the runtimes that the page loads; `src/litert.ts` and `src/onnx.ts` say why these. */

export const LITERT_FILES = ["litert_wasm_compat_internal.js", "litert_wasm_compat_internal.wasm"] as const;
export const ORT_FILES = ["ort-wasm-simd-threaded.mjs", "ort-wasm-simd-threaded.wasm"] as const;
