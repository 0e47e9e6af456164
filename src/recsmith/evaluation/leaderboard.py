"""The leaderboard: several models' figures side by side, best first."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl
from rich import box
from rich.table import Table
from rich.text import Text

from recsmith.errors import InvalidValue
from recsmith.evaluation.result import Evaluation


def leaderboard(evaluations: Mapping[str, Evaluation]) -> pl.DataFrame:
    """Gives a row a model, best first by the first metric.

    Columns: `model` and for each metric `M`, `M low` and `M high`.
    """
    if not evaluations:
        raise InvalidValue("evaluations", "one or more", 0)
    names = list(dict.fromkeys(name for e in evaluations.values() for name in e.names))
    first = next(iter(evaluations.values()))[names[0]]
    rows = []
    for model, evaluation in evaluations.items():
        found = evaluation.to_dict()
        row: dict[str, str | float | int | None] = {"model": model}
        for name in names:
            figure = found.get(name, {})
            row |= {
                name: figure.get("value"),
                f"{name} low": figure.get("low"),
                f"{name} high": figure.get("high"),
            }
        rows.append(row)
    schema = {"model": pl.String} | {
        column: pl.Float64 for name in names for column in (name, f"{name} low", f"{name} high")
    }
    table = pl.DataFrame(rows, schema=schema)
    return table.sort(names[0], descending=first.higher_is_better, nulls_last=True, maintain_order=True)


def leaderboard_table(evaluations: Mapping[str, Evaluation], *, title: str = "Leaderboard") -> Table:
    """Gives the leaderboard for a terminal: value ± half the interval, the best of each metric in bold."""
    frame = leaderboard(evaluations)
    names = [column for column in frame.columns[1:] if f"{column} low" in frame.columns]
    caption = "± half of the 95 % bootstrap interval over users"
    table = Table(title=title, caption=caption, box=box.SIMPLE_HEAD, padding=(0, 0, 0, 1))
    table.add_column("model", no_wrap=True)
    best: dict[str, float] = {}
    for name in names:
        table.add_column(name.replace("@", "\n@"), justify="right", no_wrap=True)
        known = frame[name].drop_nulls().to_list()
        higher = next(e[name].higher_is_better for e in evaluations.values() if name in e.names)
        if known:
            best[name] = max(known) if higher else min(known)
    for row in frame.iter_rows(named=True):
        table.add_row(Text(row["model"]), *(_cell(row, name, best.get(name)) for name in names))
    return table


def _cell(row: Mapping[str, float | None], name: str, best: float | None) -> str:
    value, low, high = row[name], row[f"{name} low"], row[f"{name} high"]
    if value is None:
        return "–"
    text = f"[bold]{value:.4f}[/bold]" if value == best else f"{value:.4f}"
    return text if low is None or high is None else f"{text}\n±{(high - low) / 2:.4f}"
