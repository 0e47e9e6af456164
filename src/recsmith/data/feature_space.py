"""FeatureSpace: columns of any kind as integer codes and scaled numbers, learnt once, kept with a model."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

import numpy as np
import polars as pl

from recsmith.data.dataset import Feature, FeatureKind
from recsmith.errors import InvalidValue, nearest

TextReading = Literal["words", "hashed", "tfidf"]
"""How words enter: each known one alike; in slots that hashes share; each by its rarity."""
_WORD = r"[\p{L}\p{N}]{2,}"
_FAR = 10.0  # deviations: what lies farther out than this is an error or soon will be one
_HOUR, _DAY = 3_600_000, 86_400_000  # milliseconds


@dataclass(frozen=True)
class Encoded:
    """Holds one feature of n rows.

    `codes` int32 [n, M]: 0 is padding or unknown; M is 1 but for features of several values. `value`
    float32 [n], scaled to mean 0 and deviation 1 (0 where empty), for numbers and times only.
    """

    codes: np.ndarray
    value: np.ndarray | None = None

    def take(self, rows: np.ndarray) -> Encoded:
        """Returns the rows of an index."""
        return Encoded(self.codes[rows], None if self.value is None else self.value[rows])


@dataclass(frozen=True)
class Column:
    """Says how one feature is read: what was learnt of it on the training data.

    `tokens` are the known values of categories, lists and words, in code order from 1; `cuts` are the inner
    bucket borders of numbers and times; `length` is M. `n_codes` counts code 0 too. A text with `hashes` has
    no tokens: the CRC-32 of a word says which of so many codes it has. With `idf`, one for each token, words
    weigh what their rarity says.
    """

    name: str
    kind: FeatureKind
    tokens: tuple[str, ...] = ()
    cuts: tuple[float, ...] = ()
    mean: float = 0.0
    deviation: float = 1.0
    length: int = 1
    hashes: int = 0
    idf: tuple[float, ...] = ()

    @property
    def n_codes(self) -> int:
        """The number of codes, 0 (unknown) among them."""
        if self.has_value:
            return len(self.cuts) + 2
        return (self.hashes or len(self.tokens)) + 1

    @property
    def has_value(self) -> bool:
        """True for numbers and times."""
        return self.kind in ("number", "time")

    def encode(self, cells: pl.Series) -> Encoded:
        """Returns the codes, and the scaled number where there is one, of each cell."""
        if self.has_value:
            number_n = _numbers(cells)
            known = np.isfinite(number_n)
            bucket_n = np.searchsorted(np.array(self.cuts), np.where(known, number_n, 0.0), side="right") + 1
            scaled_n = np.clip(np.where(known, (number_n - self.mean) / self.deviation, 0.0), -_FAR, _FAR)
            return Encoded(
                np.where(known, bucket_n, 0).astype(np.int32)[:, None], scaled_n.astype(np.float32)
            )
        lists = _lists(cells, self.kind).list.head(self.length)
        rows = pl.DataFrame({"row": np.arange(len(cells)), "token": lists}).explode("token").drop_nulls()
        coded = rows.join(self._known(rows["token"]), on="token", how="inner", maintain_order="left")
        row_n, code_n = coded["row"].to_numpy(), coded["code"].to_numpy()
        codes = np.zeros((len(cells), self.length), np.int32)
        first_n = np.searchsorted(row_n, row_n, side="left")
        codes[row_n, np.arange(len(row_n)) - first_n] = code_n
        return Encoded(codes)

    def _known(self, found: pl.Series) -> pl.DataFrame:
        """Returns the code of each known token; of those found where hashes tell."""
        if self.hashes:
            words = found.cast(pl.String).unique().to_list()
            codes = np.array([1 + zlib.crc32(word.encode()) % self.hashes for word in words], np.int32)
            return pl.DataFrame({"token": pl.Series(words, dtype=pl.String), "code": codes})
        codes = np.arange(1, len(self.tokens) + 1, dtype=np.int32)
        return pl.DataFrame({"token": pl.Series(self.tokens, dtype=pl.String), "code": codes})


@dataclass(frozen=True)
class FeatureSpace:
    """Holds the columns of one side (items, users, requests), in the order asked for."""

    columns: tuple[Column, ...]

    @classmethod
    def fit(
        cls,
        table: pl.DataFrame,
        features: Sequence[Feature],
        *,
        n_buckets: int = 20,
        max_tokens: int = 10_000,
        max_length: int = 16,
        text: TextReading = "words",
        n_hashes: int = 4096,
        text_length: int | None = None,
    ) -> FeatureSpace:
        """Learns tokens, bucket borders and scales from a table; unknown values get code 0 later.

        Tokens are kept by frequency, at most `max_tokens`; lists are cut at `max_length`, texts at
        `text_length` words (`max_length` when not given).
        """
        columns = []
        for feature in features:
            if feature.name not in table.columns:
                cure = nearest(feature.name, table.columns) or f"There are: {', '.join(table.columns)}."
                raise InvalidValue("features", "columns of the data", feature.name, cure)
            cells = table[feature.name]
            if feature.kind in ("number", "time"):
                columns.append(_fit_number(feature, cells, n_buckets))
            elif feature.kind == "text":
                known = _fit_tokens(feature, cells, max_tokens, text_length or max_length)
                columns.append(_read_as(text, known, cells, n_hashes))
            else:
                columns.append(_fit_tokens(feature, cells, max_tokens, max_length))
        return cls(tuple(columns))

    def encode(self, table: pl.DataFrame) -> dict[str, Encoded]:
        """Returns each column of a table, by name; a column that the table lacks is all unknown."""
        empty = pl.Series([None] * len(table), dtype=pl.Null)
        return {
            column.name: column.encode(table[column.name] if column.name in table.columns else empty)
            for column in self.columns
        }

    def to_dict(self) -> dict[str, Any]:
        """Returns plain values for JSON; what a column has not is left out."""
        return {
            "columns": [
                {k: v for k, v in asdict(column).items() if v or k not in ("hashes", "idf")}
                for column in self.columns
            ]
        }

    @classmethod
    def of_dict(cls, described: Mapping[str, Any]) -> FeatureSpace:
        """Reads what `to_dict` wrote."""

        def read(column: Mapping[str, Any]) -> Column:
            return Column(**{**column, **{k: tuple(column.get(k, ())) for k in ("tokens", "cuts", "idf")}})

        return cls(tuple(read(column) for column in described["columns"]))


def time_parts(time: np.ndarray) -> pl.DataFrame:
    """Returns what a request's or an event's time (int64 ms, UTC) says: instant, hour_of_day, day_of_week."""
    hours = (time // _HOUR) % 24
    days = (time // _DAY + 3) % 7  # 1970-01-01 was a Thursday; 0 is Monday
    return pl.DataFrame(
        {
            "instant": pl.Series(time).cast(pl.Datetime("ms")),
            "hour_of_day": pl.Series(hours).cast(pl.String),
            "day_of_week": pl.Series(days).cast(pl.String),
        }
    )


TIME_PARTS = (
    Feature("instant", "time"),
    Feature("hour_of_day", "categorical"),
    Feature("day_of_week", "categorical"),
)


def _fit_number(feature: Feature, cells: pl.Series, n_buckets: int) -> Column:
    number_n = _numbers(cells)
    known = number_n[np.isfinite(number_n)]
    if not len(known):
        return Column(feature.name, feature.kind)
    cuts = np.unique(np.quantile(known, np.arange(1, n_buckets) / n_buckets))
    deviation = float(known.std()) or 1.0
    return Column(
        feature.name, feature.kind, cuts=tuple(cuts.tolist()), mean=float(known.mean()), deviation=deviation
    )


def _fit_tokens(feature: Feature, cells: pl.Series, max_tokens: int, max_length: int) -> Column:
    lists = _lists(cells, feature.kind)
    exploded = lists.explode().drop_nulls().alias("token").to_frame()
    counts = exploded.group_by("token").len().sort(["len", "token"], descending=[True, False])
    longest = int(lists.list.len().max() or 1)  # type: ignore[arg-type]
    tokens = tuple(counts["token"].head(max_tokens).to_list())
    return Column(feature.name, feature.kind, tokens=tokens, length=max(1, min(longest, max_length)))


def _read_as(text: TextReading, known: Column, cells: pl.Series, n_hashes: int) -> Column:
    """Returns the column of a text as it is to be read; idf = ln((1 + texts) / (1 + those with it)) + 1."""
    if text == "hashed":
        return replace(known, tokens=(), hashes=n_hashes)
    if text == "words":
        return known
    texts = _lists(cells, "text").list.head(known.length)
    n_texts = int((texts.list.len() > 0).sum())
    holds = texts.list.unique().explode().drop_nulls().alias("token").to_frame().group_by("token").len()
    count = dict(zip(holds["token"].to_list(), holds["len"].to_list(), strict=True))
    rarity = [float(np.log((1 + n_texts) / (1 + count.get(word, 0)))) + 1 for word in known.tokens]
    return replace(known, idf=tuple(rarity))


def _lists(cells: pl.Series, kind: FeatureKind) -> pl.Series:
    """Returns each cell as a list of strings, empty where the cell is."""
    if kind == "text":
        words = cells.cast(pl.String).str.to_lowercase().str.extract_all(_WORD)
        return words.fill_null([])
    if isinstance(cells.dtype, pl.List):
        return cells.cast(pl.List(pl.String)).fill_null([])
    text = cells.cast(pl.String)
    return (
        text.to_frame("x")
        .select(
            pl.when(pl.col("x").is_null() | (pl.col("x") == ""))
            .then(pl.lit([], dtype=pl.List(pl.String)))
            .otherwise(pl.concat_list("x"))
        )
        .to_series()
    )


def _numbers(cells: pl.Series) -> np.ndarray:
    """Returns float64 [n], NaN where empty."""
    plain = cells.dt.epoch("ms") if cells.dtype.is_temporal() else cells
    return plain.cast(pl.Float64, strict=False).fill_null(float("nan")).to_numpy()
