"""The cross table with what a model expects, for the report and as a workbook."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from recsmith.config import Run
from recsmith.data import Dataset
from recsmith.data.crosstab import cross_table
from recsmith.models import HasVectors, PredictsRatings
from recsmith.report import Crosstab, write_crosstab
from recsmith.runs.files import refuse_existing

N_SIDE = 15


def make_crosstab(
    data: Dataset, *, n: int = N_SIDE, n_factors: int = 5, seed: int = 0, progress: bool = False
) -> Crosstab:
    """Returns the table of n people and n items with what a FunkSVD of the whole log expects.

    `n_factors` = 0 leaves the expectation out.
    """
    if n_factors == 0:
        return crosstab(data, n=n)
    from recsmith.models import FunkSVD

    model = FunkSVD(embedding_dim=n_factors).fit(data, run=Run(seed=seed, progress=progress))
    return crosstab(data, model, n=n)


def crosstab(data: Dataset, model: PredictsRatings | None = None, *, n: int = N_SIDE) -> Crosstab:
    """Sets the n most active people against the n most taken items, with what a fitted model expects."""
    table = cross_table(data, n_users=n, n_items=n)
    known: dict[str, Any] = {
        "user_ids": [str(user) for user in table.user_ids],
        "titles": table.titles,
        "actual": table.weight_UI.astype(np.float64),
    }
    if model is None:
        return Crosstab(**known)
    n_users, n_items = table.weight_UI.shape
    row, item = np.repeat(np.arange(n_users), n_items), np.tile(table.item_codes, n_users)
    expected = model.predict_codes(data.histories(table.user_codes), row, item.astype(np.int32))
    if isinstance(model, HasVectors):
        known["user_factors"] = np.asarray(model.user_vectors(list(table.user_ids)), np.float64)
        known["item_factors"] = np.asarray(model.item_vectors()[table.item_codes], np.float64)
    state = model.state()
    for name, key, codes in (
        ("user_bias", "user_bias_U", table.user_codes),
        ("item_bias", "item_bias_I", table.item_codes),
    ):
        if key in state:
            known[name] = np.asarray(state[key][codes], np.float64)
    if "mean" in state and state["mean"].ndim == 0:
        known["mean"] = float(state["mean"])
    return Crosstab(
        **known,
        predicted=np.asarray(expected, np.float64).reshape(n_users, n_items),
        model=type(model).__name__,
    )


def write_workbook(table: Crosstab, out: str | Path, *, overwrite: bool = False) -> Path:
    """Writes the table as an Excel workbook; raises `MissingExtra` without the xlsx extra."""
    refuse_existing(Path(out), overwrite=overwrite)
    return write_crosstab(table, out)
