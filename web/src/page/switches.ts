/** The switches at the top: real radio buttons that look like one control. */

import { h, icon } from "./dom";

export type Theme = "auto" | "light" | "dark";

/** Fills a fieldset with a choice of several. */
export function segments<K extends string>(fieldset: HTMLElement, legend: string, options: Readonly<Record<K, string>>, chosen: K, choose: (key: K) => void, icons?: Readonly<Record<K, Parameters<typeof icon>[0]>>): void {
  const name = fieldset.id;
  const focused = document.activeElement instanceof HTMLInputElement && document.activeElement.name === name;
  const labels = (Object.entries(options) as [K, string][]).map(([key, text]) => {
    const input = h("input", { type: "radio", name, value: key, onchange: () => choose(key) });
    input.checked = key === chosen;
    const drawn = icons?.[key];
    return h("label", { title: drawn === undefined ? null : text }, input, drawn === undefined ? h("span", {}, text) : h("span", {}, icon(drawn), h("span", { class: "hidden" }, text)));
  });
  fieldset.replaceChildren(h("legend", { class: "hidden" }, legend), ...labels);
  if (focused) fieldset.querySelector<HTMLInputElement>("input:checked")?.focus();
}

/** Shows the page in a theme; `auto` follows the system. */
export function showTheme(theme: Theme): void {
  if (theme === "auto") delete document.documentElement.dataset["theme"];
  else document.documentElement.dataset["theme"] = theme;
}
