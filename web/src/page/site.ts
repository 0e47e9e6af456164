/** What `recsmith web` wrote beside the page: which bundle, what it is called, what is in it. */

export interface Site {
  readonly bundle: string;
  readonly runtime: "auto" | "litert" | "onnx";
  readonly quantize: "fp16" | "int8" | null;
  readonly title: string | null;
  readonly kind: "films" | "items";
}

const DEFAULT: Site = { bundle: "bundle/", runtime: "auto", quantize: null, title: null, kind: "items" };

/** Reads site.json; a page without one looks for a bundle in `bundle/`. */
export async function readSite(): Promise<Site> {
  try {
    const response = await fetch(new URL("site.json", document.baseURI));
    return response.ok ? { ...DEFAULT, ...((await response.json()) as Partial<Site>) } : DEFAULT;
  } catch {
    return DEFAULT;
  }
}
