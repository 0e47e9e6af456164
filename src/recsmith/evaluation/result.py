"""Evaluation: the figures of one model on one split, with intervals and per-user values."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Self

import polars as pl
from rich import box
from rich.console import Group
from rich.table import Table
from rich.text import Text

from recsmith.errors import DataError, InvalidValue, Shown, nearest
from recsmith.evaluation.leakage import Finding
from recsmith.storage import file_aside

FORMAT = 1
FILES = ("metrics.json", "evaluation.json", "per_user.parquet")
"""The figures alone, as people and scripts read them; everything else; the values a user."""
N_RATINGS = "n_ratings"


@dataclass(frozen=True)
class Figure:
    """One metric's value with its 95 % bootstrap interval over users; no interval is None, None.

    `n_users` counts the users who entered the value.
    """

    name: str
    value: float
    low: float | None
    high: float | None
    n_users: int
    higher_is_better: bool = True

    def __str__(self) -> str:
        around = "" if self.low is None or self.high is None else f" [{self.low:.4f}, {self.high:.4f}]"
        return f"{self.value:.4f}{around}"


@dataclass(frozen=True, eq=False)
class Evaluation:
    """What `evaluate` found.

    `users` has a row a test user: `user_id`, `n_ratings` (test events) and a column for each metric with
    per-user values, null where the user was left out. `fingerprint` is the same for evaluations on the
    same test events, users and protocol, and only those compare. `left_out` counts users by reason.
    """

    model: str
    figures: tuple[Figure, ...]
    users: pl.DataFrame
    split_rule: str
    protocol: str
    fingerprint: str
    left_out: Mapping[str, int]
    notes: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()
    n_bootstrap: int = 0
    seed: int = 0
    replicates: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    """The figure on each resample of users, for metrics without per-user values; what `compare` pairs."""

    def __getitem__(self, name: str) -> Figure:
        for figure in self.figures:
            if figure.name == name:
                return figure
        cure = f"{nearest(name, self.names)} There are: {', '.join(self.names)}.".strip()
        raise InvalidValue("metric", "one that was evaluated", name, cure)

    @property
    def names(self) -> list[str]:
        """Lists the metrics in the order asked."""
        return [figure.name for figure in self.figures]

    @property
    def leaks(self) -> tuple[Finding, ...]:
        """Lists the findings that make the figures too good to be true."""
        return tuple(finding for finding in self.findings if finding.kind == "leak")

    def to_dict(self) -> dict[str, dict[str, float | int | None]]:
        """Gives {metric: {value, low, high, n_users}}; a figure that is not defined is None."""
        return {
            figure.name: {
                "value": _number(figure.value),
                "low": _number(figure.low),
                "high": _number(figure.high),
                "n_users": figure.n_users,
            }
            for figure in self.figures
        }

    def to_frame(self) -> pl.DataFrame:
        """Gives the figures as a table: metric, value, low, high, n_users."""
        schema = {
            "metric": pl.String,
            "value": pl.Float64,
            "low": pl.Float64,
            "high": pl.Float64,
            "n_users": pl.Int64,
        }
        rows = [{"metric": name, **row} for name, row in self.to_dict().items()]
        return pl.DataFrame(rows, schema=schema)

    def save(self, folder: Path | str) -> None:
        """Writes metrics.json, evaluation.json and per_user.parquet, each aside first, then in place."""
        target = Path(folder)
        target.mkdir(parents=True, exist_ok=True)
        described = {
            "format": FORMAT,
            "model": self.model,
            "split_rule": self.split_rule,
            "protocol": self.protocol,
            "fingerprint": self.fingerprint,
            "n_bootstrap": self.n_bootstrap,
            "seed": self.seed,
            "left_out": dict(self.left_out),
            "notes": list(self.notes),
            "findings": [asdict(finding) for finding in self.findings],
            "replicates": {name: list(map(_number, drawn)) for name, drawn in self.replicates.items()},
            "figures": [{**asdict(f), "value": _number(f.value)} for f in self.figures],
        }
        _write(target / FILES[0], json.dumps(self.to_dict(), indent=2, allow_nan=False) + "\n")
        _write(target / FILES[1], json.dumps(described, indent=2, allow_nan=False) + "\n")
        with file_aside(target / FILES[2]) as aside:
            self.users.write_parquet(aside)

    @classmethod
    def load(cls, folder: Path | str) -> Self:
        """Reads what `save` wrote; raises DataError for a folder without a whole evaluation."""
        source = Path(folder)
        missing = [name for name in FILES[1:] if not (source / name).is_file()]
        if missing:
            raise DataError(f"{source} must hold an evaluation. Got no {missing[0]}.")
        try:
            read = json.loads((source / FILES[1]).read_text(encoding="utf-8"))
            users = pl.read_parquet(source / FILES[2])
        except (ValueError, pl.exceptions.PolarsError) as error:
            raise DataError(f"{source} must hold an evaluation. Got a damaged file: {error}") from error
        if not isinstance(read, dict) or read.get("format") != FORMAT:
            cure = "It was written by another version; evaluate again."
            raise InvalidValue("format", f"{FORMAT}", Shown(str(read)[:80]), cure)
        try:
            return cls._of(read, users)
        except (KeyError, TypeError, AttributeError) as error:
            raise DataError(
                f"{source} must hold an evaluation. Got {FILES[1]} altered: {error!r}."
            ) from error

    @classmethod
    def _of(cls, read: dict[str, Any], users: pl.DataFrame) -> Self:
        """Returns the evaluation that evaluation.json and the table of users describe."""
        nan = float("nan")
        figures = (
            Figure(**{**f, "value": nan if f["value"] is None else f["value"]}) for f in read["figures"]
        )
        return cls(
            model=read["model"],
            figures=tuple(figures),
            users=users,
            split_rule=read["split_rule"],
            protocol=read["protocol"],
            fingerprint=read["fingerprint"],
            left_out=read["left_out"],
            notes=tuple(read["notes"]),
            findings=tuple(Finding(**finding) for finding in read["findings"]),
            n_bootstrap=read["n_bootstrap"],
            seed=read["seed"],
            replicates={
                name: tuple(nan if one is None else one for one in drawn)
                for name, drawn in read["replicates"].items()
            },
        )

    def __rich__(self) -> Group:
        table = Table(title=Text(self.model), title_justify="left", box=box.SIMPLE_HEAD)
        table.add_column("metric")
        for column in ("value", "95 % interval", "users"):
            table.add_column(column, justify="right")
        for f in self.figures:
            around = "" if f.low is None or f.high is None else f"{f.low:.4f} … {f.high:.4f}"
            value = "–" if _number(f.value) is None else f"{f.value:.4f}"
            table.add_row(f.name, value, around, f"{f.n_users:,}")
        below = [f"{self.split_rule} {self.protocol}"]
        below += [f"{count:,} users left out: {reason}." for reason, count in self.left_out.items() if count]
        below += [*self.notes, *map(str, self.findings)]
        return Group(table, *(Text(line) for line in below))

    def __repr__(self) -> str:
        return f"Evaluation({self.model}: {', '.join(f'{f.name} {f}' for f in self.figures)})"


def _number(value: float | None) -> float | None:
    """Gives None for what JSON cannot say."""
    return None if value is None or value != value else float(value)


def _write(path: Path, text: str) -> None:
    with file_aside(path) as aside:
        aside.write_text(text, encoding="utf-8")
