"""libFM's and libsvm's text: a line an event, its target and then feature:value pairs. Rendle, TIST 2012;
Chang, Lin, LIBSVM, TIST 2011."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy import sparse

from recsmith.errors import BadRows, DataError, InvalidValue
from recsmith.storage import file_aside

_SHOWN = 5  # bad lines that are named
_MOST = 2**31 - 1


@dataclass(frozen=True, eq=False)
class FeatureTable:
    """Holds N events: `target_N` float64, and float32 features as CSR [N, P]."""

    target_N: np.ndarray
    features: sparse.csr_matrix


def read_libfm(path: str | Path, *, first: int = 0, n_features: int | None = None) -> FeatureTable:
    """Returns the events of a file, with its features in columns 0 to P.

    `first` is the number of the first feature: 0 in libFM, 1 in most libsvm files. `n_features` is P where it
    is known, as for a test file that lacks the last features of its train file. Text after # is passed over,
    and so are empty lines. Raises `BadRows` with the numbers of the lines that are none of the format: a
    target or value that is no finite number, a feature that is no whole number or stands twice.
    """
    if first not in (0, 1):
        raise InvalidValue("first", "0 (libFM) or 1 (libsvm)", first)
    file = Path(path)
    if not file.is_file():
        raise DataError(f"path must be a file that is there. Got {str(path)!r}.")
    most = _MOST if n_features is None else first + n_features - 1
    target: list[float] = []
    column: list[int] = []
    value: list[float] = []
    ends, bad = [0], []
    for number, text in _lines(file):
        try:
            y, features = _event(text, first, most)
        except ValueError as fault:
            bad.append(f"line {number}: {fault}")
            continue
        target.append(y)
        column += features
        value += features.values()
        ends.append(len(column))
    if bad:
        more = f" And {len(bad) - _SHOWN:,} more." if len(bad) > _SHOWN else ""
        raise BadRows(f"{file} must be libFM text. Got " + "; ".join(bad[:_SHOWN]) + f".{more}")
    if not target:
        raise DataError(f"{file} must hold at least one event. Got none.")
    codes = np.array(column, np.int32) - first
    width = int(codes.max(initial=-1)) + 1 if n_features is None else n_features
    matrix = sparse.csr_matrix(
        (np.array(value, np.float32), codes, np.array(ends, np.int64)), shape=(len(target), width)
    )
    matrix.sort_indices()
    return FeatureTable(np.array(target), matrix)


def write_libfm(path: str | Path, table: FeatureTable, *, first: int = 0) -> None:
    """Writes events so that `read_libfm` gives back the same numbers; zeros are left out."""
    if first not in (0, 1):
        raise InvalidValue("first", "0 (libFM) or 1 (libsvm)", first)
    rows = sparse.csr_matrix(table.features, dtype=np.float32, copy=True)
    if len(table.target_N) != rows.shape[0]:
        raise InvalidValue(
            "target_N", f"{rows.shape[0]} long, one for each row of features", len(table.target_N)
        )
    rows.sum_duplicates()
    rows.eliminate_zeros()
    with file_aside(Path(path)) as aside, aside.open("w", encoding="ascii", newline="\n") as out:
        for n, target in enumerate(np.asarray(table.target_N, np.float64).tolist()):
            part = slice(rows.indptr[n], rows.indptr[n + 1])
            pairs = zip(rows.indices[part].tolist(), rows.data[part], strict=True)
            out.write(" ".join([_short(target), *(f"{p + first}:{_short(x)}" for p, x in pairs)]) + "\n")


def _lines(file: Path) -> Iterator[tuple[int, str]]:
    """Yields the number and the text of each line that says something."""
    with file.open(encoding="utf-8-sig", errors="replace") as lines:
        for number, line in enumerate(lines, 1):
            text = line.partition("#")[0].strip()
            if text:
                yield number, text


def _event(text: str, first: int, most: int) -> tuple[float, dict[int, float]]:
    """Returns the target and the features of a line; raises `ValueError` that says what is wrong with it."""
    target, *pairs = text.split()
    features: dict[int, float] = {}
    for pair in pairs:
        feature, colon, value = pair.partition(":")
        if not colon:
            raise ValueError(f"{pair[:40]!r} is no feature:value")
        if not (feature.isascii() and feature.isdigit()) or not first <= int(feature) <= most:
            raise ValueError(
                f"{feature[:40]!r} is no feature, which are whole numbers from {first} to {most}"
            )
        if int(feature) in features:
            raise ValueError(f"feature {feature} stands twice")
        features[int(feature)] = _number(value, "value")
    return _number(target, "target"), features


def _number(text: str, what: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = float("nan")
    if not np.isfinite(number):
        raise ValueError(f"{text[:40]!r} is no {what}")
    return number


def _short(number: float | np.float32) -> str:
    """Returns the shortest text that gives the number back."""
    text = str(number) if isinstance(number, np.float32) else repr(number)
    return text.removesuffix(".0")
