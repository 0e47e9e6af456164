// The owner's page: tiles, tables and small drawings of what the service knows of itself.

import { ask, el } from "./tools.js";
import { language, word } from "./words.js";

const SVG = "http://www.w3.org/2000/svg";
const number = (value) => (value === null || value === undefined ? "–" : value.toLocaleString(language, { maximumFractionDigits: 4 }));

function svg(name, attributes, ...inside) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...inside);
  return made;
}

function table(headings, rows) {
  return el("div", { class: "scroll", tabindex: "0" }, el("table", {}, el("thead", {}, el("tr", {}, ...headings.map((name, at) =>
    el("th", { scope: "col", class: at ? "n" : "" }, name)))), el("tbody", {}, ...rows.map((row) => el("tr", {}, ...row.map((cell, at) =>
    el("td", { class: at ? "n" : "" }, cell instanceof Node ? cell : String(cell))))))));
}

// Lines over x and y in 0..1 or any range; each line is {points: [[x, y], …], class}.
function lines(drawn, { x, y, label }) {
  const width = 460, height = 220, left = 46, bottom = 34, top = 10, right = 10;
  const all = drawn.flatMap((one) => one.points);
  const range = (at) => { const values = all.map((point) => point[at]); return [Math.min(...values), Math.max(...values)]; };
  const [lowX, highX] = range(0), [lowY, highY] = range(1);
  const px = (value) => left + ((value - lowX) / (highX - lowX || 1)) * (width - left - right);
  const py = (value) => height - bottom - ((value - lowY) / (highY - lowY || 1)) * (height - bottom - top);
  return svg("svg", { class: "chart", viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": label },
    svg("line", { class: "axis", x1: left, y1: height - bottom, x2: width - right, y2: height - bottom }),
    svg("line", { class: "axis", x1: left, y1: top, x2: left, y2: height - bottom }),
    svg("text", { x: left, y: height - 18 }, number(lowX)), svg("text", { x: width - right, y: height - 18, "text-anchor": "end" }, number(highX)),
    svg("text", { x: (left + width) / 2, y: height - 3, "text-anchor": "middle" }, x),
    svg("text", { x: left - 5, y: height - bottom, "text-anchor": "end" }, number(Number(lowY.toPrecision(3)))),
    svg("text", { x: left - 5, y: top + 8, "text-anchor": "end" }, number(Number(highY.toPrecision(3)))),
    svg("text", { x: 12, y: height / 2, transform: `rotate(-90 12 ${height / 2})`, "text-anchor": "middle" }, y),
    ...drawn.map((one) => svg("polyline", { class: one.class, points: one.points.map(([a, b]) => `${px(a)},${py(b)}`).join(" ") })));
}

// The six commonest categories have a colour each, the others share one.
function dots(points) {
  const width = 900, height = 460, pad = 14, most = Math.max(...points.map((one) => one.people), 1);
  const counts = new Map();
  for (const one of points) counts.set(one.category, (counts.get(one.category) ?? 0) + 1);
  const named = [...counts].filter(([name]) => name).sort((a, b) => b[1] - a[1]).slice(0, 6).map(([name]) => name);
  const colour = (one) => `c${named.includes(one.category) ? named.indexOf(one.category) : 6}`;
  return [svg("svg", { class: "chart", viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": word("map") },
    ...points.map((one) => svg("circle", { class: `dot ${colour(one)}`, r: 3 + 8 * Math.sqrt(one.people / most), cx: pad + ((one.x + 1) / 2) * (width - 2 * pad), cy: pad + ((1 - one.y) / 2) * (height - 2 * pad) },
      svg("title", {}, `${one.title}${one.category ? ` · ${one.category}` : ""}`)))),
    el("p", { class: "key" }, ...[...named, ...(named.length < counts.size ? ["…"] : [])].map((name, at) => el("span", {}, el("i", { class: `c c${at}` }), name)))];
}

function panel(title, ...inside) {
  return el("section", { class: "panel" }, el("h3", {}, title), ...inside);
}

function wide(title, ...inside) {
  return el("section", { class: "panel wide" }, el("h3", {}, title), ...inside);
}

function curve(rows) {
  const name = rows.length ? ["loss", ...Object.keys(rows[0])].find((one) => one !== "epoch" && one in rows[0]) : undefined;
  if (!name) return el("p", { class: "quiet" }, word("noCurve"));
  return lines([{ class: "one", points: rows.map((row, at) => [row.epoch ?? at, row[name]]) }], { x: "epoch", y: name, label: word("curve") });
}

// A figure and its 95 % interval.
function figure(one, sign = false) {
  if (one?.value === undefined || one.value === null) return "–";
  const digits = { minimumFractionDigits: 3, maximumFractionDigits: 3, signDisplay: sign ? "exceptZero" : "auto" };
  const said = (value) => value.toLocaleString(language, digits);
  return el("span", {}, said(one.value), one.low === undefined || one.low === null ? "" : el("small", { class: "interval" }, ` [${said(one.low)}, ${said(one.high)}]`));
}

// Every kept version with its metrics; the newest first.
function leaderboard(told) {
  const names = ["NDCG@10", ...new Set(told.versions.flatMap((one) => Object.keys(one.metrics ?? {})))].filter((name, at, all) => all.indexOf(name) === at);
  const rows = told.versions.map((one) => [
    el("span", {}, one.version, one.version === told.version ? " " : "", one.version === told.version ? el("span", { class: "tag new" }, word("place")) : ""),
    one.model ?? "–", one.trained ? new Date(one.trained).toLocaleString(language, { dateStyle: "short", timeStyle: "short" }) : "–",
    ...names.map((name) => figure(one.metrics?.[name])),
    figure(one.judged?.difference === undefined ? undefined : { value: one.judged.difference, low: one.judged.low, high: one.judged.high }, true),
    number(one.judged?.n_users ?? one.metrics?.["NDCG@10"]?.n_users)]);
  return [el("p", { class: "quiet" }, word("leaderboardSays")), table([word("version"), word("modelName"), word("trained"), ...names, word("against"), word("n")], rows)];
}

function experiment(one) {
  if (!one) return [el("p", { class: "quiet" }, word("noExperiment"))];
  const rows = Object.entries(one.variants).map(([side, { version, share, found, difference }]) => [
    side, version, number(share), number(found?.n_people), number(found?.n_lists), figure(found), figure(difference, true)]);
  return [el("p", {}, el("b", {}, one.name)), table([word("side"), word("version"), word("share"), word("n"), word("lists"), word("hitRate"), word("difference")], rows),
    el("p", { class: "quiet" }, `${word("hitRateSays")} ${number(one.hours)} ${word("hours")}`)];
}

export async function owner(show) {
  const [told, map] = await Promise.all([ask("v1/owner"), ask("v1/owner/map")]);
  const { data, tail, traffic } = told;
  const tiles = [
    [data.events, "eventsN"], [data.people, "peopleN"], [data.items, "itemsN"], [data.items_the_model_never_saw, "neverSeen"],
    [data.items_nobody_took, "nobody"], [data.items_without_category, "noCategory"], [data.items_out_of_stock, "out"], [data.events_in_the_future ?? 0, "future"],
  ];
  const routes = Object.entries(traffic.routes).sort((a, b) => b[1].requests - a[1].requests)
    .map(([route, row]) => [route, number(row.requests), number(row.errors), number(row.p50_ms), number(row.p99_ms)]);
  const stages = Object.entries(traffic.stages_ms).map(([name, ms]) => [name, number(Number(ms.toPrecision(3)))]);
  const fallbacks = Object.entries(traffic.fallbacks).map(([reason, n]) => [reason, number(n)]);
  const along = (values) => tail.share_of_items.map((share, at) => [share, values[at]]);
  show(el("h1", { tabindex: "-1" }, word("ownerTitle")), el("p", { class: "lede" }, `${told.model.class} · ${word("version")} ${told.version}`),
    el("h2", {}, word("dataHealth")), el("div", { class: "tiles" }, ...tiles.map(([value, name]) => el("div", { class: "tile" }, el("b", {}, number(value)), el("span", {}, word(name))))),
    el("h2", {}, word("versions")), el("div", { class: "panel" }, ...leaderboard(told)),
    el("h2", {}, word("traffic")), el("div", { class: "panels three" },
      wide(word("requests"), table([word("route"), word("requests"), word("errors"), `p50 ${word("upTo")}`, `p99 ${word("upTo")}`], routes)),
      panel(word("stages"), table([word("stage"), "ms"], stages)),
      panel(word("fallbacks"), fallbacks.length ? table([word("why"), word("lists")], fallbacks) : el("p", { class: "quiet" }, word("noFallbacks")))),
    el("h2", {}, word("experiment")), el("div", { class: "panel" }, ...experiment(told.experiment)),
    el("h2", {}, word("theModel")), el("div", { class: "panels" },
      panel(word("tail"), lines([{ class: "one", points: along(tail.events) }, { class: "two-line", points: along(tail.lists) }], { x: word("mostPopular"), y: word("share"), label: word("tail") }),
        el("p", { class: "key" }, el("span", {}, el("i", {}), word("tailEvents")), el("span", {}, el("i", { class: "b" }), word("tailLists"))),
        el("p", { class: "quiet" }, `${(100 * tail.coverage).toFixed(1)} % ${word("coverage")} (${number(tail.n_lists)} ${word("lists")})`)),
      panel(word("curve"), curve(told.model.learning_curve)),
      wide(word("map"), ...(map.points.length ? dots(map.points) : [el("p", { class: "quiet" }, word("noMap"))]))));
}
