"""`recsmith explain`: which of a person's items led to a recommendation."""

from __future__ import annotations

from typing import Annotated

import typer

from recsmith.cli import shared

EXAMPLE = shared.example("recsmith explain --model runs/demo --user 42 --item 2571")


def explain(
    model: shared.ModelPath,
    item: Annotated[str, typer.Option("--item", "-i", metavar="ID", help="An item id, or its title.")],
    user: Annotated[str | None, typer.Option("--user", "-u", metavar="ID", help="Somebody it knows.")] = None,
    likes: Annotated[
        list[str] | None,
        typer.Option("--likes", metavar="TITLE", help="Somebody new likes this. May be repeated."),
    ] = None,
    k: Annotated[int, typer.Option("-k", "--k", help="How many reasons.")] = 5,
    model_class: shared.ModelClass = None,
    json: shared.Json = False,
    debug: shared.Debug = False,
) -> None:
    """Say which of a person's items led to an item, and how much each adds to its score."""
    from recsmith.errors import UnknownId
    from recsmith.runs import lists

    if (user is None) == (not likes):
        raise shared.wrong_call("Give one of --user, --likes.")
    advisor = lists.open_model(model, model_class=shared.own_class(model_class))
    try:
        document = advisor.explain(item, user=user, likes=likes or (), k=k)
    except UnknownId as error:
        if error.kind != "user_id":
            raise
        raise UnknownId(error.kind, error.ids, "Give --likes TITLE for somebody new.") from None
    if json:
        shared.print_json(document)
        return
    table = shared.plain_table("item", "title", "adds")
    table.title = shared.text(f"{document['title']}: {document['score']:#.4g}")
    for line in document["because"]:
        table.add_row(shared.text(line["item_id"]), shared.text(line["title"]), f"{line['weight']:+#.4g}")
    for name in ("rest", "base"):
        if document.get(name):
            table.add_row(
                "", "everything else" if name == "rest" else "for everyone", f"{document[name]:+#.4g}"
            )
    shared.out().print(table)
