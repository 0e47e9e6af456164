"""`recsmith recommend`: lists for people the model knows, for somebody new, or for everyone."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from recsmith.cli import shared

EXAMPLE = shared.example(
    "recsmith recommend --model runs/demo --user 42",
    'recsmith recommend --model runs/demo --likes "Toy Story (1995)" --likes "Babe"',
    "recsmith recommend --model runs/demo --all --out lists.parquet",
)


def recommend(
    model: shared.ModelPath,
    user: Annotated[
        list[str] | None,
        typer.Option("--user", "-u", metavar="ID", help="Somebody it knows. May be repeated."),
    ] = None,
    likes: Annotated[
        list[str] | None,
        typer.Option(
            "--likes", metavar="TITLE", help="Somebody new likes this. May be repeated; id:50 works too."
        ),
    ] = None,
    everyone: Annotated[bool, typer.Option("--all", help="A list for every user, into --out.")] = False,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", metavar="F.parquet", help="Write the lists there.")
    ] = None,
    k: Annotated[int, typer.Option("-k", "--k", help="How long a list may be.")] = 10,
    unknown: Annotated[
        Literal["error", "popular", "skip"],
        typer.Option("--unknown", help="What to do for a user the model does not know."),
    ] = "error",
    exclude_seen: Annotated[
        bool, typer.Option("--exclude-seen/--include-seen", help="Leave out what the person already had.")
    ] = True,
    reasons: Annotated[int, typer.Option("--reasons", min=0, help="How many reasons for each item.")] = 2,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace --out when it is there.")] = False,
    progress: shared.Progress = True,
    json: shared.Json = False,
    debug: shared.Debug = False,
) -> None:
    """Recommend to people the model knows, to somebody new, or to everyone."""
    from recsmith.runs import lists

    if sum([bool(user), bool(likes), everyone]) != 1:
        raise shared.wrong_call("Give one of --user, --likes, --all.")
    if everyone and out is None:
        raise shared.wrong_call("--all needs --out F.parquet.")
    shop = lists.open_model(model)
    options: dict[str, Any] = {"k": k, "exclude_seen": exclude_seen}
    if everyone:
        assert out is not None
        written = lists.write_all(shop, out, overwrite=overwrite, progress=progress, **options)
        if json:
            shared.print_json(written)
        else:
            shared.out().print(
                f"{written['n_rows']:,} rows for {written['n_users']:,} users: {out}", markup=False
            )
        return
    if likes:
        document = {"recommendations": shop.for_likes(likes, n_reasons=reasons, **options)}
    else:
        found = shop.for_users(user or [], unknown=unknown, n_reasons=reasons, **options)
        document = (
            {"recommendations": found[0]["recommendations"]}
            if len(user or []) == 1 and found
            else {"users": found}
        )
    if out is not None:
        lists.write_lists(document, out, overwrite=overwrite)
    if json:
        shared.print_json(document)
        return
    for one in document.get("users", [document]):
        _show(one, "someone new" if likes else f"user {one.get('user_id', (user or [''])[0])}")


def _show(one: dict[str, Any], who: str) -> None:
    table = shared.plain_table("#", "item", "title", "score", "because of")
    table.title = f"For {who}"
    for line in one["recommendations"]:
        because = ", ".join(reason["title"] for reason in line["because"])
        table.add_row(
            str(line["rank"]),
            str(line["item_id"]),
            shared.text(line["title"]),
            f"{line['score']:.4g}",
            shared.text(because),
        )
    shared.out().print(table)
