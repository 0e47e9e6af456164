/** Turns a history into the arrays that a graph reads. */

import type { ColumnSpec, Manifest, TensorSpec } from "./manifest";
import type { Input, Values } from "./session";

/** An item of a history by its row, with its weight. */
export interface Event {
  readonly row: number;
  readonly weight: number;
}

/** Returns the inputs of one call: one history a row, the newest events of each, padded behind. */
export function encode(
  specs: readonly TensorSpec[],
  histories: readonly (readonly Event[])[],
  batch: number,
  manifest: Manifest,
): Record<string, Input> {
  const kept = histories.map((history) => history.slice(-manifest.history_length));
  const inputs: Record<string, Input> = {};
  for (const spec of specs) {
    const shape = [batch, ...spec.shape.slice(1).map((size) => size ?? 1)];
    const length = shape.reduce((product, size) => product * size, 1);
    const values: Values = spec.dtype === "int32" ? new Int32Array(length) : new Float32Array(length);
    values.fill(spec.source === "history" || spec.name === "history" ? manifest.padding : (spec.default ?? 0));
    const width = length / batch;
    if (spec.name === "history") {
      kept.forEach((history, b) => history.forEach((event, at) => (values[b * width + at] = event.row)));
    } else if (spec.name === "weight") {
      kept.forEach((history, b) => history.forEach((event, at) => (values[b * width + at] = event.weight)));
    } else if (spec.source === "context" && manifest.request_time != null) {
      const column = manifest.features?.context?.find((one) => one.name === spec.feature);
      if (column?.kind === "time") values.fill(coded(column, manifest.request_time, spec.part));
    }
    inputs[spec.name] = { values, shape };
  }
  return inputs;
}

/** Returns a number's bucket (counted from 1) or its scaled value, as the manifest describes the column. */
function coded(column: ColumnSpec, value: number, part: TensorSpec["part"]): number {
  if (part === "codes") return (column.cuts ?? []).filter((cut) => cut <= value).length + 1;
  const scaled = (value - (column.mean ?? 0)) / (column.deviation ?? 1);
  return Math.min(10, Math.max(-10, scaled));
}
