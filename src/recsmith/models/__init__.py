"""Every model, by the name its paper or tradition gives it; each is imported when first asked for."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from recsmith.models.base import Recommender, load
from recsmith.models.capabilities import Explains, HasVectors, PredictsRatings, SimilarItems

if TYPE_CHECKING:
    from recsmith.models.baseline.popular import Popular
    from recsmith.models.content.tfidf import TfIdfContent
    from recsmith.models.factorization.bpr import BPR
    from recsmith.models.factorization.ease import EASE
    from recsmith.models.factorization.funk_svd import FunkSVD
    from recsmith.models.factorization.ials import IALS
    from recsmith.models.factorization.pure_svd import PureSVD
    from recsmith.models.neighbourhood.item_knn import ItemKNN
    from recsmith.models.neighbourhood.user_knn import UserKNN

_ROOM = {
    "Popular": "baseline.popular",
    "TfIdfContent": "content.tfidf",
    "ItemKNN": "neighbourhood.item_knn",
    "UserKNN": "neighbourhood.user_knn",
    "PureSVD": "factorization.pure_svd",
    "FunkSVD": "factorization.funk_svd",
    "IALS": "factorization.ials",
    "BPR": "factorization.bpr",
    "EASE": "factorization.ease",
}
MODELS = tuple(_ROOM)
"""The names of all models, from counting to factors."""

__all__ = [
    "BPR",
    "EASE",
    "IALS",
    "MODELS",
    "Explains",
    "FunkSVD",
    "HasVectors",
    "ItemKNN",
    "Popular",
    "PredictsRatings",
    "PureSVD",
    "Recommender",
    "SimilarItems",
    "TfIdfContent",
    "UserKNN",
    "load",
]


def __getattr__(name: str) -> Any:
    if name not in _ROOM:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_ROOM[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_ROOM})
