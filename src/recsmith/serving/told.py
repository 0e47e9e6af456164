"""Who asks and when, as a request or the store tells it, handed to models that read it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from recsmith.data import Histories
from recsmith.models.told import kept_features
from recsmith.serving.world import World


def as_asked(
    world: World, row: Histories, *, features: Mapping[str, Any] | None, time: int | None
) -> Histories:
    """Returns a stranger's row with the features and the time (ms) that a request tells.

    Raises `InvalidValue` where the model does not read them, and says what it reads.
    """
    told = [features] if features else None
    return world.model.telling(row, features=told, at=_moment(time))


def as_known(
    world: World, row: Histories, *, user_id: str, data: Mapping[str, Any], time: int | None
) -> Histories:
    """Returns a person's row with what training and the store know of them, where the model reads it.

    What the store has stands before what training had; a row of training (`user` ≥ 0) has the latter already.
    Facts that the model does not read, or of another kind, are left out: a store may know anything.
    """
    columns, at = world.model._person_columns(), _moment(time)
    kept = kept_features(columns, data) if columns and data else {}
    if not columns or (row.user[0] >= 0 and not kept):
        return row if at is None else world.model.telling(row, at=at)
    code = int(world.model.memory.users.encode([user_id])[0])
    learnt = {} if code < 0 else world.model.memory.people.row(code, named=True)
    told = {**kept_features(columns, learnt), **kept}
    return world.model.telling(row, features=[told] if told else None, at=at)


def _moment(time: int | None) -> datetime | None:
    return None if time is None else datetime.fromtimestamp(time / 1000, UTC)
