"""From `[data]` of a recipe to a data set: the source, then its side tables, then its filters."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

import polars as pl

from recsmith.config.data_recipe import (
    DataRecipe,
    EventsSource,
    FilterRecipe,
    MovieLensSource,
    SideTable,
    SqlSource,
)
from recsmith.config.recipe import Recipe
from recsmith.data import Dataset, Split, filters, given
from recsmith.data.features import add_item_table, add_user_table
from recsmith.data.sources.movielens import load_movielens, movielens_folds
from recsmith.data.sources.tables import read_columns
from recsmith.errors import InvalidValue, Shown, nearest

_NOT_FOR_THE_READER = {"source", "feedback", "filter", "items", "users"}


def load_data(recipe: DataRecipe) -> Dataset:
    """Reads what the recipe names, joins its side tables, and filters it."""
    data = _read(recipe)
    if recipe.feedback is not None and recipe.feedback != data.feedback:
        data = replace(data, feedback=recipe.feedback)
    if recipe.items is not None:
        table = recipe.items
        data = add_item_table(
            data,
            _table(table),
            id=table.id,
            title=table.title,
            features=table.features,
            multi_separator=table.multi_separator,
        )
    if recipe.users is not None:
        table = recipe.users
        data = add_user_table(
            data, _table(table), id=table.id, features=table.features, multi_separator=table.multi_separator
        )
    return _filtered(data, recipe)


def given_split(data: Dataset, recipe: Recipe) -> Split:
    """Returns the publisher's own split: `data` is for training, the test is read as it was."""
    source, settings = recipe.data, recipe.split.settings
    if isinstance(source, MovieLensSource):
        refuse_unknown("given", settings, ("fold",))
        fold = str(settings.get("fold", "u1"))
        folder = source.path or os.path.join(os.environ.get("RECSMITH_DATA", ""), "ml-100k")
        return movielens_folds(folder, folds=(fold,))[0]
    refuse_unknown("given", settings, ("test",))
    if isinstance(source, SqlSource) or "test" not in settings:
        raise InvalidValue(
            "split.test", "a file of the same form as data.path", settings.get("test", Shown("nothing"))
        )
    changes: dict[str, Any] = {"path": settings["test"], "filter": FilterRecipe()}
    if source.quarantine is not None:  # the train file's bad rows stay in theirs
        changes["quarantine"] = f"{source.quarantine}.test"
    test = load_data(source.model_copy(update=changes))
    return given(data, test, rule=f"Given: the test is {os.path.basename(str(settings['test']))}.")


def refuse_unknown(rule: str, settings: Mapping[str, Any], known: Iterable[str]) -> None:
    """Raises `InvalidValue` for a setting that a rule of splitting doesn't have."""
    names = list(known)
    for name in settings:
        if name not in names:
            cure = nearest(name, names) or f"Known: {', '.join(names) or 'none'}."
            raise InvalidValue(f"split.{name}", f"a setting of {rule}", settings[name], cure)


def _read(recipe: DataRecipe) -> Dataset:
    settings = {
        name: value
        for name, value in recipe.model_dump(exclude=_NOT_FOR_THE_READER).items()
        if value is not None
    }
    if isinstance(recipe, MovieLensSource):
        return load_movielens(settings.pop("size"), **settings)
    if isinstance(recipe, EventsSource):
        from recsmith.data.sources.events import read_events

        return read_events(settings.pop("path"), **settings)
    if isinstance(recipe, SqlSource):
        from recsmith.data.sources.sql import read_sql

        return read_sql(settings.pop("url"), **settings)
    from recsmith.data.sources.tables import read_table

    return read_table(settings.pop("path"), **settings)


def _filtered(data: Dataset, recipe: DataRecipe) -> Dataset:
    """Applies the rules in the order: weight, dates, one pass of counts, k-core."""
    wanted, kept = recipe.filter, data
    if wanted.min_rating is not None:
        kept = filters.min_rating(kept, rating=wanted.min_rating)
    if wanted.since is not None or wanted.until is not None:
        kept = filters.date_range(kept, since=wanted.since, until=wanted.until)
    if wanted.min_user_interactions is not None or wanted.min_item_interactions is not None:
        kept = filters.min_interactions(
            kept, per_user=wanted.min_user_interactions, per_item=wanted.min_item_interactions
        )
    return kept if wanted.k_core is None else filters.k_core(kept, k=wanted.k_core)


def _table(table: SideTable) -> pl.DataFrame:
    return read_columns(table.path, separator=table.separator, encoding=table.encoding)
