"""The names inside a run folder, and writing so that a reader sees the old, or the new, never a half."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from recsmith.errors import InvalidValue

RECIPE = "recipe.toml"
MODEL = "model"
METRICS = "metrics.json"
PER_USER = "per_user.parquet"
REPORT = "report.html"
LOG = "log"
CHECKPOINTS = "checkpoints"
CURVE = "learning_curve.jsonl"
LINES = "train.log"
STATUS = "run.json"
FORMAT = 1


def refuse_existing(path: Path, *, overwrite: bool) -> None:
    """Raises `InvalidValue` when something is there already and may not be replaced."""
    if path.exists() and not overwrite:
        raise InvalidValue("--out", "a new path", str(path), "It is there already; --overwrite replaces it.")


@contextmanager
def write_aside(target: Path) -> Iterator[Path]:
    """Yields a path beside `target`; renames it into place on success, removes it on failure."""
    target.parent.mkdir(parents=True, exist_ok=True)
    aside = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        yield aside
        os.replace(aside, target)
    finally:
        aside.unlink(missing_ok=True)


@contextmanager
def folder_aside(target: Path) -> Iterator[Path]:
    """Yields an empty folder beside `target` and puts it in the place of `target` on success.

    Only the holder of the run's lock may call this: what an earlier, killed process left is cleared.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    aside = target.with_name(f".{target.name}.part")
    shutil.rmtree(aside, ignore_errors=True)
    aside.mkdir()
    try:
        yield aside
        put_in_place(aside, target)
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def put_in_place(new: Path, target: Path) -> None:
    """Renames a finished folder to `target`; an old one there is moved away first and deleted last."""
    old = target.with_name(f".{target.name}.old")
    shutil.rmtree(old, ignore_errors=True)
    if target.exists():
        os.rename(target, old)
    try:
        os.rename(new, target)
    except BaseException:
        if old.exists():
            os.rename(old, target)
        raise
    shutil.rmtree(old, ignore_errors=True)


def write_curve(folder: Path, rows: Iterable[Mapping[str, float]]) -> None:
    """Writes a learning curve, a line of JSON an epoch, into the log folder of a run."""
    lines = [json.dumps(dict(row)) + "\n" for row in rows]
    (folder / LOG / CURVE).write_text("".join(lines), encoding="utf-8")


def write_json(path: Path, document: Mapping[str, Any]) -> None:
    """Writes plain values as JSON, as a whole or not at all."""
    with write_aside(path) as aside:
        aside.write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def read_json(path: Path) -> dict[str, Any]:
    """Reads what `write_json` wrote."""
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found
