/** Fetches the files of a bundle and compares them with the sizes and checksums that its manifest names. */

import { BundleError } from "./errors";
import type { FileSpec } from "./manifest";

/** Bytes of the bundle that have come so far, and how many there are. */
export type Progress = (loaded: number, total: number) => void;

/** Fetches a file whole; throws `BundleError` when it is not there. */
export async function download(url: URL, onBytes: (count: number) => void = () => {}): Promise<Uint8Array<ArrayBuffer>> {
  let response: Response;
  try {
    response = await fetch(url);
  } catch (error) {
    throw new BundleError("not-found", `${url.pathname} must be reachable. Got no answer: no network, and not kept for offline use.`, { cause: error });
  }
  if (!response.ok) {
    throw new BundleError("not-found", `${url.pathname} must be there. Got status ${response.status}.`);
  }
  try {
    return await collected(response, onBytes);
  } catch (error) {
    throw new BundleError("not-found", `${url.pathname} must arrive whole. The connection broke off.`, { cause: error });
  }
}

async function collected(response: Response, onBytes: (count: number) => void): Promise<Uint8Array<ArrayBuffer>> {
  if (response.body === null) return new Uint8Array(await response.arrayBuffer());
  const reader = response.body.getReader();
  const parts: Uint8Array[] = [];
  let length = 0;
  for (let step = await reader.read(); !step.done; step = await reader.read()) {
    parts.push(step.value);
    length += step.value.length;
    onBytes(step.value.length);
  }
  const whole = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** Says whether this page can compute checksums: browsers do so on https and localhost alone. */
export function canVerify(): boolean {
  return globalThis.crypto?.subtle !== undefined;
}

/** Throws `BundleError` unless the bytes are those that the manifest names. */
export async function verify(bytes: Uint8Array<ArrayBuffer>, spec: FileSpec): Promise<void> {
  if (bytes.length !== spec.bytes) {
    throw new BundleError("corrupt", `${spec.path} must have ${spec.bytes} bytes. Got ${bytes.length}. The file was cut short, or belongs to another bundle.`);
  }
  if (!canVerify()) return;
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  const found = Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
  if (found !== spec.sha256) {
    throw new BundleError("corrupt", `${spec.path} must be the file that the manifest names. Got another checksum. The file was altered, or belongs to another bundle.`);
  }
}
