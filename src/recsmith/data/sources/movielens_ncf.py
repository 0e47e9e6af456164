"""MovieLens 1M as the Neural Collaborative Filtering paper splits it (He et al. 2017), from its files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl

from recsmith.data.dataset import Dataset
from recsmith.data.sources.movielens import load_movielens
from recsmith.data.split import Split
from recsmith.errors import DataError

_FILES = ("ncf_ml-1m.test.rating", "ncf_ml-1m.test.negative", "ncf_item_map.csv")


def load_ncf_ml1m(path: str | Path) -> tuple[Split, np.ndarray]:
    """Returns the split and int32 [U, 100]: each test user's held-out item, then the 99 sampled negatives.

    Rows are in the order of `split.test_users()`, values are item codes. `path` is a folder with MovieLens
    1M, the paper's two test files, and `ncf_item_map.csv` (ncf_item, movieId), which says which movie a code
    of the paper means; its user code is UserID − 1. The train part is every rating but the held-out ones.
    The negatives were sampled against the train part only, so 156 of them are the held-out item itself.
    Raises `DataError` when a file is absent or the held-out ratings are not in the log.
    """
    folder = Path(path)
    missing = next((name for name in _FILES if not (folder / name).is_file()), None)
    if missing is not None:
        raise DataError(f"path must hold {', '.join(_FILES)}. Got {str(path)!r}, without {missing}.")
    data = load_movielens("1m", path=folder)
    item_of = _item_codes(data, folder / _FILES[2])
    test = pl.read_csv(folder / _FILES[0], separator="\t", has_header=False).to_numpy()
    user = data.users.encode(test[:, 0] + 1)
    item = item_of[test[:, 1]]
    split = _divide(data, user, item)
    pairs, negatives = _negatives(folder / _FILES[1])
    if not np.array_equal(pairs, test[:, :2]):
        raise DataError(f"{_FILES[1]} must have a line for each pair of {_FILES[0]}. Got other pairs.")
    candidates = item_of[np.hstack([pairs[:, 1:], negatives])]
    return split, candidates[np.argsort(user, kind="stable")]


def _item_codes(data: Dataset, file: Path) -> np.ndarray:
    """Returns the item code of each of the paper's item numbers."""
    table = pl.read_csv(file).sort("ncf_item")
    if table["ncf_item"].to_list() != list(range(len(table))):
        raise DataError(f"{file} must number its items from 0 without a gap. Got {len(table)} lines.")
    return data.items.encode(table["movieId"])


def _negatives(file: Path) -> tuple[np.ndarray, np.ndarray]:
    """Returns int64 [U, 2], the pairs that the first column writes as "(user,item)", and the rest [U, 99]."""
    table = pl.read_csv(file, separator="\t", has_header=False, quote_char=None)
    pairs = table.to_series(0).str.extract_groups(r"\((\d+),(\d+)\)").struct.unnest().cast(pl.Int64)
    return pairs.to_numpy(), table[:, 1:].to_numpy()


def _divide(data: Dataset, user: np.ndarray, item: np.ndarray) -> Split:
    events = data.interactions
    key = events.user.astype(np.int64) * data.n_items + events.item
    held = np.isin(key, user.astype(np.int64) * data.n_items + item)
    if held.sum() != len(user):
        raise DataError(
            f"the held-out pairs must be ratings of the log. Got {held.sum():,} of {len(user):,} there."
        )
    rule = "Given: MovieLens 1M, leave last out, with the held-out pairs and 99 negatives of He et al. 2017."
    return Split(train=data.with_interactions(events.select(~held)), test=events.select(held), rule=rule)
