"""Finds the item a person means by a title: any case, with or without the year, "The" in front or behind."""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import Any

from recsmith.errors import InvalidValue, UnknownId

ID_PREFIX = "id:"
N_SUGGESTIONS = 3
LOWEST_LIKENESS = 60.0

_YEAR = re.compile(r"\s*\((\d{4})(?:[-–]\d{0,4})?\)\s*$")
_ALSO = re.compile(r"\(([^()]*)\)")
_ARTICLE = re.compile(
    r"^(.*), (the|a|an|la|le|les|l'|el|los|las|il|lo|der|die|das|den|det|en|et|o|os|as|un|une|una)$"
)


class Titles:
    """Looks items up by what people call them."""

    def __init__(self, item_ids: Sequence[Any], *, titles: Sequence[str | None]) -> None:
        self._title = {
            item_id: title or str(item_id) for item_id, title in zip(item_ids, titles, strict=True)
        }

    @cached_property
    def _by_text(self) -> dict[str, Any]:
        return {str(item_id): item_id for item_id in self._title}

    @cached_property
    def _named(self) -> dict[str, list[tuple[Any, str]]]:
        """Name to the items called so and their years; made when somebody first asks for a title."""
        named: dict[str, list[tuple[Any, str]]] = defaultdict(list)
        for item_id, title in self._title.items():
            names, year = _names(title)
            for name in names:
                named[name].append((item_id, year))
        return dict(named)

    def title(self, item_id: Any) -> str:
        """Returns what people call the item; its id when it has no title."""
        return self._title.get(item_id, str(item_id))

    def find(self, wanted: str) -> Any:
        """Returns the id of the item called so; `id:50` names one by its id.

        Raises `UnknownId` with the nearest titles when none is called so, and `InvalidValue` with
        the list when several are.
        """
        if wanted.startswith(ID_PREFIX):
            return self._with_id(wanted.removeprefix(ID_PREFIX).strip(), wanted)
        names, year = _names(wanted)
        found = _unique(
            item_id
            for name in names
            for item_id, its_year in self._named.get(name, [])
            if year in ("", its_year)
        )
        if len(found) == 1:
            return found[0]
        if found:
            listed = "; ".join(f"{self.title(one)} ({ID_PREFIX}{one})" for one in found[:8])
            raise InvalidValue("title", "the name of one item", wanted, f"Say which: {listed}.")
        near = self.suggest(wanted)
        cure = f"Did you mean {_or(near)}?" if near else ""
        raise UnknownId("title", [wanted], cure)

    def suggest(self, wanted: str) -> list[str]:
        """Returns up to three titles that are spelt nearly so, nearest first."""
        from rapidfuzz import fuzz, process

        names, _ = _names(wanted)
        near = process.extract(
            names[0], list(self._named), scorer=fuzz.WRatio, limit=20, score_cutoff=LOWEST_LIKENESS
        )
        # WRatio forgives a name inside a longer one; a plain ratio then puts the same length first.
        ordered = sorted(near, key=lambda hit: (-fuzz.ratio(names[0], hit[0]), hit[0]))
        ids = _unique(item_id for name, _, _ in ordered for item_id, _ in self._named[name])
        return [self.title(item_id) for item_id in ids[:N_SUGGESTIONS]]

    def _with_id(self, text: str, wanted: str) -> Any:
        if text not in self._by_text:
            raise UnknownId("item", [wanted], 'Titles work too: --likes "Toy Story (1995)".')
        return self._by_text[text]


def _names(title: str) -> tuple[list[str], str]:
    """Returns the ways one may write a title, the fullest first, and its year or ''."""
    year_at = _YEAR.search(title)
    year = year_at.group(1) if year_at else ""
    bare = title[: year_at.start()] if year_at else title
    also = [re.sub(r"^a\.?k\.?a\.?\s+", "", part, flags=re.IGNORECASE) for part in _ALSO.findall(bare)]
    main = _ALSO.sub("", bare)
    return _unique(name for name in map(_plain, [main, *also, bare]) if name) or [title.casefold()], year


def _plain(name: str) -> str:
    folded = " ".join(name.casefold().split())
    turned = _ARTICLE.sub(r"\2 \1", folded)
    letters = unicodedata.normalize("NFKD", turned.replace("&", " and "))
    kept = "".join(
        c if c.isalnum() else "" if c in "'’" or unicodedata.combining(c) else " " for c in letters
    )
    return " ".join(kept.split())


def _unique(values: Iterable[Any]) -> list[Any]:
    return list(dict.fromkeys(values))


def _or(names: Sequence[str]) -> str:
    quoted = [f'"{name}"' for name in names]
    return quoted[0] if len(quoted) == 1 else ", ".join(quoted[:-1]) + f" or {quoted[-1]}"
