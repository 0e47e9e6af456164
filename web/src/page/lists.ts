/** The two lists: covers of what is recommended, and what the person likes. */

import type { Catalogue, ItemId, Reason, Recommendation } from "../recsmith";
import { cover, genreColour } from "./cover";
import { h, icon, moving } from "./dom";
import { readTitle } from "./titles";
import { type Language, type Words, genreWord } from "./words";

export interface Look {
  readonly catalogue: Catalogue;
  readonly words: () => Words;
  readonly language: () => Language;
}

const MOST_GENRES = 3;
/** A second reason is named when it weighs at least this much of the first. */
const NEARLY_AS_MUCH = 0.6;
const LONGEST_PAIR = 44;

/** Shows recommendations as covers. A cover stays the same element as long as it is in the list. */
export class CoverList {
  private cards = new Map<string, HTMLLIElement>();

  constructor(
    private readonly list: HTMLElement,
    private readonly look: Look,
    private readonly on: { readonly like: (id: ItemId) => void; readonly hide: (id: ItemId) => void },
  ) {}

  /** Makes every cover anew next time: the language has changed. */
  forget(): void {
    this.cards.clear();
  }

  show(recommendations: readonly Recommendation[]): void {
    const focused = this.focusedPlace();
    const cards = new Map(recommendations.map((one) => [String(one.itemId), this.cards.get(String(one.itemId)) ?? this.card(one)]));
    this.cards = cards;
    moving(this.list, () => this.list.replaceChildren(...cards.values()));
    // The button that was pressed is gone with its cover: the one that came in its place gets the focus.
    if (focused !== undefined && !this.list.contains(document.activeElement)) this.focus(focused.at, focused.button);
  }

  /** Writes below each cover what it rests on, in the order of the list. */
  explain(reasons: readonly (readonly Reason[])[]): void {
    [...this.cards.values()].forEach((card, at) => this.because(card, reasons[at] ?? []));
  }

  /** Puts the focus on a cover's button. */
  focus(at: number, button = 0): void {
    const card = this.list.children[Math.min(at, this.list.children.length - 1)];
    card?.querySelectorAll("button")[button]?.focus({ preventScroll: button !== 0 });
  }

  private focusedPlace(): { at: number; button: number } | undefined {
    const focused = document.activeElement;
    const card = focused?.closest("li");
    if (!card || card.parentElement !== this.list || focused === null) return undefined;
    return { at: [...this.list.children].indexOf(card), button: [...card.querySelectorAll("button")].indexOf(focused as HTMLButtonElement) };
  }

  private card(one: Recommendation): HTMLLIElement {
    const { catalogue } = this.look;
    const words = this.look.words();
    const { name, also, year } = readTitle(catalogue.title(one.row));
    const genres = catalogue.words("genres", one.row);
    const { drawing, ground, ink } = cover(name, genres);
    const sizes = name.length > 44 ? "tiny" : name.length > 26 ? "small" : name.length > 12 ? "middle" : "large";
    const front = h(
      "div",
      { class: "cover" },
      drawing,
      h("div", { class: "cover-words" }, h("h3", { class: `cover-title ${sizes}` }, name), also !== "" && h("p", { class: "cover-also" }, also), year !== "" && h("p", { class: "cover-year" }, year)),
    );
    front.style.setProperty("--ground", ground);
    front.style.setProperty("--cover-ink", ink);
    const named = year === "" ? name : `${name} (${year})`;
    return h(
      "li",
      { "data-key": one.itemId, class: "card-item" },
      h(
        "article",
        {},
        front,
        h(
          "div",
          { class: "cover-buttons" },
          h("button", { type: "button", class: "like", "aria-label": words.like(named), title: words.likeShort, onclick: () => this.on.like(one.itemId) }, icon("heart"), h("span", { "aria-hidden": "true" }, words.likeShort)),
          h("button", { type: "button", class: "hide", "aria-label": words.hide(named), title: words.hide(name), onclick: () => this.on.hide(one.itemId) }, icon("cross")),
        ),
        h("p", { class: "genres" }, genres.slice(0, MOST_GENRES).map((genre) => genreWord(genre, this.look.language())).join(" · ")),
        h("p", { class: "because" }),
      ),
    );
  }

  private because(card: HTMLLIElement, reasons: readonly Reason[]): void {
    const words = this.look.words();
    const place = card.querySelector(".because")!;
    const [first, second] = reasons.filter((reason) => reason.weight > 0);
    if (first === undefined) {
      place.replaceChildren();
      return;
    }
    const names = [first, second].filter((one) => one !== undefined).map((one) => readTitle(one.title).name);
    const parts: Node[] = [document.createTextNode(words.because), h("em", {}, names[0]!)];
    // Two long names would make more noise than sense.
    if (second !== undefined && second.weight >= NEARLY_AS_MUCH * first.weight && names.join("").length <= LONGEST_PAIR) {
      parts.push(document.createTextNode(words.and), h("em", {}, names[1]!));
    }
    place.replaceChildren(...parts);
  }
}

/** Shows what the person likes, newest first. */
export class LikedList {
  constructor(
    private readonly list: HTMLElement,
    private readonly look: Look,
    private readonly remove: (id: ItemId) => void,
  ) {}

  show(ids: readonly ItemId[]): void {
    const focused = [...this.list.children].findIndex((row) => row.contains(document.activeElement));
    moving(this.list, () => this.list.replaceChildren(...ids.map((id) => this.row(id))));
    if (focused >= 0) this.list.children[Math.min(focused, ids.length - 1)]?.querySelector("button")?.focus();
  }

  private row(id: ItemId): HTMLLIElement {
    const { catalogue } = this.look;
    const row = catalogue.row(id)!;
    const { name, year } = readTitle(catalogue.title(row));
    const spine = h("span", { class: "spine", "aria-hidden": "true" });
    spine.style.setProperty("--spine", genreColour(name, catalogue.words("genres", row)));
    return h(
      "li",
      { "data-key": id },
      spine,
      h("span", { class: "liked-title" }, name, year !== "" && h("span", { class: "liked-year" }, ` ${year}`)),
      h("button", { type: "button", class: "remove", "aria-label": this.look.words().unlike(name), onclick: () => this.remove(id) }, icon("cross")),
    );
  }
}
