"""`[data]` of a recipe: where the log comes from, what is known of its items and people, what is kept."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from recsmith.config.base import Config

Duplicates = Literal["keep_last", "keep_first", "sum", "error", "keep_all"]
FeatureKind = Literal["categorical", "multi", "text", "number", "time"]


class FilterRecipe(Config):
    """`[data.filter]`: which interactions are kept; each rule that is not set does nothing."""

    min_rating: float | None = None
    """Keeps interactions with at least this weight."""
    since: str | None = None
    """Keeps interactions from this date on (ISO 8601, UTC)."""
    until: str | None = None
    """Keeps interactions before this date (ISO 8601, UTC)."""
    min_user_interactions: int | None = Field(default=None, ge=1)
    """Keeps users with at least this many interactions (one pass)."""
    min_item_interactions: int | None = Field(default=None, ge=1)
    """Keeps items with at least this many interactions (one pass)."""
    k_core: int | None = Field(default=None, ge=1)
    """Repeats both until every user and every item has at least this many."""


class SideTable(Config):
    """`[data.items]` or `[data.users]`: a table about the items or the users, joined by id."""

    path: str
    """CSV, TSV, Parquet or JSON lines."""
    id: str
    """The column that holds the id."""
    title: str | None = None
    """The column people know an item by."""
    features: dict[str, FeatureKind] = Field(default_factory=dict)
    """Column name to kind of feature."""
    separator: str | None = None
    """Between columns; found out from the file when not given."""
    multi_separator: str = "|"
    """Between the values of one `multi` feature."""
    encoding: str = "utf-8"
    """Of the file."""


class _Source(Config):
    """What every source has."""

    name: str | None = None
    """For the report; the source's own name when not given."""
    feedback: Literal["ratings", "implicit"] | None = None
    """What a weight means; found out from the data when not given."""
    filter: FilterRecipe = Field(default_factory=FilterRecipe)
    items: SideTable | None = None
    users: SideTable | None = None


class MovieLensSource(_Source):
    """`source = "movielens"`."""

    source: Literal["movielens"] = "movielens"
    size: str = "latest-small"
    """`latest-small` is bundled; 100k, 1m, 10m, 20m, 25m, 32m are downloaded or read from `path`."""
    path: str | None = None
    """A folder (or zip) with the files as GroupLens publishes them."""


class _Columns(_Source):
    """What every source with named columns has."""

    user: str | None = None
    """The column with the user's id; found by its usual names when not given (user_id, userId, …)."""
    item: str | None = None
    """The column with the item's id; found by its usual names when not given."""
    time: str | None = None
    """The column with the time; found by its usual names when not given."""
    time_unit: Literal["auto", "s", "ms", "us", "ns"] = "auto"
    """Of times that are numbers."""
    time_format: str | None = None
    """A strftime format for times that are text in an unusual form."""
    duplicates: Duplicates = "keep_last"
    """What is done with a second event of the same user and item."""
    on_bad_rows: Literal["error", "quarantine"] = "error"
    """Whether a bad row stops the reading or is set aside into a file."""
    quarantine: str | None = None
    """The file for bad rows; beside the data when not given."""


class _Files(Config):
    """What a source made of files has."""

    path: str | list[str]
    """A file, several, or a glob."""
    format: Literal["csv", "tsv", "parquet", "jsonl"] | None = None
    """By the file's ending when not given."""
    separator: str | None = None
    """Between columns, `::` too; found out when not given."""
    header: bool = True
    """Whether the first line names the columns; without one they are column_1, column_2, …"""
    encoding: str = "utf-8"
    quote: str = '"'
    """Around fields with a separator in them; "" when quotation marks are plain text."""


class TableSource(_Columns, _Files):
    """`source = "table"`: CSV, TSV, Parquet or JSON lines."""

    source: Literal["table"] = "table"
    weight: str | None = None
    """The column with the rating or the count; found by its usual names when not given."""


class SqlSource(_Columns):
    """`source = "sql"`: a query through a connection URL."""

    source: Literal["sql"] = "sql"
    url: str
    """As SQLAlchemy writes it: `sqlite:///shop.db`."""
    query: str
    weight: str | None = None
    """The column with the rating or the count; found by its usual names when not given."""


class EventsSource(_Columns, _Files):
    """`source = "events"`: an event log with a weight per event type."""

    source: Literal["events"] = "events"
    event: str = "event"
    """The column with the event's type."""
    weights: dict[str, float]
    """Event type to weight; a type that is not named here is a bad row."""
    duplicates: Duplicates = "sum"


DataRecipe = Annotated[
    MovieLensSource | TableSource | SqlSource | EventsSource, Field(discriminator="source")
]

SOURCES: dict[str, type[Config]] = {
    "movielens": MovieLensSource,
    "table": TableSource,
    "sql": SqlSource,
    "events": EventsSource,
}
