"""Adds new events to what a model remembers: old codes keep their meaning, new ids come after."""

from __future__ import annotations

import numpy as np
import polars as pl

from recsmith.data import Dataset, Interactions, Vocabulary
from recsmith.data.recode import recode
from recsmith.errors import InvalidValue
from recsmith.models.memory import Memory


def grown(memory: Memory, data: Dataset) -> Dataset:
    """Returns the remembered log and the new one as one data set, in vocabularies that extend the old.

    Events are in (user, time) order; without times the new ones come last. What the new tables say of an item
    or user that was known already is left as it was. Raises `InvalidValue` when only one log has times.
    """
    users = memory.users.extend(data.users.ids)
    items = memory.items.extend(data.items.ids)
    old = _remembered(memory)
    new = recode(data, users=users, items=items).interactions
    if (old.time is None) != (new.time is None):
        raise InvalidValue("new data", "with times, as the old, or both without", data.name)
    both_times = None if old.time is None or new.time is None else np.concatenate([old.time, new.time])
    events = Interactions.from_arrays(
        np.concatenate([old.user, new.user]),
        np.concatenate([old.item, new.item]),
        np.concatenate([old.weight, new.weight]),
        both_times,
    )
    return Dataset(
        events,
        users,
        items,
        item_table=_longer(memory.catalogue, data.item_table, items, "item_id"),
        user_table=_longer(memory.people, data.user_table, users, "user_id"),
        feedback=memory.feedback,
        name=data.name,
    )


def _remembered(memory: Memory) -> Interactions:
    histories = memory.histories
    user = np.repeat(np.arange(len(histories), dtype=np.int32), histories.lengths)
    return Interactions(user, histories.item, histories.weight, histories.time)


def _longer(
    old: pl.DataFrame, new: pl.DataFrame | None, vocabulary: Vocabulary, id_column: str
) -> pl.DataFrame:
    """Returns the old rows, then a row for each id that is new, empty where the new table says nothing."""
    ids = pl.DataFrame({id_column: vocabulary.ids[len(old) :].cast(old.schema[id_column])})
    if new is not None:
        shared = [name for name in new.columns if name in old.columns and name != id_column]
        told = new.select(pl.col(id_column).cast(old.schema[id_column]), *shared)
        ids = ids.join(told, on=id_column, how="left", maintain_order="left")
    return pl.concat([old, ids], how="diagonal_relaxed")
