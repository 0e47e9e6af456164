"""The options of the commands that read a log straight from a file, and the reading itself."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from recsmith.cli import shared

if TYPE_CHECKING:
    from recsmith.data import Dataset

LogPath = Annotated[
    str,
    typer.Argument(
        metavar="PATH",
        help="A file or a glob; a MovieLens folder, zip or size (latest-small); a recipe (its \\[data]).",
    ),
]
FormatName = Literal["movielens", "csv", "tsv", "parquet", "jsonl"]
Format = Annotated[
    FormatName | None, typer.Option("--format", metavar="FORMAT", help="Found out from PATH when not given.")
]
User = Annotated[str | None, typer.Option("--user", metavar="COLUMN", help="Found by its usual names else.")]
Item = Annotated[str | None, typer.Option("--item", metavar="COLUMN", help="Found by its usual names else.")]
Weight = Annotated[
    str | None,
    typer.Option("--weight", metavar="COLUMN", help="The rating or count; found by usual names else."),
]
Time = Annotated[str | None, typer.Option("--time", metavar="COLUMN", help="Found by its usual names else.")]
Separator = Annotated[
    str | None, typer.Option("--separator", metavar="TEXT", help="Between columns, :: too; found out else.")
]
Header = Annotated[bool, typer.Option("--header/--no-header", help="Whether line 1 names the columns.")]
Encoding = Annotated[str, typer.Option("--encoding", help="Of a text file.")]
Duplicates = Annotated[
    Literal["keep_last", "keep_first", "sum", "error", "keep_all"],
    typer.Option("--duplicates", help="A second event of the same user and item."),
]
OnBadRows = Annotated[
    Literal["error", "quarantine"],
    typer.Option("--on-bad-rows", help="Stop at a bad row, or set bad rows aside into a file."),
]


def read_log(path: str, *, format: str | None, **columns: Any) -> Dataset:
    """Reads the log that a command names, as a recipe would."""
    from recsmith.config.recipe import load_recipe, parse_recipe
    from recsmith.data.sources.movielens import RATINGS
    from recsmith.runs.sources import load_data

    place = Path(path).expanduser()
    if place.suffix == ".toml":
        return load_data(load_recipe(place, overrides=["model.class=Popular"]).data)
    is_movielens = format == "movielens" or (
        format is None
        and (place.is_dir() or place.suffix == ".zip" or (path in RATINGS and not place.exists()))
    )
    if is_movielens:
        for name in ("user", "item", "weight", "time", "separator"):
            if columns[name] is not None:
                raise shared.wrong_call(f"--{name} is for tables; MovieLens has columns of its own.")
        is_size = path in RATINGS and not place.exists()
        data: dict[str, Any] = {
            "source": "movielens",
            **({"size": path} if is_size else {"path": str(place)}),
        }
    else:
        data = {"source": "table", "path": path, "format": format, **columns}
    return load_data(parse_recipe({"data": data, "model": {"class": "Popular"}}).data)
