/** The page: what the person does, and what follows from it. */

import { type ItemId, type Recommender, RecsmithError, load } from "../recsmith";
import { startData } from "./data";
import { DevicePanel } from "./device";
import { byId, h } from "./dom";
import { CoverList, LikedList } from "./lists";
import { startOffline } from "./offline";
import { Finder, startSearch } from "./search";
import { type Site, readSite } from "./site";
import { type Remembered, Store } from "./store";
import "./style.css";
import { type Theme, segments, showTheme } from "./switches";
import { readTitle } from "./titles";
import { type Language, type Words, firstLanguage, genreWord, wordsOf } from "./words";

const SHOWN_AT_ONCE = 10;
const TURNS = 8;

const store = new Store();
let language: Language = firstLanguage(store.setting("language"));
let site: Site | undefined;
let words: Words = wordsOf(language, "items");

/** Is the page once the model is there. */
class Page {
  private liked: ItemId[];
  private hidden: ItemId[];
  private shown = SHOWN_AT_ONCE;
  private turn = 0;
  private readonly covers: CoverList;
  private readonly likes: LikedList;
  private readonly device: DevicePanel;

  constructor(
    private readonly recommender: Recommender,
    bundle: URL,
  ) {
    const remembered = store.history();
    const isKnown = (id: ItemId): boolean => recommender.catalogue.row(id) !== undefined;
    this.liked = remembered.liked.filter(isKnown);
    this.hidden = remembered.hidden.filter(isKnown);
    const look = { catalogue: recommender.catalogue, words: () => words, language: () => language };
    this.covers = new CoverList(byId("list"), look, { like: (id) => this.like(id), hide: (id) => this.hide(id) });
    this.likes = new LikedList(byId("liked"), look, (id) => this.unlike(id));
    byId("card").hidden = !recommender.manifest.files.some((file) => file.role === "card");
    this.device = new DevicePanel(recommender, bundle, () => words, () => language);
    this.startControls();
  }

  /** Writes everything that has words, as after a change of the language. */
  render(): void {
    renderFrame();
    const set = (id: string, text: string): void => void (byId(id).textContent = text);
    for (const [id, text] of [
      ["search-label", words.search],
      ["search-hint", words.searchHint],
      ["liked-title", words.liked],
      ["liked-none", words.likedNone],
      ["more", words.more],
      ["data-title", words.data],
      ["data-note", words.dataNote],
      ["export", words.exportIt],
      ["import", words.importIt],
      ["clear", words.clearIt],
      ["clear-ask", words.clearAsk],
      ["clear-note", words.clearNote],
      ["clear-no", words.cancel],
      ["clear-yes", words.clearIt.replace("…", "")],
    ] as const) set(id, text);
    byId<HTMLInputElement>("search").placeholder = words.placeholder;
    this.covers.forget();
    this.device.render();
    this.renderStorage();
  }

  /** Asks the model anew and shows what it says. */
  async update(announce = ""): Promise<void> {
    const turn = ++this.turn;
    // The newest liked stands first on the page.
    this.likes.show([...this.liked].reverse());
    byId("liked-none").hidden = this.liked.length > 0;
    byId("list").setAttribute("aria-busy", "true");
    try {
      const { manifest } = this.recommender;
      const start = performance.now();
      const list = await this.recommender.recommend(this.liked, manifest.top_k);
      this.device.took(performance.now() - start);
      const hidden = new Set(this.hidden.map(String));
      const open = list.filter((one) => !hidden.has(String(one.itemId)));
      const top = open.slice(0, this.shown);
      const isNobody = this.liked.length === 0;
      // A later click may have overtaken this one.
      if (turn !== this.turn) return;
      this.covers.show(top);
      byId("list-title").textContent = isNobody ? words.start : words.forYou;
      byId("list-note").textContent = isNobody ? words.startNote : words.forYouNote(this.liked.length);
      byId("more").hidden = open.length <= this.shown;
      say([announce, words.updated(top.length)].filter((part) => part !== "").join(" "));
      const canExplain = !isNobody && this.recommender.canExplain;
      const reasons = canExplain ? await this.recommender.explainAll(this.liked, top.map((one) => one.itemId)) : [];
      if (turn !== this.turn) return;
      this.covers.explain(reasons);
    } catch (error) {
      fail(error);
    } finally {
      byId("list").removeAttribute("aria-busy");
    }
    document.body.dataset["turn"] = String(this.turn);
  }

  private async change(announce: string): Promise<void> {
    store.keepHistory({ liked: this.liked, hidden: this.hidden });
    this.renderStorage();
    await this.update(announce);
  }

  private like(id: ItemId): void {
    if (this.liked.includes(id)) return;
    this.liked = [...this.liked, id];
    this.hidden = this.hidden.filter((one) => one !== id);
    void this.change(words.added(this.name(id)));
  }

  private unlike(id: ItemId): void {
    this.liked = this.liked.filter((one) => one !== id);
    void this.change(words.removed(this.name(id)));
  }

  private hide(id: ItemId): void {
    this.hidden = [...this.hidden, id];
    void this.change(words.hidden(this.name(id)));
  }

  private set(remembered: Remembered, announce: string): void {
    this.liked = [...remembered.liked];
    this.hidden = [...remembered.hidden];
    this.shown = SHOWN_AT_ONCE;
    void this.change(announce);
  }

  private name(id: ItemId): string {
    const row = this.recommender.catalogue.row(id);
    return row === undefined ? String(id) : readTitle(this.recommender.catalogue.title(row)).name;
  }

  private renderStorage(): void {
    notice("storage", store.keeps ? null : h("span", {}, words.notStored));
    notice("unverified", this.recommender.verified ? null : h("span", {}, words.unverified));
  }

  private startControls(): void {
    const { catalogue } = this.recommender;
    const finder = new Finder(catalogue);
    startSearch(finder, {
      words: () => words,
      find: (query) => {
        const out = new Set(this.liked.map((id) => catalogue.row(id)));
        return finder.find(query, (row) => catalogue.number("popularity", row), (row) => out.has(row));
      },
      note: (row) => catalogue.words("genres", row).slice(0, 3).map((genre) => genreWord(genre, language)).join(", "),
      choose: (row) => this.like(catalogue.id(row)),
      say,
    });
    byId("more").addEventListener("click", () => {
      const first = this.shown;
      this.shown += SHOWN_AT_ONCE;
      void this.update().then(() => this.covers.focus(first));
    });
    startData({
      words: () => words,
      say,
      remembered: () => ({ liked: this.liked, hidden: this.hidden }),
      bundle: this.recommender.manifest.name,
      isKnown: (id) => catalogue.row(id) !== undefined,
      set: (remembered, announce) => this.set(remembered, announce),
      clear: () => {
        store.clear();
        this.liked = [];
        this.hidden = [];
        this.shown = SHOWN_AT_ONCE;
        this.renderStorage();
        void this.update(words.cleared);
      },
    });
  }

  /** Shows the first lists. */
  async start(): Promise<void> {
    // The first call warms the runtime up; a few more make the figure honest.
    for (let turn = 0; turn < TURNS; turn++) {
      const start = performance.now();
      await this.recommender.recommend(this.liked, this.recommender.manifest.top_k);
      this.device.took(performance.now() - start);
    }
    await this.update();
  }

  offline(state: Parameters<DevicePanel["offline"]>[0]): void {
    this.device.offline(state);
  }
}

let page: Page | undefined;

function say(text: string): void {
  byId("said").textContent = text;
}

/** Shows a bar above the lists, or takes it away. */
function notice(id: string, content: Node | null): void {
  document.getElementById(`notice-${id}`)?.remove();
  if (content !== null) byId("notices").append(h("div", { id: `notice-${id}`, class: "notice", role: "status" }, content));
}

/** Says what went wrong in the person's words, and in the maker's below. */
function fail(error: unknown): void {
  const code = error instanceof RecsmithError ? error.code : "failed";
  const technical = error instanceof Error ? error.message : String(error);
  console.error(error);
  byId("waiting").hidden = true;
  byId("notices").replaceChildren(
    h(
      "div",
      { class: "notice bad", role: "alert", id: "failure", "data-code": code },
      h("strong", {}, words.failed),
      h("p", {}, words.failures[code] ?? words.failures["failed"]!),
      h("details", {}, h("summary", {}, words.details), h("p", { class: "technical" }, technical)),
      h("button", { type: "button", onclick: () => location.reload() }, words.reload),
    ),
  );
}

/** Writes what stands around the lists: heading, promise, switches, footer. */
function renderFrame(): void {
  document.documentElement.lang = language === "zh" ? "zh-Hans" : "en";
  const title = site?.title ?? words.title;
  document.title = title;
  const texts = { title, lede: words.lede, promise: words.nothingSent, skip: words.skip, made: words.madeWith, card: words.card, licences: words.licences, "waiting-text": words.loading, install: words.install };
  for (const [id, text] of Object.entries(texts)) byId(id).textContent = text;
  segments(byId("language"), words.language, { en: "EN", zh: "中文" }, language, (chosen) => {
    language = chosen;
    store.keepSetting("language", chosen);
    words = wordsOf(language, site?.kind ?? "items");
    page?.render();
    void page?.update();
    if (page === undefined) renderFrame();
  });
  byId("language").querySelector('[value="zh"]')?.nextElementSibling?.setAttribute("lang", "zh-Hans");
  const theme = store.setting("theme");
  const chooseTheme = (chosen: Theme): void => {
    store.keepSetting("theme", chosen);
    showTheme(chosen);
  };
  segments(byId("theme"), words.themeLabel, words.theme, theme === "light" || theme === "dark" ? theme : "auto", chooseTheme, { auto: "auto", light: "light", dark: "dark" });
}

/** Lets browsers that can install the page do so at the press of a button. */
function startInstall(): void {
  window.addEventListener("beforeinstallprompt", (event) => {
    event.preventDefault();
    const button = byId("install");
    button.hidden = false;
    button.onclick = () => {
      button.hidden = true;
      void (event as Event & { prompt(): Promise<unknown> }).prompt();
    };
  });
}

async function start(): Promise<void> {
  const theme = store.setting("theme");
  showTheme(theme === "light" || theme === "dark" ? theme : "auto");
  renderFrame();
  startInstall();
  site = await readSite();
  words = wordsOf(language, site.kind);
  renderFrame();
  byId<HTMLAnchorElement>("card").href = `${site.bundle}README.md`;
  const bar = byId<HTMLProgressElement>("waiting-bar");
  const bundle = new URL(site.bundle, document.baseURI);
  try {
    const recommender = await load(bundle, {
      runtime: site.runtime,
      quantize: site.quantize,
      accelerator: "auto",
      onProgress: (loaded, total) => (bar.value = loaded / total),
    });
    page = new Page(recommender, bundle);
    page.render();
    byId("app").hidden = false;
    byId("waiting").hidden = true;
    await page.start();
  } catch (error) {
    fail(error);
    return;
  }
  await startOffline({
    changed: (state) => page?.offline(state),
    newer: (take) => notice("newer", h("span", {}, `${words.newer} `, h("button", { type: "button", onclick: take }, words.reload))),
  });
  document.body.dataset["ready"] = "yes";
}

void start();
