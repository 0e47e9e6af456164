/** Turns histories into the arrays that a graph reads, as recsmith's own readers do. */

import type { ColumnSpec, Manifest, TensorSpec } from "./manifest";
import type { Input, Values } from "./session";

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const FAR = 10;

/** An item of a history by its row, with its weight and, where known, its time in milliseconds since 1970. */
export interface Event {
  readonly row: number;
  readonly weight: number;
  readonly time?: number | undefined;
}

/** What is known of an event or a request, by the name of the column; undefined is unknown. */
type Cells = Readonly<Record<string, number | string | undefined>>;

/** Returns the inputs of one call: one history a row, the newest events of each, padded behind. */
export function encode(
  specs: readonly TensorSpec[],
  histories: readonly (readonly Event[])[],
  batch: number,
  manifest: Manifest,
): Record<string, Input> {
  const kept = histories.map((history) => history.slice(-manifest.history_length));
  // The first that is kept may still have one before it.
  const before = (b: number, at: number): Event | undefined => histories[b]![histories[b]!.length - kept[b]!.length + at - 1];
  const inputs: Record<string, Input> = {};
  for (const spec of specs) {
    const shape = [batch, ...spec.shape.slice(1).map((size) => size ?? 1)];
    const length = shape.reduce((product, size) => product * size, 1);
    const values: Values = spec.dtype === "int32" ? new Int32Array(length) : new Float32Array(length);
    const width = length / batch;
    const source = spec.source ?? spec.name;
    values.fill(source === "history" ? manifest.padding : (spec.default ?? 0));
    const column = manifest.features?.[source as "event"]?.find((one) => one.name === spec.feature);
    kept.forEach((history, b) => {
      if (source === "history") history.forEach((event, at) => (values[b * width + at] = event.row));
      else if (source === "weight") history.forEach((event, at) => (values[b * width + at] = event.weight));
      else if (source === "event" && column !== undefined) {
        const step = width / manifest.history_length;
        history.forEach((event, at) => values.set(coded(column, cellsOf(event, before(b, at))[column.name], spec.part, step), b * width + at * step));
      } else if (source === "context" && column !== undefined) {
        const time = history.at(-1)?.time ?? manifest.request_time ?? 0;
        values.set(coded(column, timeParts(time)[column.name], spec.part, width), b * width);
      }
    });
    inputs[spec.name] = { values, shape };
  }
  return inputs;
}

function cellsOf(event: Event, before: Event | undefined): Cells {
  const hours = event.time !== undefined && before?.time !== undefined ? (event.time - before.time) / HOUR : undefined;
  return { rating: event.weight, gap: hours === undefined ? undefined : Math.log1p(Math.max(hours, 0)), ...(event.time === undefined ? {} : timeParts(event.time)) };
}

/** What a time says, in UTC; Monday is 0. */
function timeParts(time: number): Cells {
  return { instant: time, hour_of_day: String(Math.floor(time / HOUR) % 24), day_of_week: String((Math.floor(time / DAY) + 3) % 7) };
}

/** Returns `length` codes (a bucket or tokens counted from 1, 0 for unknown), or the scaled number. */
function coded(column: ColumnSpec, cell: number | string | undefined, part: TensorSpec["part"], length: number): number[] {
  const codes = Array.from({ length }, () => 0);
  if (cell === undefined) return codes;
  if (column.kind !== "number" && column.kind !== "time") {
    codes[0] = (column.tokens ?? []).indexOf(String(cell)) + 1;
  } else if (part === "value") {
    codes[0] = Math.min(FAR, Math.max(-FAR, (Number(cell) - (column.mean ?? 0)) / (column.deviation ?? 1)));
  } else {
    codes[0] = (column.cuts ?? []).filter((cut) => cut <= Number(cell)).length + 1;
  }
  return codes;
}
