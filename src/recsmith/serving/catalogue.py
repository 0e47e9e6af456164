"""Catalogue: every item that may be shown: the model's first, in code order, then those it never saw."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
from scipy import sparse

from recsmith.models.content.hashed import weighed_rows
from recsmith.models.memory import Memory
from recsmith.serving.records import Item
from recsmith.types import Id


@dataclass(frozen=True, eq=False)
class Catalogue:
    """Holds items by index; the first `n_model` indices are the model's item codes."""

    ids: tuple[Id, ...]
    items: tuple[Item, ...]
    n_model: int
    index: Mapping[str, int] = field(repr=False)
    version: int = 0

    @classmethod
    def of(cls, memory: Memory) -> Catalogue:
        """Returns what a model knows; the store's items come on top, by `changed`."""
        ids = memory.items.ids.to_list()
        columns = memory.catalogue.to_dict(as_series=False)
        others = [name for name in columns if name not in ("item_id", "title")]
        items = tuple(
            Item(str(item_id), str(title), {name: columns[name][row] for name in others})
            for row, (item_id, title) in enumerate(zip(ids, columns["title"], strict=True))
        )
        return cls(tuple(ids), items, len(ids), {str(item_id): row for row, item_id in enumerate(ids)})

    def changed(self, news: Iterable[Item]) -> Catalogue:
        """Returns the catalogue with items added, altered and deleted."""
        ids, items, index, version = list(self.ids), list(self.items), dict(self.index), self.version
        integers = bool(ids) and isinstance(ids[0], int)
        for item in news:
            version = max(version, item.version)
            place = index.get(item.item_id)
            if place is not None:
                items[place] = item
                continue
            index[item.item_id] = len(ids)
            ids.append(int(item.item_id) if integers and item.item_id.isdecimal() else item.item_id)
            items.append(item)
        return replace(self, ids=tuple(ids), items=tuple(items), index=index, version=version)

    def __len__(self) -> int:
        return len(self.ids)

    @cached_property
    def available(self) -> np.ndarray:
        """bool[n]: in stock and not deleted."""
        return np.fromiter((item.in_stock and not item.deleted for item in self.items), bool, len(self))

    @cached_property
    def created(self) -> np.ndarray:
        """int64[n]: milliseconds; 0 where nothing is known."""
        return np.fromiter((item.created for item in self.items), np.int64, len(self))

    @cached_property
    def categories(self) -> tuple[tuple[str, ...], ...]:
        """The categories of each item."""
        return tuple(item.categories for item in self.items)

    @cached_property
    def folded_titles(self) -> tuple[str, ...]:
        """Titles for a search that does not care about capitals."""
        return tuple(item.title.casefold() for item in self.items)

    @cached_property
    def members(self) -> Mapping[str, np.ndarray]:
        """Category → indices of its items, int32."""
        found: dict[str, list[int]] = {}
        for place, names in enumerate(self.categories):
            for name in names:
                found.setdefault(name, []).append(place)
        return {name: np.array(places, np.int32) for name, places in sorted(found.items())}

    @cached_property
    def words(self) -> sparse.csr_matrix:
        """Unit rows of hashed words of titles and metadata, [n, T]: how alike items are to read."""
        return weighed_rows([item.words for item in self.items])

    @cached_property
    def new_words(self) -> sparse.csr_matrix:
        """The rows of `words` of the items that the model never saw."""
        return self.words[self.n_model :]

    def search(self, words: str, popularity: np.ndarray, *, k: int) -> list[dict[str, Any]]:
        """Returns the items whose titles have all the words, those that begin so and the popular first."""
        wanted = words.casefold().split()
        if not wanted:
            return []
        found = [
            (
                not title.startswith(wanted[0]),
                -float(popularity[place]) if place < self.n_model else 0.0,
                place,
            )
            for place, title in enumerate(self.folded_titles)
            if all(word in title for word in wanted) and self.available[place]
        ]
        return [
            {
                "item_id": self.ids[place],
                "title": self.title(place),
                "categories": list(self.categories[place]),
            }
            for *_, place in sorted(found)[:k]
        ]

    def title(self, place: int) -> str:
        """Returns an item's title."""
        return self.items[place].title
