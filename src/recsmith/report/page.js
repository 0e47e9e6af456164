// The report's behaviour: draws the charts, follows the theme, and wires the page's own controls to them.
// Needs vegaEmbed (inlined before it) only where there are charts; everything else works without.
"use strict";
(() => {
  const root = document.documentElement;
  const views = new Map();

  // --- theme -------------------------------------------------------------------------------------------------------
  const store = {
    get: () => { try { return localStorage.getItem("recsmith-theme"); } catch { return null; } },
    set: (value) => { try { localStorage.setItem("recsmith-theme", value); } catch { /* a page from a file may not */ } },
  };
  const asked = new URLSearchParams(location.search).get("theme");
  const systemDark = matchMedia("(prefers-color-scheme: dark)");
  const current = () => root.dataset.theme || (systemDark.matches ? "dark" : "light");
  const chosen = [asked, store.get()].find((t) => t === "dark" || t === "light");
  if (chosen) root.dataset.theme = chosen;
  const toggle = document.querySelector(".theme");
  const label = () => { if (toggle) toggle.textContent = current() === "dark" ? "☀ Light" : "☾ Dark"; };
  toggle?.addEventListener("click", () => {
    root.dataset.theme = current() === "dark" ? "light" : "dark";
    store.set(root.dataset.theme);
    themed();
  });
  systemDark.addEventListener("change", () => themed());
  function themed() { label(); redrawCanvases(); }
  label();

  // --- charts ------------------------------------------------------------------------------------------------------
  const holder = document.getElementById("chart-data");
  const data = holder ? JSON.parse(holder.textContent) : { config: {}, charts: {} };

  // A canvas knows no CSS: "var(--ink)" becomes the colour it stands for now.
  function resolved(value, styles) {
    if (typeof value === "string") return value.replace(/^var\((--[\w-]+)\)$/, (_, name) => styles.getPropertyValue(name).trim());
    if (Array.isArray(value)) return value.map((v) => resolved(v, styles));
    if (value && typeof value === "object") {
      return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, k === "values" ? v : resolved(v, styles)]));
    }
    return value;
  }

  async function draw(place) {
    const canvas = place.dataset.renderer === "canvas";
    const styles = getComputedStyle(root);
    const font = getComputedStyle(document.body).fontFamily;
    const parts = { spec: data.charts[place.id], config: { ...data.config, font } };
    const { spec, config } = canvas ? resolved(parts, styles) : parts;
    const before = views.get(place.id);
    const result = await vegaEmbed(place, spec, {
      ast: true, actions: false, renderer: canvas ? "canvas" : "svg", config, mode: "vega-lite", logLevel: 1,
      defaultStyle: false, tooltip: { disableDefaultStyle: true },
    });
    if (before) before.finalize();
    views.set(place.id, result);
    place.querySelector("svg, canvas")?.setAttribute("aria-hidden", "true"); // the figure's own label speaks
    for (const control of document.querySelectorAll(`[data-for="${place.id}"]`)) apply(control);
  }
  const places = [...document.querySelectorAll("[data-chart]")];
  async function drawAll() {
    for (const place of places) {
      try { await draw(place); } catch (error) {
        console.error(error);
        place.textContent = "This chart could not be drawn.";
      }
    }
    root.dataset.drawn = "yes";
  }
  function redrawCanvases() {
    for (const place of places) if (place.dataset.renderer === "canvas" && views.has(place.id)) draw(place);
  }
  if (places.length && window.vegaEmbed) drawAll();
  else root.dataset.drawn = "yes";

  // --- controls ----------------------------------------------------------------------------------------------------
  function set(id, name, value) { views.get(id)?.view.signal(name, value).runAsync(); }
  function apply(control) {
    const { for: id, param } = control.dataset;
    if (control.type === "radio") {
      if (!control.checked) return;
      set(id, param, control.value);
      for (const legend of document.querySelectorAll(`[data-legend="${id}"]`)) {
        legend.classList.toggle("on", legend.dataset.when.split(" ").includes(control.value));
      }
    } else if (control.type === "search") set(id, param, control.value.trim());
    else if (control.matches(".chip")) {
      const pressed = [...document.querySelectorAll(`.chip[data-for="${id}"][aria-pressed="true"]`)];
      set(id, param, pressed.map((chip) => chip.dataset.value));
    }
  }
  document.addEventListener("change", ({ target }) => { if (target.type === "radio" && target.dataset.for) apply(target); });
  document.addEventListener("input", ({ target }) => { if (target.type === "search" && target.dataset.for) apply(target); });
  document.addEventListener("click", ({ target }) => {
    const button = target.closest("button");
    if (!button) return;
    if (button.matches(".chip")) {
      button.setAttribute("aria-pressed", button.getAttribute("aria-pressed") !== "true");
      apply(button);
    } else if (button.dataset.zoom) zoom(button.dataset.for, Number(button.dataset.zoom));
    else if (button.dataset.copy) copy(button);
    else if (button.closest("th")) sort(button.closest("th"));
  });

  function zoom(id, factor) {
    const view = views.get(id)?.view;
    if (!view) return;
    for (const axis of ["x", "y"]) {
      if (!factor) { view.signal(`zoom_${axis}`, null); continue; }
      const [low, high] = view.scale(axis).domain();
      const middle = (low + high) / 2, half = ((high - low) / 2) * factor;
      view.signal(`zoom_${axis}`, [middle - half, middle + half]);
    }
    view.runAsync();
  }

  async function copy(button) {
    const source = document.getElementById(button.dataset.copy);
    try {
      await navigator.clipboard.writeText(source.textContent);
      button.textContent = "Copied";
    } catch {
      getSelection().selectAllChildren(source);
      button.textContent = "Selected: press Ctrl+C";
    }
    setTimeout(() => { button.textContent = "Copy"; }, 2500);
  }

  function sort(head) {
    const place = head.cellIndex, body = head.closest("table").tBodies[0];
    const was = head.getAttribute("aria-sort");
    const down = was ? was === "ascending" : head.dataset.first !== "ascending";
    for (const other of head.parentElement.cells) other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", down ? "descending" : "ascending");
    const key = (row) => row.cells[place].dataset.value ?? row.cells[place].textContent;
    const rows = [...body.rows].sort((a, b) => {
      const [x, y] = [key(a), key(b)], [m, n] = [Number(x), Number(y)];
      if (x === "" || y === "") return (x === "") - (y === ""); // no figure: last either way
      const order = Number.isNaN(m) || Number.isNaN(n) ? x.localeCompare(y) : m - n;
      return down ? -order : order;
    });
    body.append(...rows);
  }

  // --- index: mark the section being read ----------------------------------------------------------------------------
  const links = new Map([...document.querySelectorAll(".side nav a")].map((a) => [a.hash.slice(1), a]));
  const watcher = new IntersectionObserver((entries) => {
    for (const entry of entries) {
      if (!entry.isIntersecting) continue;
      for (const [id, link] of links) {
        if (id === entry.target.id) {
          link.setAttribute("aria-current", "true");
          const list = link.closest("nav");
          list.scrollTo({ left: link.offsetLeft - list.offsetLeft - 40 });
        } else link.removeAttribute("aria-current");
      }
    }
  }, { rootMargin: "-15% 0px -75% 0px" });
  for (const section of document.querySelectorAll("main > section[id]")) watcher.observe(section);
})();
