/** Small helpers for building the page by hand. */

export type Child = Node | string | null | undefined | false;
type Attributes = Readonly<Record<string, string | number | boolean | null | undefined | ((event: Event) => void)>>;

/** Makes an element: attributes by name, `on…` for listeners; false and null leave an attribute out. */
export function h<K extends keyof HTMLElementTagNameMap>(tag: K, attributes: Attributes = {}, ...children: Child[]): HTMLElementTagNameMap[K] {
  return filled(document.createElement(tag), attributes, children);
}

/** Makes an SVG element. */
export function svg<K extends keyof SVGElementTagNameMap>(tag: K, attributes: Attributes = {}, ...children: Child[]): SVGElementTagNameMap[K] {
  return filled(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);
}

function filled<E extends Element>(element: E, attributes: Attributes, children: readonly Child[]): E {
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(name.slice(2).toLowerCase(), value);
    else if (value !== false && value != null) element.setAttribute(name, value === true ? "" : String(value));
  }
  element.append(...children.filter((child): child is Node | string => child !== null && child !== undefined && child !== false));
  return element;
}

/** Finds an element of index.html that must be there. */
export function byId<E extends HTMLElement = HTMLElement>(id: string): E {
  const found = document.getElementById(id);
  if (found === null) throw new Error(`index.html must have #${id}`);
  return found as E;
}

/** An icon drawn with strokes, 24 units wide. */
export function icon(name: keyof typeof ICONS): SVGSVGElement {
  const paths = ICONS[name].map((d) => svg("path", { d }));
  return svg("svg", { class: "icon", viewBox: "0 0 24 24", "aria-hidden": "true", focusable: "false" }, ...paths);
}

const ICONS = {
  plus: ["M12 5v14", "M5 12h14"],
  cross: ["M6 6l12 12", "M18 6L6 18"],
  auto: ["M12 3a9 9 0 1 0 0 18z", "M12 3a9 9 0 0 1 0 18"],
  light: ["M12 8a4 4 0 1 0 0 8a4 4 0 0 0 0-8z", "M12 2v2M12 20v2M2 12h2M20 12h2M5 5l1.4 1.4M17.6 17.6L19 19M5 19l1.4-1.4M17.6 6.4L19 5"],
  dark: ["M20 14.5A8.5 8.5 0 0 1 9.5 4 8.5 8.5 0 1 0 20 14.5z"],
  heart: ["M12 20s-7-4.4-9-9a4.8 4.8 0 0 1 9-3.6A4.8 4.8 0 0 1 21 11c-2 4.6-9 9-9 9z"],
} as const;

/** Moves what changed its place softly there, and lets what is new come up. */
export function moving(container: HTMLElement, change: () => void): void {
  if (matchMedia("(prefers-reduced-motion: reduce)").matches) {
    change();
    return;
  }
  const before = places(container);
  change();
  for (const [key, after] of places(container)) {
    const from = before.get(key);
    const frames =
      from === undefined
        ? [{ opacity: 0, transform: "translateY(10px) scale(.97)" }, {}]
        : [{ transform: `translate(${from.box.x - after.box.x}px, ${from.box.y - after.box.y}px)` }, {}];
    if (from !== undefined && from.box.x === after.box.x && from.box.y === after.box.y) continue;
    after.element.animate(frames, { duration: 340, easing: "cubic-bezier(.2, .8, .2, 1)" });
  }
}

function places(container: HTMLElement): Map<string, { element: HTMLElement; box: DOMRect }> {
  const found = new Map<string, { element: HTMLElement; box: DOMRect }>();
  for (const element of container.querySelectorAll<HTMLElement>("[data-key]")) {
    found.set(element.dataset["key"]!, { element, box: element.getBoundingClientRect() });
  }
  return found;
}
