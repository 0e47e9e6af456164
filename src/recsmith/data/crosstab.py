"""Cross table: the most active users against the most taken items, as in fast.ai's course."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from recsmith.data.dataset import Dataset
from recsmith.errors import InvalidValue


@dataclass(frozen=True, eq=False)
class CrossTable:
    """Holds what the most active users gave the most taken items.

    `weight_UI` float32 [n_users, n_items] is NaN where they never met; `user_codes` and `item_codes` int32
    are in falling order of activity and popularity.
    """

    user_ids: tuple[Any, ...]
    item_ids: tuple[Any, ...]
    titles: tuple[str, ...]
    user_codes: np.ndarray
    item_codes: np.ndarray
    weight_UI: np.ndarray

    def to_dict(self) -> dict[str, Any]:
        """Returns plain values for JSON; None where user and item never met."""
        cells = [[None if np.isnan(cell) else float(cell) for cell in row] for row in self.weight_UI]
        return {
            "user_ids": list(self.user_ids),
            "item_ids": list(self.item_ids),
            "titles": list(self.titles),
            "weights": cells,
        }


def cross_table(data: Dataset, *, n_users: int = 15, n_items: int = 15) -> CrossTable:
    """Returns the table of the users and items with the most interactions; ties go to the lower code.

    Fewer rows or columns come back where there are fewer users or items with an interaction. Repeated events
    of a user and item show the last.
    """
    for name, value in (("n_users", n_users), ("n_items", n_items)):
        if value < 1:
            raise InvalidValue(name, "1 or more", value)
    events = data.interactions
    users = _most(np.bincount(events.user, minlength=data.n_users), n_users)
    items = _most(np.bincount(events.item, minlength=data.n_items), n_items)
    row_of, column_of = np.full(data.n_users, -1), np.full(data.n_items, -1)
    row_of[users], column_of[items] = np.arange(len(users)), np.arange(len(items))
    rows, columns = row_of[events.user], column_of[events.item]
    inside = (rows >= 0) & (columns >= 0)
    weight_UI = np.full((len(users), len(items)), np.nan, np.float32)
    # Events are in time order within a user, and NumPy assigns in order: the last event stands.
    weight_UI[rows[inside], columns[inside]] = events.weight[inside]
    titles = data.titles()
    return CrossTable(
        tuple(data.users.decode(users)),
        tuple(data.items.decode(items)),
        tuple(str(titles[int(code)]) for code in items),
        users.astype(np.int32),
        items.astype(np.int32),
        weight_UI,
    )


def _most(counts: np.ndarray, n: int) -> np.ndarray:
    """Returns the codes with the highest counts above 0, ties by lower code."""
    order = np.argsort(-counts, kind="stable")[:n]
    return order[counts[order] > 0]
