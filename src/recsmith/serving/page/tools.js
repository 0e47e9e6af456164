// Small tools of both pages: elements, questions to the service, what is said when one fails.

import { word } from "./words.js";

// What is null is left out; `append` itself would write the word.
export const there = (inside) => inside.filter((one) => one !== null && one !== undefined);

export function el(name, attributes = {}, ...inside) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else if (value === true) made.setAttribute(key, "");
    else if (value !== false && value !== undefined && value !== null) made.setAttribute(key, value);
  }
  made.append(...there(inside));
  return made;
}

export async function ask(path, body) {
  const headers = { ...(body ? { "content-type": "application/json" } : {}) };
  const key = sessionStorage.getItem("recsmith-key");
  if (key) headers["X-API-Key"] = key;
  const answer = await fetch(path, { method: body ? "POST" : "GET", headers, body: body && JSON.stringify(body) });
  const told = await answer.json().catch(() => ({ error: answer.statusText }));
  if (!answer.ok) throw new Error(told.error ?? answer.statusText);
  return told;
}

export function trouble(error) {
  return el("p", { class: "trouble", role: "alert" }, `${word("trouble")}: ${error.message}`);
}
