/** The search field: a combobox with a list, as the ARIA practices describe it. */

import { type Catalogue } from "../recsmith";
import { byId, h } from "./dom";
import { folded, readTitle } from "./titles";
import type { Words } from "./words";

const MOST_SHOWN = 8;

/** Finds titles by words, in any order; the start of a title and what is popular come first. */
export class Finder {
  private readonly texts: readonly string[];

  constructor(private readonly catalogue: Catalogue) {
    this.texts = Array.from({ length: catalogue.size }, (_, row) => {
      const { name, also, year } = readTitle(catalogue.title(row));
      return ` ${folded(name)} ${folded(also)} ${year}`.trimEnd();
    });
  }

  /** Returns rows, best first. `rank` says how likely an item is, higher first. */
  find(query: string, rank: (row: number) => number, isOut: (row: number) => boolean): number[] {
    const words = folded(query).split(" ").filter((word) => word !== "");
    if (words.length === 0) return [];
    const whole = ` ${words.join(" ")}`;
    const found: { row: number; grade: number; rank: number }[] = [];
    this.texts.forEach((text, row) => {
      if (!words.every((word) => text.includes(word)) || isOut(row)) return;
      const starts = words.every((word) => text.includes(` ${word}`));
      const bare = text.replace(/^ (the|a|an) /, " ");
      const isFirst = text.startsWith(whole) || bare.startsWith(whole);
      found.push({ row, grade: isFirst ? 2 : starts ? 1 : 0, rank: rank(row) });
    });
    found.sort((a, b) => b.grade - a.grade || b.rank - a.rank || this.texts[a.row]!.length - this.texts[b.row]!.length || a.row - b.row);
    return found.slice(0, MOST_SHOWN).map((one) => one.row);
  }

  /** Returns a row's title in its parts. */
  title(row: number): ReturnType<typeof readTitle> {
    return readTitle(this.catalogue.title(row));
  }
}

export interface SearchHooks {
  readonly words: () => Words;
  readonly find: (query: string) => number[];
  /** What stands under a title in the list. */
  readonly note: (row: number) => string;
  readonly choose: (row: number) => void;
  readonly say: (text: string) => void;
}

/** Makes the search field of index.html work. */
export function startSearch(finder: Finder, hooks: SearchHooks): void {
  const input = byId<HTMLInputElement>("search");
  const list = byId("search-list");
  let rows: number[] = [];
  let at = -1;

  const close = (): void => {
    list.hidden = true;
    at = -1;
    input.setAttribute("aria-expanded", "false");
    input.removeAttribute("aria-activedescendant");
  };
  const mark = (next: number): void => {
    at = next;
    [...list.children].forEach((option, n) => option.setAttribute("aria-selected", String(n === at)));
    if (at < 0) input.removeAttribute("aria-activedescendant");
    else {
      input.setAttribute("aria-activedescendant", `search-${at}`);
      list.children[at]?.scrollIntoView({ block: "nearest" });
    }
  };
  const choose = (n: number): void => {
    const row = rows[n];
    if (row === undefined) return;
    input.value = "";
    close();
    hooks.choose(row);
    input.focus();
  };
  const show = (): void => {
    const query = input.value;
    rows = hooks.find(query);
    if (folded(query) === "") {
      close();
      return;
    }
    const options = rows.map((row, n) => {
      const { name, also, year } = finder.title(row);
      return h(
        "li",
        { id: `search-${n}`, role: "option", "aria-selected": "false", onmousedown: (event) => (event.preventDefault(), choose(n)) },
        h("span", { class: "option-title" }, name, also !== "" && h("span", { class: "also" }, ` ${also}`)),
        h("span", { class: "option-note" }, [year, hooks.note(row)].filter((part) => part !== "").join(" · ")),
      );
    });
    const nothing = h("li", { role: "option", "aria-disabled": "true", "aria-selected": "false", class: "nothing" }, hooks.words().noMatch);
    list.replaceChildren(...(options.length > 0 ? options : [nothing]));
    list.hidden = false;
    input.setAttribute("aria-expanded", "true");
    mark(rows.length > 0 ? 0 : -1);
    hooks.say(rows.length > 0 ? hooks.words().found(rows.length) : hooks.words().noMatch);
  };

  input.addEventListener("input", show);
  input.addEventListener("focus", () => input.value !== "" && show());
  input.addEventListener("blur", close);
  input.addEventListener("keydown", (event) => {
    if (event.isComposing) return;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      if (list.hidden) show();
      else if (rows.length > 0) mark((at + (event.key === "ArrowDown" ? 1 : -1) + rows.length) % rows.length);
    } else if (event.key === "Enter" && !list.hidden) {
      event.preventDefault();
      choose(at);
    } else if (event.key === "Escape") {
      if (list.hidden) input.value = "";
      close();
    }
  });
}
