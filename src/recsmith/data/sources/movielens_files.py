"""The side files of MovieLens: movies, tags and people, in the three forms in which they were published."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from recsmith.data.sources.tables import read_columns

ITEM_FEATURES = ("title", "genres", "year", "tags")
USER_FEATURES = ("gender", "age", "occupation", "zip_code")

_NO_GENRE = "(no genres listed)"
_YEAR = r"\((\d{4})[^()]*\)\s*$"

# The codes of MovieLens 1M, as its README explains them.
_AGES = {
    "1": "under 18",
    "18": "18-24",
    "25": "25-34",
    "35": "35-44",
    "45": "45-49",
    "50": "50-55",
    "56": "56 and over",
}
_OCCUPATIONS = (
    "other", "educator", "artist", "clerical", "student", "customer service", "healthcare", "executive",
    "farmer", "homemaker", "student (K-12)", "lawyer", "programmer", "retired", "sales", "scientist",
    "self-employed", "engineer", "craftsman", "unemployed", "writer",
)  # fmt: skip


def unnamed(n: int) -> tuple[str, ...]:
    """Returns the names of the columns of a file without a header."""
    return tuple(f"column_{number}" for number in range(1, n + 1))


def read_items(folder: Path) -> pl.DataFrame | None:
    """Returns item_id, title, genres (list), year, and tags (list) where the folder says them."""
    movies = _movies(folder)
    if movies is None:
        return None
    tags = _tags(folder)
    joined = movies if tags is None else movies.join(tags, on="item_id", how="left", maintain_order="left")
    year = pl.col("title").str.extract(_YEAR).cast(pl.Float64)
    return joined.with_columns(year=year)


def read_users(folder: Path) -> pl.DataFrame | None:
    """Returns user_id and who the person is; only 100K (age in years) and 1M (age in groups) say it."""
    if (folder / "u.user").is_file():
        raw = read_columns(folder / "u.user", format="csv", separator="|", header=False, quote="")
        table = raw.with_columns(pl.col("column_2").cast(pl.Float64))
        age, gender, occupation = "column_2", "column_3", "column_4"
    elif (folder / "users.dat").is_file():
        raw = read_columns(folder / "users.dat", format="csv", separator="::", header=False, quote="")
        table = raw.with_columns(
            pl.col("column_3").replace(_AGES),
            pl.col("column_4").replace({str(code): name for code, name in enumerate(_OCCUPATIONS)}),
        )
        age, gender, occupation = "column_3", "column_2", "column_4"
    else:
        return None
    return table.select(
        user_id="column_1", gender=gender, age=age, occupation=occupation, zip_code="column_5"
    )


def _movies(folder: Path) -> pl.DataFrame | None:
    if (folder / "movies.csv").is_file():
        table = read_columns(folder / "movies.csv", separator=",")
        return table.select(item_id="movieId", title="title", genres=_genres("genres"))
    if (folder / "movies.dat").is_file():
        table = read_columns(folder / "movies.dat", format="csv", separator="::", header=False, quote="")
        return table.select(item_id="column_1", title="column_2", genres=_genres("column_3"))
    if (folder / "u.item").is_file():
        return _movies_of_100k(folder)
    return None


def _genres(column: str) -> pl.Expr:
    return pl.col(column).replace(_NO_GENRE, "").fill_null("").str.split("|")


def _movies_of_100k(folder: Path) -> pl.DataFrame:
    """Reads u.item, where each genre is a column of 0 and 1 named by u.genre."""
    table = read_columns(folder / "u.item", format="csv", separator="|", header=False, quote="")
    genres = read_columns(folder / "u.genre", format="csv", separator="|", header=False, quote="")
    first = 6  # after id, title, two dates and an address
    flags = [
        pl.when(pl.col(f"column_{first + int(place)}") == "1").then(pl.lit(name))
        for name, place in genres.iter_rows()
        if name != "unknown"
    ]
    return table.select(item_id="column_1", title="column_2", genres=pl.concat_list(flags).list.drop_nulls())


def _tags(folder: Path) -> pl.DataFrame | None:
    """Returns each item's tags in lower case, those given most often first."""
    if (folder / "tags.csv").is_file():
        table = read_columns(folder / "tags.csv", separator=",").select(item_id="movieId", tag="tag")
    elif (folder / "tags.dat").is_file():
        raw = read_columns(folder / "tags.dat", format="csv", separator="::", header=False, quote="")
        table = raw.select(item_id="column_2", tag="column_3")
    else:
        return None
    tags = table.with_columns(pl.col("tag").str.strip_chars().str.to_lowercase()).drop_nulls()
    counted = tags.group_by("item_id", "tag").len()
    ordered = counted.sort("item_id", "len", "tag", descending=[False, True, False])
    return ordered.group_by("item_id", maintain_order=True).agg(tags=pl.col("tag"))
