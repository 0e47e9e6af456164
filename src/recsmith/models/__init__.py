"""Every model, by the name its paper or tradition gives it; each is imported when first asked for."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from recsmith.errors import MissingExtra
from recsmith.models.base import Recommender, load
from recsmith.models.capabilities import (
    Explains,
    HasVectors,
    PredictsRatings,
    SimilarItems,
    VectorsOfNewItems,
)

if TYPE_CHECKING:
    from recsmith.models.baseline.popular import Popular
    from recsmith.models.content.tfidf import TfIdfContent
    from recsmith.models.factorization.bpr import BPR
    from recsmith.models.factorization.ease import EASE
    from recsmith.models.factorization.factorization_machine import FactorizationMachine
    from recsmith.models.factorization.funk_svd import FunkSVD
    from recsmith.models.factorization.gfcf import GFCF
    from recsmith.models.factorization.ials import IALS
    from recsmith.models.factorization.pure_svd import PureSVD
    from recsmith.models.factorization.slim import SLIM
    from recsmith.models.factorization.svdpp import SVDpp
    from recsmith.models.neighbourhood.item_knn import ItemKNN
    from recsmith.models.neighbourhood.rp3beta import RP3beta
    from recsmith.models.neighbourhood.user_knn import UserKNN
    from recsmith.models.neural.caser import Caser
    from recsmith.models.neural.dcn import DCN
    from recsmith.models.neural.deep_fm import DeepFM
    from recsmith.models.neural.dnn import DNN
    from recsmith.models.neural.embedding_dot import EmbeddingDot, EmbeddingDotBias
    from recsmith.models.neural.embedding_net import EmbeddingNet
    from recsmith.models.neural.gru4rec import GRU4Rec
    from recsmith.models.neural.many_tasks import PLE, MMoE
    from recsmith.models.neural.multi_task import MultiTask
    from recsmith.models.neural.next_item import NextItem
    from recsmith.models.neural.sasrec import SASRec
    from recsmith.models.neural.two_tower import TwoTower
    from recsmith.models.pipeline.blend import Blend
    from recsmith.models.pipeline.two_stage import Pipeline

_ROOM = {
    "Popular": "baseline.popular",
    "TfIdfContent": "content.tfidf",
    "ItemKNN": "neighbourhood.item_knn",
    "UserKNN": "neighbourhood.user_knn",
    "RP3beta": "neighbourhood.rp3beta",
    "PureSVD": "factorization.pure_svd",
    "FunkSVD": "factorization.funk_svd",
    "SVDpp": "factorization.svdpp",
    "IALS": "factorization.ials",
    "BPR": "factorization.bpr",
    "EASE": "factorization.ease",
    "SLIM": "factorization.slim",
    "GFCF": "factorization.gfcf",
    "FactorizationMachine": "factorization.factorization_machine",
    "NextItem": "neural.next_item",
    "SASRec": "neural.sasrec",
    "GRU4Rec": "neural.gru4rec",
    "Caser": "neural.caser",
    "TwoTower": "neural.two_tower",
    "MultiTask": "neural.multi_task",
    "EmbeddingDot": "neural.embedding_dot",
    "EmbeddingDotBias": "neural.embedding_dot",
    "EmbeddingNet": "neural.embedding_net",
    "DNN": "neural.dnn",
    "DeepFM": "neural.deep_fm",
    "DCN": "neural.dcn",
    "MMoE": "neural.many_tasks",
    "PLE": "neural.many_tasks",
    "Pipeline": "pipeline.two_stage",
    "Blend": "pipeline.blend",
}
MODELS = tuple(_ROOM)
"""The names of all models, from counting to factors."""

__all__ = [
    "BPR",
    "DCN",
    "DNN",
    "EASE",
    "GFCF",
    "IALS",
    "MODELS",
    "PLE",
    "SLIM",
    "Blend",
    "Caser",
    "DeepFM",
    "EmbeddingDot",
    "EmbeddingDotBias",
    "EmbeddingNet",
    "Explains",
    "FactorizationMachine",
    "FunkSVD",
    "GRU4Rec",
    "HasVectors",
    "ItemKNN",
    "MMoE",
    "MultiTask",
    "NextItem",
    "Pipeline",
    "Popular",
    "PredictsRatings",
    "PureSVD",
    "RP3beta",
    "Recommender",
    "SASRec",
    "SVDpp",
    "SimilarItems",
    "TfIdfContent",
    "TwoTower",
    "UserKNN",
    "VectorsOfNewItems",
    "load",
]


def __getattr__(name: str) -> Any:
    if name not in _ROOM:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        room = importlib.import_module(f"{__name__}.{_ROOM[name]}")
    except ModuleNotFoundError as error:
        if error.name != "torch":
            raise
        raise MissingExtra("torch", "neural") from error
    return getattr(room, name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_ROOM})
