"""`recsmith similar`: the neighbours of an item."""

from __future__ import annotations

from typing import Annotated

import typer

from recsmith.cli import shared

EXAMPLE = shared.example("recsmith similar --model runs/demo --item 1 -k 5")


def similar(
    model: shared.ModelPath,
    item: Annotated[str, typer.Option("--item", "-i", metavar="ID", help="An item id, or its title.")],
    k: Annotated[int, typer.Option("-k", "--k", help="How many neighbours.")] = 10,
    model_class: shared.ModelClass = None,
    json: shared.Json = False,
    debug: shared.Debug = False,
) -> None:
    """List the items that are most alike to one."""
    from recsmith.runs import lists

    document = lists.open_model(model, model_class=shared.own_class(model_class)).similar(item, k=k)
    if json:
        shared.print_json(document)
        return
    table = shared.plain_table("#", "item", "title", "similarity")
    table.title = shared.text(f"Like {document['title']}")
    for line in document["similar"]:
        words = (shared.text(line["item_id"]), shared.text(line["title"]))
        table.add_row(str(line["rank"]), *words, f"{line['score']:#.4g}")
    shared.out().print(table)
