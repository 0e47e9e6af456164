"""Vocabulary: the outside world's ids against dense codes 0..n-1, and back."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from recsmith.errors import InvalidValue, ModelFileError

# What polars' cast takes too, so that few ids and many are read alike; int() would take "5_0" and " 50 ".
_INTEGER = re.compile(r"[+-]?[0-9]{1,19}")
_SMALL = 4096  # below this a dictionary is faster than a join


class Vocabulary:
    """Maps ids (all integers or all strings) to codes 0..n-1 in a fixed order.

    Integer ids also answer to their spelling ("50" for 50), string ids to the integer that spells
    them, so that a caller need not know which kind a log used.
    """

    def __init__(self, ids: pl.Series | Sequence[Any] | np.ndarray) -> None:
        series = ids if isinstance(ids, pl.Series) else pl.Series("id", ids, strict=True)
        self._ids = _as_ids(series).alias("id")
        if self._ids.n_unique() != len(self._ids):
            raise InvalidValue("Vocabulary ids", "unique", self._ids.filter(self._ids.is_duplicated())[0])

    @classmethod
    def from_column(cls, column: pl.Series) -> Vocabulary:
        """Returns the vocabulary of a column's distinct values, sorted, so that file order is no matter."""
        return cls(_as_ids(column).unique().sort())

    @property
    def ids(self) -> pl.Series:
        """The ids in code order (Int64 or String)."""
        return self._ids

    @property
    def is_integer(self) -> bool:
        """True when ids are integers."""
        return self._ids.dtype == pl.Int64

    def __len__(self) -> int:
        return len(self._ids)

    def __contains__(self, one_id: object) -> bool:
        return int(self.encode([one_id])[0]) >= 0

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Vocabulary) and self._ids.equals(other._ids)

    def __hash__(self) -> int:
        return hash((len(self), str(self._ids.dtype)))

    def __repr__(self) -> str:
        return f"Vocabulary({len(self)} {'integer' if self.is_integer else 'string'} ids)"

    @cached_property
    def _code_of(self) -> dict[Any, int]:
        return {one_id: code for code, one_id in enumerate(self._ids.to_list())}

    @cached_property
    def _table(self) -> pl.DataFrame:
        return pl.DataFrame({"id": self._ids, "code": np.arange(len(self), dtype=np.int32)})

    def encode(self, ids: pl.Series | np.ndarray | Iterable[Any]) -> np.ndarray:
        """Returns the int32 code of each id, -1 for an id that is not in the vocabulary."""
        series = ids if isinstance(ids, pl.Series) else None
        if series is None:
            if isinstance(ids, np.ndarray) and len(ids) > _SMALL:
                series = pl.Series("id", ids)
            else:
                key = self._key
                return np.fromiter((self._code_of.get(key(x), -1) for x in ids), dtype=np.int32)
        target = pl.Int64 if self.is_integer else pl.String
        if series.dtype != target:
            series = series.cast(target, strict=False)
        codes = pl.DataFrame({"id": series}).join(self._table, on="id", how="left", maintain_order="left")
        return codes["code"].fill_null(-1).to_numpy()

    def _key(self, one_id: object) -> object:
        """Spells an id the way this vocabulary does; what cannot be spelt so is not in it."""
        if self.is_integer:
            if isinstance(one_id, (int, np.integer)) and not isinstance(one_id, bool):
                return int(one_id)
            text = str(one_id)
            return int(text) if _INTEGER.fullmatch(text) else None
        return str(one_id)

    def decode(self, codes: np.ndarray | Sequence[int]) -> list[Any]:
        """Returns the ids of codes; every code must be in 0..n-1."""
        return self._ids.gather(np.asarray(codes, dtype=np.int64)).to_list()

    def extend(self, ids: pl.Series | Iterable[Any]) -> Vocabulary:
        """Returns a vocabulary with the new ids after the old ones; old codes keep their meaning."""
        series = _as_ids(ids if isinstance(ids, pl.Series) else pl.Series("id", list(ids)))
        new = series.filter(pl.Series(self.encode(series) < 0)).unique().sort()
        return Vocabulary(pl.concat([self._ids, new.cast(self._ids.dtype).alias("id")]))

    def save(self, path: Path | str) -> None:
        """Writes the ids in code order as a one-column Parquet file."""
        pl.DataFrame({"id": self._ids}).write_parquet(path)

    @classmethod
    def load(cls, path: Path | str) -> Vocabulary:
        """Reads what `save` wrote."""
        try:
            return cls(pl.read_parquet(path)["id"])
        except pl.exceptions.PolarsError as error:
            raise ModelFileError(f"{path} must be a vocabulary file. Got: {error}") from error


def _as_ids(series: pl.Series) -> pl.Series:
    if series.dtype.is_integer():
        plain = series.cast(pl.Int64)
    elif series.dtype in (pl.String, pl.Categorical) or isinstance(series.dtype, pl.Enum):
        plain = series.cast(pl.String)
    elif series.dtype == pl.Null and len(series) == 0:
        plain = series.cast(pl.Int64)
    else:
        raise InvalidValue("ids", "integers or strings", str(series.dtype))
    if plain.null_count():
        raise InvalidValue("ids", "present in every row", None, f"{plain.null_count()} are empty.")
    return plain
