// The service's page: try it, look at an item, look at a person. Words from outside only ever become text nodes.

import { owner } from "./owner.js";
import { ask, el, there, trouble } from "./tools.js";
import { language, speak, word } from "./words.js";

const main = document.querySelector("#main");
const said = document.querySelector("#said");
let picks = [];

function show(...inside) {
  main.replaceChildren(...there(inside));
}

const id = (item) => encodeURIComponent(item);

// Search -------------------------------------------------------------------------------------------------

function searchBox(choose) {
  const options = el("ul", { class: "options", role: "listbox", id: "options", hidden: true });
  const input = el("input", {
    type: "search", id: "search", role: "combobox", autocomplete: "off", spellcheck: "false",
    "aria-expanded": "false", "aria-controls": "options", "aria-describedby": "hint", "aria-autocomplete": "list",
  });
  let found = [], at = -1, turn = 0;
  const close = () => { options.hidden = true; input.setAttribute("aria-expanded", "false"); input.removeAttribute("aria-activedescendant"); at = -1; };
  const mark = () => [...options.children].forEach((option, place) => {
    option.setAttribute("aria-selected", String(place === at));
    if (place === at) { input.setAttribute("aria-activedescendant", option.id); option.scrollIntoView({ block: "nearest" }); }
  });
  const take = (place) => { choose(found[place]); input.value = ""; close(); input.focus(); };
  input.addEventListener("input", async () => {
    const mine = ++turn;
    if (!input.value.trim()) return close();
    try {
      const told = await ask(`v1/search?k=8&q=${id(input.value)}`);
      if (mine !== turn) return;
      found = told.items;
      at = -1;
      options.replaceChildren(...(found.length
        ? found.map((item, place) => el("li", { role: "option", id: `option-${place}`, "aria-selected": "false", onmousedown: (event) => { event.preventDefault(); take(place); } },
            item.title, el("small", {}, item.categories.join(" · "))))
        : [el("li", { role: "option", "aria-disabled": "true", "aria-selected": "false" }, word("none"))]));
      options.hidden = false;
      input.setAttribute("aria-expanded", "true");
    } catch (error) { close(); main.prepend(trouble(error)); }
  });
  input.addEventListener("keydown", (event) => {
    if (event.key === "Escape") close();
    else if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      const step = event.key === "ArrowDown" ? 1 : -1;
      if (found.length) { at = (at + step + found.length) % found.length; mark(); }
    } else if (event.key === "Enter" && found.length && !options.hidden) { event.preventDefault(); take(Math.max(at, 0)); }
  });
  input.addEventListener("blur", () => setTimeout(close, 100));
  return el("div", { class: "field found" },
    el("label", { for: "search" }, el("strong", {}, word("search"))), input, options,
    el("small", { class: "quiet", id: "hint" }, word("searchHint")));
}

// Lists --------------------------------------------------------------------------------------------------

function reasons(line) {
  if (!line.because?.length) return null;
  return el("small", {}, `${word("because")} ${line.because.map((one) => one.title).join(", ")}`);
}

// `others` are the ids of another list: what it lacks is marked.
export function listOf(lines, { onadd, others } = {}) {
  if (!lines.length) return el("p", { class: "empty" }, word("none"));
  const tags = { new: "new", similar: "similarTag", popular: "popularTag" };
  return el("ol", { class: "lines" }, ...lines.map((line) => el("li", { class: "line" },
    el("span", { class: "rank" }, String(line.rank)),
    el("span", {}, el("a", { href: `#/item/${id(line.item_id)}` }, line.title), " ",
      tags[line.source] ? el("span", { class: `tag ${line.source}` }, word(tags[line.source])) : null,
      others && !others.has(line.item_id) ? el("span", { class: "tag only" }, word("only")) : null, reasons(line)),
    el("span", { class: "do" }, onadd
      ? el("button", { type: "button", class: "icon", "aria-label": `${word("add")}: ${line.title}`, title: word("add"), onclick: () => onadd(line) }, "+") : null))));
}

const knobs = { diversity: 0, freshness: 0, calibration: 0 };

function sliders(changed) {
  return el("div", { class: "sliders" }, ...Object.keys(knobs).map((name) => {
    const shown = el("output", { for: name }, knobs[name].toFixed(1));
    const slider = el("input", { type: "range", id: name, min: "0", max: "1", step: "0.1", value: String(knobs[name]),
      oninput: (event) => { knobs[name] = Number(event.target.value); shown.textContent = knobs[name].toFixed(1); changed(); } });
    return el("label", { class: "field" }, el("span", {}, word(name), shown), slider);
  }));
}

// Pages --------------------------------------------------------------------------------------------------

async function tryPage() {
  const list = el("section", { "aria-labelledby": "list-title" });
  const mine = el("section", {});
  let turn = 0;
  const draw = async () => {
    const now = ++turn;
    sessionStorage.setItem("recsmith-picks", JSON.stringify(picks));
    mine.replaceChildren(...there([el("h2", {}, word("yours")), picks.length
      ? el("ul", { class: "picks" }, ...picks.map((one) => el("li", {}, el("span", {}, one.title),
          el("button", { type: "button", class: "icon", "aria-label": `${word("remove")}: ${one.title}`, title: word("remove"),
            onclick: () => { picks = picks.filter((other) => other !== one); draw(); } }, "×"))))
      : el("p", { class: "empty" }, word("nothingYet")),
      picks.length ? el("p", {}, el("button", { type: "button", class: "plain", onclick: () => { picks = []; draw(); } }, word("clear"))) : null]));
    try {
      const told = await ask("v1/recommend", { history: picks.map((one) => String(one.item_id)), k: 12, explain: true, ...knobs });
      if (now !== turn) return;
      list.replaceChildren(el("h2", { id: "list-title" }, word(picks.length ? "forYou" : "popular")), listOf(told.recommendations, { onadd: pick }));
      said.textContent = told.recommendations.slice(0, 3).map((line) => line.title).join(", ");
    } catch (error) { list.replaceChildren(trouble(error)); }
  };
  const pick = (item) => {
    if (!picks.some((one) => String(one.item_id) === String(item.item_id))) picks = [...picks, { item_id: item.item_id, title: item.title }];
    draw();
  };
  show(el("h1", { tabindex: "-1" }, word("tryTitle")), el("p", { class: "lede" }, word("tryLede")),
    el("div", { class: "two" }, el("div", {}, searchBox(pick), mine), el("div", {}, sliders(draw), list)));
  await draw();
}

async function itemPage(item) {
  const [about, alike] = await Promise.all([ask(`v1/items/${id(item)}`), ask(`v1/similar/${id(item)}?k=10`)]);
  const facts = Object.entries(about.data).filter(([, value]) => value !== null && !(Array.isArray(value) && !value.length));
  const take = () => {
    if (!picks.some((one) => String(one.item_id) === String(about.item_id))) picks = [...picks, { item_id: about.item_id, title: about.title }];
    location.hash = "#/";
  };
  show(el("h1", { tabindex: "-1" }, about.title),
    el("p", { class: "lede" }, word(about.in_stock ? "inStock" : "outOfStock")),
    el("p", {}, el("button", { type: "button", class: "primary", onclick: take }, word("take"))),
    facts.length ? el("div", { class: "panel" }, el("table", { class: "facts" }, el("tbody", {}, ...facts.map(([name, value]) =>
      el("tr", {}, el("th", { scope: "row" }, name), el("td", {}, Array.isArray(value) ? value.join(", ") : String(value))))))) : null,
    el("h2", {}, word("similar")), listOf(alike.similar));
}

function timelineOf(told) {
  const rows = told.events.map((event) => el("li", {},
    el("span", {}, el("a", { href: `#/item/${id(event.item_id)}` }, event.title), el("small", { class: "quiet" }, new Date(event.time).toLocaleDateString(language))),
    el("span", { class: "tag" }, event.weight.toLocaleString(language))));
  const first = 12, rest = rows.slice(first), list = el("ul", { class: "picks" }, ...rows.slice(0, first));
  const more = el("button", { type: "button", class: "plain", onclick: () => { list.append(...rest); more.remove(); rest[0].querySelector("a").focus(); } }, word("more"));
  return el("section", {}, el("h2", {}, word("timeline")), el("p", { class: "quiet" }, `${told.n_events.toLocaleString(language)} ${word("events")}`), list, rest.length ? el("p", {}, more) : null);
}

async function peoplePage(user) {
  const input = el("input", { type: "text", id: "who", value: user ?? "", autocomplete: "off" });
  const form = el("form", { onsubmit: (event) => { event.preventDefault(); if (input.value.trim()) location.hash = `#/people/${id(input.value.trim())}`; } },
    el("label", { class: "field" }, el("span", {}, word("id")), input), el("button", { class: "primary" }, word("show")));
  const lists = el("div", { class: "lists" }), two = el("div", { class: "two person" }, form, lists);
  show(el("h1", { tabindex: "-1" }, word("peopleTitle")), el("p", { class: "lede" }, word("peopleLede")), two);
  if (user === undefined) return input.focus();
  two.append(timelineOf(await ask(`v1/users/${id(user)}/timeline?limit=60`)));
  const versions = await ask("v1/owner").then((one) => one.versions.map((about) => about.version).filter((name) => name !== one.version), () => []);
  const columns = el("div", { class: "columns" });
  let other = "", turn = 0;
  const draw = async () => {
    const now = ++turn, asked = `k=10&explain=true&${new URLSearchParams(knobs)}`;
    const told = await Promise.all(["", ...(other ? [`&version=${other}`] : [])].map((more) => ask(`v1/recommend/${id(user)}?${asked}${more}`)));
    if (now !== turn) return;
    const ids = told.map((one) => new Set(one.recommendations.map((line) => line.item_id)));
    columns.className = other ? "columns panels" : "columns";
    columns.replaceChildren(...told.map((one, at) => el("div", {}, el("h3", {}, `${word("version")} ${one.version}`),
      one.fallback ? el("p", { class: "quiet" }, `${word("fallback")}: ${one.fallback}`) : null, listOf(one.recommendations, { others: ids[1 - at] }))));
  };
  const choose = el("select", { onchange: (event) => { other = event.target.value; draw(); } },
    el("option", { value: "" }, "—"), ...versions.map((name) => el("option", { value: name }, name)));
  lists.append(...there([el("h2", {}, word("list")), sliders(draw),
    versions.length ? el("label", { class: "field" }, el("span", {}, word("versionB")), choose) : null, columns]));
  await draw();
}

// Frame --------------------------------------------------------------------------------------------------

async function route() {
  const [, page = "", ...rest] = location.hash.split("/");
  const what = rest.length ? decodeURIComponent(rest.join("/")) : undefined;
  document.querySelectorAll("nav a").forEach((link) => {
    if (link.getAttribute("href") === `#/${page}`) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  });
  try {
    if (page === "item") await itemPage(what);
    else if (page === "people") await peoplePage(what);
    else if (page === "owner") await owner(show);
    else await tryPage();
  } catch (error) { show(el("h1", { tabindex: "-1" }, word("trouble")), trouble(error)); }
}

function frame() {
  document.querySelectorAll("[data-word]").forEach((one) => { one.textContent = word(one.dataset.word); });
  document.querySelector("#language").textContent = word("other");
  document.querySelector("#language").lang = language === "zh" ? "en" : "zh-Hans";
  document.querySelector("#theme").textContent = word(document.documentElement.dataset.theme ?? "auto");
}

document.querySelector("#language").addEventListener("click", () => {
  speak(language === "en" ? "zh" : "en");
  localStorage.setItem("recsmith-language", language);
  frame();
  route();
});
document.querySelector("#theme").addEventListener("click", () => {
  const order = [undefined, "light", "dark"], now = order[(order.indexOf(document.documentElement.dataset.theme) + 1) % 3];
  if (now) document.documentElement.dataset.theme = now; else delete document.documentElement.dataset.theme;
  localStorage.setItem("recsmith-theme", now ?? "");
  frame();
});
document.querySelector("#key").addEventListener("click", () => {
  const input = el("input", { type: "password", autocomplete: "off" });
  show(el("h1", { tabindex: "-1" }, word("keyTitle")), el("form", {
    onsubmit: (event) => { event.preventDefault(); sessionStorage.setItem("recsmith-key", input.value); route(); start(); } },
    el("label", { class: "field" }, el("span", {}, word("keyTitle")), input), el("p", { class: "quiet" }, word("keyHint")), el("button", { class: "primary" }, word("keep"))));
  input.focus();
});

async function start() {
  try {
    const about = await ask("v1/model");
    document.querySelector("#version").textContent = `${about.class} · ${word("version")} ${about.version}`;
  } catch { /* the page itself says what is wrong */ }
}

speak(localStorage.getItem("recsmith-language") ?? (navigator.language.startsWith("zh") ? "zh" : "en"));
const theme = localStorage.getItem("recsmith-theme");
if (theme) document.documentElement.dataset.theme = theme;
try { picks = JSON.parse(sessionStorage.getItem("recsmith-picks") ?? "[]"); } catch { picks = []; }
window.addEventListener("hashchange", async () => { await route(); main.querySelector("h1")?.focus(); });
frame();
route();
start();
