"""MovieLens in all its forms (Harper & Konstan 2015): 100K, 1M, 10M, 20M, 25M, 32M, latest, latest-small."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from importlib import resources
from pathlib import Path

from recsmith.data.dataset import Dataset, FeatureKind
from recsmith.data.features import add_item_table, add_user_table
from recsmith.data.sources import movielens_files as files
from recsmith.data.sources.movielens_download import fetch, unpack
from recsmith.data.sources.tables import read_table
from recsmith.data.split import Split, given
from recsmith.errors import DataError, InvalidValue

RATINGS = {
    "100k": 100_000,
    "1m": 1_000_209,
    "10m": 10_000_054,
    "20m": 20_000_263,
    "25m": 25_000_095,
    "32m": 32_000_204,
    "latest": None,
    "latest-small": 100_836,
}
"""Size → published number of ratings; None where it grows."""


@dataclass(frozen=True)
class Layout:
    """Says how the files of one family of MovieLens sets are written."""

    ratings: str
    separator: str
    header: bool
    quote: str


_LAYOUTS = (
    Layout("ratings.csv", ",", header=True, quote='"'),
    Layout("ratings.dat", "::", header=False, quote=""),
    Layout("u.data", "\t", header=False, quote=""),
)


def load_movielens(
    size: str = "latest-small",
    *,
    path: str | Path | None = None,
    name: str | None = None,
) -> Dataset:
    """Returns a MovieLens set with its items (title, year, genres, tags) and, where known, its users.

    `path` is a folder or zip with the files as GroupLens publishes them; its form is recognised. Without it,
    `latest-small` comes with recsmith, and other sizes are looked for in the folder that the environment
    variable RECSMITH_DATA names, then downloaded once (checksum verified). Raises `DataError` offline, with
    the address to fetch the set from.
    """
    key = _size_key(size)
    with _folder(key, path) as folder:
        layout = _layout(folder)
        ratings = _ratings(folder / layout.ratings, layout, name or _name(key, path))
        data = _with_tables(ratings, folder)
        whole = _counted(data, _size_of(layout, len(data)) if path and key == "latest-small" else key)
        shown = tuple(source.replace(str(folder), str(path or folder)) for source in whole.notes.sources)
        return replace(whole, notes=replace(whole.notes, sources=shown))


def movielens_folds(
    path: str | Path, *, folds: tuple[str, ...] = ("u1", "u2", "u3", "u4", "u5")
) -> list[Split]:
    """Returns the official train/test splits of MovieLens 100K (`ua` and `ub` too, where they are there)."""
    with _folder("100k", path) as folder:
        splits = []
        for fold in folds:
            train, test = folder / f"{fold}.base", folder / f"{fold}.test"
            if not (train.is_file() and test.is_file()):
                both = f"{train.name} and {test.name}"
                raise DataError(f"path must hold {both} of MovieLens 100K. Got {str(path)!r}.")
            layout = _LAYOUTS[2]
            learnt = _with_tables(_ratings(train, layout, f"MovieLens 100k {fold}"), folder)
            held = _ratings(test, layout, f"MovieLens 100k {fold} test")
            splits.append(given(learnt, held, rule=f"Given: the official fold {fold} of MovieLens 100K."))
        return splits


def _size_key(size: str) -> str:
    key = str(size).lower().removeprefix("ml-").removeprefix("movielens-")
    if key not in RATINGS:
        raise InvalidValue("size", f"one of {', '.join(RATINGS)}", size)
    return key


@contextmanager
def _folder(key: str, path: str | Path | None) -> Iterator[Path]:
    """Gives the folder with the files; that of a zip is there only inside the `with`."""
    if path is None and key == "latest-small":
        with resources.as_file(resources.files("recsmith.data") / "bundled" / "ml-latest-small") as bundled:
            yield bundled
        return
    if path is None:
        at_home = Path(os.environ.get("RECSMITH_DATA", "")) / f"ml-{key}"
        yield at_home if os.environ.get("RECSMITH_DATA") and _has_ratings(at_home) else fetch(key)
        return
    place = Path(path).expanduser()
    if place.is_dir():
        nested = [place, *sorted(child for child in place.iterdir() if child.is_dir())]
        yield next((folder for folder in nested if _has_ratings(folder)), place)
    elif place.is_file():
        with tempfile.TemporaryDirectory(prefix="recsmith-") as scratch:
            unpack(place, Path(scratch))
            inside = (file.parent for file in sorted(Path(scratch).rglob("*")))
            yield next((folder for folder in inside if _has_ratings(folder)), Path(scratch))
    else:
        raise DataError(f"path must be a folder or zip that is there. Got {str(path)!r}.")


def _has_ratings(folder: Path) -> bool:
    return any((folder / layout.ratings).is_file() for layout in _LAYOUTS)


def _layout(folder: Path) -> Layout:
    for layout in _LAYOUTS:
        if (folder / layout.ratings).is_file():
            return layout
    wanted = ", ".join(layout.ratings for layout in _LAYOUTS)
    raise DataError(f"path must hold the files of a MovieLens set ({wanted}). Got {str(folder)!r}.")


def _name(key: str, path: str | Path | None) -> str:
    if path is None:
        return f"MovieLens {key}"
    return f"MovieLens {Path(path).stem.removeprefix('ml-')}"


def _size_of(layout: Layout, n_ratings: int) -> str | None:
    """Returns the size that a layout or a count gives away."""
    if layout.ratings == "u.data":
        return "100k"
    return next((key for key, n in RATINGS.items() if n == n_ratings), None)


def _counted(data: Dataset, key: str | None) -> Dataset:
    """Notes it when a set has not as many ratings as were published."""
    expected = RATINGS.get(key) if key else None
    if expected is None or expected == data.notes.n_read:
        return data
    sentence = f"MovieLens {key} was published with {expected:,} ratings; this copy has {data.notes.n_read:,}"
    return replace(data, notes=data.notes.and_then(sentence))


def _ratings(file: Path, layout: Layout, name: str) -> Dataset:
    columns = ("userId", "movieId", "rating", "timestamp") if layout.header else files.unnamed(4)
    return read_table(
        file,
        user=columns[0],
        item=columns[1],
        weight=columns[2],
        time=columns[3],
        format="csv",
        separator=layout.separator,
        header=layout.header,
        quote=layout.quote,
        feedback="ratings",
        time_unit="s",
        name=name,
    )


def _with_tables(data: Dataset, folder: Path) -> Dataset:
    """Returns the data set with the side tables that the folder has."""
    items, users = files.read_items(folder), files.read_users(folder)
    found = data
    if items is not None:
        features: dict[str, FeatureKind] = {"title": "text", "genres": "multi", "year": "number"}
        if "tags" in items.columns:
            features["tags"] = "multi"
        found = add_item_table(found, items, features=features)
    if users is not None:
        about: dict[str, FeatureKind] = dict.fromkeys(files.USER_FEATURES, "categorical")
        if users.schema["age"].is_numeric():
            about["age"] = "number"
        found = add_user_table(found, users, features=about)
    return found
