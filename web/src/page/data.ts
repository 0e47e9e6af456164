/** Your data: export, import, clear. */

import type { ItemId } from "../recsmith";
import { byId, h } from "./dom";
import { type Remembered, fromFile, toFile } from "./store";
import type { Words } from "./words";

export interface DataHooks {
  readonly words: () => Words;
  readonly say: (text: string) => void;
  readonly remembered: () => Remembered;
  readonly bundle: string;
  readonly isKnown: (id: ItemId) => boolean;
  readonly set: (remembered: Remembered, announce: string) => void;
  readonly clear: () => void;
}

/** Makes the buttons of the section work. */
export function startData(hooks: DataHooks): void {
  const note = (text: string): void => {
    byId("data-note").textContent = text;
    hooks.say(text);
  };
  byId("export").addEventListener("click", () => {
    const file = new Blob([toFile(hooks.remembered(), hooks.bundle)], { type: "application/json" });
    const url = URL.createObjectURL(file);
    h("a", { href: url, download: "recsmith-history.json" }).click();
    setTimeout(() => URL.revokeObjectURL(url), 10_000);
    note(hooks.words().exported);
  });

  const picker = byId<HTMLInputElement>("import-file");
  byId("import").addEventListener("click", () => picker.click());
  picker.addEventListener("change", () => {
    const file = picker.files?.[0];
    picker.value = "";
    if (file === undefined) return;
    void file.text().then((text) => {
      const found = fromFile(text);
      if (found === undefined) {
        note(hooks.words().importBad);
        return;
      }
      const liked = found.liked.filter(hooks.isKnown);
      const text2 = hooks.words().imported(liked.length, found.liked.length - liked.length);
      hooks.set({ liked, hidden: found.hidden.filter(hooks.isKnown) }, text2);
      note(text2);
    });
  });

  const dialog = byId<HTMLDialogElement>("clear-dialog");
  byId("clear").addEventListener("click", () => dialog.showModal());
  byId("clear-no").addEventListener("click", () => dialog.close());
  byId("clear-yes").addEventListener("click", () => {
    dialog.close();
    hooks.clear();
    note(hooks.words().cleared);
  });
}
