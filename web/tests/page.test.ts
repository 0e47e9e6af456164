/** The page's small parts: titles, search, words, the exported list. */

import { describe, expect, it } from "vitest";

import { Catalogue } from "../src/catalogue";
import { leading } from "../src/page/cover";
import { isSame } from "../src/page/device";
import { Finder } from "../src/page/search";
import { fromFile, toFile } from "../src/page/store";
import { folded, readTitle } from "../src/page/titles";
import { genreWord, wordsOf } from "../src/page/words";

describe("readTitle", () => {
  it.each([
    ["Matrix, The (1999)", "The Matrix", "", "1999"],
    ["Seven (a.k.a. Se7en) (1995)", "Seven", "Se7en", "1995"],
    ["City of Lost Children, The (Cité des enfants perdus, La) (1995)", "The City of Lost Children", "La Cité des enfants perdus", "1995"],
    ["Fistful of Dollars, A (Per un pugno di dollari) (1964)", "A Fistful of Dollars", "Per un pugno di dollari", "1964"],
    ["Babylon 5", "Babylon 5", "", ""],
    ["(500) Days of Summer (2009)", "(500) Days of Summer", "", "2009"],
    ["Death Note: Desu nôto (2006–2007)", "Death Note: Desu nôto", "", "2006"],
    ["Good, the Bad and the Ugly, The (Buono, il brutto, il cattivo, Il) (1966)", "The Good, the Bad and the Ugly", "Il Buono, il brutto, il cattivo", "1966"],
  ])("%s", (title, name, also, year) => {
    expect(readTitle(title)).toEqual({ name, also, year });
  });

  it("folds case, accents and points for search", () => {
    expect(folded("  Amélie: WALL·E ")).toBe("amelie wall e");
  });
});

describe("Finder", () => {
  const titles = ["Star 80 (1983)", "Star Wars (1977)", "Lone Star (1996)", "Stargate (1994)", "Étoile, L' (1989)", "The Startled (2000)"];
  const popularity = [1, 100, 20, 50, 2, 3];
  const finder = new Finder(new Catalogue({ item_id: [0, 1, 2, 3, 4, 5], title: titles }, 6));
  const find = (query: string): number[] => finder.find(query, (row) => popularity[row]!, () => false);

  it("puts the start of a title first, then what is popular", () => {
    expect(find("star")).toEqual([1, 3, 5, 0, 2]);
    expect(find("wars star")).toEqual([1]);
    expect(find("etoile")).toEqual([4]);
    expect(find("1996")).toEqual([2]);
    expect(find("  ")).toEqual([]);
    expect(find("nothing like it")).toEqual([]);
  });

  it("leaves out what is already liked", () => {
    expect(finder.find("star", () => 0, (row) => row === 1)).not.toContain(1);
  });
});

describe("words", () => {
  it("are there in both languages, with the same keys and none empty", () => {
    for (const kind of ["films", "items"] as const) {
      const [en, zh] = [wordsOf("en", kind), wordsOf("zh", kind)];
      expect(Object.keys(zh).sort()).toEqual(Object.keys(en).sort());
      expect(Object.keys(zh.failures).sort()).toEqual(Object.keys(en.failures).sort());
      for (const words of [en, zh]) for (const value of Object.values(words)) expect(value).not.toBe("");
      expect(zh.lede).toMatch(/\p{Script=Han}/u);
    }
    expect(genreWord("Sci-Fi", "zh")).toBe("科幻");
    expect(genreWord("Cookery", "zh")).toBe("Cookery");
  });
});

describe("the exported list", () => {
  it("comes back as it went", () => {
    const list = { liked: [1, "b"], hidden: [3] };
    expect(fromFile(toFile(list, "toy"))).toEqual(list);
  });

  it.each(["", "[]", "{}", '{"format": "other", "liked": [1]}', "not JSON"])("refuses %s", (text) => {
    expect(fromFile(text)).toBeUndefined();
  });

  it("keeps only ids, each once", () => {
    expect(fromFile('{"format": "recsmith-history", "liked": [1, null, {"a": 1}, "x", 1], "hidden": 5}')).toEqual({ liked: [1, "x"], hidden: [] });
  });
});

describe("covers", () => {
  it("take the genre that says most", () => {
    expect(leading(["Comedy", "Drama", "Sci-Fi"])).toBe("Sci-Fi");
    expect(leading(["Children's", "Comedy"])).toBe("Children");
    expect(leading(["Cookery"])).toBeUndefined();
  });
});

describe("the check on the page", () => {
  it("lets neighbours with nearly equal scores change places, and nothing else", () => {
    expect(isSame([1, 2, 3], [1, 2, 3], [3, 2, 1])).toBe(true);
    expect(isSame([2, 1, 3], [1, 2, 3], [3, 3 - 1e-6, 1])).toBe(true);
    expect(isSame([2, 1, 3], [1, 2, 3], [3, 2, 1])).toBe(false);
    expect(isSame([1, 2], [1, 2, 3], [3, 2, 1])).toBe(false);
    expect(isSame([1, 2, 4], [1, 2, 3], [3, 2, 1])).toBe(false);
  });
});
