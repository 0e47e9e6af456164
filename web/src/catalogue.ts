/** The items that a bundle knows: ids, rows, titles. */

import { BundleError } from "./errors";
import type { CatalogueColumns } from "./manifest";

/** What the outside world calls an item. */
export type ItemId = string | number;

/** Is the catalogue of a bundle. Row r is the item that the graph calls r. */
export class Catalogue {
  readonly size: number;
  private readonly ids: readonly ItemId[];
  private readonly rows: ReadonlyMap<string, number>;

  constructor(
    readonly columns: CatalogueColumns,
    nItems: number,
  ) {
    const ids = columns["item_id"];
    if (!Array.isArray(ids) || ids.length !== nItems) {
      throw new BundleError("mismatch", `catalogue.json must hold ${nItems} item_id. Got ${Array.isArray(ids) ? ids.length : "none"}: catalogue and manifest don't belong together.`);
    }
    this.ids = ids as ItemId[];
    this.size = nItems;
    // "50" means 50 and 50 means "50", as in recsmith's own vocabulary.
    this.rows = new Map(this.ids.map((id, row) => [String(id), row]));
  }

  /** Returns the row of an id; undefined for one that the catalogue does not know. */
  row(id: ItemId): number | undefined {
    return this.rows.get(String(id));
  }

  /** Returns the id of a row. */
  id(row: number): ItemId {
    const id = this.ids[row];
    if (id === undefined) throw new BundleError("mismatch", `The model must name rows below ${this.size}. Got ${row}: model and catalogue don't belong together.`);
    return id;
  }

  /** Returns the title of a row; its id when it has none. */
  title(row: number): string {
    const title = this.columns["title"]?.[row];
    return typeof title === "string" && title !== "" ? title : String(this.id(row));
  }

  /** Returns the words of a column that may hold several, as genres do. */
  words(column: string, row: number): readonly string[] {
    const value = this.columns[column]?.[row];
    if (Array.isArray(value)) return value.filter((one): one is string => typeof one === "string");
    return typeof value === "string" && value !== "" ? [value] : [];
  }

  /** Returns the number in a column; 0 where there is none. */
  number(column: string, row: number): number {
    const value = this.columns[column]?.[row];
    return typeof value === "number" ? value : 0;
  }
}
