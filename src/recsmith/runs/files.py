"""The names inside a run folder, and reading and writing its small files."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from recsmith.errors import InvalidValue, RecsmithError
from recsmith.storage import file_aside

RECIPE = "recipe.toml"
MODEL = "model"
METRICS = "metrics.json"
PER_USER = "per_user.parquet"
REPORT = "report.html"
LOG = "log"
CHECKPOINTS = "checkpoints"
EVALUATIONS = "evaluations"
"""A demo's other models, one folder each."""
RATINGS = "ratings"
CURVE = "learning_curve.jsonl"
LINES = "train.log"
STATUS = "run.json"
FORMAT = 1


def refuse_existing(path: Path, *, overwrite: bool) -> None:
    """Raises `InvalidValue` when something is there already and may not be replaced."""
    if path.exists() and not overwrite:
        raise InvalidValue("--out", "a new path", str(path), "It is there already; --overwrite replaces it.")


def refuse_what_is_no_run(folder: Path) -> None:
    """Raises `InvalidValue` for a path that holds something else than a run: replacing it would lose that."""
    if not folder.exists() or (folder / STATUS).is_file() or (folder.is_dir() and not any(folder.iterdir())):
        return
    cure = "What is there was not made by recsmith train; give another --out."
    raise InvalidValue("--out", "a new path, or a run to replace", str(folder), cure)


def write_curve(folder: Path, rows: Iterable[Mapping[str, float]]) -> None:
    """Writes a learning curve, a line of JSON an epoch, into the log folder of a run."""
    lines = [json.dumps(dict(row)) + "\n" for row in rows]
    (folder / LOG / CURVE).write_text("".join(lines), encoding="utf-8")


def write_json(path: Path, document: Mapping[str, Any]) -> None:
    """Writes plain values as JSON, as a whole or not at all."""
    with file_aside(path) as aside:
        aside.write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def read_json(path: Path) -> dict[str, Any]:
    """Reads what `write_json` wrote; raises `RecsmithError` for a file that is cut short or altered."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise RecsmithError(
            f"{path} must be JSON. Got: {error}. The file is cut short or altered."
        ) from error
    if not isinstance(found, dict):
        raise RecsmithError(f"{path} must hold a JSON object. Got {type(found).__name__}.")
    return found
