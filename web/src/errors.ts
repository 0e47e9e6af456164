/** What can go wrong, each with a code that a page can translate and a sentence for everybody else. */

export type ErrorCode =
  | "not-found"
  | "not-a-bundle"
  | "newer-schema"
  | "corrupt"
  | "mismatch"
  | "no-runtime"
  | "out-of-memory"
  | "failed"
  | "invalid-value";

/** Is the root of this module's own errors. */
export class RecsmithError extends Error {
  constructor(
    readonly code: ErrorCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.name = new.target.name;
  }
}

/** Is thrown for a bundle that is absent, incomplete, altered, too new or made of parts that don't belong together. */
export class BundleError extends RecsmithError {}

/** Is thrown when the browser cannot run the model: no WebAssembly, a runtime that does not load. */
export class RuntimeUnavailable extends RecsmithError {}

/** Is thrown when the browser gives no more memory. */
export class OutOfMemory extends RecsmithError {}

/** Is thrown for a wrong argument: NAME must be REQUIREMENT. Got VALUE. */
export class InvalidValue extends RecsmithError {
  constructor(name: string, requirement: string, got: unknown) {
    super("invalid-value", `${name} must be ${requirement}. Got ${shown(got)}.`);
  }
}

const NO_MEMORY =
  /out of memory|\boom\b|memory allocation|allocation failed|allocate memory|could not allocate|bad_alloc|enlarge memory|memory\.grow|invalid array buffer length/i;

/** Returns `OutOfMemory` for what browsers and runtimes raise when memory runs out, else `RuntimeUnavailable`. */
export function fromRuntime(error: unknown, doing: string): RecsmithError {
  if (error instanceof RecsmithError) return error;
  const said = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  if (NO_MEMORY.test(said)) {
    return new OutOfMemory(
      "out-of-memory",
      `The model must fit the browser's memory. Got: ${said}, when ${doing}. Close other tabs and load again.`,
      { cause: error },
    );
  }
  return new RuntimeUnavailable("failed", `The runtime must be able to go on. Got: ${said}, when ${doing}.`, { cause: error });
}

function shown(value: unknown): string {
  const text = typeof value === "string" ? JSON.stringify(value) : String(value);
  return text.length > 120 ? `${text.slice(0, 120)}…` : text;
}
