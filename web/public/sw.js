/* Keeps every file of the site, checked by its hash, and answers from there: the page works without a network. */
/* recsmith web writes cache-list.js: {version, files: [{path, integrity}]}. */

importScripts("./cache-list.js");

const { version, files } = self.CACHE_LIST;
const here = new URL("./", self.location.href);
const PREFIX = `recsmith ${here.pathname} `;
const NAME = PREFIX + version;
const kept = new Set(files.map((file) => new URL(file.path, here).href));

self.addEventListener("install", (event) => {
  event.waitUntil(keepAll());
});

self.addEventListener("activate", (event) => {
  event.waitUntil(forgetOld().then(() => self.clients.claim()));
});

self.addEventListener("message", (event) => {
  if (event.data === "take over") self.skipWaiting();
});

self.addEventListener("fetch", (event) => {
  const url = new URL(event.request.url);
  url.search = "";
  url.hash = "";
  if (event.request.method !== "GET") return;
  if (event.request.mode === "navigate" && (url.href === here.href || url.href === `${here.href}index.html`)) url.href = `${here.href}index.html`;
  if (kept.has(url.href)) event.respondWith(answer(url.href, event.request));
});

/** All or nothing: a part of a site would work until it matters. A few at a time, for the sake of small hosts. */
async function keepAll() {
  const cache = await caches.open(NAME);
  const waiting = [...files];
  const worker = async () => {
    for (let file = waiting.shift(); file !== undefined; file = waiting.shift()) {
      const request = new Request(new URL(file.path, here), { integrity: file.integrity, cache: "no-cache", credentials: "same-origin" });
      const response = await fetch(request);
      if (!response.ok) throw new Error(`${file.path}: status ${response.status}`);
      await cache.put(request.url, response);
    }
  };
  try {
    await Promise.all([worker(), worker(), worker(), worker()]);
  } catch (error) {
    await caches.delete(NAME);
    throw error;
  }
}

async function forgetOld() {
  for (const name of await caches.keys()) {
    if (name.startsWith(PREFIX) && name !== NAME) await caches.delete(name);
  }
}

async function answer(url, request) {
  const found = await (await caches.open(NAME)).match(url);
  return found ?? fetch(request);
}
