"""`recsmith recommend`: lists for people the model knows, for somebody new, or for everyone."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from recsmith.cli import shared

if TYPE_CHECKING:
    from rich.table import Table

    from recsmith.runs.lists import Advisor

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
    resume: Annotated[
        bool, typer.Option("--resume", help="With --all: go on after the part that a stopped call left.")
    ] = False,
    settings: Annotated[
        Path | None,
        typer.Option("--settings", metavar="FILE", help="With --all: the service's file, for its [stages]."),
    ] = None,
    progress: shared.Progress = True,
    model_class: shared.ModelClass = None,
    json: shared.Json = False,
    debug: shared.Debug = False,
) -> None:
    """Recommend to people the model knows, to somebody new, or to everyone."""
    from recsmith.runs import lists

    if sum([bool(user), bool(likes), everyone]) != 1:
        raise shared.wrong_call("Give one of --user, --likes, --all.")
    if unknown != "error" and not user:
        raise shared.wrong_call("--unknown goes with --user: --all and --likes have nobody unknown.")
    if everyone and out is None:
        raise shared.wrong_call("--all needs --out F.parquet.")
    if settings is not None and not everyone:
        raise shared.wrong_call("--settings goes with --all.")
    advisor = lists.open_model(model, model_class=shared.own_class(model_class))
    options: dict[str, Any] = {"k": k, "exclude_seen": exclude_seen}
    if everyone:
        from recsmith.serving.settings import read_settings

        assert out is not None
        options["settings"] = read_settings(settings)[1]
        written = lists.write_all(
            advisor, out, overwrite=overwrite, resume=resume, progress=progress, **options
        )
        if json:
            shared.print_json(written)
        else:
            told = f"{written['n_rows']:,} rows for {written['n_users']:,} users: {out}"
            shared.out().print(told, markup=False)
        return
    options["n_reasons"] = reasons
    if likes:
        document: dict[str, Any] = {"recommendations": advisor.for_likes(likes, **options)}
    else:
        document = _for_users(advisor, user or [], unknown=unknown, **options)
    if out is not None:
        lists.write_lists(document, out, overwrite=overwrite)
    if json:
        shared.print_json(document)
        return
    for one in document.get("users", [document]):
        who = "someone new" if likes else f"user {one.get('user_id', (user or [''])[0])}"
        lines = one["recommendations"]
        shared.out().print(
            _table(lines, who) if lines else shared.text(f"Nothing left to recommend for {who}.")
        )


def _for_users(advisor: Advisor, users: list[str], **options: Any) -> dict[str, Any]:
    """Returns one list for one user, and `users` for several."""
    from recsmith.errors import UnknownId

    try:
        found = advisor.for_users(users, **options)
    except UnknownId as error:
        cure = "Give --unknown popular or skip, or --likes TITLE for somebody new."
        raise UnknownId(error.kind, error.ids, cure) from None
    if len(users) > 1:
        return {"users": found}
    return {"recommendations": found[0]["recommendations"] if found else []}


def _table(lines: list[dict[str, Any]], who: str) -> Table:
    table = shared.plain_table("#", "item", "title", "score", "because of")
    table.title = shared.text(f"For {who}")
    for line in lines:
        because = ", ".join(reason["title"] for reason in line["because"])
        words = (
            shared.text(line["item_id"]),
            shared.text(line["title"]),
            f"{line['score']:#.4g}",
            shared.text(because),
        )
        table.add_row(str(line["rank"]), *words)
    return table
