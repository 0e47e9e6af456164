/** What the page remembers: a list of ids in this browser's storage, and how to take it along. */

import type { ItemId } from "../recsmith";

export interface Remembered {
  /** Oldest first. */
  readonly liked: readonly ItemId[];
  /** What the person does not want to see. */
  readonly hidden: readonly ItemId[];
}

const FORMAT = "recsmith-history";
export const NOTHING: Remembered = { liked: [], hidden: [] };

/** Is the browser's storage under one name; a browser without one forgets at the end of the visit. */
export class Store {
  /** False when the browser refused to keep the last change. */
  keeps = true;

  /** Two sites below one host must not mix: the name has the page's own path. */
  constructor(private readonly name = `recsmith ${new URL(".", location.href).pathname}`) {}

  history(): Remembered {
    try {
      return readList(JSON.parse(localStorage.getItem(this.name) ?? "{}"));
    } catch {
      return NOTHING;
    }
  }

  keepHistory(remembered: Remembered): void {
    this.write(this.name, JSON.stringify(remembered));
  }

  setting(key: string): string | null {
    try {
      return localStorage.getItem(`${this.name} ${key}`);
    } catch {
      return null;
    }
  }

  keepSetting(key: string, value: string): void {
    this.write(`${this.name} ${key}`, value);
  }

  /** Deletes everything of this page, settings too. */
  clear(): void {
    try {
      for (const key of Object.keys(localStorage)) {
        if (key === this.name || key.startsWith(`${this.name} `)) localStorage.removeItem(key);
      }
    } catch {
      this.keeps = false;
    }
  }

  private write(key: string, value: string): void {
    try {
      localStorage.setItem(key, value);
      this.keeps = true;
    } catch {
      this.keeps = false;
    }
  }
}

/** Returns the text of an exported list. */
export function toFile(remembered: Remembered, bundle: string): string {
  return `${JSON.stringify({ format: FORMAT, version: 1, bundle, ...remembered }, null, 1)}\n`;
}

/** Reads an exported list; undefined when the text is something else. */
export function fromFile(text: string): Remembered | undefined {
  try {
    const found: unknown = JSON.parse(text);
    const isOurs = typeof found === "object" && found !== null && (found as Record<string, unknown>)["format"] === FORMAT;
    return isOurs ? readList(found) : undefined;
  } catch {
    return undefined;
  }
}

function readList(found: unknown): Remembered {
  const object = typeof found === "object" && found !== null ? (found as Record<string, unknown>) : {};
  return { liked: ids(object["liked"]), hidden: ids(object["hidden"]) };
}

function ids(value: unknown): ItemId[] {
  const all = Array.isArray(value) ? value.filter((id): id is ItemId => typeof id === "string" || Number.isFinite(id)) : [];
  return [...new Set(all)];
}
